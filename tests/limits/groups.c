/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Many groups on one endpoint: two endpoints are members of all of them, one message goes
 * through each, and both leave them again. What a group costs is resident memory of
 * both members together, and has a bound.
 */
#include "tests/limits/limits.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define GROUP_KIB_MAX \
    1024 /* of both members; the windows alone may take more, but nothing is in them */

struct many {
    struct pair pair;
    struct gcs_group **at_a, **at_b;
    unsigned count;
};

static void name_group(unsigned number, char name[32])
{
    snprintf(name, 32, "group-%u", number);
}

/* Events of that type at one endpoint until there were so many; those with a view count if it has
 * two members. */
static void count_events(struct gcs_endpoint *endpoint, enum gcs_event_type type, unsigned count)
{
    struct gcs_event event;

    while (count > 0) {
        limits_await(endpoint, type, &event);
        count -= type != GCS_EVENT_VIEW || event.change->view.count == 2;
    }
}

static void join_all(struct many *many)
{
    char name[32];

    for (unsigned i = 0; i < many->count; i++) {
        name_group(i, name);
        many->at_a[i] = limits_join(many->pair.a, name, GCS_CREATE);
    }
    for (unsigned i = 0; i < many->count; i++) {
        name_group(i, name);
        many->at_b[i] = limits_join(many->pair.b, name, GCS_JOIN);
    }
    count_events(many->pair.a, GCS_EVENT_VIEW, many->count);
    count_events(many->pair.b, GCS_EVENT_VIEW, many->count);
}

static void send_all(struct many *many)
{
    for (unsigned i = 0; i < many->count; i++)
        limits_must(gcs_multicast(many->at_b[i], GCS_AGREED, "hello", 5, GCS_FOREVER),
                    "gcs_multicast");
    count_events(many->pair.a, GCS_EVENT_DELIVER, many->count);
    count_events(many->pair.b, GCS_EVENT_DELIVER, many->count);
}

static void leave_all(struct gcs_endpoint *endpoint, struct gcs_group **groups, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        limits_must(gcs_leave(groups[i]), "gcs_leave");
    count_events(endpoint, GCS_EVENT_LEFT, count);
    for (unsigned i = 0; i < count; i++)
        gcs_group_free(groups[i]);
}

bool limit_groups(const struct limits_options *options)
{
    struct many many = {.count = options->groups};
    uint64_t begin, joined, sent, left;
    long before, full;

    many.at_a = calloc(many.count, sizeof(*many.at_a));
    many.at_b = calloc(many.count, sizeof(*many.at_b));
    if (!many.at_a || !many.at_b)
        abort();
    pair_open(&many.pair);
    before = usage_rss_kib(getpid());
    begin = usage_now_ms();
    join_all(&many);
    joined = usage_now_ms();
    send_all(&many);
    sent = usage_now_ms();
    full = usage_rss_kib(getpid());
    leave_all(many.pair.b, many.at_b, many.count);
    leave_all(many.pair.a, many.at_a, many.count);
    left = usage_now_ms();
    pair_close(&many.pair);
    free(many.at_a);
    free(many.at_b);
    long each = (full - before) / (long)many.count;
    return limits_say(options, "groups", each <= GROUP_KIB_MAX,
                      "%u groups of 2 members on one endpoint each: joined in %.2f s, a message in "
                      "each in %.2f s, left in %.2f s, %ld KiB per group at both members",
                      many.count, (double)(joined - begin) / 1e3, (double)(sent - joined) / 1e3,
                      (double)(left - sent) / 1e3, each);
}
