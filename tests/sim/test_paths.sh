#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Paths that are rarely taken are taken often enough here to be tested at all.
# ctest-timeout: 240
set -euo pipefail
sim=$1/tools/gcs-sim
result=$("$sim" --runs 250 --seed 500000 --service mixed --faults all --json 2>/dev/null | tail -1)
status=0
for path in successions crashes_coordinator crashes_flush storms last_words mutes lates hubs \
    primary_lost excluded returns leaves evictions late_joins refused_full refused_primary polls ballots \
    reproposals fetches repairs_received dropped_corrupt dropped_duplicate dropped_stale \
    window_full suspicions private_delivered; do
    count=$(sed -n "s/.*\"$path\":\([0-9]*\).*/\1/p" <<<"$result")
    if [ "${count:-0}" -lt 20 ]; then
        echo "$path: only ${count:-0} times"
        status=1
    fi
done
exit $status
