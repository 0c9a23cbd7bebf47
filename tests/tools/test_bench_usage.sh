#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# What gcs-bench says about wrong command lines, and how it exits: 2, at once, with
# a sentence that names the bad value; and --help and --version.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"
bench=$1/bench/gcs-bench
[ -x "$bench" ] || { echo "no $bench"; exit 77; }

# refuses WORDS ARGUMENT...: exit 2, words on standard error, nothing on standard output.
refuses() {
    local words=$1 status=0
    shift
    timeout 20 "$bench" "$@" </dev/null >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "refused: gcs-bench $*" [ $status = 2 ]
    check "it says: $words" grep -qF -e "$words" "$tmp/said.1"
    check "and nothing else" [ ! -s "$tmp/out" ]
}

refuses "which command"
refuses "unknown command 'dog'" dog
refuses "unknown command '--json'" --json
refuses "'five' is one argument too many" throughput five
refuses "unknown option '--frobnicate'" latency --frobnicate
refuses "unknown option '-x'" latency -x
refuses "unknown option '--victim'" throughput --victim 1
refuses "unknown option '--packet'" throughput --packet 1400
refuses "unknown option '--service'" floor --service safe
refuses "'--json=yes'" floor --json=yes
refuses "--size needs a value" throughput --size
for value in 0 65 -1 3x "" 99999999999999999999 " 3"; do
    refuses "--members: '$value' is not a number from 1 to 64" throughput --members "$value"
done
refuses "--members: '2' is not a number from 3" failover --members 2
refuses "--members: '1' is not a number from 2" join --members 1
refuses "--members: '1' is not a number from 2" floor --members 1
for value in none "" -1; do
    refuses "--senders: '$value'" throughput --senders "$value"
done
refuses "--senders: '0'" throughput --senders 0
refuses "--senders: '4' is more than the 3 members" throughput --senders 4
refuses "--senders: '4' is more than the 3 members" join --senders 4
for value in 7 268435457 257M 1G 1k K; do
    refuses "--size: '$value' is not a number from 8 to 268435456" throughput --size "$value"
done
refuses "--size: '8' is not a number from 16" latency --size 8
refuses "--service: 'causual' is not one of unordered, fifo, causal, agreed, safe" throughput --service causual
refuses "--order: 'random' is not one of sequencer, lamport" throughput --order random
refuses "--transport: 'pigeon' is not one of udp, rdma" throughput --transport pigeon
refuses "--url-template: 'carrier://pigeon:1'" throughput --url-template carrier://pigeon:1
refuses "--url-template: ''" throughput --url-template ''
for value in 0 -1 1s "" nan inf 0x1p3 1e99; do
    refuses "--seconds: '$value'" throughput --seconds "$value"
done
refuses "--warmup: '-0.5'" throughput --warmup -0.5
refuses "--runs: '0'" throughput --runs 0
refuses "--rate: '0'" throughput --rate 0
refuses "--rate: 'fast'" latency --rate fast
refuses "--fault: 'flood' is not one of kill, silence, pause" failover --fault flood
refuses "--pause-ms: '0' is not a number from 1 to 60000" failover --pause-ms 0
refuses "unknown option '--fault'" throughput --fault kill
refuses "--bytes: '0' is not a number from 1 to 1024G" state --bytes 0
refuses "--state-queue-bytes: '4095' is not a number from 4096 to 4294967295" \
    state --state-queue-bytes 4095
refuses "unknown option '--state-queue-bytes'" join --state-queue-bytes 1M
refuses "--victim: '4' is not one of the 3 members" failover --victim 4
refuses "--victim: '0'" failover --victim 0
refuses "--victim: '3' is the only sender" failover --victim 3 --senders 1
refuses "--packet: '63'" floor --packet 63
refuses "--window-bytes: '1'" throughput --window-bytes 1
refuses "--queue-bytes: '1'" throughput --queue-bytes 1
refuses "--heartbeat-ms: '0'" throughput --heartbeat-ms 0
refuses "--suspect-ms: '1'" throughput --suspect-ms 1
refuses "--elsewhere: '3'" throughput --elsewhere 3
refuses "--elsewhere" failover --elsewhere 1
refuses "does not begin with udp://" member --join 192.0.2.1:7400
refuses "--join: which group?" member
refuses "--size: no work has messages of 63 bytes" compare --size 63
refuses "--size: no work has messages of 65536 bytes" orders --size 64K

succeeds() {
    local words=$1 status=0
    shift
    "$bench" "$@" </dev/null >"$tmp/out" 2>"$tmp/said.1" || status=$?
    check "works: gcs-bench $*" [ $status = 0 ]
    check "it prints: $words" grep -qF -e "$words" "$tmp/out"
    check "and nothing else" [ ! -s "$tmp/said.1" ]
}
succeeds "usage: gcs-bench COMMAND" --help
for command in throughput latency failover join state idle floor compare sweep orders member; do
    succeeds "usage: gcs-bench $command" $command --help
    check "--help lists $command" sh -c "'$bench' --help | grep -q '^  $command '"
done
"$bench" --version >"$tmp/out"
check "a version" grep -qE '^gcs-bench [0-9]+\.[0-9]+\.[0-9]+$' "$tmp/out"
exit
