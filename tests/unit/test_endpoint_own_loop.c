/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints in the caller's loop (GCS_OWN_LOOP): no thread is started; one
 * descriptor tells of everything there is to do; a loop that waits for nothing else
 * misses nothing; other threads may send and join meanwhile.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include <dirent.h>
#include <poll.h>

static void own_loop(struct gcs_endpoint_options *options)
{
    gcs_endpoint_options_init(options);
    options->flags = GCS_OWN_LOOP;
}

static int count_threads(void)
{
    DIR *dir = opendir("/proc/self/task");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

/*
 * Runs the loops of all endpoints with poll on their descriptors alone, no timeout but the test's,
 * until take() says that it is enough.
 */
static void run_loops(struct crew *crew, bool (*take)(void *ctx, size_t m, struct gcs_event *event),
                      void *ctx)
{
    struct pollfd fds[CREW_MAX];
    struct gcs_event event;

    for (size_t m = 0; m < crew->count; m++)
        fds[m] = (struct pollfd){.fd = gcs_fd(crew->endpoint[m]), .events = POLLIN};
    for (;;) {
        if (poll(fds, crew->count, CREW_PATIENCE_MS) == 0)
            ck_abort_msg("no descriptor became readable");
        for (size_t m = 0; m < crew->count; m++) {
            if (!fds[m].revents || crew_ok(gcs_dispatch(crew->endpoint[m])) == 0)
                continue;
            while (crew_ok(gcs_next(crew->endpoint[m], &event, 0)) == 1) {
                if (take(ctx, m, &event))
                    return;
            }
        }
    }
}

/* ---- A group of loops in one thread ---------------------------------------------------- */

enum { MEMBERS = 3, MESSAGES = 3000 };

struct exchange {
    struct crew *crew;
    size_t in_view;
    uint32_t sent[MEMBERS];
    size_t received[MEMBERS];
    uint32_t order[MEMBERS][MEMBERS * MESSAGES];
};

/* Sends until it is told to wait for GCS_EVENT_WRITABLE. */
static void send_some(struct exchange *x, size_t m)
{
    while (x->sent[m] < MESSAGES) {
        uint32_t text = (uint32_t)m * MESSAGES + x->sent[m];
        int error = gcs_multicast(x->crew->group[m], GCS_AGREED, &text, sizeof(text), GCS_FOREVER);
        if (error == GCS_EAGAIN)
            return;
        crew_ok(error);
        x->sent[m]++;
    }
}

static bool take(void *ctx, size_t m, struct gcs_event *event)
{
    struct exchange *x = ctx;

    if (event->type == GCS_EVENT_VIEW && event->change->view.count == MEMBERS)
        send_some(x, m);
    if (event->type == GCS_EVENT_WRITABLE)
        send_some(x, m);
    for (size_t i = 0; i < event->count; i++)
        memcpy(&x->order[m][x->received[m]++], event->messages[i].data, sizeof(uint32_t));
    for (size_t k = 0; k < MEMBERS; k++) {
        if (x->received[k] < (size_t)MEMBERS * MESSAGES)
            return false;
    }
    return true;
}

START_TEST(one_thread_runs_a_whole_group)
{
    static struct exchange x;
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    struct crew crew = {.count = 0};
    int threads = count_threads();

    own_loop(&options);
    gcs_group_config_init(&config);
    config.queue_bytes = 8192; /* so that the senders have to wait for room */
    for (size_t m = 0; m < MEMBERS; m++) {
        crew_open(&crew, &options);
        crew_join(&crew, m, &config);
    }
    ck_assert_int_eq(count_threads(), threads);
    x.crew = &crew;
    run_loops(&crew, take, &x);
    for (size_t m = 1; m < MEMBERS; m++)
        ck_assert_mem_eq(x.order[m], x.order[0], sizeof(x.order[0]));
    crew_close(&crew);
}
END_TEST

/* ---- The descriptor ----------------------------------------------------------------------------
 */

static int readable(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms);
}

static void drain(struct gcs_endpoint *endpoint)
{
    struct gcs_event event;

    do {
        while (crew_ok(gcs_next(endpoint, &event, 0)) == 1)
            ;
    } while (crew_ok(gcs_dispatch(endpoint)) == 1);
}

START_TEST(an_idle_loop_is_woken_for_heartbeats_only)
{
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};
    int wakes = 0;

    own_loop(&options);
    crew_open(&crew, &options);
    crew_join(&crew, 0, NULL);
    crew_await_members(crew.endpoint[0], 1);
    drain(crew.endpoint[0]);
    uint64_t end = crew_now_ms() + 500;
    while (crew_now_ms() < end) {
        if (readable(gcs_fd(crew.endpoint[0]), 50) == 1) {
            wakes++;
            drain(crew.endpoint[0]);
        }
    }
    ck_assert_int_le(wakes, 30);
    crew_close(&crew);
}
END_TEST

START_TEST(the_descriptor_tells_of_events_not_taken)
{
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};
    struct gcs_event event;

    own_loop(&options);
    crew_open(&crew, &options);
    int fd = gcs_fd(crew.endpoint[0]);
    crew_join(&crew, 0, NULL);
    ck_assert_int_eq(readable(fd, CREW_PATIENCE_MS), 1);
    while (crew_ok(gcs_dispatch(crew.endpoint[0])) == 0)
        ck_assert_int_eq(readable(fd, CREW_PATIENCE_MS), 1);
    ck_assert_int_eq(readable(fd, 0), 1);
    ck_assert_int_eq(gcs_expiry(crew.endpoint[0]), 0);
    ck_assert_int_eq(gcs_dispatch(crew.endpoint[0]), 1);
    ck_assert_int_eq(readable(fd, 0), 1);
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), 1);
    ck_assert_int_eq(event.type, GCS_EVENT_VIEW);
    drain(crew.endpoint[0]);
    ck_assert_int_eq(readable(fd, 0), 0);
    ck_assert_int_ne(gcs_expiry(crew.endpoint[0]), 0);
    ck_assert_int_eq(gcs_fd(crew.endpoint[0]), fd);
    crew_close(&crew);
}
END_TEST

START_TEST(what_was_multicast_makes_the_descriptor_readable)
{
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};
    struct gcs_event event;

    own_loop(&options);
    crew_open(&crew, &options);
    crew_join(&crew, 0, NULL);
    crew_await_members(crew.endpoint[0], 1);
    drain(crew.endpoint[0]);
    ck_assert_int_eq(readable(gcs_fd(crew.endpoint[0]), 0), 0);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
    ck_assert_int_eq(readable(gcs_fd(crew.endpoint[0]), 0), 1);
    ck_assert_int_eq(gcs_expiry(crew.endpoint[0]), 0);
    crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    crew_close(&crew);
}
END_TEST

/* What has woken the loop wakes it once. A timer may be due in between. */
static void rests(struct gcs_endpoint *endpoint)
{
    int rounds = 0;

    do {
        ck_assert_int_lt(rounds++, 1000);
        drain(endpoint);
    } while (readable(gcs_fd(endpoint), 0) == 1);
}

static void *multicast_one(void *arg)
{
    crew_ok(gcs_multicast(arg, GCS_AGREED, "from afar", 9, GCS_FOREVER));
    return NULL;
}

START_TEST(a_submission_of_another_thread_wakes_the_loop)
{
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};
    struct gcs_event event;
    pthread_t thread;

    own_loop(&options);
    crew_open(&crew, &options);
    crew_join(&crew, 0, NULL);
    crew_await_members(crew.endpoint[0], 1);
    for (int i = 0; i < 20; i++) {
        drain(crew.endpoint[0]);
        pthread_create(&thread, NULL, multicast_one, crew.group[0]);
        bool delivered = false;
        while (!delivered) {
            ck_assert_int_eq(readable(gcs_fd(crew.endpoint[0]), CREW_PATIENCE_MS), 1);
            delivered = crew_ok(gcs_dispatch(crew.endpoint[0])) == 1;
        }
        ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), 1);
        ck_assert_mem_eq(event.messages[0].data, "from afar", 9);
        pthread_join(thread, NULL);
        rests(crew.endpoint[0]);
    }
    crew_close(&crew);
}
END_TEST

/* ---- Several threads
 * ------------------------------------------------------------------------------ */

static void *send_many(void *arg)
{
    for (uint32_t i = 0; i < MESSAGES; i++)
        crew_ok(gcs_multicast(arg, GCS_AGREED, &i, sizeof(i), GCS_FOREVER));
    return NULL;
}

START_TEST(other_threads_send_through_a_loop_that_waits_in_next)
{
    struct gcs_endpoint_options options;
    struct gcs_event event;
    struct crew crew;
    pthread_t thread;
    uint32_t expected = 0;

    own_loop(&options);
    options.submit_bytes = 2000; /* so that the sender has to wait */
    crew_form(&crew, 1, &options, NULL);
    pthread_create(&thread, NULL, send_many, crew.group[0]);
    while (expected < MESSAGES) {
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        for (size_t i = 0; i < event.count; i++) {
            uint32_t number;
            memcpy(&number, event.messages[i].data, sizeof(number));
            if (number != expected++)
                ck_abort_msg("%u instead of %u", number, expected - 1);
        }
    }
    pthread_join(thread, NULL);
    crew_close(&crew);
}
END_TEST

static void *join_another(void *arg)
{
    struct gcs_counters counters;
    struct gcs_group *group;

    crew_ok(gcs_join(arg, "another", NULL, &group));
    crew_ok(gcs_counters_get(arg, &counters));
    return group;
}

START_TEST(another_thread_may_join)
{
    struct gcs_endpoint_options options;
    struct gcs_event event;
    struct crew crew;
    pthread_t thread;
    void *group;

    own_loop(&options);
    crew_form(&crew, 1, &options, NULL);
    pthread_create(&thread, NULL, join_another, crew.endpoint[0]);
    crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
    pthread_join(thread, &group);
    ck_assert_ptr_eq(event.group, group);
    crew_close(&crew);
}
END_TEST

START_TEST(a_group_is_left_and_joined_again_in_one_loop)
{
    struct gcs_endpoint_options options;
    struct gcs_event event;
    struct crew crew;

    own_loop(&options);
    crew_form(&crew, 1, &options, NULL);
    for (int i = 0; i < 5; i++) {
        struct gcs_group *group = crew.group[0];
        crew_ok(gcs_multicast(group, GCS_AGREED, "x", 1, 0));
        crew_ok(gcs_leave(group));
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        crew_await(crew.endpoint[0], GCS_EVENT_LEFT, &event);
        ck_assert_int_eq(gcs_multicast(group, GCS_AGREED, "x", 1, 0), GCS_ENOTMEMBER);
        gcs_group_free(group);
        crew_join(&crew, 0, NULL);
        crew_await_members(crew.endpoint[0], 1);
    }
    crew_close(&crew);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_thread_runs_a_whole_group,
        an_idle_loop_is_woken_for_heartbeats_only,
        the_descriptor_tells_of_events_not_taken,
        what_was_multicast_makes_the_descriptor_readable,
        a_submission_of_another_thread_wakes_the_loop,
        other_threads_send_through_a_loop_that_waits_in_next,
        another_thread_may_join,
        a_group_is_left_and_joined_again_in_one_loop,
    };
    return suite_run("endpoint_own_loop", tests, SUITE_SIZE(tests));
}
