#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcs-limits in short, and what is wrong on its command line is refused.
#
# ctest-labels: slow
# ctest-timeout: 200

limits=${1:?usage: $0 BUILD_FOLDER}/tests/gcs-limits
[ -x "$limits" ] || { echo "no $limits"; exit 77; }
wrong=0

# run STATUS LAST_LINE OPTION...
run() {
    local expected=$1 last=$2 status=0 out
    shift 2
    out=$("$limits" "$@" 2>&1) || status=$?
    if [ $status = "$expected" ] && [[ $out == *"$last"* ]]; then
        echo "ok: gcs-limits $*"
    else
        echo "WRONG: exit $status, not $expected: gcs-limits $*"
        wrong=$((wrong + 1))
    fi
    sed 's/^/    /' <<<"$out"
}

run 2 '--joins: "3"' --joins 3
run 2 '"heights" is no limit' heights
run 0 usage: --help
run 0 'gcs-limits: ok' --groups 200 --joins 300 --opens 50 --seconds 5
[ $wrong = 0 ]
