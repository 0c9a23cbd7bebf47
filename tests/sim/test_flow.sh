#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Chance losses cost little, congestion is answered, senders are equal, and a burst is soon
# forgotten: the bounds of gcs-sim --flow hold, in simulated time.
# ctest-timeout: 300
set -euo pipefail
sim=$1/tools/gcs-sim
"$sim" --flow
"$sim" --flow --seed 2 --json | grep -q '"ok":true}$'
