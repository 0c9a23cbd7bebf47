# SPDX-License-Identifier: BSD-3-Clause
# part: RDMA on real verbs: transport, conformance, groups, crashes, in a guest with soft-RoCE
# quick: no
# timeout: 2700
. "$root/script/lib.sh"
build=$root/build
if [ ! -x "$build/tests/rdma/test_rdma" ]; then
    skip rdma "built without libibverbs and librdmacm: script/setup installs them"
    exit
fi
if ! said=$("$root/script/rdma-guest" --check 2>&1); then
    skip rdma "NO GUEST, SO NOTHING OF RDMA IS TESTED HERE: $said"
    exit
fi
guest() { "$root/script/rdma-guest" --hosts 5 --timeout 900 -- "$@"; }
cd "$root" || exit 1
# At last it is asked what is said without a device: the programs skip all else then.
verdict "rdma: the transport" guest env CK_DEFAULT_TIMEOUT=120 GCS_RDMA_OPENS=50 sh -c '
    failed=0
    for program in "$0"/test_rdma*; do
        "$program" || failed=1
    done
    GCS_RDMA_REMOVE=5 "$0/test_rdma_open" a_device_that_is_removed_is_told_of || failed=1
    for i in 1 2 3 4; do
        rdma link del "rxe$i" || failed=1
    done
    for i in 1 2 3 4 5 6 7 8 9 10; do
        [ -e /sys/class/infiniband/rxe5 ] || break
        sleep 1
    done
    "$0/test_rdma_open"
    [ $? = 77 ] || failed=1
    exit $failed' "$build/tests/rdma"
# The suites of buffers and resources move too much for an emulated machine; they are in ctest's
# conformance wherever there are devices.
verdict "rdma: conformance" guest env CK_DEFAULT_TIMEOUT=120 sh -c '
    for suite in delivery evidence; do
        CK_RUN_SUITE=$suite "$0" || exit 1
    done' "$build/tests/conformance/test_conformance"
verdict "rdma: groups" guest tests/rdma/groups.sh "$build" services orders state counters
verdict "rdma: crashes" guest tests/rdma/groups.sh "$build" crashes
