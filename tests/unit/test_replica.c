/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replication layer's state machine, with a group that is played by hand: who submits gets
 * results after delivery, in sessions once; states travel; queries wait for their index; whoever
 * has another protocol or another state goes.
 */
#include "gcs/replica/replicator.h"
#include "suite.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICAS = 3, LOG_MAX = 4096, BYTES_MAX = 128, NOTES = 64 };

#define MS UINT64_C(1000000)

struct entry {
    unsigned sender;
    enum gcs_service service;
    size_t size;
    uint8_t bytes[BYTES_MAX];
};

/* One replica and its application: a register that counts and remembers a number. */
struct player {
    struct gcs_replicator replicator;
    unsigned index;
    uint64_t delivered; /* entries of the log */
    bool open, held;    /* held: nothing is delivered to it */
    uint64_t sum, applied, last_time, last_seed;
    int apply_error;
    uint64_t apply_ms;
    bool lies; /* its digest */
    char answer[64];
    struct gcs_state_source given;
    bool gave, gave_none;
    bool left, joined;
    enum gcs_replica_news news[NOTES];
    unsigned news_count;
    char text[256];
    uint64_t report_number;
};

static struct player players[REPLICAS];
static struct entry entries[LOG_MAX];
static uint64_t log_count;
static uint64_t now_ns, group_time;
static uint32_t view_epoch;
static bool leased, full;
static struct gcs_member_id ids[REPLICAS];

/* Messages to one member. */
struct private
{
    unsigned from, to;
    size_t size;
    uint8_t bytes[BYTES_MAX];
};
static struct private privates[NOTES];
static unsigned private_count;

/* What an outcome was. */
struct noted {
    unsigned calls;
    int error;
    char data[64];
    uint64_t number, session;
    bool repeated;
};

static void note(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct noted *noted = ctx;

    noted->calls++;
    noted->error = outcome->error;
    noted->number = outcome->number;
    noted->session = outcome->session;
    noted->repeated = outcome->repeated;
    ck_assert_uint_lt(outcome->size, sizeof(noted->data));
    if (outcome->size > 0)
        memcpy(noted->data, outcome->data, outcome->size);
    noted->data[outcome->size] = 0;
}

/* ---- The application -------------------------------------------------------------------- */

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct player *player = ctx;

    now_ns += player->apply_ms * MS;
    if (player->apply_error)
        return player->apply_error;
    player->sum =
        player->sum * 31 + command->size + (command->size ? *(const char *)command->data : 0);
    player->applied++;
    player->last_time = command->time;
    player->last_seed = command->seed;
    result->size = (size_t)snprintf(player->answer, sizeof(player->answer), "%llu:%.*s",
                                    (unsigned long long)player->applied, (int)command->size,
                                    (const char *)command->data);
    result->data = player->answer;
    return 0;
}

static int query(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result)
{
    struct player *player = ctx;

    (void)data;
    (void)time;
    if (size == 0)
        return GCS_EINVAL;
    result->size = (size_t)snprintf(player->answer, sizeof(player->answer), "seen %llu",
                                    (unsigned long long)player->applied);
    result->data = player->answer;
    return 0;
}

static int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    if (offset >= 16)
        return 0;
    size = size < 16 - offset ? size : (size_t)(16 - offset);
    memcpy(data, (char *)ctx + offset, size);
    return (int64_t)size;
}

static int snapshot(void *ctx, struct gcs_state_source *source)
{
    struct player *player = ctx;
    uint64_t *copy = malloc(16);

    copy[0] = player->sum;
    copy[1] = player->applied;
    *source = (struct gcs_state_source){copy, read_state, free, 16};
    return 0;
}

static uint8_t coming[16];
static size_t came;

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct player *player = ctx;

    if (step == GCS_REPLICA_BEGIN)
        came = 0;
    if (step == GCS_REPLICA_PIECE) {
        ck_assert_uint_le(came + size, sizeof(coming));
        memcpy(coming + came, data, size);
        came += size;
    }
    if (step == GCS_REPLICA_END) {
        if (came != sizeof(coming))
            return GCS_EMALFORMED;
        memcpy(&player->sum, coming, 8);
        memcpy(&player->applied, coming + 8, 8);
    }
    return 0;
}

static uint64_t digest(void *ctx)
{
    const struct player *player = ctx;

    return player->sum + player->lies;
}

static void report(void *ctx, const struct gcs_replica_report *report)
{
    struct player *player = ctx;

    ck_assert_uint_lt(player->news_count, NOTES);
    player->news[player->news_count++] = report->news;
    player->report_number = report->number;
    snprintf(player->text, sizeof(player->text), "%s", report->text);
}

static bool heard(const struct player *player, enum gcs_replica_news news)
{
    return player->news_count > 0 && player->news[player->news_count - 1] == news;
}

/* ---- The group -------------------------------------------------------------------------- */

static int do_multicast(void *ctx, enum gcs_service service, const void *data, size_t size)
{
    struct player *player = ctx;

    if (full)
        return GCS_EAGAIN;
    ck_assert_uint_lt(log_count, LOG_MAX);
    ck_assert_uint_le(size, BYTES_MAX);
    entries[log_count] = (struct entry){player->index, service, size, {0}};
    memcpy(entries[log_count++].bytes, data, size);
    return 0;
}

static int do_send(void *ctx, const struct gcs_member_id *to, const void *data, size_t size)
{
    struct player *player = ctx;

    ck_assert_uint_lt(private_count, NOTES);
    privates[private_count] =
        (struct private){player->index, (unsigned)to->incarnation - 100, size, {0}};
    memcpy(privates[private_count++].bytes, data, size);
    return 0;
}

static int do_offer(void *ctx, const struct gcs_member_id *joiner,
                    const struct gcs_state_source *source)
{
    struct player *player = ctx;

    (void)joiner;
    player->gave_none = !source;
    player->gave = source != NULL;
    if (source)
        player->given = *source;
    return 0;
}

static int do_primary(void *ctx)
{
    (void)ctx;
    return leased ? 0 : GCS_EAGAIN;
}

static int do_ordered(void *ctx, uint32_t *epoch, uint64_t *position)
{
    (void)ctx;
    *epoch = view_epoch;
    *position = log_count;
    return 0;
}

static int do_leave(void *ctx)
{
    ((struct player *)ctx)->left = true;
    return 0;
}

static int do_join(void *ctx, const struct gcs_address *seeds, size_t count)
{
    (void)seeds;
    (void)count;
    ((struct player *)ctx)->joined = true;
    return 0;
}

static uint64_t do_now(void *ctx)
{
    (void)ctx;
    return now_ns;
}

static void give_event(unsigned index, struct gcs_event event)
{
    gcs_replicator_event(&players[index].replicator, &event);
}

static void give_view(unsigned index, bool primary, bool syncing, bool merged)
{
    struct gcs_member members[REPLICAS];
    struct gcs_view_change change = {
        .view = {.lineage = 1,
                 .epoch = view_epoch,
                 .count = REPLICAS,
                 .self = (uint16_t)index,
                 .members = members},
        .primary = primary,
        .merged = merged,
    };

    for (unsigned i = 0; i < REPLICAS; i++)
        members[i] =
            (struct gcs_member){.id = ids[i], .weight = 1, .syncing = syncing && i == index};
    give_event(index, (struct gcs_event){.type = GCS_EVENT_VIEW, .change = &change});
}

static void deliver(unsigned index)
{
    struct player *player = &players[index];

    while (player->open && !player->held && player->delivered < log_count) {
        const struct entry *entry = &entries[player->delivered++];
        struct gcs_message message = {entry->bytes, entry->size};
        give_event(index, (struct gcs_event){
                              .type = GCS_EVENT_DELIVER,
                              .sender = &ids[entry->sender],
                              .service = entry->service,
                              .messages = &message,
                              .count = 1,
                              .time = group_time,
                              .seed = player->delivered * 977,
                              .position = entry->service == GCS_FIFO ? 0 : player->delivered,
                          });
    }
}

static void deliver_all(void)
{
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < REPLICAS; i++)
            deliver(i);
}

static void pass_privates(void)
{
    for (unsigned i = 0; i < private_count; i++) {
        struct private *p = &privates[i];
        struct gcs_message message = {p->bytes, p->size};
        if (players[p->to].open && !players[p->to].held)
            give_event(p->to, (struct gcs_event){.type = GCS_EVENT_PRIVATE,
                                                 .sender = &ids[p->from],
                                                 .messages = &message,
                                                 .count = 1});
    }
    private_count = 0;
}

static void open_player(unsigned index, uint32_t protocol, struct gcs_replica_config *options)
{
    struct player *player = &players[index];
    struct gcs_group_config group;
    struct gcs_replica_port port = {player,     do_multicast, do_send, do_offer, do_primary,
                                    do_ordered, do_leave,     do_join, do_now};
    struct gcs_replica_machine machine = {sizeof(machine), player, apply, snapshot,
                                          restore,         query,  digest};

    gcs_group_config_init(&group);
    memset(player, 0, sizeof(*player));
    player->index = index;
    player->open = true;
    player->delivered = log_count;
    options->protocol = protocol;
    options->ctx = player;
    options->report = report;
    ck_assert_int_eq(gcs_replicator_init(&player->replicator, &port, &machine, options, &group), 0);
}

static struct gcs_replica_config options;

static void setup(void)
{
    gcs_replica_config_init(&options);
    options.digest_every = 4;
    log_count = private_count = 0;
    now_ns = 1000 * MS;
    group_time = 5000 * MS;
    view_epoch = 1;
    leased = full = false;
    for (unsigned i = 0; i < REPLICAS; i++)
        ids[i] = (struct gcs_member_id){.address = {1, {(uint8_t)i}}, .incarnation = 100 + i};
    for (unsigned i = 0; i < REPLICAS; i++)
        open_player(i, 7, &options);
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    deliver_all();
}

static void teardown(void)
{
    for (unsigned i = 0; i < REPLICAS; i++)
        if (players[i].open)
            gcs_replicator_fini(&players[i].replicator, GCS_ECLOSED);
}

static int submit(unsigned index, const char *text, uint64_t session, uint64_t serial,
                  struct noted *noted)
{
    struct gcs_replica_request request = {text, strlen(text), session, serial};

    memset(noted, 0, sizeof(*noted));
    return gcs_replicator_submit(&players[index].replicator, &request, note, noted);
}

static int ask(unsigned index, enum gcs_replica_read read, uint64_t after, struct noted *noted)
{
    memset(noted, 0, sizeof(*noted));
    return gcs_replicator_query(&players[index].replicator, read, after, "q", 1, note, noted);
}

static uint64_t open_session(unsigned index)
{
    struct noted noted = {0};

    ck_assert_int_eq(gcs_replicator_session(&players[index].replicator, note, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, 0);
    ck_assert_uint_ne(noted.session, 0);
    return noted.session;
}

/* Takes replica index out and lets it come back with the state of another. */
static void come_back(unsigned index, unsigned donor)
{
    uint8_t bytes[7]; /* pieces of odd sizes */
    struct gcs_message message = {bytes, 0};
    uint64_t offset = 0;
    int64_t got;

    give_event(donor, (struct gcs_event){.type = GCS_EVENT_STATE_WANTED, .sender = &ids[index]});
    ck_assert(players[donor].gave);
    players[index].delivered = players[donor].delivered;
    while ((got = players[donor].given.read(players[donor].given.ctx, offset, bytes,
                                            sizeof(bytes))) > 0) {
        message.size = (size_t)got;
        give_event(index, (struct gcs_event){.type = GCS_EVENT_STATE,
                                             .messages = &message,
                                             .count = 1,
                                             .offset = offset,
                                             .total = players[donor].given.total});
        offset += (uint64_t)got;
    }
    ck_assert_uint_eq(offset, players[donor].given.total);
    players[donor].given.release(players[donor].given.ctx);
    give_event(index, (struct gcs_event){.type = GCS_EVENT_STATE_END, .offset = offset});
}

/* ---- Commands --------------------------------------------------------------------------- */

START_TEST(a_result_comes_with_the_delivery_and_not_before)
{
    struct noted noted;

    ck_assert_int_eq(submit(1, "a", 0, 0, &noted), 0);
    ck_assert_uint_eq(noted.calls, 0);
    ck_assert_int_eq(entries[log_count - 1].service, GCS_SAFE);
    players[1].held = true;
    deliver_all();
    ck_assert_uint_eq(noted.calls, 0);
    players[1].held = false;
    deliver_all();
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_str_eq(noted.data, "1:a");
    ck_assert_uint_eq(noted.number, 1);
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert_uint_eq(players[i].sum, players[0].sum);
        ck_assert_uint_eq(players[i].last_time, group_time);
        ck_assert_uint_ne(players[i].last_seed, 0);
        ck_assert_uint_eq(players[i].last_seed, players[0].last_seed);
    }
}
END_TEST

START_TEST(a_replica_takes_no_command_before_it_knows_the_terms)
{
    struct noted noted;

    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 7, &options);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    view_epoch++;
    give_view(2, true, true, false);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    come_back(2, 0);
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), GCS_EAGAIN);
    deliver_all();
    ck_assert(heard(&players[2], GCS_REPLICA_READY));
    ck_assert_int_eq(submit(2, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert_uint_eq(noted.calls, 1);
}
END_TEST

START_TEST(limits_are_kept)
{
    struct noted noted, more;

    players[0].replicator.config.command_bytes = 3;
    ck_assert_int_eq(submit(0, "abcd", 0, 0, &noted), GCS_EMSGSIZE);
    ck_assert_int_eq(submit(0, "abc", 0, 5, &noted), GCS_EINVAL);
    players[0].replicator.config.pending = 1;
    ck_assert_int_eq(submit(0, "abc", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(0, "abc", 0, 0, &more), GCS_EAGAIN);
    deliver_all();
    ck_assert(heard(&players[0], GCS_REPLICA_WRITABLE));
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_uint_eq(more.calls, 0);
    full = true;
    ck_assert_int_eq(submit(0, "abc", 0, 0, &more), GCS_EAGAIN);
    full = false;
    give_event(0, (struct gcs_event){.type = GCS_EVENT_WRITABLE});
    ck_assert(heard(&players[0], GCS_REPLICA_WRITABLE));
}
END_TEST

START_TEST(thousands_may_be_pending)
{
    static struct noted noted[1000];

    for (unsigned i = 0; i < 1000; i++)
        ck_assert_int_eq(submit(i % 3, "x", 0, 0, &noted[i]), 0);
    deliver_all();
    for (unsigned i = 0; i < 1000; i++)
        ck_assert_uint_eq(noted[i].number, i + 1);
}
END_TEST

START_TEST(what_is_no_message_of_a_replica_is_passed_over)
{
    uint8_t hello[GCS_REPLICA_SMALL];
    struct gcs_replica_message message = {.kind = GCS_REPLICA_COMMAND, .submission = 1};
    size_t size = gcs_replica_write(hello, &message);

    do_multicast(&players[0], GCS_SAFE, "nonsense", 8);
    do_multicast(&players[0], GCS_AGREED, hello, size); /* not stable when delivered */
    do_multicast(&players[0], GCS_SAFE, hello, size - 1);
    deliver_all();
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert_uint_eq(players[i].replicator.foreign, 3);
        ck_assert_uint_eq(players[i].applied, 0);
    }
}
END_TEST

/* ---- Sessions --------------------------------------------------------------------------- */

START_TEST(a_retry_through_another_replica_gets_the_first_result)
{
    struct noted first, second;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &first), 0);
    ck_assert_int_eq(submit(2, "a", session, 1, &second), 0);
    deliver_all();
    ck_assert_str_eq(first.data, "1:a");
    ck_assert_str_eq(second.data, "1:a");
    ck_assert(!first.repeated && second.repeated);
    for (unsigned i = 0; i < REPLICAS; i++)
        ck_assert_uint_eq(players[i].applied, 1);
}
END_TEST

START_TEST(serials_follow_each_other)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 2, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    for (unsigned i = 1; i <= 70; i++)
        ck_assert_int_eq(submit(i % 3, "a", session, i, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, 0);
    ck_assert_int_eq(submit(1, "a", session, 7, &noted), 0); /* 64 are kept */
    deliver_all();
    ck_assert_str_eq(noted.data, "7:a");
    ck_assert_int_eq(submit(1, "a", session, 6, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    ck_assert_uint_eq(players[0].applied, 70);
}
END_TEST

START_TEST(an_expired_session_is_an_error_and_never_a_new_one)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &noted), 0);
    deliver_all();
    group_time += (options.session_ms + 1) * MS;
    for (uint64_t serial = 1; serial < 3; serial++) {
        ck_assert_int_eq(submit(1, "a", session, serial, &noted), 0);
        deliver_all();
        ck_assert_int_eq(noted.error, GCS_ESESSION);
    }
    ck_assert_uint_eq(players[0].applied, 1);
    ck_assert_uint_eq(players[2].replicator.sessions.count, 0);
}
END_TEST

START_TEST(sessions_and_what_they_keep_are_bounded)
{
    struct noted noted;
    uint64_t one, two;

    teardown();
    gcs_replica_config_init(&options);
    options.sessions = 2;
    options.session_bytes = 4; /* one result */
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        open_player(i, 7, &options);
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    deliver_all();
    one = open_session(0);
    two = open_session(1);
    memset(&noted, 0, sizeof(noted));
    ck_assert_int_eq(gcs_replicator_session(&players[0].replicator, note, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ELIMIT);
    ck_assert_int_eq(submit(0, "a", one, 1, &noted), 0);
    ck_assert_int_eq(submit(0, "a", two, 1, &noted), 0);
    ck_assert_int_eq(submit(0, "a", two, 1, &noted), 0);
    deliver_all();
    ck_assert(noted.repeated);
    ck_assert_int_eq(submit(0, "a", one, 1, &noted), 0); /* the older one's made room */
    deliver_all();
    ck_assert_int_eq(noted.error, GCS_ESERIAL);
    ck_assert_uint_le(players[1].replicator.sessions.bytes, 4);
}
END_TEST

/* ---- Views and states ------------------------------------------------------------------- */

START_TEST(the_state_and_the_sessions_go_to_who_comes_back)
{
    struct noted noted;
    uint64_t session = open_session(0);

    ck_assert_int_eq(submit(0, "a", session, 1, &noted), 0);
    deliver_all();
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 7, &options);
    view_epoch++;
    give_view(2, true, true, false);
    come_back(2, 1);
    deliver_all();
    ck_assert_uint_eq(players[2].sum, players[0].sum);
    ck_assert_uint_eq(players[2].replicator.number, 1);
    ck_assert_int_eq(submit(2, "a", session, 1, &noted), 0);
    deliver_all();
    ck_assert(noted.repeated);
    ck_assert_str_eq(noted.data, "1:a");
}
END_TEST

START_TEST(a_state_that_makes_no_sense_is_refused)
{
    static const char *const bad[] = {"GCSREPL2________",
                                      "GCSREPL1\xff\xff\xff\xff\xff\xff\xff\xff",
                                      "GCSREPL1\x01\0\0\0\0\0\0\0"};

    for (size_t i = 0; i < 3; i++) {
        struct gcs_message message = {bad[i], 16};
        gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
        open_player(2, 7, &options);
        give_view(2, true, true, false);
        give_event(2,
                   (struct gcs_event){.type = GCS_EVENT_STATE, .messages = &message, .count = 1});
        ck_assert(heard(&players[2], GCS_REPLICA_FAILED));
        ck_assert(players[2].left);
        give_event(2, (struct gcs_event){.type = GCS_EVENT_LEFT});
        ck_assert(players[2].joined);
    }
}
END_TEST

START_TEST(a_replica_that_is_cut_off_holds_replies_until_the_next_view)
{
    struct noted pending, refused, asked;

    ck_assert_int_eq(submit(0, "a", 0, 0, &pending), 0);
    give_view(0, false, false, false);
    ck_assert(heard(&players[0], GCS_REPLICA_CUT_OFF));
    ck_assert_uint_eq(pending.calls, 0);
    ck_assert_int_eq(submit(0, "b", 0, 0, &refused), GCS_ENOPRIMARY);
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), GCS_ENOPRIMARY);
    ck_assert_int_eq(ask(0, GCS_REPLICA_SEQUENTIAL, 0, &asked), 0);
    ck_assert_str_eq(asked.data, "seen 0");
    view_epoch++;
    give_view(0, true, false, false);
    ck_assert(heard(&players[0], GCS_REPLICA_READY));
    deliver_all();
    ck_assert_str_eq(pending.data, "1:a");
}
END_TEST

START_TEST(a_replica_that_was_excluded_does_not_know_what_became_of_commands)
{
    struct noted noted, fresh;

    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    players[0].held = true;
    deliver_all(); /* the others have it */
    view_epoch++;
    ids[0].incarnation = 100;
    give_view(0, true, true, true);
    ck_assert_uint_eq(noted.calls, 1);
    ck_assert_int_eq(noted.error, GCS_EUNKNOWN);
    come_back(0, 1);
    players[0].held = false;
    deliver_all();
    ck_assert_uint_eq(players[0].sum, players[1].sum);
    ck_assert_int_eq(submit(0, "b", 0, 0, &fresh), 0);
    deliver_all();
    ck_assert_str_eq(fresh.data, "2:b");
    ck_assert_uint_eq(noted.calls, 1);
}
END_TEST

START_TEST(another_protocol_version_is_refused_by_its_greeting)
{
    teardown();
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        open_player(i, i == 1 ? 8 : 7, &options);
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    deliver_all();
    ck_assert(heard(&players[0], GCS_REPLICA_READY));
    ck_assert(heard(&players[1], GCS_REPLICA_REFUSED));
    ck_assert_ptr_nonnull(strstr(players[1].text, "protocol version 8, the group has 7"));
    ck_assert(players[1].left);
    give_event(1, (struct gcs_event){.type = GCS_EVENT_LEFT});
    ck_assert(heard(&players[1], GCS_REPLICA_LEFT));
    ck_assert(!players[1].joined);
}
END_TEST

START_TEST(another_protocol_version_is_refused_before_it_sees_the_state)
{
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    open_player(2, 9, &options);
    view_epoch++;
    give_view(2, true, true, false);
    came = 99;
    come_back(2, 0);
    ck_assert_uint_eq(came, 99);
    ck_assert(heard(&players[2], GCS_REPLICA_REFUSED));
    ck_assert_ptr_nonnull(strstr(players[2].text, "protocol version 9, the group has 7"));
}
END_TEST

START_TEST(options_that_must_be_alike_are_compared_too)
{
    gcs_replicator_fini(&players[2].replicator, GCS_ECLOSED);
    options.session_ms = 5;
    open_player(2, 7, &options);
    view_epoch++;
    give_view(2, true, true, false);
    come_back(2, 0);
    ck_assert_ptr_nonnull(strstr(players[2].text, "session_ms 5, the group has 600000"));
}
END_TEST

/* ---- What goes wrong -------------------------------------------------------------------- */

START_TEST(a_replica_with_another_state_finds_out_and_starts_over)
{
    struct noted noted;

    players[1].lies = true;
    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_DIVERGED));
    ck_assert_uint_eq(players[1].report_number, 4);
    ck_assert_ptr_nonnull(strstr(players[1].text, "after command 4 "));
    ck_assert(players[1].left && !players[0].left && !players[2].left);
    give_event(1, (struct gcs_event){.type = GCS_EVENT_LEFT});
    ck_assert(players[1].joined);
    players[1].lies = false;
    view_epoch++;
    give_view(1, true, true, false);
    come_back(1, 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_READY));
    ck_assert_uint_eq(players[1].sum, players[0].sum);
}
END_TEST

START_TEST(states_that_all_differ_are_only_reported)
{
    struct noted noted;

    for (unsigned i = 0; i < 4; i++)
        ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    players[1].sum = 77;
    players[2].sum = 88;
    deliver_all();
    for (unsigned i = 0; i < REPLICAS; i++) {
        ck_assert(heard(&players[i], GCS_REPLICA_UNDECIDED));
        ck_assert(!players[i].left);
    }
}
END_TEST

START_TEST(a_callback_that_fails_stops_its_replica_and_names_the_command)
{
    struct noted noted, mine;

    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(0, "b", 0, 0, &noted), 0);
    ck_assert_int_eq(submit(2, "c", 0, 0, &mine), 0);
    deliver(0);
    players[2].apply_error = GCS_ENOMEM;
    deliver_all();
    ck_assert(heard(&players[2], GCS_REPLICA_FAILED));
    ck_assert_ptr_nonnull(strstr(players[2].text, "apply failed at command 1: out of memory"));
    ck_assert_int_eq(mine.error, GCS_EUNKNOWN);
    ck_assert(players[2].left);
    ck_assert_str_eq(noted.data, "2:b");
}
END_TEST

START_TEST(a_callback_that_takes_long_is_reported)
{
    struct noted noted;

    players[1].apply_ms = 1500;
    ck_assert_int_eq(submit(0, "a", 0, 0, &noted), 0);
    deliver_all();
    ck_assert(heard(&players[1], GCS_REPLICA_SLOW));
    ck_assert_str_eq(players[1].text, "apply took 1500 ms for command 1");
}
END_TEST

/* ---- Queries ---------------------------------------------------------------------------- */

START_TEST(a_linearizable_query_waits_for_what_others_have_seen)
{
    struct noted written, asked;

    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    ck_assert_uint_eq(written.calls, 1);
    players[2].held = false;
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    ck_assert_uint_eq(private_count, 2);
    pass_privates();                   /* questions */
    pass_privates();                   /* answers */
    ck_assert_uint_eq(asked.calls, 0); /* it knows the index, and lacks the command */
    deliver(2);
    ck_assert_uint_eq(asked.calls, 1);
    ck_assert_str_eq(asked.data, "seen 1");
    ck_assert_uint_eq(asked.number, 1);
}
END_TEST

START_TEST(a_query_does_not_use_answers_to_an_earlier_question)
{
    struct noted first, second, written;

    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &first), 0);
    pass_privates(); /* the answers are on their way */
    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    players[2].held = false;
    ck_assert_int_eq(ask(2, GCS_REPLICA_LINEARIZABLE, 0, &second), 0);
    players[2].replicator.port.ordered = do_ordered;
    pass_privates();
    ck_assert_str_eq(first.data, "seen 0");
    ck_assert_uint_eq(second.calls, 0);
    pass_privates();
    pass_privates();
    ck_assert_uint_eq(second.calls, 0);
    deliver(2);
    ck_assert_str_eq(second.data, "seen 1");
}
END_TEST

START_TEST(the_sequencer_with_a_lease_asks_nobody)
{
    struct noted asked;

    leased = true;
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    ck_assert_uint_eq(private_count, 0);
    ck_assert_str_eq(asked.data, "seen 0");
    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    players[2].held = true; /* its answer alone is enough */
    pass_privates();
    pass_privates();
    ck_assert_str_eq(asked.data, "seen 0");
}
END_TEST

START_TEST(a_question_is_put_again_after_a_view_and_after_a_while)
{
    struct noted asked;

    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    private_count = 0; /* lost */
    view_epoch++;
    for (unsigned i = 0; i < REPLICAS; i++)
        give_view(i, true, false, false);
    ck_assert_uint_eq(private_count, 2);
    private_count = 0; /* lost again */
    ck_assert_uint_eq(gcs_replicator_tick(&players[1].replicator), now_ns + 50 * MS);
    now_ns += 50 * MS;
    (void)gcs_replicator_tick(&players[1].replicator);
    ck_assert_uint_eq(private_count, 2);
    for (unsigned i = 0; i < REPLICAS; i++)
        players[i].replicator.position = log_count;
    pass_privates();
    pass_privates();
    ck_assert_str_eq(asked.data, "seen 0");
}
END_TEST

START_TEST(a_query_fails_when_the_primary_is_lost)
{
    struct noted asked;

    ck_assert_int_eq(ask(1, GCS_REPLICA_LINEARIZABLE, 0, &asked), 0);
    give_view(1, false, false, false);
    ck_assert_int_eq(asked.error, GCS_ENOPRIMARY);
}
END_TEST

START_TEST(reading_ones_own_writes_waits_for_their_number)
{
    struct noted written, asked;

    players[2].held = true;
    ck_assert_int_eq(submit(0, "a", 0, 0, &written), 0);
    deliver_all();
    ck_assert_int_eq(ask(2, GCS_REPLICA_AFTER, written.number, &asked), 0);
    ck_assert_uint_eq(asked.calls, 0);
    players[2].held = false;
    deliver_all();
    ck_assert_str_eq(asked.data, "seen 1");
    ck_assert_int_eq(ask(2, GCS_REPLICA_AFTER, written.number, &asked), 0);
    ck_assert_str_eq(asked.data, "seen 1");
}
END_TEST

START_TEST(bad_queries_are_refused)
{
    struct noted asked = {0};
    struct gcs_replicator *replicator = &players[0].replicator;

    ck_assert_int_eq(
        gcs_replicator_query(replicator, (enum gcs_replica_read)3, 0, "q", 1, note, &asked),
        GCS_EINVAL);
    ck_assert_int_eq(
        gcs_replicator_query(replicator, GCS_REPLICA_SEQUENTIAL, 0, "", 0, note, &asked), 0);
    ck_assert_int_eq(asked.error, GCS_EINVAL); /* the application's */
    replicator->config.query_bytes = 8;
    ck_assert_int_eq(ask(0, GCS_REPLICA_LINEARIZABLE, 0, &asked), GCS_EAGAIN);
    replicator->machine.query = NULL;
    ck_assert_int_eq(ask(0, GCS_REPLICA_SEQUENTIAL, 0, &asked), GCS_EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_result_comes_with_the_delivery_and_not_before,
        a_replica_takes_no_command_before_it_knows_the_terms,
        limits_are_kept,
        thousands_may_be_pending,
        what_is_no_message_of_a_replica_is_passed_over,
        a_retry_through_another_replica_gets_the_first_result,
        serials_follow_each_other,
        an_expired_session_is_an_error_and_never_a_new_one,
        sessions_and_what_they_keep_are_bounded,
        the_state_and_the_sessions_go_to_who_comes_back,
        a_state_that_makes_no_sense_is_refused,
        a_replica_that_is_cut_off_holds_replies_until_the_next_view,
        a_replica_that_was_excluded_does_not_know_what_became_of_commands,
        another_protocol_version_is_refused_by_its_greeting,
        another_protocol_version_is_refused_before_it_sees_the_state,
        options_that_must_be_alike_are_compared_too,
        a_replica_with_another_state_finds_out_and_starts_over,
        states_that_all_differ_are_only_reported,
        a_callback_that_fails_stops_its_replica_and_names_the_command,
        a_callback_that_takes_long_is_reported,
        a_linearizable_query_waits_for_what_others_have_seen,
        a_query_does_not_use_answers_to_an_earlier_question,
        the_sequencer_with_a_lease_asks_nobody,
        a_question_is_put_again_after_a_view_and_after_a_while,
        a_query_fails_when_the_primary_is_lost,
        reading_ones_own_writes_waits_for_their_number,
        bad_queries_are_refused,
    };
    Suite *suite = suite_create("replica");
    TCase *tcase = tcase_create("replica");

    tcase_add_checked_fixture(tcase, setup, teardown);
    for (size_t i = 0; i < SUITE_SIZE(tests); i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
