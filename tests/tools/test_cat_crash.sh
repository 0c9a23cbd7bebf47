#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-labels: thread
# ctest-timeout: 180
#
# kill -9 of one of four members in the middle of its lines: the survivors
# deliver the same, and with safe the killed member's whole lines are its beginning.
# Once for the coordinator, once for another member. Then one joins late.
. "$(dirname "$0")/lib.sh"

for member in 1 2 3 4 5; do
    seq -f "$member %g and more" 4000 >"$tmp/in.$member"
done

# What member 2 sends, which does not end before the joiner is in: it would find nobody.
feed() {
    cat "$tmp/in.2"
    eventually said 5 "^view " >&2
}

crash() { # crash VICTIM
    local victim=$1 member survivors=() whole own
    group=test-$$-$victim
    forget 5
    start 1 --create --expect 4 --until-all --service safe --pace 2000 --views
    input=$tmp/fed start 2 --join --expect 4 --until-all --service safe --pace 2000 --views
    for member in 3 4; do
        start $member --join --expect 4 --until-all --service safe --pace 2000 --views
    done
    feed >"$tmp/fed" &
    check "$victim: half-way" eventually has_lines "$tmp/out.3" 5000
    kill -9 "${pids[$victim]}"
    check "$victim: it is dead" ends "$victim" 137
    check "$victim: the survivors see it" eventually said 3 "^view .*; left: [^;]*#[0-9a-f]+ \((crashed|unreachable)\)"
    start 5 --join --until-all --service safe --views
    for member in 1 2 3 4 5; do
        [ $member = "$victim" ] && continue
        check "$victim: member $member ends" ends $member 0
        [ $member = 5 ] || survivors+=("$tmp/out.$member")
    done
    check "$victim: survivors 1 and 2 are the same" same "${survivors[0]}" "${survivors[1]}"
    check "$victim: survivors 2 and 3 are the same" same "${survivors[1]}" "${survivors[2]}"
    tail -c "$(wc -c <"$tmp/out.5")" "${survivors[0]}" >"$tmp/end"
    check "$victim: the joiner's output is their end" same "$tmp/end" "$tmp/out.5"
    check "$victim: with all that it sent" [ "$(grep -c '^5 ' "$tmp/out.5")" = 4000 ]
    whole=$(lines "$tmp/out.$victim")
    head -n "$whole" "$tmp/out.$victim" >"$tmp/whole"
    head -n "$whole" "${survivors[0]}" >"$tmp/begin"
    check "$victim: what it delivered is their beginning" same "$tmp/begin" "$tmp/whole"
    for member in 1 2 3 4; do
        grep "^$member " "${survivors[0]}" >"$tmp/own"
        own=$(lines "$tmp/own")
        head -n "$own" "$tmp/in.$member" >"$tmp/begin"
        check "$victim: the lines of $member are the beginning of its input" same "$tmp/begin" "$tmp/own"
        [ $member = "$victim" ] || check "$victim: and all of it" [ "$own" = 4000 ]
    done
}
mkfifo "$tmp/fed"
crash 1
crash 4
