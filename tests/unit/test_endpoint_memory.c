/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory that is refused: gcs_open and everything after it, with the Nth request of the
 * endpoint and its core refused, for each N. The call fails with a clear error or what it
 * began comes to a clear end; nothing is lost in between, and nothing leaks.
 */
/* ctest-labels: thread */
/* ctest-timeout: 240 */
#include "gcs/endpoint.h"

#include "crew.h"
#include "suite.h"

#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* Like scarce.h, for several threads. */
struct refuser {
    struct gcs_allocator allocator;
    atomic_long live;
    atomic_long asked;
    atomic_long refused;
    long from, to; /* requests that are refused, counted from 1 */
};

static void *refuser_allocate(void *ctx, size_t size)
{
    struct refuser *refuser = ctx;
    long number = atomic_fetch_add(&refuser->asked, 1) + 1;

    if (number >= refuser->from && number < refuser->to) {
        atomic_fetch_add(&refuser->refused, 1);
        return NULL;
    }
    void *memory = malloc(size);
    if (memory)
        atomic_fetch_add(&refuser->live, 1);
    return memory;
}

static void refuser_release(void *ctx, void *memory)
{
    struct refuser *refuser = ctx;

    if (memory)
        atomic_fetch_sub(&refuser->live, 1);
    free(memory);
}

static void refuser_init(struct refuser *refuser, long from, long to)
{
    memset(refuser, 0, sizeof(*refuser));
    refuser->allocator = (struct gcs_allocator){refuser, refuser_allocate, refuser_release};
    refuser->from = from;
    refuser->to = to;
}

/*
 * Opens, joins, multicasts, leaves. What fails must fail with GCS_ENOMEM; a membership may
 * end with it. Messages that were accepted must come in order, and all of them
 * unless the membership ended. Returns whether anything was refused.
 */
static bool live_a_little(const char *url, uint32_t flags, long from, long to)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group = NULL;
    struct gcs_group_config config;
    struct gcs_event event;
    struct refuser refuser;
    unsigned accepted = 0, delivered = 0;
    bool left = false, leaving = false;

    refuser_init(&refuser, from, to);
    gcs_endpoint_options_init(&options);
    options.flags = flags;
    options.events = 16;
    gcs_group_config_init(&config);
    config.bootstrap = GCS_CREATE;
    int error = gcs_endpoint_open(url, &options, &refuser.allocator, &endpoint);
    if (error) {
        ck_assert_int_eq(error, GCS_ENOMEM);
        ck_assert_int_eq(atomic_load(&refuser.live), 0);
        return true;
    }
    while ((error = gcs_join(endpoint, "crew", &config, &group)) != 0)
        ck_assert_int_eq(error, GCS_ENOMEM);
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;
    while (!left && crew_now_ms() < end) {
        if (accepted < 50 && !leaving) {
            error = gcs_multicast(group, GCS_AGREED, &accepted, sizeof(accepted), 0);
            accepted += error == 0;
            if (error && error != GCS_ENOMEM && error != GCS_ENOTMEMBER)
                ck_abort_msg("%s: %s", gcs_strerror(error), gcs_detail());
        } else if (!leaving && delivered == accepted) {
            leaving = true;
            error = gcs_leave(group);
            if (error)
                ck_assert_int_eq(error, GCS_EALREADY);
        }
        if (crew_ok(gcs_next(endpoint, &event, 1)) == 0)
            continue;
        for (size_t i = 0; i < event.count; i++) {
            unsigned number;
            memcpy(&number, event.messages[i].data, sizeof(number));
            if (number != delivered++)
                ck_abort_msg("%u instead of %u", number, delivered - 1);
        }
        left = event.type == GCS_EVENT_LEFT;
        if (left && event.error != 0)
            ck_assert_int_eq(event.error, GCS_ENOMEM);
        if (left && event.error == 0)
            ck_assert_uint_eq(delivered, accepted);
    }
    ck_assert_msg(left, "requests %ld to %ld refused: never left; %u accepted, %u delivered", from,
                  to, accepted, delivered);
    gcs_group_free(group);
    gcs_close(endpoint);
    ck_assert_int_eq(atomic_load(&refuser.live), 0);
    return atomic_load(&refuser.refused) > 0;
}

static void refuse_each(uint32_t flags, long run)
{
    long n = 1;

    while (live_a_little("udp://127.0.0.1:0", flags, n, n + run))
        n++;
    ck_assert_int_gt(n, 30);
}

START_TEST(each_single_request_may_be_refused)
{
    refuse_each(0, 1);
}
END_TEST

START_TEST(each_single_request_may_be_refused_in_the_own_loop)
{
    refuse_each(GCS_OWN_LOOP, 1);
}
END_TEST

START_TEST(five_requests_in_a_row_may_be_refused)
{
    refuse_each(0, 5);
}
END_TEST

/* Asks the status socket once; what it says, a refusal or nothing at all may all be. */
static void ask_status(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    char bytes[4096];
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(address.sun_path, path, strlen(path) + 1);
    ck_assert_int_eq(connect(fd, (const struct sockaddr *)&address, sizeof(address)), 0);
    ck_assert_int_eq(send(fd, "metrics\n", 8, MSG_NOSIGNAL), 8);
    while (recv(fd, bytes, sizeof(bytes), 0) > 0) {
    }
    close(fd);
}

static bool tell_a_little(const char *path, long from)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    struct gcs_group *group = NULL;
    struct refuser refuser;

    refuser_init(&refuser, from, from + 1);
    gcs_endpoint_options_init(&options);
    options.status = path;
    options.events = 16;
    int error = gcs_endpoint_open("udp://127.0.0.1:0", &options, &refuser.allocator, &endpoint);
    if (error) {
        ck_assert_int_eq(error, GCS_ENOMEM);
    } else {
        while ((error = gcs_join(endpoint, "crew", NULL, &group)) != 0)
            ck_assert_int_eq(error, GCS_ENOMEM);
        ask_status(path);
        ask_status(path);
        gcs_close(endpoint);
    }
    ck_assert_int_eq(atomic_load(&refuser.live), 0);
    ck_assert_int_ne(access(path, F_OK), 0);
    return atomic_load(&refuser.refused) > 0;
}

START_TEST(each_single_request_may_be_refused_where_status_is_told)
{
    char path[64];
    long n = 1;

    (void)snprintf(path, sizeof(path), "/tmp/gcs-status-memory.%ld", (long)getpid());
    while (tell_a_little(path, n))
        n++;
    ck_assert_int_gt(n, 12);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        each_single_request_may_be_refused,
        each_single_request_may_be_refused_in_the_own_loop,
        five_requests_in_a_row_may_be_refused,
        each_single_request_may_be_refused_where_status_is_told,
    };
    return suite_run("endpoint_memory", tests, SUITE_SIZE(tests));
}
