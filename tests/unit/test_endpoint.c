/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Endpoints with a thread of their own: several threads send, all members
 * deliver the same in the same order; groups are left and joined again; an endpoint is closed
 * under the feet of threads that wait in it; nothing stays behind.
 */
/* ctest-labels: thread */
/* ctest-timeout: 180 */
#include "crew.h"
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- Sending from several threads ------------------------------------------------------- */

enum { MEMBERS = 3, SENDERS = 2, MESSAGES = 2000 };

struct text {
    uint32_t member, thread, number;
};

struct sender {
    struct gcs_group *group;
    uint32_t member, thread;
};

static void *send_texts(void *arg)
{
    const struct sender *sender = arg;

    for (uint32_t i = 0; i < MESSAGES; i++) {
        struct text text = {sender->member, sender->thread, i};
        crew_ok(gcs_multicast(sender->group, i % 3 ? GCS_AGREED : GCS_SAFE, &text, sizeof(text),
                              GCS_FOREVER));
    }
    return NULL;
}

struct reader {
    struct gcs_endpoint *endpoint;
    struct text texts[MEMBERS * SENDERS * MESSAGES];
    size_t count;
};

static void *read_texts(void *arg)
{
    struct reader *reader = arg;
    struct gcs_event event;

    while (reader->count < MEMBERS * SENDERS * MESSAGES) {
        crew_await(reader->endpoint, GCS_EVENT_DELIVER, &event);
        for (size_t i = 0; i < event.count; i++) {
            if (event.messages[i].size != sizeof(struct text))
                ck_abort_msg("%zu bytes", event.messages[i].size);
            memcpy(&reader->texts[reader->count++], event.messages[i].data, sizeof(struct text));
        }
    }
    return NULL;
}

static void check_each_thread_in_order(const struct reader *reader)
{
    uint32_t next[MEMBERS][SENDERS] = {{0}};

    for (size_t i = 0; i < reader->count; i++) {
        const struct text *text = &reader->texts[i];
        if (text->member >= MEMBERS || text->thread >= SENDERS ||
            text->number != next[text->member][text->thread]++)
            ck_abort_msg("text %zu is %u of thread %u of member %u", i, text->number, text->thread,
                         text->member);
    }
}

START_TEST(all_deliver_the_same_in_the_same_order)
{
    static struct reader readers[MEMBERS];
    struct sender senders[MEMBERS][SENDERS];
    pthread_t reading[MEMBERS], sending[MEMBERS][SENDERS];
    struct crew crew;

    crew_form(&crew, MEMBERS, NULL, NULL);
    for (uint32_t m = 0; m < MEMBERS; m++) {
        readers[m].endpoint = crew.endpoint[m];
        pthread_create(&reading[m], NULL, read_texts, &readers[m]);
        for (uint32_t t = 0; t < SENDERS; t++) {
            senders[m][t] = (struct sender){crew.group[m], m, t};
            pthread_create(&sending[m][t], NULL, send_texts, &senders[m][t]);
        }
    }
    for (uint32_t m = 0; m < MEMBERS; m++) {
        for (uint32_t t = 0; t < SENDERS; t++)
            pthread_join(sending[m][t], NULL);
        pthread_join(reading[m], NULL);
    }
    check_each_thread_in_order(&readers[0]);
    for (uint32_t m = 1; m < MEMBERS; m++)
        ck_assert_mem_eq(readers[m].texts, readers[0].texts, sizeof(readers[0].texts));
    crew_close(&crew);
}
END_TEST

START_TEST(a_delivery_tells_its_sender_service_and_number)
{
    char expected[GCS_MEMBER_TEXT_MAX];
    struct gcs_event event;
    struct crew crew;
    uint64_t number = 1;

    crew_form(&crew, 2, NULL, NULL);
    const struct gcs_view *view = gcs_view_acquire(crew.group[1]);
    ck_assert_ptr_nonnull(view);
    gcs_member_format(&view->members[view->self].id, expected, sizeof(expected));
    gcs_view_release(view);
    for (int i = 0; i < 10; i++)
        crew_ok(gcs_multicast(crew.group[1], GCS_FIFO, "fifo", 4, 0));
    while (number <= 10) {
        char sender[GCS_MEMBER_TEXT_MAX];
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        ck_assert_ptr_eq(event.group, crew.group[0]);
        ck_assert_int_eq(event.service, GCS_FIFO);
        ck_assert_uint_eq(event.number, number);
        gcs_member_format(event.sender, sender, sizeof(sender));
        ck_assert_str_eq(sender, expected);
        number += event.count;
    }
    crew_close(&crew);
}
END_TEST

/* ---- Messages to one member ------------------------------------------------------------------ */

static struct gcs_member_id member_of(const struct gcs_group *group, bool self)
{
    const struct gcs_view *view = gcs_view_acquire(group);
    ck_assert_ptr_nonnull(view);
    struct gcs_member_id id = view->members[self ? view->self : 1 - view->self].id;
    gcs_view_release(view);
    return id;
}

/* Takes what comes within 10 ms: the numbers from *expected on, and nothing else that is private.
 */
static void take_private(struct gcs_endpoint *endpoint, uint32_t *expected)
{
    struct gcs_event event;

    if (crew_ok(gcs_next(endpoint, &event, 10)) == 0 || event.type != GCS_EVENT_PRIVATE)
        return;
    ck_assert_uint_eq(event.number, *expected + 1);
    for (size_t i = 0; i < event.count; i++) {
        uint32_t number;
        memcpy(&number, event.messages[i].data, sizeof(number));
        if (number != (*expected)++)
            ck_abort_msg("%u instead of %u", number, *expected - 1);
    }
}

static void send_privately(uint32_t flags)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};
    uint32_t received[2] = {0, 0};

    crew_open(&crew, NULL); /* has a thread, so that one can join the other */
    gcs_endpoint_options_init(&options);
    options.flags = flags;
    crew_open(&crew, &options);
    crew_join(&crew, 0, NULL);
    crew_join(&crew, 1, NULL);
    crew_await_members(crew.endpoint[1], 2);
    crew_await_members(crew.endpoint[0], 2);
    struct gcs_member_id peer = member_of(crew.group[1], false);
    struct gcs_member_id self = member_of(crew.group[1], true);
    for (uint32_t i = 0; i < 200; i++) {
        crew_ok(gcs_send(crew.group[1], &peer, &i, sizeof(i), 0));
        crew_ok(gcs_send(crew.group[1], &self, &i, sizeof(i), 0));
    }
    while (received[0] < 200 || received[1] < 200) {
        ck_assert_uint_lt(crew_now_ms(), end);
        for (int k = 0; k < 2; k++)
            take_private(crew.endpoint[k], &received[k]);
    }
    for (int k = 0; k < 2; k++)
        take_private(crew.endpoint[k], &received[k]);
    ck_assert(received[0] == 200 && received[1] == 200);
    crew_close(&crew);
}

START_TEST(a_private_message_reaches_its_member_only)
{
    send_privately(0);
}
END_TEST

START_TEST(the_own_loop_sends_privately_too)
{
    send_privately(GCS_OWN_LOOP);
}
END_TEST

START_TEST(nobody_is_no_receiver)
{
    struct gcs_member_id nobody = {.address = {.length = 7}, .incarnation = 0xabcdef};
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    ck_assert_int_eq(gcs_send(crew.group[0], NULL, "x", 1, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_send(NULL, &nobody, "x", 1, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_send(crew.group[0], &nobody, "x", 1, 0), GCS_ENOTMEMBER);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "abcdef"));
    nobody.address.length = GCS_ADDRESS_MAX + 1;
    ck_assert_int_eq(gcs_send(crew.group[0], &nobody, "x", 1, 0), GCS_EINVAL);
    crew_close(&crew);
}
END_TEST

/* ---- Packets and events
 * -------------------------------------------------------------------------- */

START_TEST(an_ordered_delivery_brings_the_groups_time_and_seeds)
{
    struct gcs_event event[3], view;
    struct timespec wall;
    struct crew crew = {.count = 0};

    crew_form(&crew, 3, NULL, NULL);
    crew_ok(gcs_multicast(crew.group[1], GCS_FIFO, "f", 1, GCS_FOREVER));
    crew_await(crew.endpoint[2], GCS_EVENT_DELIVER, &event[0]);
    ck_assert(event[0].time == 0 && event[0].seed == 0);
    crew_ok(gcs_multicast(crew.group[1], GCS_AGREED, "m", 1, GCS_FOREVER));
    for (size_t i = 0; i < 3; i++)
        do
            crew_await(crew.endpoint[i], GCS_EVENT_DELIVER, &event[i]);
        while (event[i].service != GCS_AGREED);
    for (size_t i = 1; i < 3; i++) {
        ck_assert_uint_eq(event[i].time, event[0].time);
        ck_assert_uint_eq(gcs_event_seed(&event[i], 0), gcs_event_seed(&event[0], 0));
    }
    ck_assert_uint_ne(event[0].seed, 0);
    ck_assert_int_eq(clock_gettime(CLOCK_REALTIME, &wall), 0); /* within a day, however slow */
    ck_assert_uint_lt((uint64_t)wall.tv_sec - event[0].time / 1000000000 + 86400, 2 * 86400);
    uint64_t before = event[0].time;
    gcs_close(crew.endpoint[2]); /* the next view is not before it */
    crew.endpoint[2] = NULL;
    do
        crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &view);
    while (view.change->view.count != 2);
    ck_assert_uint_ge(view.change->time, before);
    crew_close(&crew);
}
END_TEST

START_TEST(a_packet_of_many_messages_comes_in_several_events)
{
    enum { COUNT = 5000 };
    struct gcs_event event;
    struct crew crew = {.count = 0};
    uint64_t next = 1, seed = 0, time = 0;
    size_t largest = 0;

    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    for (int i = 0; i < COUNT; i++) /* before the view: all of them wait, and go out together */
        crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, &i, 1, 0));
    while (next <= COUNT) {
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        ck_assert_uint_eq(event.number, next);
        for (size_t i = 0; i < event.count; i++) {
            if (*(const uint8_t *)event.messages[i].data != (uint8_t)(next + i - 1))
                ck_abort_msg("message %zu is another one", (size_t)(next + i));
            ck_assert_uint_ne(gcs_event_seed(&event, i), gcs_event_seed(&event, i + 1));
        }
        if (event.time == time && seed != 0) /* the same packet goes on, as if it were one event */
            ck_assert_uint_eq(gcs_event_seed(&event, 0), seed);
        seed = event.count < 1024 ? 0 : gcs_event_seed(&event, event.count);
        time = event.time;
        next += event.count;
        largest = event.count > largest ? event.count : largest;
    }
    ck_assert_uint_gt(largest, 1);
    ck_assert_uint_le(largest, 1024);
    crew_close(&crew);
}
END_TEST

START_TEST(a_large_message_arrives_whole)
{
    enum { SIZE = 3000000 };
    static uint8_t sent[SIZE];
    struct gcs_endpoint_options options;
    struct gcs_event event;
    struct crew crew;

    for (size_t i = 0; i < SIZE; i++)
        sent[i] = (uint8_t)(i * 31 + i / 257);
    gcs_endpoint_options_init(&options);
    options.submit_bytes = 4096; /* a message larger than the bound goes alone */
    crew_form(&crew, 2, &options, NULL);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, sent, SIZE, 0));
    for (size_t m = 0; m < 2; m++) {
        crew_await(crew.endpoint[m], GCS_EVENT_DELIVER, &event);
        ck_assert_uint_eq(event.count, 1);
        ck_assert_uint_eq(event.messages[0].size, SIZE);
        ck_assert_mem_eq(event.messages[0].data, sent, SIZE);
    }
    crew_close(&crew);
}
END_TEST

/* ---- Leaving and coming back -------------------------------------------------------------- */

START_TEST(who_leaves_is_told_and_can_join_again)
{
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 2, NULL, NULL);
    for (int round = 0; round < 3; round++) {
        struct gcs_group *group = crew.group[1];
        crew_ok(gcs_multicast(group, GCS_AGREED, "last", 4, 0));
        crew_ok(gcs_leave(group));
        ck_assert_int_eq(gcs_leave(group), GCS_EALREADY);
        ck_assert_int_eq(gcs_multicast(group, GCS_AGREED, "x", 1, 0), GCS_ENOTMEMBER);
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
        ck_assert_mem_eq(event.messages[0].data, "last", 4);
        ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), 0); /* taken by everybody */
        crew_await(crew.endpoint[1], GCS_EVENT_LEFT, &event);
        ck_assert_ptr_eq(event.group, group);
        ck_assert_int_eq(event.error, 0);
        crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
        ck_assert_uint_eq(event.change->view.count, 1);
        ck_assert_uint_eq(event.change->left_count, 1);
        ck_assert_int_eq(event.change->left[0].reason, GCS_REASON_LEFT);
        ck_assert_int_eq(gcs_leave(group), GCS_EALREADY);
        ck_assert_ptr_null(gcs_view_acquire(group));
        crew_join(&crew, 1, NULL); /* before the old handle is freed */
        gcs_group_free(group);
        crew_await_members(crew.endpoint[1], 2);
        crew_await_members(crew.endpoint[0], 2);
    }
    crew_close(&crew);
}
END_TEST

START_TEST(a_crash_is_told)
{
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 3, NULL, NULL);
    gcs_close(crew.endpoint[2]);
    crew.count = 2;
    for (size_t m = 0; m < 2; m++) {
        crew_await(crew.endpoint[m], GCS_EVENT_VIEW, &event);
        ck_assert_uint_eq(event.change->view.count, 2);
        ck_assert_uint_eq(event.change->left_count, 1);
        ck_assert_int_ne(event.change->left[0].reason, GCS_REASON_LEFT);
        ck_assert_uint_eq(event.change->survivors_count, 2);
    }
    crew_close(&crew);
}
END_TEST

START_TEST(the_group_keeps_what_the_application_gives_it)
{
    struct crew crew = {.count = 0};
    int mine;

    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    ck_assert_str_eq(gcs_group_name(crew.group[0]), "crew");
    ck_assert_ptr_null(gcs_group_user(crew.group[0]));
    gcs_group_set_user(crew.group[0], &mine);
    ck_assert_ptr_eq(gcs_group_user(crew.group[0]), &mine);
    ck_assert_mem_eq(gcs_endpoint_address(crew.endpoint[0]), "127.0.0.1:", 10);
    crew_close(&crew);
}
END_TEST

START_TEST(counters_can_be_read_from_any_thread)
{
    struct gcs_counters counters;
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
    crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    crew_ok(gcs_counters_get(crew.endpoint[0], &counters));
    ck_assert_uint_eq(counters.messages_sent, 1);
    ck_assert_uint_eq(counters.messages_delivered, 1);
    crew_close(&crew);
}
END_TEST

/* ---- The descriptor -------------------------------------------------------------------------- */

static int readable(int fd, int timeout_ms)
{
    struct pollfd pollfd = {.fd = fd, .events = POLLIN};
    return poll(&pollfd, 1, timeout_ms);
}

/* Until the loop has handed so many messages out: the counters are told by a later round. */
static void await_delivered(struct gcs_endpoint *endpoint, uint64_t messages)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
    struct gcs_counters counters;

    do {
        ck_assert_uint_lt(crew_now_ms(), end);
        crew_ok(gcs_counters_get(endpoint, &counters));
    } while (counters.messages_delivered < messages);
}

/* Readable no more; but the loop may have been late to say so of an event that is taken. */
static void await_calm(struct gcs_endpoint *endpoint)
{
    struct gcs_event event;

    for (int late = 0; late < 2; late++) {
        ck_assert_int_eq(gcs_next(endpoint, &event, 0), 0);
        if (readable(gcs_fd(endpoint), 0) == 0)
            return;
    }
    ck_abort_msg("readable for ever");
}

START_TEST(the_descriptor_is_readable_while_there_are_events)
{
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    int fd = gcs_fd(crew.endpoint[0]);
    await_calm(crew.endpoint[0]);
    for (uint64_t i = 1; i <= 3; i++) {
        crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
        await_delivered(crew.endpoint[0], i);
    }
    for (int got = 0; got < 3; got += (int)event.count) {
        ck_assert_int_eq(readable(fd, CREW_PATIENCE_MS), 1);
        ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), 1);
    }
    await_calm(crew.endpoint[0]);
    ck_assert_int_eq(gcs_fd(crew.endpoint[0]), fd);
    crew_close(&crew);
}
END_TEST

START_TEST(a_timeout_is_kept)
{
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    uint64_t start = crew_now_ms();
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 200), 0);
    uint64_t took = crew_now_ms() - start;
    ck_assert_uint_ge(took, 199);
    ck_assert_uint_lt(took, 2000);
    crew_close(&crew);
}
END_TEST

/* ---- What stays behind
 * ---------------------------------------------------------------------------- */

/* Calls see() with each open descriptor, but for the directory that is read. */
static int for_each_descriptor(void (*see)(int fd))
{
    DIR *dir = opendir("/proc/self/fd");
    struct dirent *entry;
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        int fd = atoi(entry->d_name);
        if (entry->d_name[0] == '.' || fd == dirfd(dir))
            continue;
        if (see)
            see(fd);
        count++;
    }
    (void)closedir(dir);
    return count;
}

START_TEST(two_hundred_endpoints_leave_no_descriptor)
{
    int before = for_each_descriptor(NULL);

    for (int i = 0; i < 200; i++) {
        struct gcs_endpoint_options options;
        struct crew crew = {.count = 0};
        gcs_endpoint_options_init(&options);
        options.flags = i % 2 ? GCS_OWN_LOOP : 0;
        crew_open(&crew, &options);
        if (i % 3)
            crew_join(&crew, 0, NULL);
        crew_close(&crew);
    }
    ck_assert_int_eq(for_each_descriptor(NULL), before);
}
END_TEST

static void must_close_on_exec(int fd)
{
    if (fd > 2 && !(fcntl(fd, F_GETFD) & FD_CLOEXEC)) {
        char link[64], target[256] = "";
        (void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
        ssize_t length = readlink(link, target, sizeof(target) - 1);
        ck_abort_msg("descriptor %d (%.*s) survives exec", fd, (int)length, target);
    }
}

static int inherited[64], inherited_count;

static void note_inherited(int fd)
{
    inherited[inherited_count++] = fd;
}

static void must_close_on_exec_unless_inherited(int fd)
{
    for (int i = 0; i < inherited_count; i++) {
        if (inherited[i] == fd)
            return;
    }
    must_close_on_exec(fd);
}

START_TEST(every_descriptor_closes_on_exec)
{
    struct gcs_endpoint_options options;
    struct crew crew = {.count = 0};

    for_each_descriptor(note_inherited);
    (void)setenv("GCS_TRACE", "/dev/null", 1);
    crew_open(&crew, NULL);
    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    crew_open(&crew, &options);
    ck_assert_int_gt(for_each_descriptor(must_close_on_exec_unless_inherited), inherited_count + 5);
    crew_close(&crew);
}
END_TEST

/* ---- Fork
 * ---------------------------------------------------------------------------------------------- */

static int call_everything(struct crew *crew)
{
    struct gcs_counters counters;
    struct gcs_group *group;
    struct gcs_event event;
    int expected = GCS_EFORKED;

    return gcs_next(crew->endpoint[0], &event, GCS_FOREVER) == expected &&
           gcs_multicast(crew->group[0], GCS_AGREED, "x", 1, GCS_FOREVER) == expected &&
           gcs_join(crew->endpoint[0], "other", NULL, &group) == expected &&
           gcs_leave(crew->group[0]) == expected &&
           gcs_counters_get(crew->endpoint[0], &counters) == expected &&
           gcs_dispatch(crew->endpoint[1]) == expected &&
           gcs_next(crew->endpoint[1], &event, GCS_FOREVER) == expected &&
           gcs_view_acquire(crew->group[0]) == NULL;
}

/* In the child: 0 if all is well. */
static int child(struct crew *crew)
{
    int before = for_each_descriptor(NULL);

    if (!call_everything(crew))
        return 1;
    gcs_group_free(crew->group[0]);
    crew_close(crew);
    return for_each_descriptor(NULL) < before - 8 ? 0 : 2;
}

static void fork_and_check(struct crew *crew)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(child(crew));
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status 0x%x", (unsigned)status);
}

START_TEST(the_child_after_fork_may_only_close)
{
    struct gcs_endpoint_options options;
    struct gcs_event event;
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    crew_open(&crew, &options);
    fork_and_check(&crew);
    /* The parent has not noticed anything. */
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "x", 1, 0));
    crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    crew_close(&crew);
}
END_TEST

struct traffic {
    struct crew *crew;
    atomic_bool stop;
};

static void *make_traffic(void *arg)
{
    struct traffic *traffic = arg;
    struct gcs_event event;

    while (!atomic_load(&traffic->stop)) {
        crew_ok(gcs_multicast(traffic->crew->group[0], GCS_AGREED, "x", 1, 0));
        while (crew_ok(gcs_next(traffic->crew->endpoint[0], &event, 0)) == 1)
            ;
    }
    return NULL;
}

/* ThreadSanitizer's own locks are not prepared for a fork while other threads work (those of gcc 12
 * and clang 14): now and then the child waits for one of them for ever. */
#if defined(__SANITIZE_THREAD__)
#define FORKS 0
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define FORKS 0
#endif
#endif
#ifndef FORKS
#define FORKS 20
#endif

START_TEST(a_child_that_is_forked_amid_traffic_can_close)
{
    struct traffic traffic = {.stop = false};
    struct gcs_endpoint_options options;
    struct crew crew;
    pthread_t thread;

    crew_form(&crew, 1, NULL, NULL);
    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP;
    crew_open(&crew, &options);
    traffic.crew = &crew;
    pthread_create(&thread, NULL, make_traffic, &traffic);
    for (int i = 0; i < FORKS; i++)
        fork_and_check(&crew);
    atomic_store(&traffic.stop, true);
    pthread_join(thread, NULL);
    crew_close(&crew);
}
END_TEST

/* ---- Signals
 * --------------------------------------------------------------------------------------------- */

static pthread_t handled_by;

static void on_signal(int number)
{
    (void)number;
    handled_by = pthread_self();
}

START_TEST(signals_are_the_application_s)
{
    struct crew crew;

    (void)signal(SIGUSR1, on_signal);
    crew_form(&crew, 2, NULL, NULL);
    for (int i = 0; i < 100; i++) {
        (void)kill(getpid(), SIGUSR1);
        ck_assert(pthread_equal(handled_by, pthread_self()));
    }
    crew_close(&crew);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        all_deliver_the_same_in_the_same_order,
        a_delivery_tells_its_sender_service_and_number,
        a_private_message_reaches_its_member_only,
        the_own_loop_sends_privately_too,
        nobody_is_no_receiver,
        an_ordered_delivery_brings_the_groups_time_and_seeds,
        a_packet_of_many_messages_comes_in_several_events,
        a_large_message_arrives_whole,
        who_leaves_is_told_and_can_join_again,
        a_crash_is_told,
        the_group_keeps_what_the_application_gives_it,
        counters_can_be_read_from_any_thread,
        the_descriptor_is_readable_while_there_are_events,
        a_timeout_is_kept,
        two_hundred_endpoints_leave_no_descriptor,
        every_descriptor_closes_on_exec,
        the_child_after_fork_may_only_close,
        a_child_that_is_forked_amid_traffic_can_close,
        signals_are_the_application_s,
    };
    return suite_run("endpoint", tests, SUITE_SIZE(tests));
}
