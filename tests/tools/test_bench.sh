#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-timeout: 300
#
# Each command of gcs-bench for a moment: exit status, JSON with all of its
# members, digests, and that nobody stays behind. No figure is judged: the
# machine may be busy.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"
bench=$1/bench/gcs-bench
[ -x "$bench" ] || { echo "no $bench"; exit 77; }

# runs COMMAND OPTION...: it works, and its last line is an object on one line, in $tmp/json.
runs() {
    local status=0
    timeout 120 "$bench" "$@" --json >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "gcs-bench $*: exit 0" [ $status = 0 ]
    check "nothing was said" [ ! -s "$tmp/said.1" ]
    tail -n 1 "$tmp/out" >"$tmp/json"
    check "JSON is the last line" grep -qE "^\{\"benchmark\":\"$1\",.*\}\$" "$tmp/json"
    check "and the only one" [ "$(grep -c '^{' "$tmp/out")" = 1 ]
    ! command -v jq >/dev/null || check "jq can read it" jq -e 'type == "object"' "$tmp/json" >/dev/null
}

# has KEY...: numbers in the object, in its spread and in each run.
has() {
    local key
    for key; do
        check "has $key" grep -qE "[{,]\"$key\":-?[0-9]+(\.[0-9]+)?," "$tmp/json"
        check "and its spread" grep -qE "\"$key\":\[[0-9.]+,[0-9.]+\]" "$tmp/json"
        check "and it of $count runs" [ "$(grep -oE "\"$key\":[0-9]" "$tmp/json" | wc -l)" = $((count + 1)) ]
    done
}
says() { check "says $1" grep -qE -e "$1" "$tmp/json"; }
digest='"order_digest":"[0-9a-f]{16}"'
short=(--seconds 1 --warmup 0.1) # longer than a process waits for a busy processor
calm=("${short[@]}" --suspect-ms 10000) # whatever else the machine does meanwhile
count=1

for service in agreed safe fifo; do
    runs throughput "${calm[@]}" --runs 1 --size 64 --service $service
    has messages_per_second megabytes_per_second cpu_us_per_message packets nacks repairs
    says "\"service\":\"$service\",\"order\":\"sequencer\""
done
says '"order_digest":null'
check "people see a table" grep -q 'median of 1 runs' "$tmp/out"

count=2
runs throughput "${calm[@]}" --runs 2 --members 2 --senders 1 --size 100K --floor
has messages_per_second megabytes_per_second
says '"members":2,"senders":1,"size":102400,"seconds":1.000,"warmup":0.100'
says '"share_of_floor":[0-9.]+'
says "$digest,\"spread\""
check "each run has a digest" [ "$(grep -oE "$digest" "$tmp/json" | wc -l)" = 3 ]
count=1
runs throughput "${calm[@]}" --runs 1 --members 1 --size 8
has messages_per_second
runs throughput "${calm[@]}" --runs 1 --rate 500 --window-bytes 64K --queue-bytes 64K
says '"rate":500.0'

for pace in "" "--rate 2000 --senders all"; do
    # shellcheck disable=SC2086 # two words
    runs latency "${calm[@]}" --runs 1 --floor $pace
    has p50_us p99_us p999_us max_us messages_per_second
    says '"floor_p50_us":[0-9.]+'
done
runs latency "${calm[@]}" --runs 1 --service safe --size 16
says "$digest"

for victim in 1 3; do
    runs failover "${calm[@]}" --runs 1 --rate 5000 --victim $victim
    has gap_ms view_max_ms
    says '"view_ms":\[[0-9.]+,[0-9.]+\]'
    says "$digest"
done

runs failover "${short[@]}" --suspect-ms 3000 --runs 1 --rate 5000 --fault silence
has gap_ms view_max_ms views
runs failover "${calm[@]}" --runs 1 --rate 5000 --fault pause --pause-ms 200
has gap_ms views
runs state "${calm[@]}" --runs 1 --rate 2000 --bytes 1M
has state_megabytes_per_second p50_ratio donor_growth_mib joiner_growth_mib state_transfers
runs join "${calm[@]}" --runs 1 --rate 5000
has gap_ms join_ms view_max_ms
says '"members":4,"senders":3'
says '"view_ms":\[[0-9.]+,[0-9.]+,[0-9.]+\]'

runs floor "${short[@]}" --runs 1
has messages_per_second megabytes_per_second cpu_us_per_message packets
runs floor "${short[@]}" --runs 1 --packet 1400 --senders 1
has megabytes_per_second
runs floor "${short[@]}" --runs 1 --latency
has p50_us p99_us p999_us max_us

# What cannot work: no figures, the reason, exit 1.
fails() {
    local words=$1 status=0
    shift
    timeout 60 "$bench" "$@" --json >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "gcs-bench $*: exit 1" [ $status = 1 ]
    check "says $words" grep -qF -e "$words" "$tmp/said.1"
    check "no figures" [ "$(grep -c 'median\|^{' "$tmp/out")" = 0 ]
}
fails "wings" throughput --url-template 'udp://127.0.0.1:0?wings=2'
fails "no-such-namespace-1" throughput --netns-template 'no-such-namespace-{member}'
fails "needs an IP address" floor --url-template udp://localhost:0

# A signal ends it, and its members.
for signal in INT TERM KILL; do
    "$bench" throughput --seconds 60 >"$tmp/out" 2>"$tmp/said.1" &
    pids[1]=$!
    # shellcheck disable=SC2317 # called by eventually
    members() { [ "$(pgrep -c -P "${pids[1]}")" = 3 ]; }
    check "$signal: three members" eventually members
    children=$(pgrep -P "${pids[1]}" | tr '\n' ' ')
    kill -$signal "${pids[1]}"
    check "$signal: ends" ends 1 $((128 + $(kill -l $signal)))
    # shellcheck disable=SC2086,SC2317 # several; called by eventually
    gone() { ! kill -0 $children 2>/dev/null; }
    check "$signal: nobody stays" eventually gone
done
exit
