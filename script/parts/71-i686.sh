# SPDX-License-Identifier: BSD-3-Clause
# part: golden bytes and the simulator on a 32-bit machine (i686)
# quick: no
# timeout: 600
. "$root/script/lib.sh"
. "$root/script/cross.sh"
cross_test i686 100
