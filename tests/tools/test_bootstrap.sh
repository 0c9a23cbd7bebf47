#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 120
#
# Members found a group by number: two of five wait, the third makes it a group, in one view; who
# is started again joins.
. "$(dirname "$0")/lib.sh"

for member in 1 2 3 4; do
    mkfifo "$tmp/in.$member"
done
exec 5<>"$tmp/in.1" 6<>"$tmp/in.2" 7<>"$tmp/in.3" 8<>"$tmp/in.4"
start 1 --bootstrap expect:5 --views
start 2 --bootstrap expect:5 --views
sleep 2
check "two of five found nothing" [ "$(cat "$tmp"/said.* | wc -l)" = 0 ]
start 3 --bootstrap expect:5 --views
for member in 1 2 3; do
    check "member $member: three are a majority" eventually said $member '^view 1\.[^:]*: 3 members'
done
start 4 --bootstrap expect:4 --views
check "who expects another number is refused" ends 4 3
check "and says so" grep -q "refused by the group" "$tmp/said.4"
kill -9 "${pids[3]}"
check "one dies" eventually said 1 '^view [^:]*: 2 members'
start 4 --bootstrap join --views
check "and joins when it is started again" eventually said 4 '^view [^:]*: 3 members'
echo "after the founding" >&5
for member in 1 2 4; do
    check "member $member hears it" eventually grep -qx "after the founding" "$tmp/out.$member"
done
kill -TERM "${pids[1]}" "${pids[2]}" "${pids[4]}"
for member in 1 2 4; do
    check "member $member ends" ends $member 0
done
