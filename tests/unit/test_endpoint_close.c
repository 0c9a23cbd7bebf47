/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Closing under the feet of other threads: a call that waits, for events, for room or for the
 * primary, returns GCS_ECLOSED before gcs_close frees anything. A thread that calls in a loop
 * cannot be caught inside by luck: gcs_shutdown ends it, and frees nothing.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include "gcs/endpoint.h"

#include <poll.h>

/* Until so many calls are inside of the endpoint: those here stay in until it closes. */
static void await_inside(struct gcs_endpoint *endpoint, unsigned calls)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;

    while (atomic_load(&endpoint->inside) != calls) {
        if (crew_now_ms() > end)
            ck_abort_msg("%u calls are inside", atomic_load(&endpoint->inside));
        crew_pause_ms(1);
    }
}

static void expect_closed(pthread_t thread)
{
    void *result;

    ck_assert_int_eq(pthread_join(thread, &result), 0);
    ck_assert_int_eq((intptr_t)result, GCS_ECLOSED);
}

/* ---- Calls that wait ------------------------------------------------------------------------- */

static void *wait_for_events(void *arg)
{
    struct gcs_event event;

    return (void *)(intptr_t)gcs_next(arg, &event, GCS_FOREVER);
}

/* One member, and a thread that does something with its endpoint. */
static void form_one(struct crew *crew, uint32_t flags, pthread_t *thread, void *(*run)(void *))
{
    struct gcs_endpoint_options options;

    gcs_endpoint_options_init(&options);
    options.flags = flags;
    crew_form(crew, 1, &options, NULL);
    ck_assert_int_eq(pthread_create(thread, NULL, run, crew->endpoint[0]), 0);
}

static void close_while_one_waits(uint32_t flags)
{
    struct crew crew;
    pthread_t thread;

    form_one(&crew, flags, &thread, wait_for_events);
    await_inside(crew.endpoint[0], 1);
    crew_close(&crew);
    expect_closed(thread);
}

START_TEST(close_ends_a_wait_for_events)
{
    close_while_one_waits(0);
}
END_TEST

START_TEST(close_ends_a_loop_that_waits)
{
    close_while_one_waits(GCS_OWN_LOOP);
}
END_TEST

static void *wait_for_the_primary(void *group)
{
    return (void *)(intptr_t)gcs_primary(group, NULL, GCS_FOREVER);
}

START_TEST(close_ends_a_wait_for_the_primary)
{
    struct gcs_group_config config;
    struct gcs_group *group;
    struct crew crew;
    pthread_t threads[4];

    memset(&crew, 0, sizeof(crew));
    crew_open(&crew, NULL);
    gcs_group_config_init(&config);
    config.bootstrap = GCS_JOIN;
    crew_ok(gcs_join(crew.endpoint[0], "lonely", &config, &group));
    for (size_t i = 0; i < SUITE_SIZE(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, wait_for_the_primary, group), 0);
    await_inside(crew.endpoint[0], SUITE_SIZE(threads));
    crew_close(&crew);
    for (size_t i = 0; i < SUITE_SIZE(threads); i++)
        expect_closed(threads[i]);
}
END_TEST

/* ---- Threads that call in a loop ------------------------------------------------------------- */

static void *take_all(void *arg)
{
    struct gcs_event event;
    int result;

    while ((result = gcs_next(arg, &event, GCS_FOREVER)) == 1)
        ;
    return (void *)(intptr_t)result;
}

static void *fill(void *arg)
{
    static char bytes[1000];
    int result;

    while ((result = gcs_multicast(arg, GCS_AGREED, bytes, sizeof(bytes), GCS_FOREVER)) == 0)
        ;
    return (void *)(intptr_t)result;
}

/* Until nothing more can be sent: then the queue before it fills up as well. */
static void await_full_window(struct gcs_endpoint *endpoint)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
    struct gcs_counters counters;

    do {
        if (crew_now_ms() > end)
            ck_abort_msg("the window is not full");
        crew_ok(gcs_counters_get(endpoint, &counters));
    } while (counters.window_full == 0);
}

START_TEST(shutdown_ends_a_wait_for_room)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct crew crew;
    pthread_t threads[3];

    gcs_endpoint_options_init(&options);
    options.submit_bytes = 10000;
    gcs_group_config_init(&config);
    config.window_bytes = config.queue_bytes = 20000;
    crew_form(&crew, 1, &options, &config); /* nobody takes the events from here on */
    for (size_t i = 0; i < SUITE_SIZE(threads); i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, fill, crew.group[0]), 0);
    await_full_window(crew.endpoint[0]);
    gcs_shutdown(crew.endpoint[0]);
    for (size_t i = 0; i < SUITE_SIZE(threads); i++)
        expect_closed(threads[i]);
    crew_close(&crew);
}
END_TEST

START_TEST(shutdown_ends_threads_that_call_in_a_loop)
{
    struct gcs_event event;
    struct crew crew;
    pthread_t taker, sender;

    crew_form(&crew, 2, NULL, NULL);
    ck_assert_int_eq(pthread_create(&taker, NULL, take_all, crew.endpoint[0]), 0);
    ck_assert_int_eq(pthread_create(&sender, NULL, fill, crew.group[0]), 0);
    crew_await(crew.endpoint[1], GCS_EVENT_DELIVER, &event);
    gcs_shutdown(crew.endpoint[0]);
    expect_closed(taker);
    expect_closed(sender);

    struct pollfd ready = {.fd = gcs_fd(crew.endpoint[0]), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 0), 1); /* a loop that only polls learns of it */
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), GCS_ECLOSED);
    ck_assert_int_eq(gcs_leave(crew.group[0]), GCS_ECLOSED);
    gcs_shutdown(crew.endpoint[0]); /* does nothing */
    gcs_shutdown(NULL);
    crew_close(&crew);
}
END_TEST

START_TEST(shutdown_ends_the_caller_s_own_loop)
{
    struct gcs_event event;
    struct crew crew;
    pthread_t taker;

    form_one(&crew, GCS_OWN_LOOP, &taker, take_all);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
    gcs_shutdown(crew.endpoint[0]);
    expect_closed(taker);
    struct pollfd ready = {.fd = gcs_fd(crew.endpoint[0]), .events = POLLIN};
    ck_assert_int_eq(poll(&ready, 1, 0), 1);
    ck_assert_int_eq(gcs_dispatch(crew.endpoint[0]), GCS_ECLOSED);
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), GCS_ECLOSED);
    ck_assert_int_eq(gcs_expiry(crew.endpoint[0]), 0);
    crew_close(&crew);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        close_ends_a_wait_for_events,
        close_ends_a_loop_that_waits,
        close_ends_a_wait_for_the_primary,
        shutdown_ends_a_wait_for_room,
        shutdown_ends_threads_that_call_in_a_loop,
        shutdown_ends_the_caller_s_own_loop,
    };
    return suite_run("endpoint_close", tests, SUITE_SIZE(tests));
}
