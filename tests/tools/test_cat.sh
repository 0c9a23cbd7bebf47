#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-labels: thread
# ctest-timeout: 180
#
# Three `gcs cat` with everything that can be in a line: their outputs are the
# same bytes, and those of the inputs. Then the options that say when to start
# and when to stop.
. "$(dirname "$0")/lib.sh"

letters() { # N of them on one line
    head -c "$1" /dev/zero | tr '\0' "$2"
    echo
}

# In each input: short lines, a line of NULs, empty lines, random bytes; in the first a long line.
{
    seq -f 'one %g' 3000
    letters 3000000 x
    echo "behind the long line"
} >"$tmp/in.1"
{
    seq -f 'two %g' 3000
    printf 'a\0b\0\0c\n\0\n\n\n'
    head -c 1000 /dev/zero
    printf '\r\n \t\n\377\376\n'
} >"$tmp/in.2"
{
    seq -f 'three %g' 3000
    head -c 300000 /dev/urandom
    echo
} >"$tmp/in.3"
cat "$tmp"/in.[123] | LC_ALL=C sort >"$tmp/all"
total=$(wc -l <"$tmp/all")
head -n 3000 "$tmp/in.2" >"$tmp/two.sent"

for service in agreed safe; do
    group=test-$$-$service
    start 1 --expect 3 --until-all --json --service $service --create
    start 2 --expect 3 --until-all --output "$tmp/file.2" --json --service $service --join
    start 3 --expect 3 --until-all --service $service --join
    for member in 1 2 3; do
        check "$service: member $member ends" ends $member 0
    done
    tail -n 1 "$tmp/out.1" >"$tmp/json.1"
    head -n -1 "$tmp/out.1" >"$tmp/lines.1"
    check "$service: 1 and 2 are the same" same "$tmp/lines.1" "$tmp/file.2"
    check "$service: 2 and 3 are the same" same "$tmp/file.2" "$tmp/out.3"
    LC_ALL=C sort "$tmp/out.3" >"$tmp/sorted"
    check "$service: they are the inputs" same "$tmp/all" "$tmp/sorted"
    grep -a '^two [0-9]*$' "$tmp/out.3" >"$tmp/two"
    check "$service: a sender's lines keep their order" same "$tmp/two.sent" "$tmp/two"
    check "$service: nothing was said" [ ! -s "$tmp/said.3" ]
    check "$service: counts in JSON" grep -q "\"sent\":3002,\"delivered\":$total," "$tmp/json.1"
    check "$service: JSON alone with --output" [ "$(lines "$tmp/out.2")" = 1 ]
    for json in "$tmp/json.1" "$tmp/out.2"; do
        check "$service: JSON has its form" grep -qE '^\{("[a-z_]+":("[^"]*"|[0-9.]+),)*"exit":0\}$' "$json"
        check "$service: bytes in JSON" grep -q "\"bytes_delivered\":$(wc -c <"$tmp/all")," "$json"
        ! command -v jq >/dev/null || check "$service: jq can read it" jq -e '.exit == 0' "$json" >"$tmp/jq"
    done
done

# fifo: each sender's lines in their order, nothing lost.
group=test-$$-fifo
start 1 --expect 3 --until-all --service fifo --create
start 2 --expect 3 --until-all --service fifo --join
start 3 --expect 3 --until-all --service fifo --join
for member in 1 2 3; do
    check "fifo: member $member ends" ends $member 0
    LC_ALL=C sort "$tmp/out.$member" >"$tmp/sorted"
    check "fifo: member $member has all lines" same "$tmp/all" "$tmp/sorted"
    grep -a '^two [0-9]*$' "$tmp/out.$member" >"$tmp/two"
    check "fifo: a sender's lines keep their order" same "$tmp/two.sent" "$tmp/two"
done

# Alone: founds the group, delivers to itself, leaves. A last line without newline stays so.
group=test-$$-alone
printf 'first\nlast' >"$tmp/in.1"
start 1
check "alone: ends" ends 1 0
check "alone: the same bytes" same "$tmp/in.1" "$tmp/out.1"
start 1 --json
check "alone, with JSON: ends" ends 1 0
check "alone: JSON on a line of its own" [ "$(sed -n 3p "$tmp/out.1" | cut -c 1-10)" = '{"group":"' ]
: >"$tmp/in.1"
start 1
check "nothing to say: ends" ends 1 0
check "nothing to say: nothing delivered" [ ! -s "$tmp/out.1" ]

# Without --until-all a member goes when its own lines are delivered; with it, it stays.
group=test-$$-stay
rm "$tmp/in.2"
mkfifo "$tmp/in.2"
echo "from one" >"$tmp/in.1"
start 1 --create --until-all --expect 2
start 2 --join --expect 2
exec 7>"$tmp/in.2"
check "stay: the line is there" eventually has_lines "$tmp/out.2" 1
sleep 0.5
check "stay: member 1 waits" runs 1
echo "from two" >&7
exec 7>&-
check "stay: member 2 ends" ends 2 0
check "stay: member 1 ends when member 2 has gone" ends 1 0
check "stay: all is delivered" same "$tmp/out.1" "$tmp/out.2"
rm "$tmp/in.2"

# --expect: nothing is read before the view is large enough. --pace: not faster than that.
group=test-$$-expect
seq 20 >"$tmp/in.1"
: >"$tmp/in.2"
start 1 --create --expect 2 --pace 10
sleep 1
check "expect: nothing yet" [ ! -s "$tmp/out.1" ]
begin=$(date +%s%N)
start 2 --join --until-all
check "pace: member 1 ends" ends 1 0
took=$((($(date +%s%N) - begin) / 1000000))
check "pace: 20 lines at 10 per second took $took ms" [ $took -ge 1700 ]
check "pace: member 2 ends" ends 2 0
check "pace: all is delivered" same "$tmp/in.1" "$tmp/out.2"
