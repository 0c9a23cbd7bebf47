#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcs-lab can fail: what must be found is found (a changed trace, a process that
# dies unplanned, a group that stalls or never gets well), what is wrong on a
# command line is refused, and nothing is left behind.
#
# ctest-labels: slow
# ctest-timeout: 200

lab=${1:?usage: $0 BUILD_FOLDER}/tests/gcs-lab
[ -x "$lab" ] || { echo "no $lab"; exit 77; }
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gcs-lab-test.XXXXXX")
wrong=0
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' INT TERM

# check WORDS COMMAND...
check() {
    local words=$1
    shift
    if "$@"; then
        echo "ok: $words"
    else
        echo "WRONG: $words: $*"
        tail -n 15 "$tmp/out" | cut -c 1-300 | sed 's/^/    /'
        wrong=$((wrong + 1))
    fi
}

# run STATUS OPTION...: the lab ends with this status; what it says is in out.
run() {
    local expected=$1 status=0
    shift
    "$lab" "$@" >"$tmp/out" 2>&1 || status=$?
    check "exit $expected: gcs-lab $*" [ $status = "$expected" ]
}
says() { check "it says: $1" grep -q -e "$1" "$tmp/out"; }
last() { check "its last line: $1" grep -q -e "^gcs-lab: $1" <(tail -n 1 "$tmp/out"); }
no_process() { ! grep -qs "$tmp" /proc/[0-9]*/environ; } # members have GCS_TRACE=$tmp/...

# ---- the command line
run 2 --members 0
says '--members: "0"'
run 2 --faults kill,flood
says '"flood" is no fault'
run 2 --service causal
run 2 --seconds many
run 2 --plan '100 kill 9 5'
says '--plan: no sense'
run 2 --check "$tmp/nothing"
run 2 --frobnicate
run 2 more
run 0 --help

# ---- a quiet run is good, and a trace that is changed is not
run 0 --seconds 2 --members 3 --faults none --dir "$tmp/calm"
last 'ok: '
run 0 --check "$tmp/calm"
trace=$(find "$tmp/calm" -name 'm-*.jsonl' -size +10k | sort | head -n 1)
cp "$trace" "$tmp/trace"
line=$(grep -n '"e":"deliver"' "$tmp/trace" | sed -n 300p | cut -d: -f1)
sed "${line}d" "$tmp/trace" >"$trace"
run 1 --check "$tmp/calm"
last 'violation: '
sed "${line}s/\"h\":\"..../\"h\":\"0000/" "$tmp/trace" >"$trace"
run 1 --check "$tmp/calm"
says 'violation of delivery-integrity'
sed "${line}{h;d};$((line + 40))G" "$tmp/trace" >"$trace"
run 1 --check "$tmp/calm"
last 'violation: '
echo nonsense >>"$trace"
run 2 --check "$tmp/calm"
says "line $(($(wc -l <"$trace")))"

# ---- faults, and the result as JSON
run 0 --seconds 4 --members 3 --seed 5 --faults kill,loss,leave --json
check "one JSON object, last" grep -q '^{"ok":true,.*"peak_rss_kib":[1-9].*}$' <(tail -n 1 "$tmp/out")

# ---- a process that dies without having been meant to
"$lab" --seconds 20 --members 3 --faults none --dir "$tmp/murder" >"$tmp/out" 2>&1 &
pid=$!
for ((i = 0; i < 100; i++)); do
    [ "$(find "$tmp/murder" -name 'm-*.jsonl' -size +10k 2>/dev/null | wc -l)" = 3 ] && break
    sleep 0.1
done
victim=$(find "$tmp/murder" -name 'm-*.jsonl' | head -n 1 | sed 's/.*m-\([0-9]*\).*/\1/')
kill -KILL "$victim"
status=0
wait $pid || status=$?
check "exit 1 after a murder" [ $status = 1 ]
says "process $victim) was killed by signal 9"
last 'violation: process'
check "the traces are kept" [ -s "$tmp/murder/m-$victim.jsonl" ]

# ---- a majority that is gone: the group cannot go on, and that is not judged
run 0 --seconds 3 --members 3 --faults none --plan '500 kill 0 9000; 510 kill 1 9000'
says 'majority of the last view was killed'

# ---- a group that stalls
run 1 --seconds 8 --members 3 --faults none --plan '500 stop 0 6500; 500 stop 1 6500'
last 'violation: progress'

# ---- Ctrl-C
TMPDIR=$tmp "$lab" --seconds 20 --members 3 >"$tmp/out" 2>&1 &
pid=$!
sleep 1.5
kill -TERM $pid
status=0
wait $pid || status=$?
check "ended by the signal" [ $status = 143 ]
sleep 0.2
check "no process is left" no_process
check "no folder is left" [ -z "$(find "$tmp" -maxdepth 1 -name 'gcs-lab.*')" ]

[ $wrong = 0 ] || echo "${0##*/}: $wrong checks failed"
[ $wrong = 0 ]
