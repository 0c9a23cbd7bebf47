#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# A large view without a tree keeps to a pace: what only confirms goes as one for a while. Of 64 members
# with Lamport clocks each packet would otherwise make one for every pair of them; this schedule has
# some 500,000 packets arrive, and 1,500,000 without.
# ctest-timeout: 300
set -euo pipefail
sim=$1/tools/gcs-sim
out=$("$sim" --members 64 --order lamport --messages 200 --json)
received=$(printf '%s\n' "$out" | tail -n 1 | sed 's/.*"packets_received":\([0-9]*\).*/\1/')
echo "$received packets arrived"
[ "$received" -lt 1000000 ]
