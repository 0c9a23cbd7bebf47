#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A short campaign with each fault alone, with all of them, and with other
# numbers of members: no violation.
# ctest-timeout: 240
set -euo pipefail
sim=$1/tools/gcs-sim
runs=${GCS_SIM_RUNS:-25}

campaign() {
    "$sim" --runs "$runs" --service mixed "$@" >"$tmp" 2>&1 || {
        cat "$tmp"
        exit 1
    }
    echo "$*: $(tail -1 "$tmp")"
}

tmp=$(mktemp)
trap 'rm -f "$tmp"' EXIT
for faults in none loss duplicate reorder delay corrupt cut partition crash crash,restart pause \
    slow skew all; do
    campaign --faults "$faults" --seed 100000
done
for members in 1 2 3 4 7 16; do
    campaign --faults all --members $members --seed 200000
done
for service in fifo agreed safe; do
    campaign --faults all --service $service --seed 300000
done
