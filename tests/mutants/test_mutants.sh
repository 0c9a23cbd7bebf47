#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# Every deliberate bug is found by some checker, and every checker finds some
# deliberate bug.
# ctest-timeout: 600
set -euo pipefail
exec "$1/tests/gcs-sim-mutants" --runs 3000
