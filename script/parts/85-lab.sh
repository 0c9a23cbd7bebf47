# SPDX-License-Identifier: BSD-3-Clause
# part: real processes under faults, each history checked for every guarantee
# timeout: 400
. "$root/script/lib.sh"
seconds=20
[ "$quick" = yes ] && seconds=8

# campaign NAME PROGRAM arguments...: what a violation leaves is kept where it can be found.
campaign() {
    local dir=$logs/lab-$1 program=$2
    shift 2
    mkdir -p "$logs"
    "$program" --seconds $seconds --dir "$dir" "$@" || return
    rm -rf "$dir"
}

logs=$root/build/test-logs
lab=$root/build/tests/gcs-lab
[ -x "$lab" ] || { skip lab "there is no gcs-lab"; exit; }
verdict "lab: all faults, 5 members" campaign all "$lab" --seed 1 --members 5
verdict "lab: kills and stops, 3 members, safe" \
    campaign kills "$lab" --seed 2 --members 3 --faults kill,stop,leave --service safe
verdict "lab: all faults, 5 members, loopback" \
    campaign loopback "$lab" --seed 6 --members 5 --network loopback
[ "$quick" = yes ] ||
    verdict "lab: a bad network, 7 members, agreed" campaign network "$lab" --seed 3 --members 7 \
        --faults loss,duplicate,reorder,corrupt,cut,partition,delay,rate,flap,mtu --service agreed

lab=$root/build-asan/tests/gcs-lab
if [ -x "$lab" ]; then
    export ASAN_OPTIONS=detect_leaks=1 UBSAN_OPTIONS=print_stacktrace=1
    verdict "lab: all faults, 3 members, AddressSanitizer" campaign asan "$lab" --seed 4 --members 3
fi
