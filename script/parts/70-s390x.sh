# SPDX-License-Identifier: BSD-3-Clause
# part: golden bytes and the simulator on a big-endian machine (s390x under qemu)
# quick: no
# timeout: 600
. "$root/script/lib.sh"
. "$root/script/cross.sh"
cross_test s390x 20
