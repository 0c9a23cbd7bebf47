#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# One member's work does not grow with the group: the table of gcs-sim --scale holds for as many
# members as fit here; by itself the command goes on to 1000.
# ctest-timeout: 300
set -euo pipefail
sim=$1/tools/gcs-sim
out=$("$sim" --scale --members 256 --messages 400)
printf '%s\n' "$out"
[ "$(printf '%s\n' "$out" | grep -c '(depth')" -eq 4 ] # the head and three rows
"$sim" --scale --members 64 --region-size 32 --messages 1000 | tail -1 | grep -q 'all bounds hold'
"$sim" --scale --members 8 --messages 100 --json | grep -q '"ok":true}$'
