/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Events on their way from the core to the application: the loop's side.
 *
 * The loop takes events from the core as long as the ring has room; what it does not
 * take stays in the core, held against the senders' windows: that is how a slow
 * application slows the group down instead of filling memory. Each event is noted
 * when it is taken: views are published, calls learn whether the group is in the
 * primary, messages that waited for the event are tried again.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"

#include <string.h>
#include <unistd.h>

/* ---- The ring --------------------------------------------------------------------------- */

int gcs_feed_init(struct gcs_feed *feed, const struct gcs_allocator *allocator, uint32_t events)
{
    feed->capacity = 1;
    while (feed->capacity < events)
        feed->capacity *= 2;
    feed->slots = gcs_allocate(allocator, feed->capacity, sizeof(feed->slots[0]));
    if (!feed->slots)
        return gcs_fail(GCS_ENOMEM, "out of memory for %u events", feed->capacity);
    return 0;
}

void gcs_feed_fini(struct gcs_feed *feed, const struct gcs_allocator *allocator)
{
    gcs_release(allocator, feed->slots);
}

void gcs_feed_raise(struct gcs_endpoint *endpoint)
{
    const uint64_t one = 1;

    if (!atomic_exchange(&endpoint->feed.raised, true)) {
        ssize_t written = write(endpoint->ready_fd, &one, sizeof(one));
        (void)written; /* EAGAIN: it is readable already */
    }
}

/* ---- What events mean to the endpoint --------------------------------------------------- */

void gcs_feed_owe_writable(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    if (GCS_MUTANT(forget_writable) || group->writable_due ||
        atomic_load(&group->state) & GCS_HANDLE_LEFT)
        return;
    group->writable_due = true;
    group->writable_next = NULL;
    *endpoint->writable_end = group;
    endpoint->writable_end = &group->writable_next;
    endpoint->again = true;
}

static void forget_writable(struct gcs_endpoint *endpoint, struct gcs_group *group)
{
    struct gcs_group **link = &endpoint->writable;

    while (*link && *link != group)
        link = &(*link)->writable_next;
    if (!*link)
        return;
    *link = group->writable_next;
    if (!*link)
        endpoint->writable_end = link;
    group->writable_due = false;
}

static bool take_writable(struct gcs_endpoint *endpoint, struct gcs_core_event *event)
{
    struct gcs_group *group = endpoint->writable;

    if (!group)
        return false;
    endpoint->writable = group->writable_next;
    if (!endpoint->writable)
        endpoint->writable_end = &endpoint->writable;
    group->writable_due = false;
    *event = (struct gcs_core_event){.type = GCS_EVENT_WRITABLE, .user = group};
    return true;
}

static void note_view(struct gcs_endpoint *endpoint, struct gcs_group *group,
                      const struct gcs_view_change *change)
{
    gcs_view_publish(group, &change->view);
    if (change->primary) {
        atomic_fetch_and(&group->state, ~(unsigned)GCS_HANDLE_NOPRIMARY);
        gcs_submit_retry(endpoint, group);
    } else {
        atomic_fetch_or(&group->state, GCS_HANDLE_NOPRIMARY);
        gcs_submit_notify(endpoint);
    }
}

/* False: the event was the endpoint's business only. */
static bool note(struct gcs_endpoint *endpoint, const struct gcs_core_event *event)
{
    struct gcs_group *group = event->user;

    switch (event->type) {
    case GCS_EVENT_DELIVER:
    case GCS_EVENT_PRIVATE:
    case GCS_EVENT_STATE_WANTED:
    case GCS_EVENT_STATE:
    case GCS_EVENT_STATE_END:
    case GCS_EVENT_STABLE:
    case GCS_EVENT_SLOW:
        break;
    case GCS_EVENT_VIEW:
        note_view(endpoint, group, event->change);
        break;
    case GCS_EVENT_WRITABLE:
        group->core_full = false;
        gcs_submit_retry(endpoint, group);
        return false;
    case GCS_EVENT_LEFT:
        atomic_fetch_or(&group->state, GCS_HANDLE_LEFT);
        forget_writable(endpoint, group);
        gcs_submit_drop(endpoint, group);
        gcs_view_publish(group, NULL);
        break;
    }
    return true;
}

bool gcs_feed_take(struct gcs_endpoint *endpoint, struct gcs_core_event *event)
{
    do {
        if (take_writable(endpoint, event))
            return true;
        if (!gcs_core_next_event(endpoint->core, event))
            return false;
        if (note(endpoint, event))
            return true;
        gcs_core_consumed(endpoint->core, event);
    } while (true);
}

/* Events of the endpoint's own making have no core group. */
void gcs_feed_give_back(struct gcs_endpoint *endpoint, const struct gcs_core_event *event)
{
    struct gcs_group *group = event->user;
    bool left = event->type == GCS_EVENT_LEFT;

    if (!event->group)
        return;
    gcs_core_consumed(endpoint->core, event);
    if (left)
        gcs_handle_set_gone(group);
}

/* ---- The loop's side of the ring -------------------------------------------------------- */

bool gcs_feed_return(struct gcs_endpoint *endpoint)
{
    struct gcs_feed *feed = &endpoint->feed;
    uint32_t consumed = atomic_load_explicit(&feed->consumed, memory_order_acquire);

    if (GCS_MUTANT(return_early))
        consumed = feed->filled;
    if (feed->returned == consumed)
        return false;
    for (; feed->returned != consumed; feed->returned++)
        gcs_feed_give_back(endpoint, &feed->slots[feed->returned & (feed->capacity - 1)]);
    return true;
}

bool gcs_feed_move(struct gcs_endpoint *endpoint)
{
    struct gcs_feed *feed = &endpoint->feed;
    uint32_t before = feed->filled;

    while (feed->filled - feed->returned < feed->capacity &&
           gcs_feed_take(endpoint, &feed->slots[feed->filled & (feed->capacity - 1)]))
        feed->filled++;
    if (feed->filled == before)
        return false;
    atomic_store(&feed->produced, feed->filled);
    gcs_feed_raise(endpoint);
    return true;
}
