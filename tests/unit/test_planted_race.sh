#!/bin/sh
# SPDX-License-Identifier: BSD-3-Clause
#
# Is a race still found beside the queue that ThreadSanitizer is told about? Compiles
# tests/tsan/planted_race.c with ThreadSanitizer, whatever the build at hand is, with each compiler
# that can, and requires that the correct program runs clean and each planted race is reported.
#
# ctest-labels: thread
set -eu

root=$(cd "$(dirname "$0")/../.." && pwd)
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
flags=$(pkg-config --cflags --libs liburcu-bp)

# The sanitizer needs its usual layout of memory, which much randomisation spoils.
run() {
    TSAN_OPTIONS="halt_on_error=1:exitcode=66:suppressions=$root/tests/tsan.supp" "$@" >"$tmp/out" 2>&1
}

judge() {
    compiler=$1
    for plant in none write-after-push two-producers; do
        status=0
        run "$tmp/race" "$plant" || status=$?
        if [ "$plant" = none ]; then expected=0; else expected=66; fi
        if [ "$status" != "$expected" ]; then
            echo "$compiler: $plant: exit $status instead of $expected"
            cat "$tmp/out"
            failed=1
        elif [ "$plant" != none ] && ! grep -q 'WARNING: ThreadSanitizer: data race' "$tmp/out"; then
            echo "$compiler: $plant: exit 66, but no data race was reported"
            cat "$tmp/out"
            failed=1
        else
            echo "$compiler: $plant: as expected"
        fi
    done
}

tried=0 failed=0
for compiler in gcc clang; do
    command -v "$compiler" >/dev/null || continue
    # shellcheck disable=SC2086 # several words on purpose
    "$compiler" -std=c11 -D_GNU_SOURCE -O1 -g -fsanitize=thread -I"$root" -I"$root/gcs/include" \
        -o "$tmp/race" "$root/tests/tsan/planted_race.c" $flags -pthread 2>"$tmp/log" || {
        echo "$compiler: cannot compile with ThreadSanitizer: $(head -n 1 "$tmp/log")"
        continue
    }
    run "$tmp/race" none || grep -q 'ThreadSanitizer: data race' "$tmp/out" || {
        echo "$compiler: ThreadSanitizer does not run here: $(head -n 1 "$tmp/out")"
        continue
    }
    tried=$((tried + 1))
    judge "$compiler"
done
[ "$tried" -gt 0 ] || { echo "no compiler here has ThreadSanitizer"; exit 77; }
exit "$failed"
