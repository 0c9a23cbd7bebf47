# SPDX-License-Identifier: BSD-3-Clause
# part: the same under AddressSanitizer and UndefinedBehaviorSanitizer
# timeout: 2400
. "$root/script/lib.sh"
# Resident memory says nothing here: the sanitizer keeps what was freed. What is broken on purpose
# (mutants) is found by checkers, which the release build has run.
exclude=(-LE '^(arch|manual|limits|mutants)$')
[ "$quick" = yes ] && exclude=(-LE '^(arch|manual|limits|mutants|slow)$')
run_ctest asan "${exclude[@]}"
