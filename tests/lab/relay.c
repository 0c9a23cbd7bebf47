/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Doors, where packets come in; ways, which say what happens to them; a heap of
 * those that wait for their time. The thread and its caller share a mutex,
 * which is held while packets are handled and never while waiting.
 */
#include "tests/lab/relay.h"

#include "gcs/base/prng.h"
#include "tests/checkers/memory.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#define DOORS_MAX (2 * LAB_MEMBERS_MAX)
#define BYTES_MAX (66 * 1024)           /* of one packet, with a header for offloads */
#define BATCH     32                    /* packets from one door before the next has its turn */
#define HELD_MAX  (64u << 20)           /* bytes that wait */
#define QUEUE_NS  (200 * LAB_NS_PER_MS) /* what a slow link holds before it drops */
#define NO_SLOT   LAB_MEMBERS_MAX

struct door {
    int fd; /* -1: closed */
    unsigned slot;
    int out; /* wire: where all goes; -1: a UDP socket */
};

struct packet {
    uint64_t due;
    uint64_t turn; /* of two with the same time the first comes first */
    int out;
    socklen_t to_size; /* 0: no address */
    struct sockaddr_storage to;
    size_t size;
    uint8_t bytes[];
};

struct inner {
    struct sockaddr_storage address;
    socklen_t size;
    int fd; /* the slot's door */
};

struct lab_relay {
    pthread_t thread;
    pthread_mutex_t mutex;
    int wake_fd;
    bool ends;
    struct gcs_prng prng;
    struct door doors[DOORS_MAX];
    nfds_t doors_count;
    struct inner inners[LAB_MEMBERS_MAX];
    uint8_t slot_of_port[65536];
    struct lab_way ways[LAB_MEMBERS_MAX][LAB_MEMBERS_MAX];
    uint64_t free_at[LAB_MEMBERS_MAX][LAB_MEMBERS_MAX]; /* when a limited way can carry more */
    struct packet **heap;
    size_t count, capacity, held;
    uint64_t turn;
    uint8_t bytes[BYTES_MAX];
};

/* ---- The heap: earliest first ------------------------------------------------------- */

static bool comes_before(const struct packet *a, const struct packet *b)
{
    return a->due < b->due || (a->due == b->due && a->turn < b->turn);
}

static void push(struct lab_relay *relay, struct packet *packet)
{
    size_t at;

    relay->heap = memory_grow(relay->heap, relay->count, &relay->capacity, sizeof(*relay->heap));
    for (at = relay->count++; at > 0; at = (at - 1) / 2) {
        if (!comes_before(packet, relay->heap[(at - 1) / 2]))
            break;
        relay->heap[at] = relay->heap[(at - 1) / 2];
    }
    relay->heap[at] = packet;
    relay->held += packet->size;
}

static struct packet *pop(struct lab_relay *relay)
{
    struct packet *first = relay->heap[0], *last = relay->heap[--relay->count];
    size_t at = 0, child;

    for (; (child = 2 * at + 1) < relay->count; at = child) {
        if (child + 1 < relay->count && comes_before(relay->heap[child + 1], relay->heap[child]))
            child++;
        if (!comes_before(relay->heap[child], last))
            break;
        relay->heap[at] = relay->heap[child];
    }
    relay->heap[at] = last;
    relay->held -= first->size;
    return first;
}

/* ---- Packets ------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * LAB_NS_PER_S + (uint64_t)now.tv_nsec;
}

/* A network drops what it cannot carry: so does this. */
static void transmit(int out, const void *bytes, size_t size, const struct sockaddr_storage *to,
                     socklen_t to_size)
{
    if (sendto(out, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL,
               to_size ? (const struct sockaddr *)to : NULL, to_size) < 0) {
        /* Nobody is there, or no room: lost. */
    }
}

/* When it arrives; 0: never. */
static uint64_t travel(struct lab_relay *relay, unsigned from, unsigned to, size_t size,
                       uint64_t now)
{
    const struct lab_way *way = &relay->ways[from][to];
    uint64_t *free_at = &relay->free_at[from][to], due = now;

    if (way->cut || (way->bytes_max && size > way->bytes_max) ||
        (way->loss && gcs_prng_chance(&relay->prng, way->loss)))
        return 0;
    if (way->rate_kbit) {
        *free_at = *free_at > now ? *free_at : now;
        if (*free_at - now > QUEUE_NS)
            return 0;
        *free_at += size * 8 * 1000000 / way->rate_kbit;
        due = *free_at;
    }
    due += way->delay_us * UINT64_C(1000);
    if (way->jitter_us)
        due += gcs_prng_below(&relay->prng, way->jitter_us * UINT64_C(1000));
    return due;
}

static void forward(struct lab_relay *relay, size_t size, uint64_t due, uint64_t now, int out,
                    const struct sockaddr_storage *to, socklen_t to_size)
{
    struct packet *packet;

    if (due <= now) {
        transmit(out, relay->bytes, size, to, to_size);
        return;
    }
    if (relay->held + size > HELD_MAX)
        return;
    packet = memory_new(1, sizeof(*packet) + size);
    *packet = (struct packet){
        .due = due, .turn = relay->turn++, .out = out, .to_size = to_size, .size = size};
    if (to_size)
        packet->to = *to;
    memcpy(packet->bytes, relay->bytes, size);
    push(relay, packet);
}

static void send_due(struct lab_relay *relay, uint64_t now)
{
    while (relay->count > 0 && relay->heap[0]->due <= now) {
        struct packet *packet = pop(relay);

        transmit(packet->out, packet->bytes, packet->size, &packet->to, packet->to_size);
        free(packet);
    }
}

static uint16_t port_of(const struct sockaddr_storage *address)
{
    return ntohs(address->ss_family == AF_INET6
                     ? ((const struct sockaddr_in6 *)(const void *)address)->sin6_port
                     : ((const struct sockaddr_in *)(const void *)address)->sin_port);
}

static void take_one(struct lab_relay *relay, const struct door *door, size_t size,
                     const struct sockaddr_storage *source, uint64_t now)
{
    const struct inner *inner = &relay->inners[door->slot];
    unsigned from = door->out >= 0 ? door->slot : relay->slot_of_port[port_of(source)];
    uint64_t due;

    if (from == NO_SLOT)
        return; /* not one of ours */
    due = travel(relay, from, door->slot, size, now);
    if (due == 0)
        return;
    if (door->out >= 0)
        forward(relay, size, due, now, door->out, NULL, 0);
    else if (relay->inners[from].size)
        forward(relay, size, due, now, relay->inners[from].fd, &inner->address, inner->size);
}

static void take(struct lab_relay *relay, const struct door *door)
{
    uint64_t now = now_ns();

    for (unsigned i = 0; i < BATCH && door->fd >= 0; i++) {
        struct sockaddr_storage source;
        socklen_t source_size = sizeof(source);
        ssize_t got = recvfrom(door->fd, relay->bytes, sizeof(relay->bytes), MSG_DONTWAIT,
                               (struct sockaddr *)&source, &source_size);

        if (got < 0)
            return;
        take_one(relay, door, (size_t)got, &source, now);
    }
}

/* ---- The thread --------------------------------------------------------------------- */

static void wait_for_packets(struct lab_relay *relay, struct pollfd *fds, nfds_t count,
                             uint64_t due)
{
    uint64_t now = now_ns(), ns = due > now ? due - now : 0;
    struct timespec time = {(time_t)(ns / LAB_NS_PER_S), (long)(ns % LAB_NS_PER_S)};

    pthread_mutex_unlock(&relay->mutex);
    if (ppoll(fds, count, due == UINT64_MAX ? NULL : &time, NULL) < 0 && errno != EINTR)
        abort();
    pthread_mutex_lock(&relay->mutex);
}

static void *relay_main(void *context)
{
    struct lab_relay *relay = context;
    struct pollfd fds[DOORS_MAX + 1];
    uint64_t woken;

    pthread_mutex_lock(&relay->mutex);
    while (!relay->ends) {
        nfds_t count = relay->doors_count;

        for (nfds_t i = 0; i < count; i++)
            fds[i] = (struct pollfd){.fd = relay->doors[i].fd, .events = POLLIN};
        fds[count] = (struct pollfd){.fd = relay->wake_fd, .events = POLLIN};
        wait_for_packets(relay, fds, count + 1, relay->count ? relay->heap[0]->due : UINT64_MAX);
        if (fds[count].revents && read(relay->wake_fd, &woken, sizeof(woken)) < 0) {
            /* It was somebody else's turn. */
        }
        for (nfds_t i = 0; i < count; i++) {
            if (fds[i].revents)
                take(relay, &relay->doors[i]);
        }
        send_due(relay, now_ns());
    }
    pthread_mutex_unlock(&relay->mutex);
    return NULL;
}

static void lock(struct lab_relay *relay)
{
    pthread_mutex_lock(&relay->mutex);
}

static void unlock_and_wake(struct lab_relay *relay)
{
    uint64_t one = 1;

    pthread_mutex_unlock(&relay->mutex);
    if (write(relay->wake_fd, &one, sizeof(one)) < 0) {
        /* It is awake. */
    }
}

/* ---- For the caller ----------------------------------------------------------------- */

struct lab_relay *lab_relay_open(uint64_t seed)
{
    struct lab_relay *relay = memory_new(1, sizeof(*relay));

    gcs_prng_init(&relay->prng, seed);
    memset(relay->slot_of_port, NO_SLOT, sizeof(relay->slot_of_port));
    pthread_mutex_init(&relay->mutex, NULL);
    relay->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (relay->wake_fd >= 0) {
        errno = pthread_create(&relay->thread, NULL, relay_main, relay);
        if (errno == 0)
            return relay;
        close(relay->wake_fd);
    }
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
    return NULL;
}

void lab_relay_close(struct lab_relay *relay)
{
    if (!relay)
        return;
    lock(relay);
    relay->ends = true;
    unlock_and_wake(relay);
    pthread_join(relay->thread, NULL);
    for (nfds_t i = 0; i < relay->doors_count; i++)
        close(relay->doors[i].fd);
    while (relay->count > 0)
        free(pop(relay));
    free(relay->heap);
    close(relay->wake_fd);
    pthread_mutex_destroy(&relay->mutex);
    free(relay);
}

void lab_relay_socket(struct lab_relay *relay, unsigned slot, int fd, const struct sockaddr *inner,
                      socklen_t size)
{
    struct inner *entry = &relay->inners[slot];

    lock(relay);
    memcpy(&entry->address, inner, size);
    entry->size = size;
    entry->fd = fd;
    relay->slot_of_port[port_of(&entry->address)] = (uint8_t)slot;
    relay->doors[relay->doors_count++] = (struct door){.fd = fd, .slot = slot, .out = -1};
    unlock_and_wake(relay);
}

void lab_relay_wire(struct lab_relay *relay, unsigned slot, int near, int far)
{
    lock(relay);
    relay->doors[relay->doors_count++] = (struct door){.fd = near, .slot = slot, .out = far};
    relay->doors[relay->doors_count++] = (struct door){.fd = far, .slot = slot, .out = near};
    unlock_and_wake(relay);
}

void lab_relay_set(struct lab_relay *relay, unsigned from, unsigned to, const struct lab_way *way)
{
    lock(relay);
    relay->ways[from][to] = *way;
    unlock_and_wake(relay);
}
