# SPDX-License-Identifier: BSD-3-Clause
# part: the tests with threads under ThreadSanitizer
# timeout: 1500
. "$root/script/lib.sh"
exclude=()
[ "$quick" = yes ] && exclude=(-LE '^slow$')
# gcc 12's runtime does not start where the kernel randomises more than 30 bits.
if setarch "$(uname -m)" -R true 2>/dev/null; then
    # shellcheck disable=SC2034 # for run_ctest
    ctest_under=(setarch "$(uname -m)" -R)
fi
run_ctest tsan "${exclude[@]}"
