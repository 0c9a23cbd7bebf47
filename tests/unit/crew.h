/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few endpoints in one process over the loopback interface, each in one group:
 * the first founds it, the others join by its address. For tests of the API.
 */
#ifndef GCS_TESTS_UNIT_CREW_H
#define GCS_TESTS_UNIT_CREW_H

#include <check.h>
#include <gcs/gcs.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define CREW_MAX 4

/* Longer than any test should take: a test that waits for so long has failed. */
#define CREW_PATIENCE_MS 20000

struct crew {
    size_t count;
    struct gcs_endpoint *endpoint[CREW_MAX];
    struct gcs_group *group[CREW_MAX];
};

#define crew_ok(call) crew_ok_at((call), #call, __FILE__, __LINE__)

static inline int crew_ok_at(int result, const char *call, const char *file, int line)
{
    /* Check notes each assertion in a file, also those that hold: too much for a busy thread. */
    if (result < 0)
        ck_abort_msg("%s:%d: %s: %s: %s", file, line, call, gcs_strerror(result), gcs_detail());
    return result;
}

static inline void crew_pause_ms(long ms)
{
    struct timespec time = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    (void)nanosleep(&time, NULL);
}

static inline uint64_t crew_now_ms(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000 + (uint64_t)time.tv_nsec / 1000000;
}

/* Opens one more endpoint; NULL: the defaults. */
static inline struct gcs_endpoint *crew_open(struct crew *crew,
                                             const struct gcs_endpoint_options *options)
{
    char url[256];
    size_t i = crew->count;

    if (i == 0)
        (void)snprintf(url, sizeof(url), "udp://127.0.0.1:0");
    else
        (void)snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s",
                       gcs_endpoint_address(crew->endpoint[0]));
    crew_ok(gcs_open(url, options, &crew->endpoint[i]));
    crew->count++;
    return crew->endpoint[i];
}

/* Joins the endpoint of that index; config may be NULL. */
static inline struct gcs_group *crew_join(struct crew *crew, size_t i,
                                          const struct gcs_group_config *config)
{
    struct gcs_group_config chosen;

    gcs_group_config_init(&chosen);
    if (config)
        chosen = *config;
    chosen.bootstrap = i == 0 ? GCS_CREATE : GCS_JOIN;
    crew_ok(gcs_join(crew->endpoint[i], "crew", &chosen, &crew->group[i]));
    return crew->group[i];
}

/* Takes events until one of that type comes, which is left in *event. */
static inline void crew_await(struct gcs_endpoint *endpoint, enum gcs_event_type type,
                              struct gcs_event *event)
{
    do {
        if (crew_ok(gcs_next(endpoint, event, CREW_PATIENCE_MS)) == 0)
            ck_abort_msg("no event of type %d came", (int)type);
    } while (event->type != type);
}

/* Takes events until the view has so many members. */
static inline void crew_await_members(struct gcs_endpoint *endpoint, size_t count)
{
    struct gcs_event event;

    do {
        crew_await(endpoint, GCS_EVENT_VIEW, &event);
    } while (event.change->view.count != count);
}

/* Opens count endpoints and joins them; all have seen the view with all of them. */
static inline void crew_form(struct crew *crew, size_t count,
                             const struct gcs_endpoint_options *options,
                             const struct gcs_group_config *config)
{
    memset(crew, 0, sizeof(*crew));
    for (size_t i = 0; i < count; i++) {
        crew_open(crew, options);
        crew_join(crew, i, config);
        for (size_t k = 0; k <= i; k++)
            crew_await_members(crew->endpoint[k], i + 1);
    }
}

static inline void crew_close(struct crew *crew)
{
    for (size_t i = 0; i < crew->count; i++)
        gcs_close(crew->endpoint[i]);
}

#endif
