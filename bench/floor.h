/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The floor: what this machine can do at best. The same bytes go between the same
 * number of processes with the same kind of system calls, and there is no protocol:
 * who may send how much is read from shared memory, so that nothing is lost.
 *
 *   floor.c         the command, and the floor for the other commands
 *   floor_socket.c  sockets
 *   floor_fan.c     all to all, as much as possible
 *   floor_echo.c    to and fro, one at a time
 */
#ifndef GCS_BENCH_FLOOR_H
#define GCS_BENCH_FLOOR_H

#include "world.h"

#include <netinet/in.h>
#include <sys/socket.h>

union bench_sockaddr {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
};

/* Where one process can be reached, and how many bytes it has received from each of the others. */
struct bench_floor_seat {
    _Alignas(64) union bench_sockaddr address;
    uint64_t buffer_bytes; /* what its socket holds, by the kernel's count */
    _Alignas(64) _Atomic uint64_t received[BENCH_MEMBERS_MAX];
};

struct bench_floor {
    struct bench_floor_seat seats[BENCH_MEMBERS_MAX];
    uint32_t window_bytes; /* of one sender on their way to one process, at most */
};

struct bench_floor_socket {
    int fd;
    socklen_t address_size;
};

/* Medians: messages per second at the slowest member, and what one costs. False: it was said what
 * is wrong. */
bool bench_floor_measure(const struct bench_options *options, double *messages_per_second,
                         double *cpu_us_per_message);

/* Medians of a round trip between two processes. */
bool bench_floor_measure_latency(const struct bench_options *options, double *p50_us,
                                 double *p99_us);

/* Roles for bench_crew_start; extra is the struct bench_floor, in shared memory. */
void bench_floor_fan(const struct bench_options *options, struct bench_world *world, unsigned index,
                     void *extra);
void bench_floor_echo(const struct bench_options *options, struct bench_world *world,
                      unsigned index, void *extra);

/* Opens the socket of a member, writes its address into its seat; false: seat->error says why. */
bool bench_floor_open(struct bench_floor_socket *s, const struct bench_options *options,
                      struct bench_world *world, unsigned index, struct bench_floor *floor);

/* Largest datagram that a path carries in one piece, as the options and its MTU say. */
size_t bench_floor_packet(const struct bench_floor_socket *s, const struct bench_options *options,
                          const union bench_sockaddr *to);

/* Tells the parent that this process is ready, waits for the others and the start. */
bool bench_floor_assemble(struct bench_world *world, unsigned index);

/* Tells the parent that this process is done, and waits for the others; or that it is broken. */
void bench_floor_disband(struct bench_world *world, unsigned index);

/* Notes that something went wrong. */
void bench_floor_break(struct bench_seat *seat, const char *what, int error);

#endif
