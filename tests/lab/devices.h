/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The RDMA devices of script/rdma-guest as the processes' network: slot N has the
 * device of 10.77.0.<N+1> and fd77::<N+1>, on the interface eth<N+1>, whose cable ends in
 * the bridge's port<N+1>. A link that is down is a cable that was pulled there: the device's
 * port goes down, and its addresses and routes stay.
 */
#ifndef TESTS_LAB_DEVICES_H
#define TESTS_LAB_DEVICES_H

#include "tests/lab/network.h"

/* Whether there are so many of them; why: what is missing. */
bool lab_devices_possible(unsigned members, char *why, size_t size);

/* Makes all links what they shall be; what cannot be done is in failure. */
void lab_devices_update(struct lab_network *network);

#endif
