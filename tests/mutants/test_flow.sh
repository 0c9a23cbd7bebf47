#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every deliberate bug in congestion control misses a bound.
# ctest-timeout: 300
set -euo pipefail
exec "$1/tests/gcs-sim-mutants" --flow
