/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the two ends of `gcs doctor` say to each other: datagrams of five words, filled
 * up to the size that is tested. The end that listens answers an address only after that has
 * shown, by repeating a cookie, that it can receive; and sends nobody more than it was sent,
 * before that. It serves one visitor at a time.
 */
#ifndef TOOLS_GCS_PROBE_H
#define TOOLS_GCS_PROBE_H

#include "gcs_options.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROBE_BYTES_MIN 40u    /* the five words */
#define PROBE_BYTES_MAX 65507u /* the largest datagram of IPv4 */
#define PROBE_COUNT_MAX 2000u  /* packets in one burst */
#define PROBE_GROUP     "239.255.74.67"

enum probe_kind {
    PROBE_HELLO = 1, /* who are you? */
    PROBE_WELCOME,   /* cookie; a: own clock */
    PROBE_ECHO,      /* a: the sender's clock */
    PROBE_ECHOED,    /* a: the same; b: own clock */
    PROBE_BURST,     /* one packet of many; a: the burst's number */
    PROBE_COUNT,     /* a: how many of that burst came? */
    PROBE_COUNTED,   /* a: the burst; b: so many, each of them once */
    PROBE_SEND,      /* a: a burst; b: packets, c: bytes of each: send me these */
    PROBE_SEND_ALL,  /* the same, to the multicast group */
    PROBE_GOODBYE,   /* the visit is over: the next one may come */
};

struct probe {
    enum probe_kind kind;
    uint64_t cookie;
    uint64_t a, b, c;
};

struct probe_address {
    struct sockaddr_storage storage;
    socklen_t length;
};

/* "192.0.2.1:7500", "[2001:db8::1]:7500", "name:7500". False after a complaint. */
bool probe_resolve(const struct tool_options *options, const char *text,
                   struct probe_address *address);

/* A socket that does not let packets be fragmented, bound to local (NULL: any address of remote's
 * family). -1 after a complaint. */
int probe_open(const struct tool_options *options, const struct probe_address *local, int family);

/* A socket that hears the group's packets at the interface of that address; -1: errno. */
int probe_open_group(const struct probe_address *local, uint16_t port);
struct probe_address probe_group_address(uint16_t port);
uint16_t probe_port(const struct probe_address *address);

/* Sends a datagram of size bytes. False: not even that (too large for the interface, say). */
bool probe_send(int fd, const struct probe_address *to, const struct probe *probe, size_t size);
/* Sends a burst of them, a few at a time with pauses. How many went out. */
uint32_t probe_burst(int fd, const struct probe_address *to, uint64_t cookie, uint64_t number,
                     uint32_t count, size_t size);

/* Waits until a time of probe_now for a probe; false: none came, or what came is none. */
bool probe_receive(int fd, struct probe_address *from, struct probe *probe, size_t *size,
                   uint64_t until);

uint64_t probe_now(void); /* CLOCK_BOOTTIME, as the protocol's */

/* `gcs doctor --listen` */
int probe_listen(const struct tool_options *options);

#endif
