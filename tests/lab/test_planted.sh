#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The lab finds bugs in real processes: three that are planted in the program
# around the protocol, where no simulator would see them, and one in the protocol. Each within
# ten minutes, seed after seed.
#
# usage: test_planted.sh BUILD_FOLDER [BUG...]
# ctest-labels: slow
# ctest-timeout: 600

lab=${1:?usage: $0 BUILD_FOLDER [BUG...]}/tests/gcs-lab-mutants
shift
[ -x "$lab" ] || { echo "no $lab"; exit 77; }
[ $# -gt 0 ] || set -- forget_writable return_early keep_socket install_without_flush
tmp=$(mktemp -d "${TMPDIR:-/tmp}/gcs-lab-planted.XXXXXX")
wrong=0
trap 'rm -rf "$tmp"' EXIT
trap 'exit 143' INT TERM

# hunt BUG SECONDS
hunt() {
    local begin=$SECONDS seed status
    for ((seed = 1; SECONDS - begin < $2; seed++)); do
        status=0
        GCS_LAB_PLANTED=$1 "$lab" --seed $seed --seconds 8 --members 4 --dir "$tmp/lab" \
            >"$tmp/out" 2>&1 || status=$?
        if [ $status = 1 ]; then
            echo "planted: $1 found after $((SECONDS - begin)) s: $(tail -n 1 "$tmp/out" | cut -d, -f1)"
            return 0
        fi
        [ $status = 0 ] || { tail -n 5 "$tmp/out"; return 1; }
    done
    echo "planted: $1 NOT found within $2 s"
    return 1
}

for bug; do
    hunt "$bug" 600 || wrong=1
done
GCS_LAB_PLANTED=none "$lab" --seed 1 --seconds 4 --members 4 >"$tmp/out" 2>&1 ||
    { wrong=1; echo "without a bug there is a violation, too:"; tail -n 20 "$tmp/out"; }
GCS_LAB_PLANTED=nonsense "$lab" >"$tmp/out" 2>&1
[ $? = 2 ] || { wrong=1; echo "a bug that does not exist is accepted"; }
exit $wrong
