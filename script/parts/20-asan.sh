# SPDX-License-Identifier: BSD-3-Clause
# part: the same under AddressSanitizer and UndefinedBehaviorSanitizer
# timeout: 1500
. "$root/script/lib.sh"
exclude=(-LE '^(arch|manual)$')
[ "$quick" = yes ] && exclude=(-LE '^(arch|manual|slow)$')
run_ctest asan "${exclude[@]}"
