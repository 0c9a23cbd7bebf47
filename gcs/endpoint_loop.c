/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One round of an endpoint's work: take in everything that has arrived, take back
 * what the application is done with, take over what it wants sent, let the core
 * do what is due, send, hand out events. Everything in batches; what is sent
 * answers a whole batch at once, with data, order and acknowledgements together.
 *
 * When a round finds nothing, the loop first yields for a little while, because
 * right after traffic more is likely and waking up costs more than the wait; it
 * never spins without yielding. Then it sleeps until a packet, a submission or
 * the core's deadline: an idle endpoint costs nothing but its heartbeats.
 *
 * Sleeping is ppoll on two descriptors, the transport's and an eventfd. With so few it
 * costs no more than epoll, and its timeout is exact to the nanosecond on
 * every kernel. Other threads write the eventfd only if the loop is (about to be)
 * asleep: it says so first and looks at the queue afterwards, they fill the
 * queue first and look whether it sleeps afterwards, all sequentially consistent,
 * so that one of both sees the other.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <time.h>
#include <unistd.h>

/* Packets in one call of the transport, and in one round: then the others have their turn. */
#define RECEIVE_BATCH 64
#define RECEIVE_MAX   1024

/* How long a round takes in packets at most: on a crowded machine each slice of the processor that
 * it needs is a long wait, and heartbeats go out at the end of the round. */
#define RECEIVE_NS (2 * GCS_NS_PER_MS)

/* How long after the last work waiting by yielding is cheaper than sleeping. */
#define YIELD_NS 50000

/* A yield that took so long has let somebody else work who had a lot to do; for so long sleeping is
 * better then: whoever sleeps is woken for a packet, whoever yields has to wait for a turn. */
#define CROWDED_AFTER_NS 200000
#define CROWDED_NS       (10 * GCS_NS_PER_MS)

/* Sleeping for less than this costs more than it saves. */
#define SLEEP_MIN_NS 5000

/* How long after memory was refused to ask again. */
#define STARVED_NS GCS_NS_PER_MS

/* The wall clock is looked at so often. */
#define WALL_EVERY_NS (10 * GCS_NS_PER_MS)

/* ---- Clocks ----------------------------------------------------------------------------- */

static uint64_t clock_ns(clockid_t clock)
{
    struct timespec time;

    (void)clock_gettime(clock, &time);
    return (uint64_t)time.tv_sec * GCS_NS_PER_S + (uint64_t)time.tv_nsec;
}

uint64_t gcs_clock_now(void)
{
    return clock_ns(CLOCK_BOOTTIME);
}

uint64_t gcs_clock_wait(void)
{
    return clock_ns(CLOCK_MONOTONIC);
}

uint64_t gcs_clock_deadline(int timeout_ms)
{
    return timeout_ms < 0 ? GCS_NEVER : gcs_clock_wait() + (uint64_t)timeout_ms * GCS_NS_PER_MS;
}

uint64_t gcs_clock_left(uint64_t deadline, uint64_t now)
{
    if (deadline == GCS_NEVER)
        return GCS_NEVER;
    return deadline > now ? deadline - now : 0;
}

/* ---- A round ---------------------------------------------------------------------------- */

/* Once: who asks for the note may still be reading it. */
static void note_stranger(struct gcs_endpoint *endpoint)
{
    struct gcs_address from;
    char address[GCS_ADDRESS_TEXT_MAX];
    int version = gcs_core_stranger(endpoint->core, &from);

    if (version == 0 || atomic_load_explicit(&endpoint->stranger, memory_order_relaxed))
        return;
    gcs_address_format(&from, address, sizeof(address));
    (void)snprintf(
        endpoint->stranger_text, sizeof(endpoint->stranger_text),
        "%s speaks version %d of the protocol, this endpoint version %d: its packets are "
        "refused",
        address, version, GCS_PROTOCOL_MAJOR);
    atomic_store(&endpoint->stranger, endpoint->stranger_text);
}

static bool receive(struct gcs_endpoint *endpoint)
{
    struct gcs_transport *transport = endpoint->transport;
    struct gcs_transport_packet packets[RECEIVE_BATCH];
    size_t total = 0;
    size_t count;

    do {
        count = transport->ops->receive(transport, packets, RECEIVE_BATCH);
        for (size_t i = 0; i < count; i++) {
            gcs_core_receive(endpoint->core, endpoint->now, &packets[i].from, packets[i].buffer,
                             packets[i].data, packets[i].size);
            gcs_buffer_unref(packets[i].buffer);
        }
        total += count;
    } while (count == RECEIVE_BATCH && total < RECEIVE_MAX && /* fewer: nothing more is there */
             gcs_clock_now() < endpoint->now + RECEIVE_NS);
    if (total > 0) {
        note_stranger(endpoint);
        gcs_core_overflowed(endpoint->core, transport->ops->counters(transport)->overflows);
    }
    return total > 0;
}

static bool hear_evidence(struct gcs_endpoint *endpoint)
{
    struct gcs_transport *transport = endpoint->transport;
    struct gcs_address peer;
    bool any = false;

    while (transport->ops->unreachable(transport, &peer)) {
        gcs_core_unreachable(endpoint->core, endpoint->now, &peer);
        any = true;
    }
    return any;
}

static bool transmit(struct gcs_endpoint *endpoint)
{
    struct gcs_transport *transport = endpoint->transport;
    size_t count;
    const struct gcs_core_packet *packets = gcs_core_packets(endpoint->core, &count);

    if (count == 0)
        return false;
    transport->ops->send(transport, packets, count);
    gcs_core_packets_sent(endpoint->core);
    return true;
}

void gcs_loop_starved(struct gcs_endpoint *endpoint)
{
    endpoint->retry_at = endpoint->now + STARVED_NS;
}

static void retry_starved(struct gcs_endpoint *endpoint)
{
    endpoint->retry_at = GCS_NEVER;
    for (struct gcs_group *group = endpoint->groups; group; group = group->next) {
        if (group->snapshot_due)
            gcs_view_publish(group, gcs_core_view(group->core));
        if (group->block == GCS_BLOCK_MEMORY)
            gcs_submit_retry(endpoint, group);
    }
}

static const struct gcs_view *view_of(const struct gcs_group *group)
{
    return group->core ? gcs_core_view(group->core) : NULL;
}

/*
 * The members of all groups, whenever a view has come or a group has gone: before anything is sent
 * or handed out in that view.
 */
static void tell_peers(struct gcs_endpoint *endpoint)
{
    struct gcs_transport *transport = endpoint->transport;
    uint64_t views = gcs_core_counters(endpoint->core)->views_installed;
    size_t count = 0, n = 0;

    if (views == endpoint->views_told && !endpoint->group_gone)
        return;
    for (struct gcs_group *group = endpoint->groups; group; group = group->next) {
        const struct gcs_view *view = view_of(group);
        count += view ? view->count : 0;
    }
    struct gcs_address *peers = gcs_allocate(endpoint->allocator, count + 1, sizeof(*peers));
    if (!peers)
        return; /* in the next round */
    for (struct gcs_group *group = endpoint->groups; group; group = group->next) {
        const struct gcs_view *view = view_of(group);
        for (uint16_t rank = 0; view && rank < view->count; rank++)
            peers[n++] = view->members[rank].id.address;
    }
    transport->ops->peers(transport, peers, n);
    gcs_release(endpoint->allocator, peers);
    endpoint->views_told = views;
    endpoint->group_gone = false;
}

void gcs_loop_read_clock(struct gcs_endpoint *endpoint)
{
    uint64_t now = gcs_clock_now();

    if (now - endpoint->wall_read >= WALL_EVERY_NS) { /* also if that was later */
        endpoint->wall_read = now;
        gcs_core_wall_clock(endpoint->core, (int64_t)(clock_ns(CLOCK_REALTIME) - now));
    }
    if (now > endpoint->now) /* the core's time never goes backwards, whatever the kernel does */
        endpoint->now = now;
}

bool gcs_loop_round(struct gcs_endpoint *endpoint)
{
    gcs_loop_read_clock(endpoint);
    endpoint->again = false;
    bool busy = receive(endpoint);
    busy |= hear_evidence(endpoint);
    if (!endpoint->own_loop)
        busy |= gcs_feed_return(endpoint);
    if (endpoint->pending)
        gcs_command_retry(endpoint);
    if (endpoint->slices)
        gcs_submit_slices(endpoint);
    busy |= gcs_submit_drain(endpoint);
    if (busy)
        gcs_loop_read_clock(endpoint);
    gcs_core_advance(endpoint->core, endpoint->now);
    busy |= transmit(endpoint);
    tell_peers(endpoint);
    if (!endpoint->own_loop)
        busy |= gcs_feed_move(endpoint);
    if (endpoint->now >= endpoint->retry_at)
        retry_starved(endpoint);
    busy |= endpoint->again;
    if (busy)
        endpoint->last_busy = endpoint->now;
    return busy;
}

void gcs_loop_goodbye(struct gcs_endpoint *endpoint)
{
    gcs_loop_read_clock(endpoint);
    gcs_core_goodbye(endpoint->core, endpoint->now);
    (void)transmit(endpoint);
}

uint64_t gcs_loop_deadline(const struct gcs_endpoint *endpoint)
{
    uint64_t deadline = gcs_core_deadline(endpoint->core);
    uint64_t answer = gcs_command_deadline(endpoint);

    if (answer < deadline)
        deadline = answer;
    return endpoint->retry_at < deadline ? endpoint->retry_at : deadline;
}

/* ---- Sleeping and waking ---------------------------------------------------------------- */

/* Did something come in between the last round and the announcement that the loop sleeps? */
static bool has_work(struct gcs_endpoint *endpoint)
{
    return !gcs_queue_empty(&endpoint->queue) || atomic_load(&endpoint->closing) ||
           (!endpoint->own_loop &&
            atomic_load(&endpoint->feed.consumed) != endpoint->feed.returned);
}

/*
 * Whoever wakes counts it before it writes, and the descriptor sums up what was written. So as
 * long as the counts differ something is there to be read, or about to be; and when they do
 * not, which is so in nearly every round, there is no need to ask the kernel.
 */
void gcs_loop_clear_wake(struct gcs_endpoint *endpoint)
{
    uint64_t count;

    if (atomic_load(&endpoint->wakes) != endpoint->wakes_read &&
        read(endpoint->wake_fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        endpoint->wakes_read += count;
}

static void sleep_for(struct gcs_endpoint *endpoint, uint64_t ns)
{
    struct gcs_transport *transport = endpoint->transport;
    struct pollfd fds[2] = {
        {.fd = endpoint->wake_fd, .events = POLLIN},
        {.fd = transport->ops->fd(transport), .events = POLLIN},
    };
    struct timespec time = {
        .tv_sec = (time_t)(ns / GCS_NS_PER_S),
        .tv_nsec = (long)(ns % GCS_NS_PER_S),
    };

    if (ppoll(fds, 2, ns == GCS_NEVER ? NULL : &time, NULL) > 0 && fds[0].revents &&
        !endpoint->own_loop) /* there the next round does it, which has the claim again */
        gcs_loop_clear_wake(endpoint);
}

/*
 * Called by the loop, which lets go of its claim while it waits: nothing of the loop's is touched
 * then, so that with GCS_OWN_LOOP another thread may be the loop meanwhile, and a child that is
 * forked meanwhile finds everything consistent.
 */
void gcs_loop_idle(struct gcs_endpoint *endpoint, uint64_t ns)
{
    uint64_t now = gcs_clock_now();
    uint64_t until_deadline = gcs_clock_left(gcs_loop_deadline(endpoint), now);
    uint64_t left = ns < until_deadline ? ns : until_deadline;

    bool yields = now < endpoint->last_busy + YIELD_NS &&
                  now >= atomic_load_explicit(&endpoint->crowded_until, memory_order_relaxed);
    if (yields || left < SLEEP_MIN_NS) {
        gcs_endpoint_unlock(endpoint);
        sched_yield();
        uint64_t after = gcs_clock_now();
        if (after > now + CROWDED_AFTER_NS)
            atomic_store_explicit(&endpoint->crowded_until, after + CROWDED_NS,
                                  memory_order_relaxed);
    } else {
        gcs_view_reclaim(endpoint);
        atomic_store(&endpoint->sleeping, true);
        bool work = has_work(endpoint);
        gcs_endpoint_unlock(endpoint);
        if (!work)
            sleep_for(endpoint, left);
        atomic_store(&endpoint->sleeping, false);
    }
}

void gcs_loop_wake(struct gcs_endpoint *endpoint)
{
    const uint64_t one = 1;

    if (atomic_load(&endpoint->sleeping) && atomic_exchange(&endpoint->sleeping, false)) {
        atomic_fetch_add(&endpoint->wakes, 1);
        ssize_t written = write(endpoint->wake_fd, &one, sizeof(one));
        (void)written; /* EAGAIN: it is readable already */
    }
}
