# SPDX-License-Identifier: BSD-3-Clause
# part: real processes under faults, limits, and all else of script/soak in short
# timeout: 900
. "$root/script/lib.sh"

logs=$root/build/test-logs
[ -x "$root/build/tests/gcs-lab" ] || { skip lab "there is no gcs-lab"; exit; }
if [ "$quick" = yes ]; then
    verdict "soak: lab, in short" "$root/script/soak" --short lab
else
    verdict "soak, in short" "$root/script/soak" --short
fi

# What a violation leaves is kept where it can be found.
campaign() {
    local dir=$logs/lab-asan
    mkdir -p "$logs"
    "$@" --seconds 10 --dir "$dir" || return
    rm -rf "$dir"
}
lab=$root/build-asan/tests/gcs-lab
if [ -x "$lab" ]; then
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    verdict "lab: all faults, 3 members, AddressSanitizer" campaign "$lab" --seed 4 --members 3
fi
