/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * All to all without a protocol: each sender sends the same bytes to each of the
 * others as long as none of them has more than a window left to read; each process
 * drains its socket without blocking, yields, and sleeps shortly when there is
 * nothing to do. Datagrams are numbered, so that a loss would not go unnoticed.
 * Small ones travel as trains (UDP_SEGMENT, UDP_GRO).
 */
#include "floor.h"

#include "clock.h"

#include <errno.h>
#include <netinet/udp.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define UNIT_MAX       65000 /* bytes of a train; a larger one is refused */
#define TRAIN_SEGMENTS 64
#define SINGLE_BYTES   16384 /* from here on a train is no faster than its datagrams */
#define UNITS          4     /* per call, to each */
#define SLOTS          8
#define SLOT_BYTES     65536
#define YIELD_NS       (50 * BENCH_NS_PER_US)

struct fan {
    struct bench_world *world;
    struct bench_seat *seat;
    struct bench_floor *floor;
    struct bench_floor_socket socket;
    unsigned index;
    bool sender;
    uint32_t size; /* bytes of a message */
    size_t packet; /* bytes of a datagram */
    size_t unit;   /* bytes of a train of them */
    uint64_t window;
    uint64_t sent;      /* bytes, to each */
    uint64_t delivered; /* bytes, one's own included */
    uint64_t datagrams; /* sent, to each */
    uint64_t next[BENCH_MEMBERS_MAX];
    uint64_t busy_at;
    uint8_t *memory;
    struct mmsghdr *headers;
    struct iovec *vectors;
    struct mmsghdr slots[SLOTS];
    struct iovec slot_vectors[SLOTS];
    union bench_sockaddr from[SLOTS];
    _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(uint16_t))];
};

/* ---- Sending ---------------------------------------------------------------------------- */

/* How many units may go to each of the others now. */
static unsigned room(const struct fan *fan)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < fan->world->count; i++) {
        uint64_t received =
            atomic_load_explicit(&fan->floor->seats[i].received[fan->index], memory_order_acquire);
        if (i != fan->index && received < least)
            least = received;
    }
    uint64_t outstanding = fan->sent - least;
    uint64_t units = outstanding >= fan->window ? 0 : (fan->window - outstanding) / fan->unit;
    return units < UNITS ? (unsigned)units : UNITS;
}

static void number_unit(struct fan *fan, uint8_t *unit)
{
    for (size_t at = 0; at < fan->unit; at += fan->packet) {
        uint64_t stamp = (uint64_t)fan->index << 48 | fan->datagrams++;
        memcpy(unit + at, &stamp, sizeof(stamp));
    }
}

static bool send_units(struct fan *fan)
{
    unsigned units = fan->sender ? room(fan) : 0;
    unsigned count = 0, done = 0;

    for (unsigned u = 0; u < units; u++) {
        number_unit(fan, fan->vectors[u].iov_base);
        for (unsigned i = 0; i < fan->world->count; i++) {
            struct msghdr *h = &fan->headers[count].msg_hdr;
            if (i == fan->index)
                continue;
            *h = (struct msghdr){
                .msg_name = &fan->floor->seats[i].address,
                .msg_namelen = fan->socket.address_size,
                .msg_iov = &fan->vectors[u],
                .msg_iovlen = 1,
                .msg_control = fan->unit > fan->packet ? fan->control : NULL,
                .msg_controllen = fan->unit > fan->packet ? sizeof(fan->control) : 0,
            };
            count++;
        }
    }
    while (done < count) {
        int n = sendmmsg(fan->socket.fd, fan->headers + done, count - done, MSG_NOSIGNAL);
        if (n < 0 && errno != EAGAIN && errno != EINTR) {
            bench_floor_break(fan->seat, "sendmmsg", errno);
            return false;
        }
        done += n > 0 ? (unsigned)n : 0;
    }
    fan->sent += units * fan->unit;
    fan->delivered += units * fan->unit;
    return units > 0;
}

/* ---- Receiving ---------------------------------------------------------------------------- */

/* The datagrams of one buffer: from whom, and is the one before it there? */
static bool take_buffer(struct fan *fan, const uint8_t *data, size_t size)
{
    unsigned sender = 0;

    for (size_t at = 0; at + sizeof(uint64_t) <= size; at += fan->packet) {
        uint64_t stamp;
        memcpy(&stamp, data + at, sizeof(stamp));
        sender = (unsigned)(stamp >> 48);
        uint64_t number = stamp & ((UINT64_C(1) << 48) - 1);
        if (sender >= fan->world->count || number != fan->next[sender]) {
            bench_floor_break(fan->seat, "a datagram was lost", 0);
            return false;
        }
        fan->next[sender]++;
    }
    fan->delivered += size;
    atomic_fetch_add_explicit(&fan->floor->seats[fan->index].received[sender], size,
                              memory_order_release);
    return true;
}

static bool receive_all(struct fan *fan)
{
    bool any = false;
    int n;

    do {
        for (unsigned i = 0; i < SLOTS; i++)
            fan->slots[i].msg_hdr.msg_namelen = sizeof(fan->from[i]);
        n = recvmmsg(fan->socket.fd, fan->slots, SLOTS, MSG_DONTWAIT, NULL);
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
            bench_floor_break(fan->seat, "recvmmsg", errno);
        for (int i = 0; i < n; i++) {
            if (!take_buffer(fan, fan->slot_vectors[i].iov_base, fan->slots[i].msg_len))
                return any;
        }
        any |= n > 0;
    } while (n == SLOTS);
    return any;
}

/* ---- The course of a run --------------------------------------------------------------------- */

static bool allocate(struct fan *fan)
{
    fan->memory = malloc(UNITS * UNIT_MAX + SLOTS * SLOT_BYTES);
    fan->vectors = calloc(UNITS, sizeof(*fan->vectors));
    fan->headers = calloc((size_t)UNITS * fan->world->count, sizeof(*fan->headers));
    if (!fan->memory || !fan->vectors || !fan->headers)
        return false;
    memset(fan->memory, 'f', UNITS * UNIT_MAX + SLOTS * SLOT_BYTES);
    for (unsigned i = 0; i < UNITS; i++)
        fan->vectors[i] = (struct iovec){fan->memory + (size_t)i * UNIT_MAX, fan->unit};
    for (unsigned i = 0; i < SLOTS; i++) {
        fan->slot_vectors[i] = (struct iovec){
            fan->memory + (size_t)UNITS * UNIT_MAX + (size_t)i * SLOT_BYTES, SLOT_BYTES};
        fan->slots[i].msg_hdr.msg_iov = &fan->slot_vectors[i];
        fan->slots[i].msg_hdr.msg_iovlen = 1;
        fan->slots[i].msg_hdr.msg_name = &fan->from[i];
    }
    return true;
}

/* How large, how many, how far ahead; needs everybody's address. */
static bool plan(struct fan *fan, const struct bench_options *options)
{
    unsigned other = fan->index == 0 ? 1 : 0;
    uint64_t least = UINT64_MAX;
    int on = 1;

    fan->packet = bench_floor_packet(&fan->socket, options, &fan->floor->seats[other].address);
    size_t segments = fan->packet <= SINGLE_BYTES ? UNIT_MAX / fan->packet : 1;
    fan->unit = fan->packet * (segments < TRAIN_SEGMENTS ? segments : TRAIN_SEGMENTS);
    for (unsigned i = 0; i < fan->world->count; i++) {
        if (fan->floor->seats[i].buffer_bytes < least)
            least = fan->floor->seats[i].buffer_bytes;
    }
    least /= 4 * options->senders; /* the kernel counts more than the bytes; nothing may be lost */
    fan->window = least < fan->floor->window_bytes ? least : fan->floor->window_bytes;
    if (fan->window < fan->unit)
        fan->window = fan->unit;
    if (fan->unit > fan->packet) {
        struct msghdr h = {.msg_control = fan->control, .msg_controllen = sizeof(fan->control)};
        struct cmsghdr *c = CMSG_FIRSTHDR(&h);
        uint16_t segment = (uint16_t)fan->packet;
        *c = (struct cmsghdr){CMSG_LEN(sizeof(segment)), IPPROTO_UDP, UDP_SEGMENT};
        memcpy(CMSG_DATA(c), &segment, sizeof(segment));
        (void)setsockopt(fan->socket.fd, IPPROTO_UDP, UDP_GRO, &on, sizeof(on));
    }
    return allocate(fan);
}

static void take_mark(const struct fan *fan, struct bench_mark *mark)
{
    bench_mark_process(mark);
    mark->bytes = fan->delivered;
    mark->messages = fan->delivered / fan->size;
    mark->counters.data_packets_sent = fan->datagrams;
    mark->counters.messages_sent = fan->sent / fan->size;
}

static void idle(const struct fan *fan, uint64_t now)
{
    struct timespec nap = {.tv_nsec = YIELD_NS};

    if (now < fan->busy_at + YIELD_NS)
        (void)sched_yield();
    else
        (void)nanosleep(&nap, NULL);
}

static void work(struct fan *fan)
{
    struct bench_world *world = fan->world;
    bool begun = false;

    while (!atomic_load_explicit(&world->quit, memory_order_relaxed) &&
           atomic_load(&fan->seat->state) != BENCH_BROKEN) {
        uint64_t now = bench_now();
        if (!begun && now >= atomic_load(&world->begin)) {
            begun = true;
            take_mark(fan, &fan->seat->begin);
        }
        if (now >= atomic_load(&world->end))
            break;
        bool busy = receive_all(fan);
        busy |= send_units(fan);
        if (busy)
            fan->busy_at = now;
        else
            idle(fan, now);
    }
    take_mark(fan, &fan->seat->end);
}

void bench_floor_fan(const struct bench_options *options, struct bench_world *world, unsigned index,
                     void *extra)
{
    struct fan fan = {
        .world = world,
        .seat = &world->seats[index],
        .floor = extra,
        .index = index,
        .size = options->size,
        .sender = bench_is_sender(options, index),
    };

    if (!bench_floor_open(&fan.socket, options, world, index, fan.floor))
        return;
    if (bench_floor_assemble(world, index)) {
        if (plan(&fan, options))
            work(&fan);
        else
            bench_floor_break(fan.seat, "out of memory", 0);
        bench_floor_disband(world, index);
    }
    free(fan.memory);
    free(fan.vectors);
    free(fan.headers);
    (void)close(fan.socket.fd);
}
