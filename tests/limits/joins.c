/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Joins and leaves in a row: a second member comes and goes while the first one
 * stays. What they used of memory and descriptors after the first tenth may not
 * grow afterwards.
 */
#include "tests/limits/limits.h"

#include <unistd.h>

/* What an allocator may keep that is not the library's doing. */
#define SLACK_KIB 1024

static void join_and_leave(const struct pair *pair, struct gcs_endpoint *joiner)
{
    struct gcs_group *group = limits_join(joiner, "limits", GCS_JOIN);
    struct gcs_event event;

    limits_await_members(pair->a, 2);
    limits_await_members(joiner, 2);
    limits_must(gcs_multicast(group, GCS_AGREED, "hello", 5, GCS_FOREVER), "gcs_multicast");
    limits_await(joiner, GCS_EVENT_DELIVER, &event);
    limits_must(gcs_leave(group), "gcs_leave");
    limits_await(joiner, GCS_EVENT_LEFT, &event);
    limits_await_members(pair->a, 1);
    gcs_group_free(group);
}

static bool repeat(const struct limits_options *options, const char *name, unsigned count,
                   bool own_endpoint)
{
    uint64_t begin = usage_now_ms(), end;
    long rss = 0, rss_end;
    int descriptors = 0, descriptors_end;
    struct pair pair;

    pair_open(&pair);
    limits_join(pair.a, "limits", GCS_CREATE);
    limits_await_members(pair.a, 1);
    for (unsigned i = 0; i < count; i++) {
        struct gcs_endpoint *joiner = pair.b;

        if (i == count / 10) {
            rss = usage_rss_kib(getpid());
            descriptors = usage_descriptors(getpid());
        }
        if (own_endpoint)
            joiner = pair_open_another(&pair);
        join_and_leave(&pair, joiner);
        if (own_endpoint)
            gcs_close(joiner);
    }
    end = usage_now_ms();
    rss_end = usage_rss_kib(getpid());
    descriptors_end = usage_descriptors(getpid());
    pair_close(&pair);
    return limits_say(options, name, rss_end <= rss + SLACK_KIB && descriptors_end <= descriptors,
                      "%u joins and leaves%s in %.1f s, %.2f ms each; resident %ld KiB after the "
                      "first tenth and %ld KiB at the end, %d and %d descriptors",
                      count, own_endpoint ? " of new endpoints" : "", (double)(end - begin) / 1e3,
                      (double)(end - begin) / count, rss, rss_end, descriptors, descriptors_end);
}

bool limit_joins(const struct limits_options *options)
{
    return repeat(options, "joins", options->joins, false);
}

bool limit_opens(const struct limits_options *options)
{
    return repeat(options, "opens", options->opens, true);
}
