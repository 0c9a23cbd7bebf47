#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Groups of real processes over RDMA, to be run where five devices are, as in
# script/rdma-guest: every service and order with 3 and 5 members, a new member that
# gets the state, what a member counts, members that are killed with their queue pairs open,
# ports that go down and come up.
#
#   groups.sh BUILD [TEST...]    TEST: services orders state counters crashes
set -uo pipefail
build=$1
shift
gcs=$build/tools/gcs
bench=$build/bench/gcs-bench
lab=$build/tests/gcs-lab
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

verdict() { # verdict NAME STATUS
    if [ "$2" = 0 ]; then echo "ok: $1"; else
        echo "FAILED: $1"
        failed=1
        tail -n 20 "$tmp"/err.* 2>/dev/null
    fi
}

url() { # url MEMBER MEMBERS
    local seeds i
    for ((i = 1; i <= $2; i++)); do seeds+=${seeds:+,}10.77.0.$i:7400; done
    echo "rdma://10.77.0.$1:7400?seeds=$seeds"
}

# start MEMBER MEMBERS LINES OPTION...: a member in the background; its lines are m<MEMBER>-1 ...
start() {
    local i=$1 n=$2 lines=$3
    shift 3
    seq -f "m$i-%g" 1 "$lines" |
        timeout 100 "$gcs" cat g "$(url "$i" "$n")" --bootstrap "expect:$n" --expect "$n" --output "$tmp/out.$i" \
            "$@" >"$tmp/json.$i" 2>"$tmp/err.$i" &
    pid[i]=$!
}

# All members say what they have, and deliver the same; in the same order, if it is a total one.
everybody() { # everybody MEMBERS OPTION...
    local n=$1 i status=0
    shift
    rm -f "$tmp"/*
    for ((i = 1; i <= n; i++)); do start "$i" "$n" 50 --until-all "$@"; done
    for ((i = 1; i <= n; i++)); do wait "${pid[i]}" || status=1; done
    for ((i = 1; i <= n; i++)); do
        [ "$(sort -u "$tmp/out.$i" | wc -l)" = $((n * 50)) ] || status=1
        case " $* " in
        *unordered* | *fifo* | *causal*) cmp -s <(sort "$tmp/out.1") <(sort "$tmp/out.$i") || status=1 ;;
        *) cmp -s "$tmp/out.1" "$tmp/out.$i" || status=1 ;;
        esac
    done
    return $status
}

services() {
    local service order
    for service in unordered fifo causal agreed safe; do
        everybody 3 --service $service
        verdict "3 members, gcs cat, $service" $?
    done
    for order in sequencer lamport; do
        everybody 5 --order $order
        verdict "5 members, gcs cat, $order" $?
    done
}

# gcs-bench checks what is delivered. Emulated processors may leave a member, and its device, without
# time for seconds.
measure() { # measure MEMBERS OPTION...
    local n=$1
    shift
    rm -f "$tmp"/*
    timeout 100 "$bench" throughput --url-template 'rdma://0.0.0.0:0?device={member}&patience=10000' --suspect-ms 10000 \
        --members "$n" --size 1K --seconds 3 --runs 1 "$@" \
        >"$tmp/err.bench" 2>&1
    verdict "$n members, gcs-bench $*" $?
}

orders() {
    local service order
    for service in unordered fifo causal agreed safe; do measure 3 --service $service; done
    for order in sequencer lamport; do measure 5 --order $order; done
}

state() {
    local n
    for n in 3 5; do
        rm -f "$tmp"/*
        timeout 100 "$bench" state --transport rdma --members "$n" --bytes 1M --runs 1 >"$tmp/err.state" 2>&1
        verdict "$n members, a new one gets the state" $?
    done
}

# What the first of two members counts of its connection with the other one, until that is killed.
counters() {
    local i name status=0
    rm -f "$tmp"/*
    for i in 1 2; do
        "$gcs" cat g "$(url $i 2)" --bootstrap expect:2 --status "$tmp/socket.$i" \
            < <(echo "m$i" && exec sleep 600 2>/dev/null) >"$tmp/out.$i" 2>"$tmp/err.$i" &
        pid[i]=$!
    done
    counts messages_delivered 2 || status=1
    for name in connections work_requests doorbells signalled wire_bytes; do counts $name 1 || status=1; done
    { kill -KILL "${pid[2]}" && wait "${pid[2]}"; } 2>/dev/null
    counts broken_links 1 || status=1
    kill "${pid[1]}"
    wait "${pid[1]}"
    verdict "2 members, what one counts" $status
}

counts() { # counts NAME LEAST: in time
    local tries value
    for ((tries = 0; tries < 100; tries++)); do
        value=$("$gcs" status "$tmp/socket.1" --metrics 2>/dev/null | awk -v name="gcs_$1_total" '$1 == name { print $2 }')
        [ "${value:-0}" -ge "$2" ] && return
        sleep 0.2
    done
    echo "$1 is ${value:-not there}, not $2"
    return 1
}

# Every guarantee is checked on what the members have traced. The first of each kind is done on
# purpose: the coordinator dies; a port is down for less than the device tries again, and for longer
# than the others wait.
crashes() {
    local n
    for n in 3 5; do
        harm $n 6 --plan '500 kill c 1000; 2500 kill 1 500; 4000 kill 2 0'
        harm $n 8 --plan '500 flap 1 200; 2000 flap c 3000'
        harm $n 10 --faults kill,flap,leave,stop,slow --seed 7
    done
}

harm() { # harm MEMBERS SECONDS OPTION...
    local n=$1 seconds=$2
    shift 2
    rm -rf "${tmp:?}"/*
    timeout 200 "$lab" --network rdma --members "$n" --seconds "$seconds" --rate 200 "$@" >"$tmp/err.lab" 2>&1
    verdict "$n members, gcs-lab $*" $?
}

[ $# != 0 ] || set -- services orders state counters crashes
for test; do $test; done
exit $failed
