#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcs-lab can fail: what must be found is found (a changed trace, a process that
# dies unplanned, a group that stalls or never gets well), what is wrong on a
# command line is refused, and nothing is left behind.
#
# ctest-labels: slow
# ctest-timeout: 300

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
run 2 --service casual
run 2 --order none
run 2 --seconds many
run 2 --plan '100 kill 9 5'
says '--plan: no sense from "9 5" on'
run 2 --plan '100 mtu 0 5 1000'
run 2 --plan '100 clock 0 5 1000'
run 2 --network ether
run 2 --network loopback --faults address
says '"address" needs network namespaces'
[ -e /sys/class/infiniband/rxe1 ] || {
    run 2 --network rdma --members 3
    says 'no rdma: there is no device rxe1'
}
run 2 --check "$tmp/nothing"
run 2 --frobnicate
run 2 more
run 0 --help

# ---- a quiet run is good, and a trace that is changed is not
run 0 --seconds 2 --members 3 --faults none --dir "$tmp/runs/calm"
last 'ok: '
run 0 --check "$tmp/runs/calm"
trace=$(find "$tmp/runs/calm" -name 'm-*.jsonl' -size +10k | sort | head -n 1)
cp "$trace" "$tmp/trace"
line=$(grep -n '"e":"deliver"' "$tmp/trace" | sed -n 300p | cut -d: -f1)
sed "${line}d" "$tmp/trace" >"$trace"
run 1 --check "$tmp/runs/calm"
last 'violation: '
sed "${line}s/\"h\":\"..../\"h\":\"0000/" "$tmp/trace" >"$trace"
run 1 --check "$tmp/runs/calm"
says 'violation of delivery-integrity'
sed "${line}{h;d};$((line + 40))G" "$tmp/trace" >"$trace"
run 1 --check "$tmp/runs/calm"
last 'violation: '
echo nonsense >>"$trace"
run 2 --check "$tmp/runs/calm"
says "line $(($(wc -l <"$trace")))"

# ---- each fault of the network does something, on both networks
figure() { tail -n 1 "$tmp/out" | sed -n "s/.*\"$1\":\([0-9]*\).*/\1/p"; }
is_felt() { # somebody was excluded, or waited, or all did
    [ "$(figure excluded)" -gt 0 ] || [ "$(figure member_gap_ms)" -gt 150 ] || [ "$(figure gap_ms)" -gt 150 ]
}
networks=(loopback)
if "$lab" --network namespaces --seconds 0 --members 1 >"$tmp/out" 2>&1; then
    networks+=(namespaces)
else
    echo "SKIPPED: network namespaces: $(tail -n 1 "$tmp/out")"
fi
try_faults() { # try_faults NETWORK
    local network=$1 quiet fault
    tmp=$tmp/$network
    mkdir "$tmp"
    quiet=(--members 3 --seconds 2 --faults none --network "$network" --json)
    run 0 "${quiet[@]}"
    for fault in 'flap 0 1400' 'loss 0 1400 100' 'cut 1,0 1400; 100 cut 2,0 1400' 'partition 0 1400' \
        'delay 0 1800 6000' 'mtu 0 1400 1280; 100 mtu 1 1400 1280' 'rate 0 1400 1; 100 rate 1 1400 1'; do
        run 0 "${quiet[@]}" --plan "100 $fault"
        check "it is felt: $fault" is_felt
    done
    if [ "$network" = namespaces ]; then
        run 0 "${quiet[@]}" --plan '100 address 0 1400'
        check "it is felt: address" is_felt
    fi
}
for network in "${networks[@]}"; do # both at once: they mostly wait
    try_faults "$network" >"$tmp/$network.said" 2>&1 &
done
wait
for network in "${networks[@]}"; do
    cat "$tmp/$network.said"
    wrong=$((wrong + $(grep -c '^WRONG' "$tmp/$network.said")))
done

# ---- wrong clocks: traces of the same length by the wall's clock are of different length
spread() { # percent between the longest and the shortest time of deliveries in a folder's traces
    for trace in "$1"/m-*.jsonl; do
        grep '"e":"deliver"' "$trace" | sed -n '1p;$p' | sed 's/.*"t":\([0-9]*\).*/\1/' | paste -s
    done | awk '{ d = $2 - $1 } NR == 1 { low = d } d > high { high = d } d < low { low = d }
                END { printf "%d", 100 * (high - low) / high }'
}
run 0 --members 5 --seed 5 --seconds 3 --faults clock --dir "$tmp/clocks"
check "clocks deviate" [ "$(spread "$tmp/clocks")" -ge 7 ]
run 0 --members 5 --seed 5 --seconds 3 --faults none --dir "$tmp/clocks"
check "clocks agree" [ "$(spread "$tmp/clocks")" -le 5 ]

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
