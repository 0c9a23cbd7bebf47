/* SPDX-License-Identifier: BSD-3-Clause */
/* The ends that the tests of the RDMA transport work with; ends.h tells of each call. */
#include "tests/rdma/ends.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TESTS_MAX = 64 };

struct gcs_transport *ends[ENDS];
unsigned ends_count;

/* ---- Calls that fail --------------------------------------------------------------------- */

int posts_until_failure = -1, registrations_until_failure = -1;

static int failing_post(void *ctx, struct ibv_qp *qp, struct ibv_send_wr *wr)
{
    if (posts_until_failure >= 0 && posts_until_failure-- == 0)
        return EIO;
    return gcs_rdma_verbs_real.post_send(ctx, qp, wr);
}

static struct ibv_mr *failing_reg_mr(void *ctx, struct ibv_pd *pd, void *memory, size_t bytes)
{
    if (registrations_until_failure >= 0 && registrations_until_failure-- == 0) {
        errno = ENOMEM;
        return NULL;
    }
    return gcs_rdma_verbs_real.reg_mr(ctx, pd, memory, bytes);
}

static struct gcs_rdma_verbs failing;

/* ---- Ends ----------------------------------------------------------------------------------- */

struct gcs_transport *try_open(unsigned device, const char *options, char *error, size_t size)
{
    const struct gcs_report report = {error, size};
    struct gcs_transport *t = NULL;
    struct gcs_url url;
    char text[200];

    snprintf(text, sizeof(text), "rdma://0.0.0.0:0?device=%u%s%s", device, options ? "&" : "",
             options ? options : "");
    ck_assert_int_eq(gcs_url_parse(&url, text, &report), 0);
    failing = gcs_rdma_verbs_real;
    failing.post_send = failing_post;
    failing.reg_mr = failing_reg_mr;
    (void)gcs_rdma_open_with(&failing, &url, &t, &report);
    gcs_url_free(&url);
    return t;
}

struct gcs_transport *open_end(unsigned device, const char *options)
{
    char error[300] = "";
    struct gcs_transport *t = try_open(device, options, error, sizeof(error));

    ck_assert_msg(t != NULL, "%s", error);
    ck_assert_uint_lt(ends_count, ENDS);
    return ends[ends_count++] = t;
}

void close_end(struct gcs_transport *t)
{
    for (unsigned i = 0; i < ends_count; i++)
        if (ends[i] == t)
            ends[i] = ends[--ends_count];
    t->ops->close(t);
}

void close_all(void)
{
    while (ends_count > 0)
        close_end(ends[0]);
}

const struct gcs_transport_counters *counters(const struct gcs_transport *t)
{
    return t->ops->counters(t);
}

const struct gcs_address *address(const struct gcs_transport *t)
{
    return t->ops->address(t);
}

size_t take(struct gcs_transport *t)
{
    struct gcs_transport_packet packets[64];
    size_t n = 0, got;

    for (unsigned i = 0; i < ends_count; i++)
        ends[i]->ops->receive(ends[i], NULL, 0);
    while ((got = t->ops->receive(t, packets, 64)) > 0) {
        for (size_t i = 0; i < got; i++)
            gcs_buffer_unref(packets[i].buffer);
        n += got;
    }
    return n;
}

size_t take_until(struct gcs_transport *t, size_t wanted)
{
    size_t n = 0;

    for (int ms = 0; ms < PATIENCE_MS && n < wanted; ms++) {
        size_t got = take(t);
        n += got;
        if (got == 0)
            poll(NULL, 0, 1);
    }
    return n;
}

bool told_of(struct gcs_transport *t, const struct gcs_address *peer)
{
    struct gcs_address who;

    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        for (unsigned i = 0; i < ends_count; i++)
            (void)take(ends[i]);
        while (t->ops->unreachable(t, &who))
            if (gcs_udp_same(&who, peer))
                return true;
        poll(NULL, 0, 1);
    }
    return false;
}

static uint8_t bytes[60000];

void send_to(struct gcs_transport *t, const struct gcs_address *to, size_t count, size_t size,
             size_t packets)
{
    struct gcs_core_packet p[64];

    ck_assert_uint_le(packets, 64);
    for (size_t i = 0; i < packets; i++)
        p[i] = (struct gcs_core_packet){.data = bytes, .size = size, .to = to, .to_count = count};
    t->ops->send(t, p, packets);
}

void connect_ends(struct gcs_transport *a, struct gcs_transport *b)
{
    send_to(a, address(b), 1, 16, 1);
    ck_assert_uint_eq(take_until(b, 1), 1);
    send_to(b, address(a), 1, 16, 1);
    ck_assert_uint_eq(take_until(a, 1), 1);
}

struct gcs_rdma_link *link_to(struct gcs_transport *t, struct gcs_transport *peer)
{
    return gcs_rdma_link_find((struct gcs_rdma *)t, address(peer));
}

bool notes(struct gcs_transport *t, const char *text)
{
    for (int ms = 0; ms < PATIENCE_MS; ms++) {
        const char *note = t->ops->note(t);
        if (text[0] ? strstr(note, text) != NULL : note[0] == '\0')
            return true;
        (void)take(t);
        poll(NULL, 0, 1);
    }
    return false;
}

/* ---- Programs ------------------------------------------------------------------------------- */

int times(const char *variable, int normal)
{
    const char *wanted = getenv(variable);
    return wanted ? atoi(wanted) : normal;
}

/* Test programs run everything; named tests are for those that go on for long. */
static size_t choose(const TTest **chosen, const TTest *const *tests, size_t count, char **names)
{
    size_t n = 0;

    for (size_t i = 0; i < count; i++) {
        for (char **name = names; *name; name++) {
            if (n < TESTS_MAX && strcmp(tests[i]->name, *name) == 0)
                chosen[n++] = tests[i];
        }
    }
    return n;
}

int run_tests(const TTest *const *tests, size_t count, int argc, char **argv)
{
    char error[300] = "";
    struct gcs_transport *t;

    if (gcs_transport_open("rdma://0.0.0.0:0", &t, error, sizeof(error)) != 0) {
        printf("skipped: %s\n", error);
        return 77;
    }
    t->ops->close(t);
    if (argc == 1)
        return suite_run("rdma", tests, count);
    const TTest *chosen[TESTS_MAX];
    size_t found = choose(chosen, tests, count, argv + 1);
    if (found != (size_t)(argc - 1)) {
        printf("no such test\n");
        return EXIT_FAILURE;
    }
    return suite_run("rdma", chosen, found);
}
