#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The same seed gives the same trace, byte for byte; another seed another one;
# and the number of a run in a campaign does not matter.
# ctest-timeout: 120
set -euo pipefail
sim=$1/tools/gcs-sim
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT

run() { # run FILE ARGUMENTS...
    local file=$1
    shift
    "$sim" --members 5 --service mixed --faults all --trace "$file" "$@" >"$file.out"
    tail -1 "$file.out"
}

run "$tmp/a" --seed 41
run "$tmp/b" --seed 41
run "$tmp/c" --seed 42
run "$tmp/d" --seed 41 --runs 2
cmp "$tmp/a" "$tmp/b"
cmp "$tmp/a.out" "$tmp/b.out"
cat "$tmp/a" "$tmp/c" | cmp - "$tmp/d"
if cmp -s "$tmp/a" "$tmp/c"; then exit 1; fi
[ "$(wc -l <"$tmp/a")" -gt 500 ]
