/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages on their way: what happens when there is no room, no primary, no
 * view yet. Nothing that was accepted is lost or overtaken, a full group holds up nobody
 * else, and whoever was told to wait for room is told once when it is there.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

static char bytes[4000];

static void small_room(struct gcs_endpoint_options *options, struct gcs_group_config *config)
{
    gcs_endpoint_options_init(options);
    options->submit_bytes = 10000;
    options->events = 4;
    gcs_group_config_init(config);
    config->window_bytes = 20000;
    config->queue_bytes = 20000;
}

/* ---- A slow application ------------------------------------------------------------------ */

enum { MANY = 3000 };

static void *send_numbers(void *arg)
{
    struct gcs_group *group = arg;

    for (uint32_t i = 0; i < MANY; i++) {
        char text[500] = {0};
        memcpy(text, &i, sizeof(i));
        crew_ok(gcs_multicast(group, GCS_AGREED, text, sizeof(text), GCS_FOREVER));
    }
    return NULL;
}

static void take_numbers(struct gcs_endpoint *endpoint, bool slowly)
{
    struct gcs_event event;
    uint32_t expected = 0;
    int events = 0;

    while (expected < MANY) {
        crew_await(endpoint, GCS_EVENT_DELIVER, &event);
        for (size_t i = 0; i < event.count; i++) {
            uint32_t number;
            memcpy(&number, event.messages[i].data, sizeof(number));
            if (number != expected++)
                ck_abort_msg("%u instead of %u", number, expected - 1);
        }
        if (slowly && ++events % 8 == 0)
            crew_pause_ms(1);
    }
}

static void *take_all_numbers(void *arg)
{
    take_numbers(arg, false);
    return NULL;
}

START_TEST(a_slow_application_slows_the_sender_down_and_loses_nothing)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    pthread_t sending, taking;
    struct crew crew;

    small_room(&options, &config);
    crew_form(&crew, 2, &options, &config);
    pthread_create(&taking, NULL, take_all_numbers, crew.endpoint[0]);
    pthread_create(&sending, NULL, send_numbers, crew.group[0]);
    take_numbers(crew.endpoint[1], true);
    pthread_join(sending, NULL);
    pthread_join(taking, NULL);
    crew_close(&crew);
}
END_TEST

/* ---- No room -------------------------------------------------------------------------------- */

/* Sends until there is no room; how many were accepted. */
static int fill(struct gcs_group *group, int timeout_ms, int expected)
{
    int result, count = 0;

    while ((result = gcs_multicast(group, GCS_AGREED, bytes, sizeof(bytes), timeout_ms)) == 0)
        count++;
    ck_assert_int_eq(result, expected);
    return count;
}

/* Takes everything for a while; how many messages and how many GCS_EVENT_WRITABLE came. */
static void count_events(struct gcs_endpoint *endpoint, int *messages, int *writable)
{
    struct gcs_event event;

    while (crew_ok(gcs_next(endpoint, &event, 300)) == 1) {
        *messages += (int)event.count;
        *writable += event.type == GCS_EVENT_WRITABLE;
    }
}

static void check_writable_comes_once(uint32_t flags)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    int messages = 0, writable = 0;
    struct crew crew;

    small_room(&options, &config);
    options.flags = flags;
    crew_form(&crew, 1, &options, &config);
    for (int round = 0; round < 5; round++) {
        int refused = 0, sent = 0, more;
        do { /* the thread makes room for a while, until its windows are full */
            more = fill(crew.group[0], 0, GCS_EAGAIN);
            sent += more;
            refused++;
            crew_pause_ms(20);
        } while (more > 0);
        ck_assert_int_gt(sent, 0);
        messages = writable = 0;
        count_events(crew.endpoint[0], &messages, &writable);
        ck_assert_int_eq(messages, sent);
        ck_assert_int_ge(writable, 1);
        ck_assert_int_le(writable, refused - 1); /* the last two were one */
        crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
        messages = writable = 0;
        count_events(crew.endpoint[0], &messages, &writable);
        ck_assert_int_eq(messages, 1);
        ck_assert_int_eq(writable, 0);
    }
    crew_close(&crew);
}

START_TEST(writable_comes_once_after_would_block)
{
    check_writable_comes_once(0);
}
END_TEST

START_TEST(writable_comes_once_in_the_own_loop)
{
    check_writable_comes_once(GCS_OWN_LOOP);
}
END_TEST

START_TEST(who_takes_the_events_never_waits_for_room)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    int messages = 0, writable = 0;
    struct crew crew;

    small_room(&options, &config);
    crew_form(&crew, 1, &options, &config); /* in this thread */
    int sent = fill(crew.group[0], GCS_FOREVER, GCS_EAGAIN);
    count_events(crew.endpoint[0], &messages, &writable);
    ck_assert_int_eq(messages, sent);
    ck_assert_int_eq(writable, 1);
    crew_close(&crew);
}
END_TEST

struct waiter {
    struct gcs_group *group;
    uint64_t took_ms;
    int result;
};

static void *wait_for_room(void *arg)
{
    struct waiter *waiter = arg;
    uint64_t start = crew_now_ms();

    while ((waiter->result = gcs_multicast(waiter->group, GCS_AGREED, bytes, sizeof(bytes), 200)) ==
           0)
        start = crew_now_ms();
    waiter->took_ms = crew_now_ms() - start;
    return NULL;
}

START_TEST(waiting_for_room_ends_at_the_deadline)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct waiter waiter;
    pthread_t thread;
    struct crew crew;

    small_room(&options, &config);
    crew_form(&crew, 1, &options, &config);
    waiter.group = crew.group[0];
    pthread_create(&thread, NULL, wait_for_room, &waiter);
    pthread_join(thread, NULL);
    ck_assert_int_eq(waiter.result, GCS_ETIMEDOUT);
    ck_assert_uint_ge(waiter.took_ms, 199);
    ck_assert_uint_lt(waiter.took_ms, 5000);
    crew_close(&crew);
}
END_TEST

START_TEST(a_full_group_holds_up_no_other)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct gcs_group *alone, *lonely;
    struct crew crew = {.count = 0};
    struct gcs_event event;

    small_room(&options, &config);
    crew_open(&crew, &options);
    config.bootstrap = GCS_JOIN; /* nobody is there: this group never gets a view */
    crew_ok(gcs_join(crew.endpoint[0], "lonely", &config, &lonely));
    config.bootstrap = GCS_CREATE;
    crew_ok(gcs_join(crew.endpoint[0], "alone", &config, &alone));
    ck_assert_int_gt(fill(lonely, 0, GCS_EAGAIN), 0);
    for (int i = 0; i < 50; i++) {
        crew_ok(gcs_multicast(alone, GCS_AGREED, &i, sizeof(i), 0));
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        ck_assert_ptr_eq(event.group, alone);
    }
    crew_close(&crew);
}
END_TEST

/* ---- Before the first view, at the end, without a primary
 * ------------------------------------------ */

START_TEST(what_is_multicast_before_the_first_view_goes_out_in_it)
{
    struct crew crew = {.count = 0};
    struct gcs_event event;

    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "early", 5, 0));
    crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
    crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    ck_assert_mem_eq(event.messages[0].data, "early", 5);
    crew_close(&crew);
}
END_TEST

static void *take_until_left(void *arg)
{
    struct gcs_event event;
    intptr_t messages = 0;

    do {
        if (crew_ok(gcs_next(arg, &event, CREW_PATIENCE_MS)) == 0)
            break;
        messages += (intptr_t)event.count;
    } while (event.type != GCS_EVENT_LEFT);
    return (void *)messages;
}

START_TEST(what_was_multicast_before_leaving_is_delivered_first)
{
    enum { COUNT = 500 };
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    pthread_t threads[2];
    struct crew crew;

    small_room(&options, &config);
    crew_form(&crew, 2, &options, &config);
    for (int m = 0; m < 2; m++)
        pthread_create(&threads[m], NULL, take_until_left, crew.endpoint[m]);
    crew_pause_ms(20); /* now they are the ones that take the events, and this thread may wait */
    for (int i = 0; i < COUNT; i++)
        crew_ok(gcs_multicast(crew.group[1], GCS_AGREED, bytes, 1000, GCS_FOREVER));
    crew_ok(gcs_leave(crew.group[1]));
    void *messages;
    pthread_join(threads[1], &messages);
    ck_assert_int_eq((intptr_t)messages, COUNT);
    crew_ok(gcs_leave(crew.group[0]));
    pthread_join(threads[0], &messages);
    ck_assert_int_eq((intptr_t)messages, COUNT);
    crew_close(&crew);
}
END_TEST

/* Two members, of which one goes: the other has no majority. */
static void cut_off(struct crew *crew, const struct gcs_endpoint_options *options,
                    const struct gcs_group_config *config)
{
    struct gcs_event event;

    crew_form(crew, 2, options, config);
    gcs_close(crew->endpoint[1]);
    crew->count = 1;
    do {
        crew_await(crew->endpoint[0], GCS_EVENT_VIEW, &event);
    } while (event.change->primary);
    ck_assert_uint_eq(event.change->view.count, 2);
}

START_TEST(who_is_cut_off_is_refused)
{
    struct crew crew;

    cut_off(&crew, NULL, NULL);
    ck_assert_int_eq(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, GCS_FOREVER), GCS_ENOPRIMARY);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "crew"));
    crew_close(&crew);
}
END_TEST

START_TEST(who_is_cut_off_is_refused_in_the_own_loop)
{
    struct gcs_endpoint_options options;
    struct crew crew;

    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    memset(&crew, 0, sizeof(crew));
    crew_open(&crew, &options);
    crew_open(&crew, NULL); /* has a thread, so that this one can wait for both */
    crew_join(&crew, 0, NULL);
    crew_join(&crew, 1, NULL);
    crew_await_members(crew.endpoint[0], 2);
    crew_await_members(crew.endpoint[1], 2);
    gcs_close(crew.endpoint[1]);
    struct gcs_event event;
    do {
        crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
    } while (event.change->primary);
    ck_assert_int_eq(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, GCS_FOREVER), GCS_ENOPRIMARY);
    gcs_close(crew.endpoint[0]);
}
END_TEST

static void *wait_until_refused(void *arg)
{
    int result;

    while ((result = gcs_multicast(arg, GCS_AGREED, bytes, sizeof(bytes), GCS_FOREVER)) == 0)
        ;
    return (void *)(intptr_t)result;
}

START_TEST(who_waits_for_room_learns_that_the_member_is_cut_off)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct gcs_event event;
    pthread_t thread;
    struct crew crew;
    void *result;

    small_room(&options, &config);
    options.events = 1024;
    crew_form(&crew, 2, &options, &config); /* nobody takes the other's events: windows fill up */
    pthread_create(&thread, NULL, wait_until_refused, crew.group[0]);
    crew_pause_ms(200);
    gcs_close(crew.endpoint[1]);
    crew.count = 1;
    do {
        crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
    } while (event.change->primary);
    pthread_join(thread, &result);
    ck_assert_int_eq((intptr_t)result, GCS_ENOPRIMARY);
    crew_close(&crew);
}
END_TEST

static void *leave_later(void *arg)
{
    crew_pause_ms(200);
    crew_ok(gcs_leave(arg));
    return NULL;
}

START_TEST(who_waits_for_room_learns_that_the_member_leaves)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct gcs_group *group;
    struct crew crew = {.count = 0};
    pthread_t leaving, waiting;
    void *result;

    small_room(&options, &config);
    crew_open(&crew, &options);
    config.bootstrap = GCS_JOIN;
    crew_ok(gcs_join(crew.endpoint[0], "lonely", &config, &group));
    pthread_create(&waiting, NULL, wait_until_refused, group);
    pthread_create(&leaving, NULL, leave_later, group);
    pthread_join(waiting, &result);
    ck_assert_int_eq((intptr_t)result, GCS_ENOTMEMBER);
    pthread_join(leaving, NULL);
    crew_close(&crew);
}
END_TEST

/* ---- Written in place -------------------------------------------------------------------------
 */

/* The next delivery's messages, each of the size and the bytes that reserve_some writes. */
static void expect_written(struct crew *crew, const size_t *sizes, size_t from, size_t count)
{
    struct gcs_event event;

    while (from < count) {
        if (crew_ok(gcs_next(crew->endpoint[0], &event, CREW_PATIENCE_MS)) == 0)
            ck_abort_msg("nothing came");
        for (size_t i = 0; i < event.count; i++, from++) {
            ck_assert_uint_eq(event.messages[i].size, sizes[from]);
            for (size_t k = 0; k < event.messages[i].size; k++)
                ck_assert(((const char *)event.messages[i].data)[k] == (char)(from + 1));
        }
    }
}

static void check_written_in_place(uint32_t flags)
{
    static const size_t sizes[] = {1, 0, 64, 200, 5000, 100000};
    struct gcs_endpoint_options options;
    struct crew crew;
    void *data;

    gcs_endpoint_options_init(&options);
    options.flags = flags;
    crew_form(&crew, 1, &options, NULL);
    struct gcs_group *group = crew.group[0];
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        crew_ok(gcs_reserve(group, GCS_AGREED, sizes[i] + 100 * i, &data, GCS_FOREVER));
        memset(data, (int)(i + 1), sizes[i]);
        crew_ok(gcs_commit(group, data, sizes[i]));
        crew_ok(gcs_reserve(group, GCS_AGREED, 10, &data, GCS_FOREVER));
        ck_assert_int_eq(gcs_commit(group, data, 11), GCS_EINVAL);
        crew_ok(gcs_commit(group, data, GCS_NOTHING));
    }
    expect_written(&crew, sizes, 0, SUITE_SIZE(sizes));
    ck_assert_int_eq(gcs_reserve(group, GCS_AGREED, 10, NULL, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_reserve(group, (enum gcs_service)99, 10, &data, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_reserve(group, GCS_AGREED, (size_t)1 << 30, &data, 0), GCS_EMSGSIZE);
    ck_assert_int_eq(gcs_commit(group, NULL, 0), GCS_EINVAL);
    crew_close(&crew);
}

START_TEST(messages_may_be_written_in_place)
{
    check_written_in_place(0);
}
END_TEST

START_TEST(messages_may_be_written_into_the_packet)
{
    check_written_in_place(GCS_OWN_LOOP);
}
END_TEST

START_TEST(one_room_at_a_time_in_the_own_loop)
{
    struct gcs_endpoint_options options;
    struct crew crew;
    struct gcs_event event;
    void *data, *more;
    size_t count = 0;

    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    crew_form(&crew, 1, &options, NULL);
    crew_ok(gcs_reserve(crew.group[0], GCS_AGREED, 10, &data, 0));
    ck_assert_int_eq(gcs_reserve(crew.group[0], GCS_AGREED, 10, &more, 0), GCS_EALREADY);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "first", 5, 0));
    while (count < 1 && crew_ok(gcs_next(crew.endpoint[0], &event, CREW_PATIENCE_MS)) == 1)
        count += event.count;
    memcpy(data, "second", 6); /* still there */
    crew_ok(gcs_commit(crew.group[0], data, 6));
    while (count < 2 && crew_ok(gcs_next(crew.endpoint[0], &event, CREW_PATIENCE_MS)) == 1)
        count += event.count;
    ck_assert_mem_eq(event.messages[0].data, "second", 6);
    crew_ok(gcs_reserve(crew.group[0], GCS_AGREED, 10, &data, 0));
    crew_close(&crew); /* with what is reserved: it goes with the group */
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_slow_application_slows_the_sender_down_and_loses_nothing,
        writable_comes_once_after_would_block,
        writable_comes_once_in_the_own_loop,
        who_takes_the_events_never_waits_for_room,
        waiting_for_room_ends_at_the_deadline,
        a_full_group_holds_up_no_other,
        what_is_multicast_before_the_first_view_goes_out_in_it,
        what_was_multicast_before_leaving_is_delivered_first,
        who_is_cut_off_is_refused,
        who_is_cut_off_is_refused_in_the_own_loop,
        who_waits_for_room_learns_that_the_member_is_cut_off,
        who_waits_for_room_learns_that_the_member_leaves,
        messages_may_be_written_in_place,
        messages_may_be_written_into_the_packet,
        one_room_at_a_time_in_the_own_loop,
    };
    return suite_run("endpoint_submit", tests, SUITE_SIZE(tests));
}
