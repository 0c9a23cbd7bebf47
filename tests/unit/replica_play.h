/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The replication layer's state machine in a group that is played by hand: three replicas, a log
 * that is their total order, and the events that the test gives them. For the tests of
 * replicas; one player each, one test at a time.
 */
#ifndef GCS_TESTS_UNIT_REPLICA_PLAY_H
#define GCS_TESTS_UNIT_REPLICA_PLAY_H

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

static inline void note(void *ctx, const struct gcs_replica_outcome *outcome)
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

static inline int apply(void *ctx, const struct gcs_replica_command *command,
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

static inline int query(void *ctx, const void *data, size_t size, uint64_t time,
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

static inline int64_t read_state(void *ctx, uint64_t offset, void *data, size_t size)
{
    if (offset >= 16)
        return 0;
    size = size < 16 - offset ? size : (size_t)(16 - offset);
    memcpy(data, (char *)ctx + offset, size);
    return (int64_t)size;
}

static inline int snapshot(void *ctx, struct gcs_state_source *source)
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

static inline int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
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

static inline uint64_t digest(void *ctx)
{
    const struct player *player = ctx;

    return player->sum + player->lies;
}

static inline void report(void *ctx, const struct gcs_replica_report *report)
{
    struct player *player = ctx;

    ck_assert_uint_lt(player->news_count, NOTES);
    player->news[player->news_count++] = report->news;
    player->report_number = report->number;
    snprintf(player->text, sizeof(player->text), "%s", report->text);
}

static inline bool heard(const struct player *player, enum gcs_replica_news news)
{
    return player->news_count > 0 && player->news[player->news_count - 1] == news;
}

/* ---- The group -------------------------------------------------------------------------- */

static inline int do_multicast(void *ctx, enum gcs_service service, const void *data, size_t size)
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

static inline int do_send(void *ctx, const struct gcs_member_id *to, const void *data, size_t size)
{
    struct player *player = ctx;

    ck_assert_uint_lt(private_count, NOTES);
    privates[private_count] =
        (struct private){player->index, (unsigned)to->incarnation - 100, size, {0}};
    memcpy(privates[private_count++].bytes, data, size);
    return 0;
}

static inline int do_offer(void *ctx, const struct gcs_member_id *joiner,
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

static inline int do_primary(void *ctx)
{
    (void)ctx;
    return leased ? 0 : GCS_EAGAIN;
}

static inline int do_ordered(void *ctx, uint32_t *epoch, uint64_t *position)
{
    (void)ctx;
    *epoch = view_epoch;
    *position = log_count;
    return 0;
}

static inline int do_leave(void *ctx)
{
    ((struct player *)ctx)->left = true;
    return 0;
}

static inline int do_join(void *ctx, const struct gcs_address *seeds, size_t count)
{
    (void)seeds;
    (void)count;
    ((struct player *)ctx)->joined = true;
    return 0;
}

static inline uint64_t do_now(void *ctx)
{
    (void)ctx;
    return now_ns;
}

static inline void give_event(unsigned index, struct gcs_event event)
{
    gcs_replicator_event(&players[index].replicator, &event);
}

static inline void give_view(unsigned index, bool primary, bool syncing, bool merged)
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

static inline void deliver(unsigned index)
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

static inline void deliver_all(void)
{
    for (unsigned round = 0; round < 3; round++)
        for (unsigned i = 0; i < REPLICAS; i++)
            deliver(i);
}

static inline void pass_privates(void)
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

static inline void open_player(unsigned index, uint32_t protocol,
                               struct gcs_replica_config *options)
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

static inline void setup(void)
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

static inline void teardown(void)
{
    for (unsigned i = 0; i < REPLICAS; i++)
        if (players[i].open)
            gcs_replicator_fini(&players[i].replicator, GCS_ECLOSED);
}

static inline int submit(unsigned index, const char *text, uint64_t session, uint64_t serial,
                         struct noted *noted)
{
    struct gcs_replica_request request = {text, strlen(text), session, serial};

    memset(noted, 0, sizeof(*noted));
    return gcs_replicator_submit(&players[index].replicator, &request, note, noted);
}

static inline int ask(unsigned index, enum gcs_replica_read read, uint64_t after,
                      struct noted *noted)
{
    memset(noted, 0, sizeof(*noted));
    return gcs_replicator_query(&players[index].replicator, read, after, "q", 1, note, noted);
}

static inline uint64_t open_session(unsigned index)
{
    struct noted noted = {0};

    ck_assert_int_eq(gcs_replicator_session(&players[index].replicator, note, &noted), 0);
    deliver_all();
    ck_assert_int_eq(noted.error, 0);
    ck_assert_uint_ne(noted.session, 0);
    return noted.session;
}

/* Takes replica index out and lets it come back with the state of another. */
static inline void come_back(unsigned index, unsigned donor)
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

#endif
