# SPDX-License-Identifier: BSD-3-Clause
# part: clang finds nothing to warn of, and what it builds passes the unit tests
# timeout: 900
. "$root/script/lib.sh"
only=(-L '^(unit|golden)$')
[ "$quick" = yes ] && only+=(-LE '^slow$')
run_ctest clang "${only[@]}"
