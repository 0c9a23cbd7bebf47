/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Cuts a process off from others without privileges: a classic BPF program on
 * its own UDP sockets (SO_ATTACH_FILTER, socket(7)) drops what comes from
 * certain ports, and a share of the rest by chance. The kernel does it,
 * silently and before the packet is queued, as a broken network would. What
 * is in the socket's queue already still arrives.
 */
#ifndef TESTS_LAB_FILTER_H
#define TESTS_LAB_FILTER_H

#include <stddef.h>
#include <stdint.h>

#define LAB_FILTER_PORTS_MAX 64

/* Sets the filter of all UDP sockets of this process. loss: millionths. 0, or an errno. */
int lab_filter_set(const uint16_t *ports, size_t count, uint32_t loss);

#endif
