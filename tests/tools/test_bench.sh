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
    has messages_per_second megabytes_per_second cpu_us_per_message cpu_seconds packets nacks repairs
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
runs throughput "${calm[@]}" --runs 1 --size 1K --loop library
says '"loop":"library"'
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
runs state "${calm[@]}" --runs 1 --rate 2000 --bytes 1M --state-queue-bytes 16M
has state_megabytes_per_second p50_ratio transfer_p50_us transfer_ratio before_p50_us donor_growth_mib joiner_growth_mib state_transfers
runs join "${calm[@]}" --runs 1 --rate 5000
has gap_ms join_ms view_max_ms
says '"members":4,"senders":3'
says '"view_ms":\[[0-9.]+,[0-9.]+,[0-9.]+\]'

runs idle --seconds 1 --warmup 0.1 --suspect-ms 10000 --runs 1
has wakeups_per_second rss_mib loaded_rss_mib cpu_percent
says '"suspect_ms":10000'

runs floor "${short[@]}" --runs 1
has messages_per_second megabytes_per_second cpu_us_per_message packets
runs floor "${short[@]}" --runs 1 --packet 1400 --senders 1
has megabytes_per_second
runs floor "${short[@]}" --runs 1 --latency
has p50_us p99_us p999_us max_us

# Contenders that are scripts of our own: what is measured, what is skipped and why, the ratio.
mkdir "$tmp/peers"
touch "$tmp/peers/peer.sh"
echo 'echo "messages_per_second 3000"; echo "p50_us 50"; echo "p99_us 70"; echo "gap_ms 5"
echo "wakeups_per_second 9"; echo "rss_mib 2"; echo "loaded_rss_mib 11"
echo "settings $GCS_SERVICE $1 $2 $3"' >"$tmp/peers/libgcs"
echo 'echo "messages_per_second 1500"; echo "p50_us 100"; echo "settings slow"' >"$tmp/peers/corosync"
echo 'echo "no such thing here"; exit 77' >"$tmp/peers/openpgm"
echo 'exit 3' >"$tmp/peers/norm"
echo 'echo "p50_us 400"; echo "settings $ETCD_DIR"' >"$tmp/peers/etcd"
runs compare --seconds 1 --peers "$tmp/peers"
check "our settings" grep -qF 'agreed throughput 65536 1' "$tmp/out"
check "ratio of rates" grep -qE 'corosync +1500 .*libgcs is 2.0 times as good' "$tmp/out"
check "rows of our own" grep -qE '^  libgcs +9.0' "$tmp/out"
check "ratio of times" grep -qE 'corosync +100.0 .*libgcs is 2.0 times as good' "$tmp/out"
check "and the other way round" grep -qE 'etcd, fdatasync +400.0 .*libgcs is 8.0 times as good' "$tmp/out"
check "skipped with a reason" grep -qE 'OpenPGM +- +skipped: no such thing here' "$tmp/out"
check "a script that fails" grep -qE 'NORM +- +skipped: the script failed \(status 3\)' "$tmp/out"
says '"name":"corosync","messages_per_second":1500.00,"libgcs_times_as_good":2.00,"settings":"slow"'
says '"name":"OpenPGM","skipped":"no such thing here"'
runs compare --seconds 1 --size 8K --peers "$tmp/peers"
check "works of one size" [ "$(grep -o '"work":' "$tmp/json" | wc -l)" = 2 ]
echo 'echo "messages_per_second 0"; echo "settings slow"' >"$tmp/peers/corosync"
runs compare --seconds 1 --size 8K --peers "$tmp/peers"
check "a peer that has done nothing" grep -qE 'corosync +- +skipped: nothing was done in that time' "$tmp/out"

echo 'echo "not here"; exit 77' >"$tmp/peers/libgcs"
runs compare --seconds 1 --size 8K --peers "$tmp/peers"
check "nothing to compare with is no failure" grep -qE 'libgcs +- +skipped: not here' "$tmp/out"

# Members that somebody starts elsewhere, two of them, in two runs: the same digest at all, and who
# came from there has its part in the figures.
for n in 1 2; do
    timeout 120 "$bench" member --runs 2 --suspect-ms 10000 --join "udp://127.0.0.1:0?seeds=127.0.0.1:$base" \
        >"$tmp/member.$n" 2>&1 &
    pids[n]=$!
done
runs throughput "${calm[@]}" --members 4 --elsewhere 2 --size 1K --runs 2 \
    --url-template "udp://127.0.0.1:$base-$((base + 9))"
says '"members":4,"elsewhere":2,"senders":4'
for n in 1 2; do
    check "member $n elsewhere ends by itself" wait "${pids[n]}"
    check "after two runs" [ "$(grep -c 'is over' "$tmp/member.$n")" = 2 ]
    unset "pids[n]"
done
timeout 120 "$bench" member --runs 1 --suspect-ms 10000 --join "udp://127.0.0.1:0?seeds=127.0.0.1:$base" >"$tmp/member.3" 2>&1 &
pids[3]=$!
runs latency "${calm[@]}" --members 2 --elsewhere 1 --runs 1 \
    --url-template "udp://127.0.0.1:$base-$((base + 9))"
check "its latency is known, measured by its own clock" grep -qE '"p50_us":[1-9]' "$tmp/json"
check "and it ends" wait "${pids[3]}"
unset "pids[3]"
timeout 120 "$bench" member --order lamport --join "udp://127.0.0.1:0?seeds=127.0.0.1:$base" >"$tmp/member.4" 2>&1 &
pids[4]=$!
timeout 60 "$bench" throughput --members 2 --elsewhere 1 --url-template "udp://127.0.0.1:$base" >/dev/null 2>&1 &
pids[5]=$!
status=0
wait "${pids[4]}" || status=$?
check "a member with another order is refused" [ $status = 1 ]
check "and says so" grep -q 'has ended this membership' "$tmp/member.4"
kill "${pids[5]}"
wait "${pids[5]}" || true
unset "pids[4]" "pids[5]"
runs orders "${calm[@]}" --runs 1 --size 64
check "a line for each order" [ "$(grep -cE '^  .*[0-9.]+ \([0-9.]+ to [0-9.]+\)' "$tmp/out")" = 6 ]
check "with a ratio" grep -qE '^  safe, lamport +[0-9.]+ .* [0-9.]+ times a UDP round trip' "$tmp/out"
says '"name":"a UDP round trip","own_p50_us":[0-9.]+,"ratio":1.000,"values":\[[0-9.]+\],"ratios":\[1.000\]'
runs orders "${calm[@]}" --runs 2 --size 8K
says '"name":"agreed, sequencer","megabytes_per_second":[0-9.]+,"ratio":[0-9.]+,"values":\[[0-9.]+,[0-9.]+\]'

mkdir "$tmp/pictures"
timeout 120 "$bench" sweep --seconds 0.6 --warmup 0 --runs 1 --output "$tmp/pictures" >"$tmp/out" 2>"$tmp/said.1" || true
for name in throughput latency members failover; do
    check "$name has data" [ "$(grep -cE '^-?[0-9]+ [0-9.]+' "$tmp/pictures/sweep-$name.dat")" -ge 6 ]
    check "$name names the machine" grep -q '^# libgcs .* cores, .* Linux' "$tmp/pictures/sweep-$name.dat"
    ! command -v gnuplot >/dev/null || check "$name is a picture" grep -q '</svg>' "$tmp/pictures/sweep-$name.svg"
done

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
fails "has no peer.sh" compare --peers "$tmp"
fails "needs an IP address" floor --url-template udp://localhost:0

echo 'exit 3' >"$tmp/peers/libgcs"
status=0
"$bench" compare --seconds 1 --size 8K --peers "$tmp/peers" >"$tmp/out" 2>"$tmp/said.1" || status=$?
check "a comparison without libgcs: exit 1" [ $status = 1 ]

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

# Also one that compares, and the script of the peer takes back what it has done.
echo 'trap "rm $0.made; exit 1" TERM; touch "$0.made"; sleep 60' >"$tmp/peers/libgcs"
for signal in INT TERM KILL; do
    "$bench" compare --seconds 1 --peers "$tmp/peers" >"$tmp/out" 2>"$tmp/said.1" &
    pids[1]=$!
    check "$signal: a script" eventually test -e "$tmp/peers/libgcs.made"
    kill -$signal "${pids[1]}"
    check "$signal: ends" ends 1 $((128 + $(kill -l $signal)))
    check "$signal: nothing stays of the script" eventually test ! -e "$tmp/peers/libgcs.made"
done
exit
