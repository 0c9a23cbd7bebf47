#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-labels: slow
# ctest-timeout: 500
#
# The judge of test_kv_faults.sh can fail: gcs-kv with deliberate bugs does not pass.
. "$(dirname "$0")/lib.sh"

try() { # try MUTANT FAULTS: found within a few runs
    local seed
    for seed in 1 2 3 4; do
        GCS_REPLICA_MUTANT=$1 "$build/tests/gcs-kv-check" --server "$build/tests/gcs-kv-mutants" \
            --folder "$tmp" --seconds 30 --clients 12 --keys 3 --faults "$2" --seed $seed >"$tmp/out" 2>&1
        case $? in
        1) grep VIOLATION "$tmp/out" && return 0 ;;
        0) ;;
        *) cat "$tmp/out" && return 1 ;;
        esac
    done
    tail -3 "$tmp/out"
    return 1
}
if ! printf "table inet kv_try { }\nflush table inet kv_try\n" | nft -f - 2>/dev/null; then
    skip "nft does not work here (Debian: nftables)"
fi
check "reply before stable is found" try reply_before_stable partition,pause
check "stale read in the minority is found" try stale_read partition
check "sessions forgotten at fail-over is found" try sessions_forgotten kill
[ "$failed" = 0 ]
