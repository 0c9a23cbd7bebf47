/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before the first view: who creates founds at once, who joins never founds, and
 * of those who look around exactly one founds, whenever they start and whomever
 * they know; the others find it. Machines talk over a network in memory; a
 * founder's part is played by the test.
 */
#include "gcs/base/prng.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"
#include "views/bootstrap.h"

#include <stdio.h>

#define MS    UINT64_C(1000000)
#define RETRY (20 * MS)
#define LOOK  (300 * MS)
#define NODES 8

struct node {
    int index;
    uint64_t starts_at;
    struct gcs_bootstrap_machine *machine;
    struct gcs_member self;
    bool founder;
    bool member;
    int error;
    char why[128];
    uint64_t ended_at;
    uint64_t said[64];
    uint8_t last_type;
    uint8_t last_body[400];
    size_t last_size;
    bool leaves; /* ended: to be freed */
};

struct message {
    uint64_t at;
    int from;
    int to;
    uint8_t type;
    size_t size;
    uint8_t body[400];
};

static struct scarce scarce;
static struct gcs_prng prng;
static struct node nodes[NODES];
static struct message *flight;
static size_t flying;
static uint64_t now;
static uint32_t loss_ppm;
static bool deaf; /* the founder does not answer */

static struct gcs_address address_of(int index)
{
    struct gcs_address address = {.length = 1};
    address.bytes[0] = (uint8_t)index;
    return address;
}

static void send(int from, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                 size_t size)
{
    nodes[from].said[type]++;
    nodes[from].last_type = type;
    nodes[from].last_size = size;
    memcpy(nodes[from].last_body, body, size);
    if (to->bytes[0] >= NODES || gcs_prng_chance(&prng, loss_ppm))
        return;
    flight = realloc(flight, (flying + 1) * sizeof(*flight));
    struct message *message = &flight[flying++];
    *message = (struct message){.at = now + gcs_prng_between(&prng, MS / 10, 2 * MS),
                                .from = from,
                                .to = to->bytes[0],
                                .type = type,
                                .size = size};
    memcpy(message->body, body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    struct node *node = ctx;
    ck_assert_int_ne(to->bytes[0], node->index); /* never to itself */
    send(node->index, to, type, body, size);
}

static void found(void *ctx)
{
    struct node *node = ctx;
    node->founder = true;
    node->ended_at = now;
    node->leaves = true;
}

static void joined(void *ctx, const struct gcs_proposal *value)
{
    struct node *node = ctx;
    ck_assert_uint_eq(value->epoch, 2);
    node->member = true;
    node->ended_at = now;
    node->leaves = true;
}

static void refused(void *ctx, int error, const char *why)
{
    struct node *node = ctx;
    node->error = error;
    strncpy(node->why, why, sizeof(node->why) - 1);
    node->leaves = true;
}

static void open_nodes(uint64_t seed)
{
    scarce_init(&scarce);
    gcs_prng_init(&prng, seed);
    memset(nodes, 0, sizeof(nodes));
    free(flight);
    flight = NULL;
    flying = 0;
    now = 1000 * MS;
    loss_ppm = 0;
    deaf = false;
    for (int i = 0; i < NODES; i++) {
        nodes[i].index = i;
        nodes[i].starts_at = GCS_NEVER;
        nodes[i].self = (struct gcs_member){.receive_bytes = 9, .weight = 1};
        nodes[i].self.id.address = address_of(i);
        nodes[i].self.id.incarnation = gcs_prng_next(&prng);
    }
}

static void start(int index, enum gcs_bootstrap mode, const int *seeds, size_t count)
{
    struct node *node = &nodes[index];
    struct gcs_address list[NODES];
    for (size_t i = 0; i < count; i++)
        list[i] = address_of(seeds[i]);
    struct gcs_bootstrap_config config = {
        .allocator = &scarce.allocator,
        .self = node->self,
        .mode = mode,
        .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000},
        .look_ns = LOOK,
        .retry_ns = RETRY,
        .seed = gcs_prng_next(&prng),
        .seeds = list,
        .seeds_count = count,
        .env = {node, to_address, found, joined, refused, NULL, NULL},
    };
    node->starts_at = now;
    ck_assert_int_eq(gcs_bootstrap_new(&config, now, &node->machine), 0);
}

static void start_with_all(int index, enum gcs_bootstrap mode)
{
    int all[NODES];
    for (int i = 0; i < NODES; i++)
        all[i] = i;
    start(index, mode, all, NODES);
}

static void close_nodes(void)
{
    for (int i = 0; i < NODES; i++)
        gcs_bootstrap_free(nodes[i].machine);
    free(flight);
    flight = NULL;
    ck_assert_uint_eq(scarce.live, 0);
}

/* The founder's part: INVITE to who asks, INSTALL to who answers it. */
static void answer_as_founder(struct node *founder, const struct message *message)
{
    struct gcs_member members[2] = {founder->self};
    uint64_t cut = 0;
    uint16_t holder = 0;
    uint8_t reason = GCS_REASON_NONE;
    struct gcs_view view = {.lineage = 5, .epoch = 1, .count = 1, .members = members};
    struct gcs_agreement_config group = {
        .view = &view, .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000}};
    struct gcs_join_request request;
    uint8_t body[400];
    size_t size;
    if (deaf || (message->type != GCS_FRAME_JOIN && message->type != GCS_FRAME_LOOK))
        return;
    int result = gcs_join_read(message->body, message->size, &group, &request, body, &size);
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    if (result == GCS_EREFUSED) {
        send(founder->index, &request.member.id.address, GCS_FRAME_REFUSE, body, size);
        return;
    }
    ck_assert_int_eq(result, 0);
    if (request.ballot.counter == 0) {
        gcs_prepare_write(&w, 1, (struct gcs_ballot){1, 0});
        send(founder->index, &request.member.id.address, GCS_FRAME_INVITE, body,
             gcs_writer_size(&w));
        return;
    }
    ck_assert_uint_eq(request.epoch, 1);
    members[1] = request.member;
    struct gcs_proposal p = {.epoch = 2,
                             .lineage = 5,
                             .proposer = founder->self.id.incarnation,
                             .members_count = 2,
                             .survivors_count = 1,
                             .members = members,
                             .closing_count = 1,
                             .cut = &cut,
                             .holder = &holder,
                             .reason = &reason,
                             .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000}};
    gcs_proposal_write(&w, &p);
    send(founder->index, &request.member.id.address, GCS_FRAME_INSTALL, body, gcs_writer_size(&w));
}

static void release(struct node *node)
{
    if (!node->leaves)
        return;
    ck_assert_uint_eq(gcs_bootstrap_deadline(node->machine), GCS_NEVER);
    gcs_bootstrap_free(node->machine);
    node->machine = NULL;
    node->leaves = false;
}

static void arrive(const struct message *message)
{
    struct node *node = &nodes[message->to];
    struct gcs_address from = address_of(message->from);
    if (node->machine) {
        ck_assert_int_eq(gcs_bootstrap_frame(node->machine, now, &from, message->type,
                                             message->body, message->size),
                         0);
        release(node);
    } else if (node->founder) {
        answer_as_founder(node, message);
    }
}

static uint64_t next_time(uint64_t end)
{
    uint64_t at = end;
    for (size_t i = 0; i < flying; i++)
        at = flight[i].at < at ? flight[i].at : at;
    for (int i = 0; i < NODES; i++) {
        if (nodes[i].machine && gcs_bootstrap_deadline(nodes[i].machine) < at)
            at = gcs_bootstrap_deadline(nodes[i].machine);
    }
    return at;
}

static void run(uint64_t duration)
{
    uint64_t end = now + duration;
    while (now < end) {
        uint64_t at = next_time(end);
        now = at > now ? at : now;
        for (size_t i = 0; i < flying;) {
            if (flight[i].at <= now) {
                struct message message = flight[i];
                flight[i] = flight[--flying];
                arrive(&message);
            } else {
                i++;
            }
        }
        for (int i = 0; i < NODES; i++) {
            if (!nodes[i].machine || gcs_bootstrap_deadline(nodes[i].machine) > now)
                continue;
            gcs_bootstrap_tick(nodes[i].machine, now);
            release(&nodes[i]);
        }
    }
}

static int founders(void)
{
    int count = 0;
    for (int i = 0; i < NODES; i++)
        count += nodes[i].founder;
    return count;
}

static int members(void)
{
    int count = 0;
    for (int i = 0; i < NODES; i++)
        count += nodes[i].member;
    return count;
}

/* ---- Modes ------------------------------------------------------------------------------ */

START_TEST(who_creates_founds_at_once)
{
    open_nodes(1);
    start(0, GCS_CREATE, NULL, 0);
    gcs_bootstrap_tick(nodes[0].machine, now);
    ck_assert(nodes[0].founder);
    close_nodes();
}
END_TEST

START_TEST(who_joins_never_founds)
{
    open_nodes(1);
    start_with_all(0, GCS_JOIN);
    start_with_all(1, GCS_JOIN);
    run(60000 * MS);
    ck_assert_int_eq(founders(), 0);
    /* It backs off to ten times retry_ns. */
    ck_assert_uint_le(nodes[0].said[GCS_FRAME_JOIN], 7 * 60000 / 200 + 7 * 10);
    ck_assert_uint_ge(nodes[0].said[GCS_FRAME_JOIN], 7 * 60000 / 250);
    start(2, GCS_CREATE, NULL, 0);
    run(500 * MS);
    ck_assert_int_eq(founders(), 1);
    ck_assert_int_eq(members(), 2);
    close_nodes();
}
END_TEST

START_TEST(a_lone_looker_founds_after_looking)
{
    open_nodes(1);
    uint64_t started = now;
    start_with_all(3, GCS_LOOK);
    run(1000 * MS);
    ck_assert(nodes[3].founder);
    ck_assert_uint_eq(nodes[3].ended_at, started + LOOK);
    close_nodes();
}
END_TEST

START_TEST(a_looker_joins_the_group_that_is_there)
{
    open_nodes(1);
    start(0, GCS_CREATE, NULL, 0);
    run(MS);
    uint64_t started = now;
    start_with_all(1, GCS_LOOK);
    run(1000 * MS);
    ck_assert(nodes[1].member);
    ck_assert_uint_le(nodes[1].ended_at, started + 10 * MS);
    ck_assert_int_eq(founders(), 1);
    close_nodes();
}
END_TEST

START_TEST(a_seed_of_ones_own_address_is_not_asked)
{
    open_nodes(1);
    int self[] = {2, 2, 2};
    start(2, GCS_JOIN, self, 3);
    run(1000 * MS);
    ck_assert_uint_eq(nodes[2].said[GCS_FRAME_JOIN], 0);
    close_nodes();
}
END_TEST

/* ---- Lookers ---------------------------------------------------------------------------- */

START_TEST(of_five_that_start_together_one_founds)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        open_nodes(seed);
        for (int i = 0; i < 5; i++) {
            run(gcs_prng_below(&prng, 25 * MS));
            start_with_all(i, GCS_LOOK);
        }
        run(1000 * MS);
        ck_assert_int_eq(founders(), 1);
        ck_assert_int_eq(members(), 4);
        /* The smallest incarnation it is. */
        for (int i = 0; i < 5; i++) {
            for (int j = 0; j < 5; j++)
                ck_assert(!nodes[i].founder ||
                          nodes[i].self.id.incarnation <= nodes[j].self.id.incarnation);
        }
        close_nodes();
    }
}
END_TEST

START_TEST(whenever_they_start_and_whatever_is_lost)
{
    for (uint64_t seed = 1; seed <= 300; seed++) {
        open_nodes(seed);
        loss_ppm = 200000;
        for (int i = 0; i < NODES; i++) {
            run(gcs_prng_below(&prng, 500 * MS));
            start_with_all(i, GCS_LOOK);
        }
        run(3000 * MS);
        ck_assert_int_eq(founders(), 1);
        ck_assert_int_eq(members(), NODES - 1);
        close_nodes();
    }
}
END_TEST

/* All know one of them, and it comes last: they hear of each other through it alone. */
START_TEST(lookers_that_know_each_other_by_hearsay)
{
    for (uint64_t seed = 1; seed <= 100; seed++) {
        open_nodes(seed);
        int middle[] = {4};
        nodes[4].self.id.incarnation = UINT64_MAX;
        for (int i = 0; i < 5; i++) {
            start(i, GCS_LOOK, middle, 1);
            run(gcs_prng_below(&prng, 20 * MS));
        }
        run(2000 * MS);
        ck_assert_int_eq(founders(), 1);
        ck_assert_int_eq(members(), 4);
        close_nodes();
    }
}
END_TEST

START_TEST(a_looker_that_dies_does_not_hold_the_others_up_for_ever)
{
    open_nodes(1);
    nodes[0].self.id.incarnation = 1;
    start_with_all(0, GCS_LOOK);
    start_with_all(1, GCS_LOOK);
    run(200 * MS);
    gcs_bootstrap_free(nodes[0].machine);
    nodes[0].machine = NULL;
    run(1000 * MS);
    ck_assert(nodes[1].founder);
    close_nodes();
}
END_TEST

START_TEST(a_group_that_answers_slowly_is_not_founded_again)
{
    open_nodes(1);
    start_with_all(0, GCS_LOOK);
    uint8_t prepare[] = {1, 1, 0};
    struct gcs_address from = address_of(7);
    for (int i = 0; i < 20; i++) {
        gcs_bootstrap_frame(nodes[0].machine, now, &from, GCS_FRAME_INVITE, prepare, 3);
        ck_assert_uint_eq(nodes[0].last_type, GCS_FRAME_JOIN);
        run(200 * MS);
    }
    ck_assert_int_eq(founders(), 0);
    run(1000 * MS);
    ck_assert_int_eq(founders(), 1); /* it has fallen silent */
    close_nodes();
}
END_TEST

/* ---- Answers ---------------------------------------------------------------------------- */

START_TEST(prepare_is_answered_with_its_ballot)
{
    open_nodes(1);
    int seeds[] = {1};
    start(0, GCS_JOIN, seeds, 1);
    run(MS);
    uint8_t prepare[] = {9, 4, 2};
    struct gcs_address from = address_of(6);
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    ck_assert_int_eq(
        gcs_bootstrap_frame(nodes[0].machine, now, &from, GCS_FRAME_INVITE, prepare, 3), 0);
    ck_assert(gcs_join_parse(nodes[0].last_body, nodes[0].last_size, &request, &settings, &rival));
    ck_assert_uint_eq(request.epoch, 9);
    ck_assert_uint_eq(request.ballot.counter, 4);
    ck_assert_uint_eq(request.ballot.rank, 2);
    ck_assert(gcs_member_id_equal(&request.member.id, &nodes[0].self.id));
    close_nodes();
}
END_TEST

START_TEST(an_echo_is_given_and_forgotten)
{
    open_nodes(1);
    int seeds[] = {1};
    start(0, GCS_JOIN, seeds, 1);
    run(MS);
    uint8_t invites[][3] = {{9, 4, 2}, {0, 7, 1}, {9, 5, 2}};
    struct gcs_address from = address_of(6);
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    for (size_t i = 0; i < 3; i++) {
        gcs_bootstrap_frame(nodes[0].machine, now, &from, GCS_FRAME_INVITE, invites[i], 3);
        ck_assert(
            gcs_join_parse(nodes[0].last_body, nodes[0].last_size, &request, &settings, &rival));
        ck_assert_uint_eq(request.epoch, invites[i][0]);
        ck_assert_uint_eq(request.ballot.counter, invites[i][1]);
        ck_assert_uint_eq(request.ballot.rank, invites[i][2]);
        ck_assert(gcs_member_id_equal(&request.member.id, &nodes[0].self.id));
    }
    close_nodes();
}
END_TEST

static void expect_refusal(struct gcs_agreement_config group, const char *text)
{
    static const struct gcs_member members[3];
    struct gcs_view view = {.count = 3, .members = members};
    struct gcs_join_request request;
    uint8_t refusal[GCS_REFUSAL_BYTES_MAX];
    size_t size = 0;
    if (!group.view)
        group.view = &view;
    open_nodes(1);
    int seeds[] = {1};
    start(0, GCS_JOIN, seeds, 1);
    run(MS);
    ck_assert_int_eq(
        gcs_join_read(nodes[0].last_body, nodes[0].last_size, &group, &request, refusal, &size),
        GCS_EREFUSED);
    struct gcs_address from = address_of(1);
    ck_assert_int_eq(
        gcs_bootstrap_frame(nodes[0].machine, now, &from, GCS_FRAME_REFUSE, refusal, size), 0);
    ck_assert_int_eq(nodes[0].error, GCS_EREFUSED);
    ck_assert_str_eq(nodes[0].why, text);
    ck_assert_uint_eq(gcs_bootstrap_deadline(nodes[0].machine), GCS_NEVER);
    close_nodes();
}

/* 610 members with the longest labels leave no room for one more of them. */
START_TEST(a_label_without_room_is_refused)
{
    static struct gcs_member members[610];
    struct gcs_view view = {.count = 610, .members = members};
    struct gcs_agreement_config group = {
        .view = &view, .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000}};
    char text[96];
    size_t bytes = 0;
    for (size_t i = 0; i < SUITE_SIZE(members); i++) {
        members[i].id.address.length = 8;
        memset(members[i].label, 'a', GCS_LABEL_MAX);
        bytes += gcs_member_bytes(&members[i]);
    }
    open_nodes(1);
    snprintf(text, sizeof(text), "label: the group has %zu, this member %zu", bytes,
             gcs_member_bytes(&nodes[0].self));
    expect_refusal(group, text);
}
END_TEST

START_TEST(other_settings_are_refused_and_both_values_named)
{
    struct gcs_agreement_config group = {
        .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000}};
    struct gcs_view full = {.count = GCS_MEMBERS_MAX};
    group.settings.order = 2;
    expect_refusal(group, "order: the group has 2, this member 1");
    group.settings.order = 1;
    group.settings.window_packets = 128;
    expect_refusal(group, "window_packets: the group has 128, this member 64");
    group.settings.window_packets = 64;
    group.settings.message_bytes = 2000;
    expect_refusal(group, "message_bytes: the group has 2000, this member 1000");
    group.settings.message_bytes = 1000;
    group.settings.tie_breaker = true;
    expect_refusal(group, "tie_breaker: the group has 1, this member 0");
    group.settings.tie_breaker = false;
    group.settings.state = true;
    expect_refusal(group, "state: the group has 1, this member 0");
    group.settings.state = false;
    group.view = &full;
    expect_refusal(group, "members: the group has 1024, this member 1");
}
END_TEST

START_TEST(malformed_frames_change_nothing)
{
    static const uint8_t types[] = {GCS_FRAME_INSTALL, GCS_FRAME_REFUSE, GCS_FRAME_INVITE,
                                    GCS_FRAME_LOOK};
    uint8_t junk[64];
    memset(junk, 0xff, sizeof(junk));
    open_nodes(1);
    start_with_all(0, GCS_LOOK);
    struct gcs_address from = address_of(1);
    for (size_t i = 0; i < sizeof(types); i++)
        ck_assert_int_eq(
            gcs_bootstrap_frame(nodes[0].machine, now, &from, types[i], junk, sizeof(junk)),
            GCS_EMALFORMED);
    ck_assert_int_eq(nodes[0].error, 0);
    run(1000 * MS);
    ck_assert(nodes[0].founder);
    close_nodes();
}
END_TEST

/* Polls and ballots of a view, sent to whoever had this address before, are nothing wrong. */
START_TEST(frames_for_members_are_told_from_malformed_ones)
{
    static const uint8_t types[] = {GCS_FRAME_WISH,    GCS_FRAME_POLL,     GCS_FRAME_VOTE,
                                    GCS_FRAME_PROMISE, GCS_FRAME_PROPOSE,  GCS_FRAME_ACCEPT,
                                    GCS_FRAME_CONFIRM, GCS_FRAME_EXCLUDED, GCS_FRAME_GONE};
    uint8_t body[64] = {0};
    open_nodes(1);
    start_with_all(0, GCS_JOIN);
    struct gcs_address from = address_of(1);
    for (size_t i = 0; i < sizeof(types); i++)
        ck_assert_int_eq(
            gcs_bootstrap_frame(nodes[0].machine, now, &from, types[i], body, sizeof(body)),
            GCS_ENOTMEMBER);
    ck_assert_int_eq(nodes[0].error, 0);
    close_nodes();
}
END_TEST

START_TEST(a_machine_needs_its_memory)
{
    for (uint64_t nth = 1; nth <= 2; nth++) {
        struct gcs_bootstrap_machine *machine = NULL;
        open_nodes(1);
        struct gcs_bootstrap_config config = {.allocator = &scarce.allocator, .mode = GCS_JOIN};
        scarce_fail(&scarce, nth, false);
        ck_assert_int_eq(gcs_bootstrap_new(&config, now, &machine), GCS_ENOMEM);
        ck_assert_uint_eq(scarce.live, 0);
        close_nodes();
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        who_creates_founds_at_once,
        who_joins_never_founds,
        a_lone_looker_founds_after_looking,
        a_looker_joins_the_group_that_is_there,
        a_seed_of_ones_own_address_is_not_asked,
        of_five_that_start_together_one_founds,
        whenever_they_start_and_whatever_is_lost,
        lookers_that_know_each_other_by_hearsay,
        a_looker_that_dies_does_not_hold_the_others_up_for_ever,
        a_group_that_answers_slowly_is_not_founded_again,
        prepare_is_answered_with_its_ballot,
        an_echo_is_given_and_forgotten,
        a_label_without_room_is_refused,
        other_settings_are_refused_and_both_values_named,
        malformed_frames_change_nothing,
        frames_for_members_are_told_from_malformed_ones,
        a_machine_needs_its_memory,
    };
    return suite_run("bootstrap", tests, SUITE_SIZE(tests));
}
