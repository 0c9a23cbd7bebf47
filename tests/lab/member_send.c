/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Multicasting, from the member's loop or from a thread of its own. It waits
 * for nothing but what the API promises: after GCS_EAGAIN for
 * GCS_EVENT_WRITABLE, after GCS_ENOPRIMARY for a view; so if the library forgets
 * one of them, the member is not idle in the end.
 */
#include "tests/lab/member.h"

#include <time.h>

#define MESSAGES_PER_STEP 64

/* How long it may take to notice that what it waited for has come. */
#define STEP_LEAST_NS (5 * LAB_NS_PER_MS)
#define STEP_MOST_NS  (50 * LAB_NS_PER_MS)

void lab_sender_init(struct lab_sender *sender, const struct lab_member_options *options)
{
    pthread_mutex_init(&sender->mutex, NULL);
    lab_load_init(&sender->load, options->seed, options->rate, options->service);
    atomic_store(&sender->idle, true);
}

void lab_sender_fini(struct lab_sender *sender)
{
    pthread_mutex_destroy(&sender->mutex);
    lab_load_fini(&sender->load);
}

void lab_sender_set_group(struct lab_sender *sender, struct gcs_group *group)
{
    pthread_mutex_lock(&sender->mutex);
    sender->group = group;
    sender->waits_writable = sender->waits_view = false;
    atomic_store(&sender->accepted, 0);
    pthread_mutex_unlock(&sender->mutex);
}

static bool must_wait(struct lab_sender *sender)
{
    if (sender->waits_writable && atomic_load(&sender->writables) != sender->at_writable)
        sender->waits_writable = false;
    if (sender->waits_view && atomic_load(&sender->views) != sender->at_view)
        sender->waits_view = false;
    return sender->waits_writable || sender->waits_view;
}

/* Whether more may be sent at once. */
static bool multicast(struct lab_sender *sender, int timeout_ms)
{
    struct lab_load *load = &sender->load;
    int error;

    sender->at_writable = atomic_load(&sender->writables);
    sender->at_view = atomic_load(&sender->views);
    error = gcs_multicast(sender->group, load->chosen, load->buffer, load->size, timeout_ms);
    switch (error) {
    case 0:
        atomic_fetch_add(&sender->accepted, 1);
        atomic_fetch_add(&sender->bytes, load->size);
        lab_load_gone(load, lab_now());
        return true;
    case GCS_EAGAIN:
        sender->waits_writable = true;
        return false;
    case GCS_ENOPRIMARY:
        sender->waits_view = true;
        return false;
    case GCS_ETIMEDOUT:
    case GCS_ENOTMEMBER:
        return false;
    default:
        atomic_store(&sender->error, error);
        return false;
    }
}

/* A snapshot of the view is there and whole, whatever the group does meanwhile. */
static void look_at_view(struct lab_sender *sender)
{
    const struct gcs_view *view = gcs_view_acquire(sender->group);

    if (view && (view->self >= view->count || view->members[view->self].id.incarnation == 0))
        atomic_store(&sender->error, GCS_EINVAL);
    gcs_view_release(view);
}

uint64_t lab_sender_step(struct lab_sender *sender, int timeout_ms)
{
    uint64_t again = UINT64_MAX, now = lab_now();
    bool waits, sending = atomic_load(&sender->sending);

    pthread_mutex_lock(&sender->mutex);
    waits = must_wait(sender);
    if (!sending)
        sender->load.ready = false; /* nobody has taken it */
    if (sending && sender->group && !waits) {
        unsigned sent = 0;

        while (sent < MESSAGES_PER_STEP && lab_load_due(&sender->load, now) &&
               multicast(sender, timeout_ms))
            sent++;
        if (sent > 0)
            look_at_view(sender);
        if (!must_wait(sender))
            again = lab_load_deadline(&sender->load);
    }
    atomic_store(&sender->idle, !sending && !waits);
    pthread_mutex_unlock(&sender->mutex);
    return again;
}

/* Many members that hardly send have better things to do than to look whether they may. */
static uint64_t step_ns(const struct lab_sender *sender)
{
    uint64_t ns = LAB_NS_PER_S / (8 * (uint64_t)sender->load.rate);

    if (ns < STEP_LEAST_NS)
        return STEP_LEAST_NS;
    return ns < STEP_MOST_NS ? ns : STEP_MOST_NS;
}

void *lab_sender_main(void *context)
{
    struct lab_sender *sender = context;
    const uint64_t most = step_ns(sender);

    while (!atomic_load(&sender->stops)) {
        /* Now and then with a deadline: those calls wait inside of the library. */
        uint64_t again = lab_sender_step(sender, sender->load.prng.state[0] & 1 ? 20 : 0);
        uint64_t now = lab_now();
        uint64_t ns = again > now ? again - now : 0;
        struct timespec time = {0, (long)(ns < most ? ns : most)};

        if (ns > 0)
            nanosleep(&time, NULL);
    }
    return NULL;
}
