#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 240
#
# Members come, go and pause: an address is used again at once, a short pause
# costs nobody the membership, many who look for each other at the same time
# find one group, messages as large as can be pass through a group and through a
# lone member.
. "$(dirname "$0")/lib.sh"

# One stays; others join at one address, one after the other: each is somebody new.
mkfifo "$tmp/in.1"
exec 5<>"$tmp/in.1"
start 1 --create --views
for round in {1..8}; do
    seq -f "$round: %g" 10 >"$tmp/in.2"
    start 2 --join
    check "round $round: ends" ends 2 0
    check "round $round: has its lines" same "$tmp/in.2" "$tmp/out.2"
done
check "all lines are there" [ "$(lines "$tmp/out.1")" = 80 ]
check "each had its own views" eventually has_lines "$tmp/said.1" 17
check "nobody crashed" [ "$(grep -cE '\((crashed|unreachable)\)' "$tmp/said.1")" = 0 ]

# A pause of less than the time after which one is suspected, in the middle of a change of view.
mkfifo "$tmp/in.3" "$tmp/in.4"
rm "$tmp/in.2"
mkfifo "$tmp/in.2"
exec 6<>"$tmp/in.2" 7<>"$tmp/in.3" 8<>"$tmp/in.4"
start 2 --join --views
start 3 --join --views
start 4 --join --views
check "four members" eventually said 1 '^view [^:]*: 4 members'
kill -STOP "${pids[3]}"
kill -TERM "${pids[4]}"
sleep 0.2
kill -CONT "${pids[3]}"
check "pause: the one that leaves ends" ends 4 0
check "pause: the one that paused is a member" eventually said 3 '^view [^:]*: 3 members'
echo "after the pause" >&7
check "pause: it is heard" eventually grep -qx "after the pause" "$tmp/out.2"
kill -TERM "${pids[1]}" "${pids[2]}" "${pids[3]}"
for member in 1 2 3; do
    check "pause: member $member ends" ends $member 0
done
exec 5>&- 6>&- 7>&- 8>&-

# Ten who look at the same time.
group=test-$$-look
url=udp://127.0.0.1:$base-$((base + 19))
for member in {1..10}; do
    rm -f "$tmp/in.$member"
    seq -f "$member: %g" 200 >"$tmp/in.$member"
    start "$member" --expect 10 --until-all
done
for member in {1..10}; do
    check "look: member $member ends" ends "$member" 0
    check "look: member $member has what member 1 has" same "$tmp/out.1" "$tmp/out.$member"
done
check "look: that is everything" [ "$(lines "$tmp/out.1")" = 2000 ]

# The longest line that is allowed, three times, alone and among three.
for _ in 1 2 3; do
    head -c 16777214 /dev/zero | tr '\0' y
    echo
done >"$tmp/in.1"
group=test-$$-large
start 1 --create
check "large, alone: ends" ends 1 0
check "large, alone: the same bytes" same "$tmp/in.1" "$tmp/out.1"
echo short >"$tmp/in.2"
echo short >"$tmp/in.3"
start 1 --create --expect 3 --until-all
start 2 --join --expect 3 --until-all
start 3 --join --expect 3 --until-all
for member in 1 2 3; do
    check "large: member $member ends" ends $member 0
done
check "large: 1 and 2 are the same" same "$tmp/out.1" "$tmp/out.2"
check "large: 2 and 3 are the same" same "$tmp/out.2" "$tmp/out.3"
check "large: nothing is missing" [ "$(wc -c <"$tmp/out.1")" = $((3 * 16777215 + 12)) ]
