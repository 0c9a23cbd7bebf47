/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * <gcs/replica.h> over the loopback interface: threads that call, each through a replica of its
 * own, see one counter; one that joins later has it too; whoever reads sees what was written.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include <gcs/replica.h>
#include <stdlib.h>

enum { REPLICAS = 3, CALLS = 50 };

struct service {
    struct gcs_replica *replica;
    struct gcs_endpoint *endpoint;
    int64_t total, answer;
    size_t got; /* bytes of a total that is coming */
    bool left;
    int why;    /* left */
    bool fails; /* once */
    atomic_bool hangs;
    atomic_uint heard[GCS_REPLICA_HELD_UP + 1], number[GCS_REPLICA_HELD_UP + 1]; /* of news */
    char slow[256];
    atomic_bool stop;
    pthread_t thread;
};

static struct service services[REPLICAS];

static uint64_t evict_slow_ns; /* of the groups' config; 0: as it is */

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct service *service = ctx;
    int64_t number;

    ck_assert_uint_eq(command->size, sizeof(number));
    while (atomic_load(&service->hangs))
        crew_pause_ms(1);
    if (service->fails) {
        service->fails = false;
        return GCS_ENOMEM;
    }
    memcpy(&number, command->data, sizeof(number));
    service->total += number;
    service->answer = service->total;
    *result = (struct gcs_replica_result){&service->answer, sizeof(service->answer)};
    return 0;
}

static int query(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result)
{
    struct service *service = ctx;

    (void)data;
    (void)size;
    (void)time;
    service->answer = service->total;
    *result = (struct gcs_replica_result){&service->answer, sizeof(service->answer)};
    return 0;
}

static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    if (offset >= sizeof(int64_t))
        return 0;
    size = size < sizeof(int64_t) - offset ? size : sizeof(int64_t) - (size_t)offset;
    memcpy(data, (char *)ctx + offset, size);
    return (int64_t)size;
}

static int snapshot(void *ctx, struct gcs_state_source *source)
{
    struct service *service = ctx;
    int64_t *copy = malloc(sizeof(*copy));

    *copy = service->total;
    *source = (struct gcs_state_source){copy, read_copy, free, sizeof(*copy)};
    return 0;
}

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct service *service = ctx;

    if (step == GCS_REPLICA_BEGIN)
        service->got = 0;
    ck_assert_uint_le(service->got + size, sizeof(service->total));
    if (step == GCS_REPLICA_PIECE)
        memcpy((char *)&service->total + service->got, data, size);
    service->got += size;
    return 0;
}

static uint64_t digest(void *ctx)
{
    return (uint64_t)((struct service *)ctx)->total;
}

static pthread_mutex_t words = PTHREAD_MUTEX_INITIALIZER;

/* What was said last of a slow callback is that it still hangs, and where. */
static bool is_told_to_hang(struct service *service, unsigned *at)
{
    pthread_mutex_lock(&words);
    bool told = sscanf(service->slow, "apply has been at command %u for ", at) == 1;
    pthread_mutex_unlock(&words);
    return told;
}

static void report(void *ctx, const struct gcs_replica_report *news)
{
    struct service *service = ctx;

    pthread_mutex_lock(&words); /* it is told of by two threads */
    if (news->news == GCS_REPLICA_SLOW)
        snprintf(service->slow, sizeof(service->slow), "%s", news->text);
    pthread_mutex_unlock(&words);
    atomic_store(&service->number[news->news], (unsigned)news->number);
    atomic_fetch_add(&service->heard[news->news], 1);
    if (news->news == GCS_REPLICA_LEFT) {
        service->left = true;
        service->why = news->error;
    }
}

static void open_service(size_t i, uint32_t protocol)
{
    struct service *service = &services[i];
    struct gcs_replica_machine machine = {
        .size = sizeof(machine),
        .ctx = service,
        .apply = apply,
        .snapshot = snapshot,
        .restore = restore,
        .query = query,
        .digest = digest,
    };
    struct gcs_endpoint_options endpoint;
    struct gcs_group_config group;
    struct gcs_replica_config config;
    char url[256] = "udp://127.0.0.1:0";

    if (i > 0)
        snprintf(url, sizeof(url), "udp://127.0.0.1:0?seeds=%s",
                 gcs_endpoint_address(services[0].endpoint));
    gcs_group_config_init(&group);
    group.bootstrap = i == 0 ? GCS_CREATE : GCS_JOIN;
    if (evict_slow_ns > 0)
        group.slow_ns = group.evict_slow_ns = evict_slow_ns;
    gcs_replica_config_init(&config);
    config.protocol = protocol;
    config.ctx = service;
    config.report = report;
    config.digest_every = 4;
    config.slow_ms = 200;
    memset(service, 0, sizeof(*service));
    /* Nobody is to be excluded because the machine has no time for it: outcomes would be unknown.
     */
    gcs_endpoint_options_init(&endpoint);
    endpoint.suspect_ms = CREW_PATIENCE_MS;
    crew_ok(gcs_open(url, &endpoint, &service->endpoint));
    crew_ok(gcs_replica_open(service->endpoint, "counter", &group, &machine, &config,
                             &service->replica));
}

static void close_service(size_t i)
{
    gcs_replica_close(services[i].replica);
    gcs_close(services[i].endpoint);
}

static int64_t add(size_t i, int64_t number)
{
    struct gcs_replica_request request = {&number, sizeof(number), 0, 0};
    struct gcs_replica_outcome outcome;
    int64_t total = 0;

    crew_ok(gcs_replica_call(services[i].replica, &request, &total, sizeof(total), &outcome,
                             CREW_PATIENCE_MS));
    ck_assert_uint_eq(outcome.size, sizeof(total));
    return total;
}

static void *work(void *ctx)
{
    size_t i = (size_t)(uintptr_t)ctx;
    int64_t last = 0;

    for (int k = 0; k < CALLS; k++) {
        int64_t total = add(i, 1);
        if (total <= last)
            ck_abort_msg("%lld after %lld", (long long)total, (long long)last);
        last = total;
    }
    while (!atomic_load(&services[i].stop)) /* the others still need it */
        (void)gcs_replica_dispatch(services[i].replica, 10);
    return NULL;
}

static void read_total(void *ctx, const struct gcs_replica_outcome *outcome)
{
    int64_t *seen = ctx;

    ck_assert_int_eq(outcome->error, 0);
    memcpy(seen, outcome->data, sizeof(*seen));
}

START_TEST(calls_through_all_replicas_make_one_counter)
{
    for (size_t i = 0; i < REPLICAS; i++) {
        open_service(i, 1);
        ck_assert_int_eq(pthread_create(&services[i].thread, NULL, work, (void *)(uintptr_t)i), 0);
    }
    int64_t total = 0;
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS; total < REPLICAS * CALLS;) {
        total = add(1, 0); /* this thread calls as well, while another one does the work */
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    ck_assert_int_eq(total, REPLICAS * CALLS);
    for (size_t i = 0; i < REPLICAS; i++)
        atomic_store(&services[i].stop, true);
    for (size_t i = 0; i < REPLICAS; i++)
        pthread_join(services[i].thread, NULL);
    for (size_t i = 0; i < REPLICAS; i++)
        close_service(i);
}
END_TEST

START_TEST(a_query_sees_what_was_written_elsewhere)
{
    open_service(0, 1);
    open_service(1, 1);
    ck_assert_int_eq(pthread_create(&services[1].thread, NULL, work, (void *)1), 0);
    for (int64_t k = 1; k <= CALLS; k++) {
        int64_t total = add(0, 1000), seen = -1;
        crew_ok(gcs_replica_query(services[0].replica, GCS_REPLICA_LINEARIZABLE, 0, NULL, 0,
                                  read_total, &seen));
        while (seen < 0)
            crew_ok(gcs_replica_dispatch(services[0].replica, 10));
        ck_assert_int_ge(seen, total);
    }
    atomic_store(&services[1].stop, true);
    while (pthread_tryjoin_np(services[1].thread, NULL) != 0)
        crew_ok(gcs_replica_dispatch(services[0].replica, 10));
    close_service(1);
    close_service(0);
}
END_TEST

START_TEST(calls_that_make_no_sense_are_refused)
{
    struct gcs_replica_outcome outcome;
    struct gcs_replica_request request = {"x", 1, 0, 0};
    struct gcs_replica_status status;
    struct gcs_replica *replica;

    open_service(0, 1);
    ck_assert_int_eq(gcs_replica_open(NULL, "x", NULL, NULL, NULL, &replica), GCS_EINVAL);
    ck_assert_int_eq(gcs_replica_submit(NULL, &request, NULL, NULL), GCS_EINVAL);
    ck_assert_int_eq(gcs_replica_call(services[0].replica, &request, NULL, 5, &outcome, 0),
                     GCS_EINVAL);
    ck_assert_int_eq(gcs_replica_dispatch(NULL, 0), GCS_EINVAL);
    ck_assert_str_eq(gcs_detail(), "the replica is NULL");
    add(0, 5);
    gcs_replica_status_get(services[0].replica, &status);
    ck_assert(status.ready && status.primary);
    ck_assert_uint_eq(status.number, 1);
    crew_ok(gcs_replica_leave(services[0].replica));
    ck_assert_int_eq(gcs_replica_leave(services[0].replica), GCS_EALREADY);
    close_service(0);
}
END_TEST

START_TEST(who_leaves_before_having_the_state_was_not_refused)
{
    open_service(0, 1);
    add(0, 5);
    open_service(1, 1);
    crew_ok(gcs_replica_leave(services[1].replica));
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS; !services[1].left;) {
        (void)gcs_replica_dispatch(services[1].replica, 10);
        (void)gcs_replica_dispatch(services[0].replica, 0);
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    ck_assert_int_eq(services[1].why, 0);
    ck_assert_int_eq(add(0, 1), 6);
    close_service(1);
    close_service(0);
}
END_TEST

START_TEST(a_call_that_fails_says_why)
{
    static char large[(1 << 20) + 1];
    struct gcs_replica_outcome outcome;
    struct gcs_replica_request request = {large, sizeof(large), 0, 0};
    int64_t number = 7, total = 0;

    open_service(0, 1);
    add(0, 5);
    ck_assert_int_eq(gcs_replica_call(services[0].replica, &request, &total, sizeof(total),
                                      &outcome, CREW_PATIENCE_MS),
                     GCS_EMSGSIZE);
    ck_assert_str_eq(gcs_detail(), "1048577 bytes: at most command_bytes=1048576");
    request = (struct gcs_replica_request){&number, sizeof(number), 0, 0};
    ck_assert_int_eq(
        gcs_replica_call(services[0].replica, &request, &total, 4, &outcome, CREW_PATIENCE_MS),
        GCS_EMSGSIZE);
    ck_assert_str_eq(gcs_detail(), "the command was applied; its result has 8 bytes, the buffer 4");
    ck_assert_int_eq(add(0, 0), 12);
    request.session = 4711;
    ck_assert_int_eq(gcs_replica_submit(services[0].replica, &request, NULL, NULL), GCS_EINVAL);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "session without a serial"));
    request.serial = 1;
    ck_assert_int_eq(gcs_replica_call(services[0].replica, &request, &total, sizeof(total),
                                      &outcome, CREW_PATIENCE_MS),
                     GCS_ESESSION);
    ck_assert_str_eq(gcs_detail(), "there is no such session, or it has expired");
    close_service(0);
}
END_TEST

/* ---- What goes wrong, and who says so ------------------------------------------------------- */

START_TEST(a_callback_that_hangs_is_told_of_while_it_does)
{
    int64_t number = 1, total;
    struct gcs_replica_request request = {&number, sizeof(number), 0, 0};
    struct gcs_replica_outcome outcome;
    struct gcs_replica_status status;

    open_service(0, 1);
    add(0, 1);
    gcs_replica_status_get(services[0].replica, &status);
    ck_assert_int_eq(pthread_create(&services[0].thread, NULL, work, NULL), 0);
    atomic_store(&services[0].hangs, true);
    unsigned at = 0;
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS; !is_told_to_hang(&services[0], &at);) {
        crew_pause_ms(5);
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    gcs_replica_status_get(services[0].replica, &status);
    ck_assert_uint_eq(status.applying, at);
    ck_assert_uint_ge(status.applying_ms, 200);
    ck_assert(status.ready);
    ck_assert_uint_ge(status.number, 1);
    /* Its deadline is kept: the test's own would not be otherwise. */
    ck_assert_int_lt(
        gcs_replica_call(services[0].replica, &request, &total, sizeof(total), &outcome, 300), 0);
    atomic_store(&services[0].hangs, false);
    ck_assert_int_ge(add(0, 0), 2);
    atomic_store(&services[0].stop, true);
    pthread_join(services[0].thread, NULL);
    close_service(0);
}
END_TEST

static void all_work(void)
{
    for (size_t k = 0; k < REPLICAS && services[k].replica; k++)
        crew_ok(gcs_replica_dispatch(services[k].replica, 1));
}

/* Works for all until replica i is ready for so many times. */
static void await_ready(size_t i, unsigned times)
{
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
         atomic_load(&services[i].heard[GCS_REPLICA_READY]) < times;) {
        all_work();
        ck_assert_uint_lt(crew_now_ms(), end);
    }
}

static void note_total(void *ctx, const struct gcs_replica_outcome *outcome)
{
    if (outcome->error == 0)
        memcpy(ctx, outcome->data, sizeof(int64_t));
}

/* One command through replica i, while all of them work. */
static int64_t add_while_all_work(size_t i, int64_t number)
{
    struct gcs_replica_request request = {&number, sizeof(number), 0, 0};
    int64_t total = -1;

    crew_ok(gcs_replica_submit(services[i].replica, &request, note_total, &total));
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
    while (total < 0) {
        all_work();
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    return total;
}

/* Replica 2 goes wrong, says at which command, and comes back with the state of another. */
static void expect_a_new_start(bool fails, enum gcs_replica_news news, unsigned number)
{
    for (size_t i = 0; i < REPLICAS; i++) {
        open_service(i, 1);
        await_ready(i, 1);
    }
    ck_assert_int_eq(add_while_all_work(0, 1), 1);
    services[2].total += fails ? 0 : 1000;
    services[2].fails = fails;
    for (int64_t k = 2; k <= 4; k++)
        ck_assert_int_eq(add_while_all_work(0, 1), k);
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
         atomic_load(&services[2].heard[news]) == 0;) {
        all_work();
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    ck_assert_uint_eq(atomic_load(&services[2].number[news]), number);
    await_ready(2, 2);
    ck_assert_int_eq(add_while_all_work(2, 1), 5);
    ck_assert_uint_eq(atomic_load(&services[0].heard[news]), 0);
    for (size_t i = 0; i < REPLICAS; i++)
        close_service(i);
}

START_TEST(a_replica_whose_state_differs_comes_back_with_that_of_another)
{
    expect_a_new_start(false, GCS_REPLICA_DIVERGED, 4);
}
END_TEST

START_TEST(a_replica_whose_apply_fails_comes_back_with_the_state_of_another)
{
    expect_a_new_start(true, GCS_REPLICA_FAILED, 2);
}
END_TEST

static void *only_dispatch(void *ctx)
{
    struct service *service = ctx;

    while (!atomic_load(&service->stop))
        (void)gcs_replica_dispatch(service->replica, 10);
    return NULL;
}

static uint16_t members_seen_by(size_t i)
{
    const struct gcs_view *view = gcs_view_acquire(gcs_replica_group(services[i].replica));
    uint16_t count = view ? view->count : 0;

    gcs_view_release(view);
    return count;
}

/* Two work in this thread, the third in its own, where apply hangs. */
START_TEST(a_replica_that_hangs_is_evicted_and_the_others_go_on)
{
    int64_t sent = 0;

    evict_slow_ns = 500 * 1000000;
    for (size_t i = 0; i < REPLICAS; i++) {
        open_service(i, 1);
        await_ready(i, 1);
    }
    ck_assert_int_eq(pthread_create(&services[2].thread, NULL, only_dispatch, &services[2]), 0);
    atomic_store(&services[2].hangs, true);
    struct gcs_replica_request request = {&sent, sizeof(sent), 0, 0};
    crew_ok(gcs_replica_submit(services[0].replica, &request, note_total, &sent));
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS; members_seen_by(0) != 2;) {
        crew_ok(gcs_replica_dispatch(services[0].replica, 1));
        crew_ok(gcs_replica_dispatch(services[1].replica, 1));
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    ck_assert_uint_ge(atomic_load(&services[0].heard[GCS_REPLICA_HELD_UP]), 1);
    atomic_store(&services[2].hangs, false);
    for (uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
         atomic_load(&services[2].heard[GCS_REPLICA_LEFT]) == 0;) {
        crew_ok(gcs_replica_dispatch(services[0].replica, 1));
        crew_ok(gcs_replica_dispatch(services[1].replica, 1));
        ck_assert_uint_lt(crew_now_ms(), end);
    }
    atomic_store(&services[2].stop, true);
    pthread_join(services[2].thread, NULL);
    ck_assert_int_eq(services[2].why, GCS_EEVICTED);
    for (size_t i = 0; i < REPLICAS; i++)
        close_service(i);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        calls_through_all_replicas_make_one_counter,
        a_query_sees_what_was_written_elsewhere,
        calls_that_make_no_sense_are_refused,
        who_leaves_before_having_the_state_was_not_refused,
        a_call_that_fails_says_why,
        a_callback_that_hangs_is_told_of_while_it_does,
        a_replica_whose_state_differs_comes_back_with_that_of_another,
        a_replica_whose_apply_fails_comes_back_with_the_state_of_another,
        a_replica_that_hangs_is_evicted_and_the_others_go_on,
    };
    return suite_run("replica_endpoint", tests, SUITE_SIZE(tests));
}
