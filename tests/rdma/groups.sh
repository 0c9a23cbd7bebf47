#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Groups of real processes over RDMA, to be run where five devices are, as in
# script/rdma-guest: every order and service with 3 and 5 members, a new member that
# gets the state.
#
#   groups.sh BUILD [TEST...]
set -uo pipefail
build=$1
shift
gcs=$build/tools/gcs
bench=$build/bench/gcs-bench
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
failed=0

verdict() { # verdict NAME STATUS
    if [ "$2" = 0 ]; then echo "ok: $1"; else
        echo "FAILED: $1"
        failed=1
        tail -n 5 "$tmp"/err.* 2>/dev/null
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

# All members say what they have, and deliver the same.
everybody() { # everybody MEMBERS OPTION...
    local n=$1 i status=0
    shift
    rm -f "$tmp"/*
    for ((i = 1; i <= n; i++)); do start "$i" "$n" 50 --until-all "$@"; done
    for ((i = 1; i <= n; i++)); do wait "${pid[i]}" || status=1; done
    for ((i = 1; i <= n; i++)); do
        [ "$(wc -l <"$tmp/out.$i")" = $((n * 50)) ] || status=1
        [[ " $* " == *fifo* ]] || cmp -s "$tmp/out.1" "$tmp/out.$i" || status=1
    done
    return $status
}

services() {
    local service
    for service in fifo agreed safe; do
        everybody 3 --service $service
        verdict "3 members, $service" $?
    done
    everybody 5
    verdict "5 members, agreed" $?
}

orders() { # whatever gcs-bench has
    local order
    for order in $("$bench" throughput --order none 2>&1 | sed -n "s/.*is not \(one of \)\{0,1\}\([a-z, ]*\).*/\2/p" | tr -d ,); do
        timeout 100 "$bench" throughput --transport rdma --members 3 --order "$order" --size 1K --seconds 1 --runs 1 \
            >"$tmp/err.order" 2>&1
        verdict "3 members, order $order" $?
    done
}

state() {
    timeout 100 "$bench" state --transport rdma --members 3 --bytes 1M --runs 1 >"$tmp/err.state" 2>&1
    verdict "a new member gets the state" $?
}

[ $# != 0 ] || set -- services orders state
for test; do $test; done
exit $failed
