#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Five real members in network namespaces, all of which send, at the same rate without loss and with
# 1 % and 5 % of it at every receiver: all is delivered, in one order, and what that costs is bounded
# by what was lost, on whatever machine: repairs, and packets that come twice. How much comes through
# is for bench/peers/goodput to say.
# ctest-timeout: 120
set -euo pipefail
build=${1:?usage: $0 BUILD_FOLDER}
bench=$build/bench/gcs-bench
[ -x "$bench" ] || { echo "SKIPPED: no $bench"; exit 77; }
# shellcheck source=bench/peers/peer.sh
source "$(dirname "$0")/../../bench/peers/peer.sh"
members=5 wrong=0
[ "$(id -u)" = 0 ] || skip "SKIPPED: network namespaces need root"
need_command nft
namespaces $members 1500
for ((i = 1; i <= members; i++)); do # each datagram is lost or not by itself
    inside "$i" ip link set eth0 gso_max_segs 1 || skip "SKIPPED: ip cannot limit trains of datagrams"
done
lose 0 $members

set_loss() { # set_loss PERCENT
    for ((i = 1; i <= members; i++)); do
        inside "$i" nft flush chain inet gcs in
        inside "$i" nft add rule inet gcs in meta l4proto udp numgen random mod 1000 '<' $(($1 * 10)) \
            counter drop
    done
}

lost() {
    for ((i = 1; i <= members; i++)); do inside "$i" nft list chain inet gcs in; done |
        sed -nE 's/.*counter packets ([0-9]+).*/\1/p' | awk '{ n += $1 } END { print n + 0 }'
}

value() { sed -nE "s/^\{.*[{,]\"$1\":([0-9.]+),.*\"spread\":.*/\1/p" "$tmp/out" | cut -d . -f 1; }

expect() { # expect WORDS LEFT OPERATOR RIGHT
    if [ "$2" "$3" "$4" ]; then
        echo "ok: $1: $2"
    else
        echo "WRONG: $1: $2, not $3 $4"
        wrong=$((wrong + 1))
    fi
}

for percent in 0 1 5; do
    set_loss $percent
    "$bench" throughput --members $members --size 1K --rate 4000 --warmup 0.1 --seconds 3 --runs 1 \
        --no-floor --json --netns-template "gcsp$$-{member}" \
        --url-template "udp://10.79.0.{member}:0" >"$tmp/out" 2>"$tmp/err" ||
        { cat "$tmp/out" "$tmp/err"; exit 1; }
    gone=$(lost)
    if [ $percent = 0 ]; then
        expect "nothing is lost at 0 %" "$gone" -eq 0
        continue
    fi
    expect "packets lost at $percent %" "$gone" -ge $((percent * 100))
    # what was lost while the group formed is not among the repairs that were counted, nor needs one
    # what was no data; a request or its answer may be lost too, or late on a busy machine
    expect "repairs at $percent %" "$(value repairs)" -ge $((gone / 4))
    expect "repairs at $percent %" "$(value repairs)" -le $((2 * gone + 200))
    expect "packets that came twice at $percent %" "$(value duplicates)" -le $((gone + 200))
done
exit $((wrong > 0))
