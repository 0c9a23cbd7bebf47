# SPDX-License-Identifier: BSD-3-Clause
# part: unit, integration, architecture and golden tests, as built for release
# timeout: 2400
. "$root/script/lib.sh"
exclude=()
[ "$quick" = yes ] && exclude=(-LE '^slow$')
run_ctest release "${exclude[@]}"
