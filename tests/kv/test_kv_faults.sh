#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
# ctest-labels: slow
# ctest-timeout: 300
#
# Linearizability over real processes that are killed, paused, cut off and started again. KV_SECONDS
# makes it longer.
. "$(dirname "$0")/lib.sh"

"$build/tests/gcs-kv-check" --server "$kv" --folder "$tmp" --seconds "${KV_SECONDS:-60}" \
    --seed "${KV_SEED:-$((RANDOM + 1))}"
check "something was tried, and nothing was wrong" [ $? = 0 ]
[ "$failed" = 0 ]
