/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A UDP round trip between two processes: the first sends a datagram, the second
 * sends it back. They wait as libgcs does: look without blocking, yield for a little
 * while, then sleep until something comes.
 */
#include "floor.h"

#include "clock.h"

#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define YIELD_NS (50 * BENCH_NS_PER_US)
#define SLEEP_MS 5
#define LOST_NS  BENCH_NS_PER_S /* a datagram that takes longer is not on its way any more */

struct echo {
    struct bench_world *world;
    struct bench_seat *seat;
    struct bench_floor_socket socket;
    const union bench_sockaddr *other;
    uint8_t *data;
    size_t size;
    uint64_t trips;
};

static bool is_over(const struct echo *echo)
{
    return atomic_load_explicit(&echo->world->quit, memory_order_relaxed) ||
           atomic_load(&echo->seat->state) == BENCH_BROKEN;
}

/* False: nothing came until then, or the run is over. */
static bool receive(struct echo *echo, uint64_t until)
{
    struct pollfd fd = {.fd = echo->socket.fd, .events = POLLIN};
    uint64_t began = bench_now();

    for (uint64_t now = began; !is_over(echo) && now < until; now = bench_now()) {
        ssize_t n = recv(echo->socket.fd, echo->data, echo->size, MSG_DONTWAIT);
        if (n == (ssize_t)echo->size)
            return true;
        if (n < 0 && errno != EAGAIN && errno != EINTR && errno != ECONNREFUSED)
            bench_floor_break(echo->seat, "recv", errno);
        if (now < began + YIELD_NS)
            (void)sched_yield();
        else
            (void)poll(&fd, 1, SLEEP_MS);
    }
    return false;
}

static void send_one(struct echo *echo)
{
    if (sendto(echo->socket.fd, echo->data, echo->size, MSG_NOSIGNAL, &echo->other->any,
               echo->socket.address_size) < 0 &&
        errno != ECONNREFUSED)
        bench_floor_break(echo->seat, "sendto", errno);
}

static void take_mark(const struct echo *echo, struct bench_mark *mark)
{
    bench_mark_process(mark);
    mark->messages = echo->trips;
    mark->bytes = echo->trips * echo->size;
}

static void ask(struct echo *echo)
{
    struct bench_world *world = echo->world;
    const uint64_t begin = atomic_load(&world->begin), end = atomic_load(&world->end);
    bool begun = false;
    uint64_t now;

    while ((now = bench_now()) < end && !is_over(echo)) {
        if (!begun && now >= begin) {
            begun = true;
            take_mark(echo, &echo->seat->begin);
        }
        send_one(echo);
        if (!receive(echo, now + LOST_NS)) {
            if (!is_over(echo))
                bench_floor_break(echo->seat, "a datagram was lost", 0);
            return;
        }
        echo->trips++;
        if (begun)
            bench_histogram_add(&echo->seat->latency, bench_now() - now);
    }
    take_mark(echo, &echo->seat->end);
}

/* Also after the end: the other's last datagram may still be on its way. */
static void answer(struct echo *echo)
{
    struct bench_world *world = echo->world;
    const uint64_t begin = atomic_load(&world->begin), end = atomic_load(&world->end);
    bool begun = false, ended = false;

    while (!is_over(echo)) {
        uint64_t now = bench_now();
        if (!begun && now >= begin) {
            begun = true;
            take_mark(echo, &echo->seat->begin);
        }
        if (!ended && now >= end) {
            ended = true;
            take_mark(echo, &echo->seat->end);
            atomic_store(&echo->seat->state, BENCH_DONE);
        }
        if (receive(echo, now + SLEEP_MS * BENCH_NS_PER_MS)) {
            send_one(echo);
            echo->trips++;
        }
    }
}

void bench_floor_echo(const struct bench_options *options, struct bench_world *world,
                      unsigned index, void *extra)
{
    struct bench_floor *floor = extra;
    struct echo echo = {
        .world = world,
        .seat = &world->seats[index],
        .other = &floor->seats[1 - index].address,
        .size = options->size,
        .data = calloc(1, options->size),
    };

    if (!echo.data) {
        bench_floor_break(echo.seat, "out of memory", 0);
        return;
    }
    if (bench_floor_open(&echo.socket, options, world, index, floor)) {
        if (bench_floor_assemble(world, index)) {
            if (index == 0)
                ask(&echo);
            else
                answer(&echo);
            bench_floor_disband(world, index);
        }
        (void)close(echo.socket.fd);
    }
    free(echo.data);
}
