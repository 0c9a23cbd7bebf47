/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A counter that is the same in every process. Each argument is a number that is added to it; then
 * the program goes on counting what others add:
 *
 *     counter 1 2 3
 *
 * Additions are safe messages, so all processes make them in the same order, and none is lost with
 * those that die. Who joins later is given the counter as it is: its state. Real states are larger;
 * then a copy is made, or a fork, or a file (gcs_state_offer_fd), so that the program can go on
 * while the state is on its way.
 */
#include <gcs/gcs.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct counter {
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    int64_t total;
    bool known; /* the total is the group's */
    bool left;
};

static void show(const struct counter *counter)
{
    printf("total %" PRId64 "\n", counter->total);
    fflush(stdout);
}

/* ---- The state is given ------------------------------------------------------------------- */

static int64_t read_copy(void *copy, uint64_t offset, void *data, size_t size)
{
    if (offset >= sizeof(int64_t))
        return 0; /* that was all */
    if (size > sizeof(int64_t) - offset)
        size = sizeof(int64_t) - (size_t)offset;
    memcpy(data, (const char *)copy + offset, size);
    return (int64_t)size;
}

/* The event comes at the same place between the additions at which the new member goes on. */
static void give(const struct counter *counter, const struct gcs_event *event)
{
    int64_t *copy = malloc(sizeof(*copy));
    struct gcs_state_source source = {copy, read_copy, free, sizeof(*copy)};

    if (copy)
        *copy = counter->total;
    if (gcs_state_offer(counter->group, event->sender, copy ? &source : NULL) < 0)
        free(copy); /* it is gone again */
}

/* ---- The state is taken ------------------------------------------------------------------- */

/* Larger states come in many pieces; the one at offset 0 says that it begins, or begins anew. */
static void take(struct counter *counter, const struct gcs_event *event)
{
    if (event->offset + event->messages[0].size <= sizeof(counter->total))
        memcpy((char *)&counter->total + event->offset, event->messages[0].data,
               event->messages[0].size);
}

/* ---- Counting ----------------------------------------------------------------------------- */

static void add(struct counter *counter, const struct gcs_event *event)
{
    for (size_t i = 0; i < event->count; i++) {
        int64_t number;

        if (event->messages[i].size != sizeof(number))
            continue; /* not from a program like this one */
        memcpy(&number, event->messages[i].data, sizeof(number));
        counter->total += number;
    }
    show(counter);
}

static void tell_view(struct counter *counter, const struct gcs_view_change *change)
{
    unsigned syncing = 0;

    for (uint16_t i = 0; i < change->view.count; i++)
        syncing += change->view.members[i].syncing;
    if (!change->view.members[change->view.self].syncing)
        counter->known = true; /* founded, or has got it */
    printf("-- view %" PRIu32 ": %u members, %u without the state%s%s\n", change->view.epoch,
           change->view.count, syncing, change->primary ? "" : ", cut off",
           change->merged ? ", back again" : "");
    fflush(stdout);
}

static void handle(struct counter *counter, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_VIEW)
        tell_view(counter, event->change);
    else if (event->type == GCS_EVENT_STATE_WANTED)
        give(counter, event);
    else if (event->type == GCS_EVENT_STATE)
        take(counter, event);
    else if (event->type == GCS_EVENT_STATE_END && !counter->known)
        show(counter);
    else if (event->type == GCS_EVENT_DELIVER)
        add(counter, event);
    else if (event->type == GCS_EVENT_LEFT)
        counter->left = true;
}

static bool start(struct counter *counter)
{
    const char *url = getenv("COUNTER_URL");
    struct gcs_group_config config;

    gcs_group_config_init(&config);
    config.state = true;
    return gcs_open(url ? url : "udp://127.0.0.1:7400-7431", NULL, &counter->endpoint) == 0 &&
           gcs_join(counter->endpoint, "counter", &config, &counter->group) == 0;
}

int main(int argc, char **argv)
{
    struct counter counter = {.total = 0};
    struct gcs_event event;

    if (!start(&counter)) {
        fprintf(stderr, "counter: %s\n", gcs_detail());
        return 1;
    }
    for (int i = 1; i < argc; i++) {
        int64_t number = strtoll(argv[i], NULL, 10);

        /* Before the first view it waits, and goes out with it. */
        if (gcs_multicast(counter.group, GCS_SAFE, &number, sizeof(number), GCS_FOREVER) < 0)
            fprintf(stderr, "counter: %s is not added: %s\n", argv[i], gcs_detail());
    }
    while (!counter.left && gcs_next(counter.endpoint, &event, GCS_FOREVER) == 1)
        handle(&counter, &event);
    gcs_close(counter.endpoint);
    return 0;
}
