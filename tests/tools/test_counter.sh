#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# examples/counter: who comes later has the total of those who were there, through
# the death of the one that gave it, and all go on together.
. "$(dirname "$0")/lib.sh"

counter=$1/examples/counter
[ -x "$counter" ] || { echo "no $counter"; exit 77; }
export COUNTER_URL=$url
root=$(cd "$(dirname "$0")/../.." && pwd)
check "it is not long" [ "$(lines "$root/examples/counter.c")" -le 150 ]

count() {
    local member=$1
    shift
    "$counter" "$@" >"$tmp/out.$member" 2>"$tmp/said.$member" &
    pids[member]=$!
}
shows() { [ "$(grep total "$tmp/out.$1" | tail -n 1)" = "total $2" ]; }
saw() { grep -qE -e "$2" "$tmp/out.$1"; }

count 1 1 2 3
check "the first counts for itself" eventually shows 1 6
count 2
check "the second has the total" eventually shows 2 6
check "and a vote" eventually saw 1 '^-- view [0-9]+: 2 members, 0 without the state$'
count 3 100
check "the third adds to it" eventually shows 3 106
check "for the first" eventually shows 1 106
check "and the second" eventually shows 2 106
check "all have a vote" eventually saw 1 '^-- view [0-9]+: 3 members, 0 without the state$'
kill -9 "${pids[1]}"
check "the first is gone" eventually saw 2 '^-- view [0-9]+: 2 members, 0 without the state$'
count 4 -6
check "the fourth has it from the others" eventually shows 4 100
check "who go on" eventually shows 2 100
check "with it" eventually shows 3 100
check "nothing was said" [ ! -s "$tmp/said.2" ]
