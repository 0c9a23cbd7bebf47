/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A relay: a thread that takes packets in at descriptors and sends them on from others,
 * later, less often, or not at all. With UDP sockets it stands between processes on
 * loopback, where each packet leaves from the socket that is known as its
 * sender; with packet sockets it is a piece of wire between two interfaces.
 * Guarantees that what it holds is bounded, and that chance follows from a seed.
 */
#ifndef TESTS_LAB_RELAY_H
#define TESTS_LAB_RELAY_H

#include "tests/lab/lab.h"

#include <stddef.h>
#include <sys/socket.h>

/* What happens on the way from one slot to another. */
struct lab_way {
    uint32_t loss;      /* millionths */
    uint32_t delay_us;  /* at least ... */
    uint32_t jitter_us; /* ... and up to so much more: packets overtake each other */
    uint32_t rate_kbit; /* 0: no limit */
    uint32_t bytes_max; /* larger packets get lost; 0: none do */
    bool cut;
};

struct lab_relay;

/* NULL: errno. */
struct lab_relay *lab_relay_open(uint64_t seed);
void lab_relay_close(struct lab_relay *relay);

/*
 * The relay's UDP socket for a slot, which from then on belongs to it: what arrives there goes
 * to inner, where the slot's process is; what comes from inner leaves from here.
 */
void lab_relay_socket(struct lab_relay *relay, unsigned slot, int fd, const struct sockaddr *inner,
                      socklen_t size);

/*
 * A piece of wire between two packet sockets (with PACKET_VNET_HDR), which from then on belong
 * to it. Its way is that from slot to slot.
 */
void lab_relay_wire(struct lab_relay *relay, unsigned slot, int near, int far);

void lab_relay_set(struct lab_relay *relay, unsigned from, unsigned to, const struct lab_way *way);

#endif
