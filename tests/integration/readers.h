/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A few endpoints of one group over loopback, each with an application thread that
 * takes its events and counts, until it is told to stall.
 */
#ifndef TESTS_INTEGRATION_READERS_H
#define TESTS_INTEGRATION_READERS_H

#include "unit/crew.h"

#define READERS_MAX 3

struct reader {
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    pthread_t thread;
    atomic_bool stalled; /* takes nothing, and with GCS_OWN_LOOP does nothing at all */
    atomic_bool ends;
    atomic_bool own_loop;
    atomic_uint delivered, views, members; /* messages; view events; size of the last view */
    atomic_uint merged;                    /* views in which it has come back */
    uint32_t last[READERS_MAX];            /* the last number of each sender */
    unsigned disordered;                   /* messages that did not follow the one before */
};

/* What they multicast. */
struct numbered {
    uint32_t sender, number;
    uint8_t rest[1000];
};

static struct reader readers[READERS_MAX];

static inline void reader_take(struct reader *reader, const struct gcs_event *event)
{
    if (event->type == GCS_EVENT_VIEW) {
        atomic_store(&reader->members, event->change->view.count);
        atomic_fetch_add(&reader->merged, event->change->merged ? 1 : 0);
        atomic_fetch_add(&reader->views, 1);
    } else if (event->type == GCS_EVENT_DELIVER) {
        for (size_t i = 0; i < event->count; i++) {
            struct numbered message;

            memcpy(&message, event->messages[i].data, 2 * sizeof(uint32_t));
            reader->disordered += message.number != reader->last[message.sender] + 1;
            reader->last[message.sender] = message.number;
        }
        atomic_fetch_add(&reader->delivered, (unsigned)event->count);
    }
}

static void *reader_main(void *context)
{
    struct reader *reader = context;
    struct gcs_event event;

    while (!atomic_load(&reader->ends)) {
        if (atomic_load(&reader->stalled)) {
            crew_pause_ms(1);
            continue;
        }
        if (atomic_load(&reader->own_loop)) {
            crew_ok(gcs_dispatch(reader->endpoint));
            while (crew_ok(gcs_next(reader->endpoint, &event, 0)) > 0)
                reader_take(reader, &event);
            crew_pause_ms(1);
        } else if (crew_ok(gcs_next(reader->endpoint, &event, 10)) > 0) {
            reader_take(reader, &event);
        }
    }
    return NULL;
}

/* Waits until a counter is what it shall be; a test in which that takes too long has failed. */
#define readers_await(condition)                                                  \
    do {                                                                          \
        uint64_t limit_ = crew_now_ms() + CREW_PATIENCE_MS;                       \
        while (!(condition)) {                                                    \
            if (crew_now_ms() > limit_)                                           \
                ck_abort_msg("%s:%d: never: %s", __FILE__, __LINE__, #condition); \
            crew_pause_ms(1);                                                     \
        }                                                                         \
    } while (0)

static inline bool readers_together(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (atomic_load(&readers[i].members) != count)
            return false;
    }
    return true;
}

/* more: URL options, "" or "&key=value". own_loop: of the last one. */
static inline void readers_open(unsigned count, const char *more, uint32_t suspect_ms,
                                bool own_loop)
{
    memset(readers, 0, sizeof(readers));
    for (unsigned i = 0; i < count; i++) {
        struct gcs_endpoint_options options;
        struct gcs_group_config config;
        char url[256];

        gcs_endpoint_options_init(&options);
        options.suspect_ms = suspect_ms;
        options.flags = own_loop && i == count - 1 ? GCS_OWN_LOOP : 0;
        atomic_store(&readers[i].own_loop, options.flags != 0);
        (void)snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s%s",
                       i ? gcs_endpoint_address(readers[0].endpoint) : "127.0.0.1:9", more);
        crew_ok(gcs_open(url, &options, &readers[i].endpoint));
        gcs_group_config_init(&config);
        config.bootstrap = i == 0 ? GCS_CREATE : GCS_JOIN;
        crew_ok(gcs_join(readers[i].endpoint, "readers", &config, &readers[i].group));
        ck_assert_int_eq(pthread_create(&readers[i].thread, NULL, reader_main, &readers[i]), 0);
    }
    readers_await(readers_together(count));
}

static inline void readers_close(unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        atomic_store(&readers[i].ends, true);
        pthread_join(readers[i].thread, NULL);
    }
    for (unsigned i = 0; i < count; i++)
        gcs_close(readers[i].endpoint);
}

/* Multicasts number numbers->...; 0 or an error of gcs_multicast. */
static inline int readers_send(unsigned sender, uint32_t number, size_t size, int timeout_ms)
{
    struct numbered message = {.sender = sender, .number = number};

    return gcs_multicast(readers[sender].group, number % 2 ? GCS_AGREED : GCS_SAFE, &message, size,
                         timeout_ms);
}

static inline void readers_expect(unsigned count, unsigned messages)
{
    for (unsigned i = 0; i < count; i++)
        readers_await(atomic_load(&readers[i].delivered) >= messages);
    for (unsigned i = 0; i < count; i++) {
        ck_assert_uint_eq(atomic_load(&readers[i].delivered), messages);
        ck_assert_uint_eq(readers[i].disordered, 0);
    }
}

#endif
