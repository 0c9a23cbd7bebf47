# SPDX-License-Identifier: BSD-3-Clause
# part: the same under AddressSanitizer and UndefinedBehaviorSanitizer
# timeout: 1500
. "$root/script/lib.sh"
# Resident memory says nothing here: the sanitizer keeps what was freed.
exclude=(-LE '^(arch|manual|limits)$')
[ "$quick" = yes ] && exclude=(-LE '^(arch|manual|limits|slow)$')
run_ctest asan "${exclude[@]}"
