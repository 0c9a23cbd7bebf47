/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs_state_offer and gcs_state_offer_fd over the loopback interface: a new member has
 * exactly the state and what came after it; what is given is let go of once, however
 * the transfer ends.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

enum { STATE_BYTES = 1 << 20, JOINER = 1 };

/* How a member answers when it is asked for the state. */
enum answer { BY_CALLBACK, BY_FILE, NOT, BROKEN, TOO_SHORT, TOO_LONG, NEVER };

/* One member's application: its state is what it was given and a sum over what was delivered. */
struct app {
    struct gcs_endpoint *endpoint;
    struct gcs_group *group;
    enum answer answer;
    uint64_t sum, delivered;
    uint64_t got; /* bytes of a state */
    bool synced;
    unsigned wanted, ends, lefts;
    int end_error, left_error, fd;
    struct gcs_member_id joiner;
};

static struct crew crew;
static struct app apps[CREW_MAX];
static atomic_uint offered, released;

/* ---- The state -------------------------------------------------------------------------- */

/* The sum first, then what can be told from its place. */
static uint8_t byte_at(uint64_t sum, uint64_t offset)
{
    return offset < 8 ? (uint8_t)(sum >> 8 * offset) : (uint8_t)(offset * 7 + (offset >> 12));
}

struct copy {
    uint64_t sum, size, broken_at;
};

static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct copy *copy = ctx;
    uint64_t left = offset < copy->size ? copy->size - offset : 0;

    if (offset >= copy->broken_at)
        return -1;
    if (size > left)
        size = (size_t)left;
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)data)[i] = byte_at(copy->sum, offset + i);
    return (int64_t)size;
}

static void release_copy(void *ctx)
{
    free(ctx);
    atomic_fetch_add(&released, 1);
}

static int give_copy(struct app *app, const struct gcs_member_id *joiner)
{
    struct copy *copy = malloc(sizeof(*copy));
    struct gcs_state_source source = {copy, read_copy, release_copy, STATE_BYTES};

    *copy = (struct copy){app->sum, STATE_BYTES, UINT64_MAX};
    if (app->answer == BROKEN)
        copy->broken_at = STATE_BYTES / 2;
    if (app->answer == TOO_SHORT)
        copy->size--;
    if (app->answer == TOO_LONG)
        copy->size++;
    int error = gcs_state_offer(app->group, joiner, &source);
    if (error)
        free(copy);
    else
        atomic_fetch_add(&offered, 1);
    return error;
}

static int state_file(uint64_t sum)
{
    char path[] = "/tmp/gcs-state-XXXXXX";
    uint8_t *bytes = malloc(STATE_BYTES);
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    (void)unlink(path);
    for (size_t i = 0; i < STATE_BYTES; i++)
        bytes[i] = byte_at(sum, i);
    ck_assert_int_eq(write(fd, bytes, STATE_BYTES), STATE_BYTES);
    free(bytes);
    return fd;
}

/* ---- Events ----------------------------------------------------------------------------- */

static void answer(struct app *app, const struct gcs_event *event)
{
    app->wanted++;
    app->joiner = *event->sender;
    if (app->answer == NOT)
        crew_ok(gcs_state_offer(app->group, event->sender, NULL));
    else if (app->answer == BY_FILE)
        crew_ok(gcs_state_offer_fd(app->group, event->sender, app->fd = state_file(app->sum)));
    else if (app->answer != NEVER)
        crew_ok(give_copy(app, event->sender));
}

static void take_piece(struct app *app, const struct gcs_event *event)
{
    const uint8_t *bytes = event->messages[0].data;

    ck_assert_uint_eq(event->count, 1);
    if (event->offset == 0)
        app->got = app->sum = 0;
    if (event->offset != app->got || event->total != STATE_BYTES)
        ck_abort_msg("a piece at %u of %u", (unsigned)event->offset, (unsigned)event->total);
    for (size_t i = 0; i < event->messages[0].size; i++, app->got++) {
        if (app->got < 8)
            app->sum |= (uint64_t)bytes[i] << 8 * app->got;
        else if (bytes[i] != byte_at(0, app->got))
            ck_abort_msg("byte %u is another one", (unsigned)app->got);
    }
}

static void deliver(struct app *app, const struct gcs_event *event)
{
    for (size_t i = 0; i < event->count; i++) {
        uint32_t number;
        memcpy(&number, event->messages[i].data, sizeof(number));
        app->sum = app->sum * 31 + number;
        app->delivered++;
    }
    if (!app->synced)
        ck_abort_msg("a delivery before the state");
}

/* Takes one event if there is any. */
static bool step(struct app *app)
{
    struct gcs_event event;

    if (crew_ok(gcs_next(app->endpoint, &event, 1)) == 0)
        return false;
    if (event.type == GCS_EVENT_STATE_WANTED)
        answer(app, &event);
    else if (event.type == GCS_EVENT_STATE)
        take_piece(app, &event);
    else if (event.type == GCS_EVENT_DELIVER)
        deliver(app, &event);
    if (event.type == GCS_EVENT_STATE_END) {
        app->ends++;
        app->end_error = event.error;
        app->synced |= event.error == 0;
    }
    if (event.type == GCS_EVENT_LEFT) {
        app->lefts++;
        app->left_error = event.error;
    }
    return true;
}

static void await(unsigned *count, unsigned least)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;

    while (*count < least) {
        if (crew_now_ms() > end)
            ck_abort_msg("it did not come");
        for (size_t i = 0; i < crew.count; i++)
            if (apps[i].endpoint)
                (void)step(&apps[i]);
    }
}

static void open_app(size_t i, uint32_t flags)
{
    struct gcs_endpoint_options options;
    struct gcs_group_config config;
    enum answer kept = apps[i].answer;

    gcs_endpoint_options_init(&options);
    options.flags = flags;
    gcs_group_config_init(&config);
    config.state = true;
    crew_open(&crew, &options);
    crew_join(&crew, i, &config);
    apps[i] = (struct app){.endpoint = crew.endpoint[i],
                           .group = crew.group[i],
                           .answer = kept,
                           .synced = i == 0,
                           .fd = -1};
}

static void setup(enum answer how, uint32_t flags)
{
    memset(&crew, 0, sizeof(crew));
    memset(apps, 0, sizeof(apps));
    atomic_store(&offered, 0);
    atomic_store(&released, 0);
    apps[0].answer = how;
    open_app(0, flags);
    open_app(JOINER, flags);
}

static void teardown(void)
{
    crew_close(&crew);
    ck_assert_uint_eq(atomic_load(&released), atomic_load(&offered));
}

/* ---- It arrives ------------------------------------------------------------------------- */

static void say(struct app *app, uint32_t number)
{
    int error = gcs_multicast(app->group, GCS_AGREED, &number, sizeof(number), 0);
    if (error && error != GCS_EAGAIN)
        crew_ok(error);
}

static void transfer(enum answer how, uint32_t flags)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;

    setup(how, flags);
    for (uint32_t n = 1; !apps[JOINER].synced; n++) {
        ck_assert_uint_lt(crew_now_ms(), end);
        say(&apps[0], n);
        (void)step(&apps[0]);
        (void)step(&apps[JOINER]);
    }
    await(&apps[0].ends, 1); /* it has its vote */
    say(&apps[0], 7);
    say(&apps[JOINER], 8);
    while (apps[0].sum != apps[JOINER].sum || apps[0].delivered < 3) {
        ck_assert_uint_lt(crew_now_ms(), end);
        (void)step(&apps[0]);
        (void)step(&apps[JOINER]);
    }
    ck_assert_uint_eq(apps[JOINER].got, STATE_BYTES);
    ck_assert_int_eq(apps[0].end_error, 0);
    ck_assert_uint_eq(atomic_load(&released), atomic_load(&offered));
    if (apps[0].fd >= 0)
        ck_assert(fcntl(apps[0].fd, F_GETFD) < 0 && errno == EBADF);
    teardown();
}

START_TEST(a_state_by_callbacks)
{
    transfer(BY_CALLBACK, 0);
}
END_TEST

START_TEST(a_state_in_the_callers_own_loop)
{
    transfer(BY_CALLBACK, GCS_OWN_LOOP);
}
END_TEST

START_TEST(a_state_in_a_file)
{
    transfer(BY_FILE, 0);
}
END_TEST

START_TEST(an_answer_may_come_later_and_from_another_thread)
{
    setup(NEVER, 0);
    await(&apps[0].wanted, 1);
    crew_ok(give_copy(&apps[0], &apps[0].joiner));
    ck_assert_int_eq(give_copy(&apps[0], &apps[0].joiner), GCS_EALREADY);
    await(&apps[0].ends, 1);
    ck_assert(apps[JOINER].synced);
    teardown();
}
END_TEST

/* ---- It fails --------------------------------------------------------------------------- */

static void expect_failure(enum answer how)
{
    setup(how, 0);
    await(&apps[JOINER].lefts, 1);
    await(&apps[0].ends, 1);
    ck_assert_int_eq(apps[JOINER].left_error, GCS_ESTATE);
    ck_assert_int_eq(apps[0].end_error, GCS_ESTATE);
    ck_assert(!apps[JOINER].synced);
    ck_assert_uint_eq(apps[0].lefts, 0);
    teardown();
}

START_TEST(there_may_be_none)
{
    expect_failure(NOT);
}
END_TEST

START_TEST(reading_may_fail)
{
    expect_failure(BROKEN);
}
END_TEST

START_TEST(the_length_must_be_what_it_was_said_to_be)
{
    expect_failure(TOO_SHORT);
    expect_failure(TOO_LONG);
}
END_TEST

/* ---- It is interrupted ------------------------------------------------------------------ */

/* The state has begun to come, and the joiner does not take it. */
static void begin(enum answer how)
{
    uint64_t end = crew_now_ms() + CREW_PATIENCE_MS;

    setup(how, 0);
    while (apps[JOINER].got == 0) {
        ck_assert_uint_lt(crew_now_ms(), end);
        (void)step(&apps[0]);
        (void)step(&apps[JOINER]);
    }
}

START_TEST(the_donor_may_close)
{
    for (enum answer how = BY_CALLBACK; how <= BY_FILE; how++) {
        begin(how);
        gcs_close(crew.endpoint[0]);
        crew.endpoint[0] = NULL;
        ck_assert_uint_eq(atomic_load(&released), how == BY_CALLBACK);
        if (apps[0].fd >= 0)
            ck_assert(fcntl(apps[0].fd, F_GETFD) < 0 && errno == EBADF);
        teardown();
    }
}
END_TEST

START_TEST(the_joiner_may_close)
{
    begin(BY_CALLBACK);
    gcs_close(crew.endpoint[JOINER]);
    crew.endpoint[JOINER] = apps[JOINER].endpoint = NULL;
    await(&apps[0].ends, 1);
    ck_assert_int_eq(apps[0].end_error, GCS_ENOTMEMBER);
    ck_assert_uint_eq(atomic_load(&released), 1);
    teardown();
}
END_TEST

START_TEST(the_joiner_may_leave)
{
    begin(BY_CALLBACK);
    crew_ok(gcs_leave(crew.group[JOINER]));
    await(&apps[JOINER].lefts, 1);
    await(&apps[0].ends, 1);
    ck_assert_int_eq(apps[JOINER].left_error, 0);
    ck_assert_uint_eq(atomic_load(&released), 1);
    teardown();
}
END_TEST

START_TEST(the_donor_may_leave_and_another_takes_over)
{
    setup(BY_CALLBACK, 0);
    await(&apps[0].ends, 1);
    apps[2].answer = NEVER;
    apps[JOINER].answer = NEVER;
    open_app(2, 0);
    await(&apps[JOINER].wanted, 1); /* the nearest; it does not answer, and leaves */
    apps[JOINER].answer = BY_CALLBACK;
    crew_ok(gcs_leave(crew.group[JOINER]));
    await(&apps[JOINER].lefts, 1);
    ck_assert_int_eq(give_copy(&apps[JOINER], &apps[JOINER].joiner), GCS_ENOTMEMBER);
    await(&apps[2].ends, 1);
    ck_assert(apps[2].synced);
    ck_assert_uint_eq(apps[0].wanted, 2);
    teardown();
}
END_TEST

/* ---- Wrong calls ------------------------------------------------------------------------ */

static void expect_open(int fd)
{
    ck_assert_int_ge(fcntl(fd, F_GETFD), 0);
}

START_TEST(wrong_arguments_change_nothing)
{
    struct gcs_state_source none = {.ctx = NULL}, good = {.read = read_copy};
    int fds[2];

    setup(NEVER, 0);
    await(&apps[0].wanted, 1);
    struct gcs_group *group = crew.group[0];
    struct gcs_member_id stranger = apps[0].joiner;
    stranger.incarnation++;
    ck_assert_int_eq(gcs_state_offer(NULL, &apps[0].joiner, &good), GCS_EINVAL);
    ck_assert_int_eq(gcs_state_offer(group, NULL, &good), GCS_EINVAL);
    ck_assert_int_eq(gcs_state_offer(group, &apps[0].joiner, &none), GCS_EINVAL);
    ck_assert_int_eq(gcs_state_offer(group, &stranger, &good), GCS_ENOTMEMBER);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "does not wait"));
    ck_assert_int_eq(gcs_state_offer(group, &stranger, NULL), GCS_ENOTMEMBER);
    ck_assert_int_eq(gcs_state_offer_fd(NULL, &apps[0].joiner, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_state_offer_fd(group, &apps[0].joiner, -1), GCS_ESYSTEM);
    ck_assert_int_eq(pipe(fds), 0);
    ck_assert_int_eq(gcs_state_offer_fd(group, &apps[0].joiner, fds[0]), GCS_ESYSTEM);
    expect_open(fds[0]);
    (void)close(fds[0]);
    (void)close(fds[1]);
    int fd = state_file(1);
    ck_assert_int_eq(gcs_state_offer_fd(group, NULL, fd), GCS_EINVAL);
    ck_assert_int_eq(gcs_state_offer_fd(group, &stranger, fd), GCS_ENOTMEMBER);
    expect_open(fd);
    crew_ok(gcs_state_offer_fd(group, &apps[0].joiner, fd)); /* it still waits */
    await(&apps[0].ends, 1);
    ck_assert(apps[JOINER].synced);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_state_by_callbacks,
        a_state_in_the_callers_own_loop,
        a_state_in_a_file,
        an_answer_may_come_later_and_from_another_thread,
        there_may_be_none,
        reading_may_fail,
        the_length_must_be_what_it_was_said_to_be,
        the_donor_may_close,
        the_joiner_may_close,
        the_joiner_may_leave,
        the_donor_may_leave_and_another_takes_over,
        wrong_arguments_change_nothing,
    };
    return suite_run("endpoint_state", tests, SUITE_SIZE(tests));
}
