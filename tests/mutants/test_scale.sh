#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every deliberate bug in the tree of regions misses a bound on one member's work.
# ctest-timeout: 300
set -euo pipefail
exec "$1/tests/gcs-sim-mutants" --scale
