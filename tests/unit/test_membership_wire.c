/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The membership frames: each comes back as it was written, a few have known
 * bytes, none is longer than it says, and whatever is cut short, too long or
 * impossible is refused.
 */
#include "gcs/base/prng.h"
#include "gcs/wire/heartbeat.h"
#include "gcs/wire/membership.h"
#include "tests/unit/suite.h"

#include <gcs/error.h>

enum { ROOM = 65536 };

static uint8_t bytes[ROOM];
static struct gcs_writer w;

static void begin(void)
{
    memset(bytes, 0xee, sizeof(bytes));
    w = gcs_writer_over(bytes, sizeof(bytes));
}

static size_t written(void)
{
    ck_assert(!w.bad);
    return gcs_writer_size(&w);
}

/* The body as it is; every shorter one; one byte more. A copy of exact size, for memory checkers.
 */
#define CHECK_LENGTHS(size, reads)                                                               \
    do {                                                                                         \
        for (size_t cut = 0; cut <= (size) + 1; cut++) {                                         \
            uint8_t *body = malloc(cut ? cut : 1);                                               \
            memcpy(body, bytes, cut);                                                            \
            ck_assert_msg((reads) == (cut == (size)), "length %zu of %zu", cut, (size_t)(size)); \
            free(body);                                                                          \
        }                                                                                        \
    } while (0)

/* None, or one of up to three parts. */
static void random_label(struct gcs_prng *prng, char *label)
{
    static const char letters[] = "abzAZ09._-";
    uint64_t parts = gcs_prng_below(prng, 4), size = 0;
    for (uint64_t part = 0; part < parts; part++) {
        if (part > 0)
            label[size++] = '/';
        for (uint64_t left = gcs_prng_between(prng, 1, GCS_LABEL_MAX / 3 - 1); left > 0; left--)
            label[size++] = letters[gcs_prng_below(prng, sizeof(letters) - 1)];
    }
    label[size] = '\0';
}

static struct gcs_member random_member(struct gcs_prng *prng)
{
    struct gcs_member member = {.receive_bytes = (uint32_t)gcs_prng_next(prng)};
    member.weight = (uint8_t)gcs_prng_below(prng, GCS_WEIGHT_MAX + 1);
    member.syncing = gcs_prng_below(prng, 2) == 1;
    member.id.incarnation = gcs_prng_next(prng);
    member.id.address.length = (uint8_t)gcs_prng_between(prng, 1, GCS_ADDRESS_MAX);
    for (uint8_t i = 0; i < member.id.address.length; i++)
        member.id.address.bytes[i] = (uint8_t)gcs_prng_next(prng);
    random_label(prng, member.label);
    return member;
}

static uint64_t random_size(struct gcs_prng *prng)
{
    return gcs_prng_next(prng) >> gcs_prng_below(prng, 64);
}

/* ---- Joining ---------------------------------------------------------------------------- */

START_TEST(join_comes_back)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 1);
    for (int i = 0; i < 200; i++) {
        struct gcs_join_request in = {.member = random_member(&prng),
                                      .epoch = (uint32_t)random_size(&prng),
                                      .ballot = {(uint32_t)random_size(&prng), 1023}};
        struct gcs_settings settings = {.order = 3,
                                        .tie_breaker = i % 3 == 0,
                                        .state = i % 5 == 0,
                                        .window_packets = (uint32_t)random_size(&prng),
                                        .message_bytes = UINT32_MAX,
                                        .expect = i % 4 ? 0 : GCS_MEMBERS_MAX};
        struct gcs_member_id rival = random_member(&prng).id;
        struct gcs_join_request out;
        struct gcs_settings out_settings;
        struct gcs_member_id out_rival;
        begin();
        gcs_join_write(&w, &in, &settings, i % 2 ? &rival : NULL);
        size_t size = written();
        ck_assert_uint_le(size, GCS_JOIN_BYTES_MAX);
        ck_assert(gcs_join_parse(bytes, size, &out, &out_settings, &out_rival));
        ck_assert(gcs_member_id_equal(&in.member.id, &out.member.id));
        ck_assert_uint_eq(in.member.receive_bytes, out.member.receive_bytes);
        ck_assert_uint_eq(in.member.weight, out.member.weight);
        ck_assert_int_eq(in.member.syncing, out.member.syncing);
        ck_assert_str_eq(in.member.label, out.member.label);
        ck_assert_uint_eq(in.epoch, out.epoch);
        ck_assert_int_eq(gcs_ballot_compare(in.ballot, out.ballot), 0);
        ck_assert(gcs_settings_equal(&settings, &out_settings));
        ck_assert_uint_eq(settings.expect, out_settings.expect);
        if (i % 2)
            ck_assert(gcs_member_id_equal(&rival, &out_rival));
        else
            ck_assert_uint_eq(out_rival.address.length, 0);
        CHECK_LENGTHS(size, gcs_join_parse(body, cut, &out, &out_settings, &out_rival));
    }
}
END_TEST

START_TEST(a_joiner_has_an_address_that_is_not_too_long)
{
    struct gcs_join_request request = {.epoch = 1};
    struct gcs_settings settings = {.order = 1};
    struct gcs_member_id rival;
    begin();
    gcs_join_write(&w, &request, &settings, NULL);
    ck_assert(!gcs_join_parse(bytes, written(), &request, &settings, &rival));
    bytes[0] = GCS_ADDRESS_MAX + 1;
    ck_assert(!gcs_join_parse(bytes, ROOM, &request, &settings, &rival));
}
END_TEST

/* A byte of the label is what no label has; its length is none; it says that it is longer. */
START_TEST(a_label_is_well_formed)
{
    static const struct gcs_join_request in = {
        .member = {.id = {{2, {1, 2}}, 7}, .receive_bytes = 1, .weight = 1, .label = "ams/r1"}};
    struct gcs_settings settings = {.order = 1, .region_size = 16};
    struct gcs_join_request request;
    struct gcs_member_id rival;
    const size_t length = 1 + 2 + 8 + 1 + 1;
    begin();
    gcs_join_write(&w, &in, &settings, NULL);
    size_t size = written();
    ck_assert(gcs_join_parse(bytes, size, &request, &settings, &rival));
    ck_assert_uint_eq(bytes[length], 6);
    for (unsigned byte = 0; byte < 256; byte++) {
        bytes[length + 2] = (uint8_t)byte;
        bool good = (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || byte == '.' ||
                    (byte >= '0' && byte <= '9') || byte == '_' || byte == '-' || byte == '/';
        ck_assert_int_eq(gcs_join_parse(bytes, size, &request, &settings, &rival), good);
    }
    bytes[length + 2] = 'm';
    for (unsigned byte = 0; byte < 256; byte++) {
        bytes[length] = (uint8_t)byte;
        ck_assert_int_eq(gcs_join_parse(bytes, size, &request, &settings, &rival), byte == 6);
    }
}
END_TEST

START_TEST(refuse_and_excluded_come_back)
{
    struct gcs_refusal in = {GCS_EREFUSED, GCS_REFUSED_ORDER, UINT64_MAX, 7};
    struct gcs_refusal out;
    uint32_t epoch;
    begin();
    gcs_refusal_write(&w, &in);
    size_t size = written();
    ck_assert_uint_le(size, GCS_REFUSAL_BYTES_MAX);
    ck_assert(gcs_refusal_read(bytes, size, &out));
    ck_assert_int_eq(out.error, GCS_EREFUSED);
    ck_assert_uint_eq(out.what, GCS_REFUSED_ORDER);
    ck_assert_uint_eq(out.group, UINT64_MAX);
    ck_assert_uint_eq(out.joiner, 7);
    CHECK_LENGTHS(size, gcs_refusal_read(body, cut, &out));
    bytes[0] = 0; /* success is no refusal */
    ck_assert(!gcs_refusal_read(bytes, size, &out));
    begin();
    gcs_excluded_write(&w, 70000);
    size = written();
    ck_assert(gcs_excluded_read(bytes, size, &epoch));
    ck_assert_uint_eq(epoch, 70000);
    CHECK_LENGTHS(size, gcs_excluded_read(body, cut, &epoch));
}
END_TEST

/* ---- Ballots ---------------------------------------------------------------------------- */

START_TEST(poll_and_vote_come_back)
{
    struct gcs_poll in = {.number = 3, .count = GCS_POLL_MAX};
    struct gcs_poll out;
    for (uint16_t i = 0; i < GCS_POLL_MAX; i++) {
        in.rank[i] = (uint16_t)(i * 16);
        in.crashed[i] = i % 3 == 0;
    }
    begin();
    gcs_poll_write(&w, &in);
    size_t size = written();
    ck_assert(gcs_poll_read(bytes, size, 1024, &out));
    ck_assert_uint_eq(out.count, in.count);
    ck_assert_mem_eq(in.rank, out.rank, sizeof(in.rank));
    ck_assert_mem_eq(in.crashed, out.crashed, sizeof(in.crashed));
    ck_assert(!gcs_poll_read(bytes, size, 1008, &out)); /* rank 1008 of 1008 members */
    CHECK_LENGTHS(size, gcs_poll_read(body, cut, 1024, &out));

    struct gcs_vote vote = {3, GCS_VOTE_FROZEN, UINT64_MAX};
    struct gcs_vote out_vote;
    begin();
    gcs_vote_write(&w, &vote);
    size = written();
    ck_assert(gcs_vote_read(bytes, size, &out_vote));
    ck_assert_uint_eq(out_vote.missed, UINT64_MAX);
    ck_assert_uint_eq(out_vote.flags, GCS_VOTE_FROZEN);
    CHECK_LENGTHS(size, gcs_vote_read(body, cut, &out_vote));
}
END_TEST

static bool poll_reads(const uint64_t *values, size_t count)
{
    struct gcs_poll poll;
    begin();
    for (size_t i = 0; i < count; i++)
        gcs_write_varint(&w, values[i]);
    return gcs_poll_read(bytes, written(), 5, &poll);
}

#define POLL_READS(...) \
    poll_reads((const uint64_t[]){__VA_ARGS__}, sizeof((uint64_t[]){__VA_ARGS__}) / 8)

START_TEST(polls_that_make_no_sense)
{
    ck_assert(POLL_READS(1, 2, 0, 3));
    ck_assert(POLL_READS(1, 1, 9));
    ck_assert(!POLL_READS(1, 1, 10));    /* rank 5 of 5 */
    ck_assert(!POLL_READS(1, 0));        /* nobody is suspected */
    ck_assert(!POLL_READS(1, 2, 4, 4));  /* twice */
    ck_assert(!POLL_READS(1, 2, 4, 5));  /* twice, once with evidence */
    ck_assert(!POLL_READS(1, 2, 4, 2));  /* not ascending */
    ck_assert(!POLL_READS(1, 65, 1, 2)); /* too many */
    ck_assert(!POLL_READS(UINT64_C(1) << 32, 1, 1));
}
END_TEST

START_TEST(prepare_propose_accept_confirm_leave_come_back)
{
    struct gcs_ballot in = {70000, 1000};
    struct gcs_ballot out = {0, 0};
    uint32_t epoch = 0;
    uint8_t flags = 0;
    begin();
    gcs_prepare_write(&w, 12, in);
    size_t size = written();
    ck_assert(gcs_prepare_read(bytes, size, &epoch, &out));
    ck_assert_uint_eq(epoch, 12);
    ck_assert_int_eq(gcs_ballot_compare(in, out), 0);
    CHECK_LENGTHS(size, gcs_prepare_read(body, cut, &epoch, &out));

    begin();
    gcs_accept_write(&w, in);
    size = written();
    ck_assert(gcs_accept_read(bytes, size, &out));
    ck_assert_int_eq(gcs_ballot_compare(in, out), 0);
    CHECK_LENGTHS(size, gcs_accept_read(body, cut, &out));
    bytes[0] = 0; /* ballot 0 is none */
    ck_assert(!gcs_accept_read(bytes, 3, &out));

    const uint8_t *value;
    size_t value_size;
    begin();
    gcs_ballot_write(&w, in);
    gcs_write_bytes(&w, "value", 5);
    ck_assert(gcs_propose_read(bytes, written(), &out, &value, &value_size));
    ck_assert_uint_eq(value_size, 5);
    ck_assert_mem_eq(value, "value", 5);

    begin();
    gcs_confirm_write(&w, GCS_CONFIRM_ASK);
    size = written();
    ck_assert(gcs_confirm_read(bytes, size, &flags));
    ck_assert_uint_eq(flags, GCS_CONFIRM_ASK);
    CHECK_LENGTHS(size, gcs_confirm_read(body, cut, &flags));

    struct gcs_wish wish = {.flags = GCS_WISH_LEAVE,
                            .evict_count = GCS_WISH_EVICT_MAX,
                            .evict = {1022}},
                    wish_read;
    begin();
    gcs_wish_write(&w, &wish);
    size = written();
    ck_assert(gcs_wish_read(bytes, size, 1023, &wish_read));
    ck_assert_uint_eq(wish_read.flags, GCS_WISH_LEAVE);
    ck_assert_uint_eq(wish_read.evict_count, GCS_WISH_EVICT_MAX);
    ck_assert_uint_eq(wish_read.evict[0], 1022);
    ck_assert(!gcs_wish_read(bytes, size, 1022, &wish_read)); /* there is no such rank */
    bytes[size] = 0;
    ck_assert(!gcs_wish_read(bytes, size + 1, 1023, &wish_read)); /* one too many */
    ck_assert(!gcs_wish_read(bytes, 0, 1023, &wish_read));
}
END_TEST

START_TEST(a_wish_names_bad_links)
{
    struct gcs_wish wish = {.flags = GCS_WISH_READY,
                            .evict_count = 1,
                            .evict = {5},
                            .missing_count = GCS_WISH_MISSING_MAX,
                            .missing = {300, 7}},
                    read;
    begin();
    gcs_wish_write(&w, &wish);
    size_t size = written();
    ck_assert(gcs_wish_read(bytes, size, 301, &read));
    ck_assert_uint_eq(read.flags, GCS_WISH_READY | GCS_WISH_MISSING);
    ck_assert_uint_eq(read.missing_count, GCS_WISH_MISSING_MAX);
    ck_assert_uint_eq(read.missing[0], 300);
    ck_assert_uint_eq(read.evict_count, 1);
    ck_assert_uint_eq(read.evict[0], 5);
    ck_assert(!gcs_wish_read(bytes, size, 300, &read));
    bytes[1]++; /* one more than there may be */
    ck_assert(!gcs_wish_read(bytes, size, 301, &read));
    bytes[1] = 0;
    ck_assert(!gcs_wish_read(bytes, size, 301, &read));
    ck_assert(!gcs_wish_read(bytes, 1, 301, &read));
}
END_TEST

START_TEST(ballots_have_an_order)
{
    ck_assert_int_lt(gcs_ballot_compare((struct gcs_ballot){1, 9}, (struct gcs_ballot){2, 0}), 0);
    ck_assert_int_gt(gcs_ballot_compare((struct gcs_ballot){2, 1}, (struct gcs_ballot){2, 0}), 0);
    ck_assert_int_eq(gcs_ballot_compare((struct gcs_ballot){2, 1}, (struct gcs_ballot){2, 1}), 0);
    ck_assert_int_gt(
        gcs_ballot_compare((struct gcs_ballot){UINT32_MAX, 0}, (struct gcs_ballot){1, 0}), 0);
}
END_TEST

START_TEST(promise_comes_back)
{
    uint64_t held[3] = {0, 300, UINT64_MAX};
    uint64_t out_held[3];
    struct gcs_promise in = {
        .flags = GCS_PROMISE_LEAVING, .ballot = {5, 2}, .time = 77, .held = held};
    struct gcs_promise out;
    begin();
    gcs_promise_write(&w, &in, 3);
    size_t size = written();
    ck_assert(gcs_promise_read(bytes, size, 3, out_held, &out));
    ck_assert_uint_eq(out.flags, GCS_PROMISE_LEAVING);
    ck_assert_uint_eq(out.time, 77);
    ck_assert_int_eq(gcs_ballot_compare(in.ballot, out.ballot), 0);
    ck_assert_mem_eq(held, out_held, sizeof(held));
    ck_assert_ptr_null(out.value);
    CHECK_LENGTHS(size, gcs_promise_read(body, cut, 3, out_held, &out));

    in.flags = GCS_PROMISE_ACCEPTED;
    in.accepted = (struct gcs_ballot){4, 1};
    in.value = (const uint8_t *)"the value";
    in.value_size = 9;
    begin();
    gcs_promise_write(&w, &in, 3);
    ck_assert(gcs_promise_read(bytes, written(), 3, out_held, &out));
    ck_assert_int_eq(gcs_ballot_compare(in.accepted, out.accepted), 0);
    ck_assert_uint_eq(out.value_size, 9);
    ck_assert_mem_eq(out.value, "the value", 9);
    ck_assert(!gcs_promise_read(bytes, 17, 3, out_held, &out)); /* in the middle of the ballot */

    in.time = UINT64_C(1) << 63; /* no time */
    begin();
    gcs_promise_write(&w, &in, 3);
    ck_assert(!gcs_promise_read(bytes, written(), 3, out_held, &out));

    struct gcs_promise refusal = {.flags = GCS_PROMISE_REFUSED, .ballot = {9, 0}};
    begin();
    gcs_promise_write(&w, &refusal, 3);
    size = written();
    ck_assert_uint_eq(size, 3);
    ck_assert(gcs_promise_read(bytes, size, 3, out_held, &out));
    ck_assert_uint_eq(out.ballot.counter, 9);
    bytes[0] |= GCS_PROMISE_ACCEPTED; /* both at once */
    ck_assert(!gcs_promise_read(bytes, size, 3, out_held, &out));
}
END_TEST

/* ---- The proposal ----------------------------------------------------------------------- */

struct value {
    struct gcs_proposal p;
    struct gcs_member members[GCS_MEMBERS_MAX];
    uint64_t cut[GCS_MEMBERS_MAX];
    uint16_t holder[GCS_MEMBERS_MAX];
    uint8_t reason[GCS_MEMBERS_MAX];
};

static struct value in;
static struct value out;

static void point(struct value *value)
{
    value->p.members = value->members;
    value->p.cut = value->cut;
    value->p.holder = value->holder;
    value->p.reason = value->reason;
}

static int read_value(const uint8_t *body, size_t size, const struct gcs_view *closing)
{
    memset(&out, 0, sizeof(out));
    int error = gcs_proposal_measure(body, size, closing, &out.p);
    if (error)
        return error;
    point(&out);
    return gcs_proposal_read(body, size, closing, &out.p);
}

/* closing members, the first survivors of them come along, and joiners. */
static void draw_value(struct gcs_prng *prng, uint16_t closing, uint16_t survivors,
                       uint16_t joiners)
{
    memset(&in, 0, sizeof(in));
    in.p = (struct gcs_proposal){
        .epoch = 4,
        .lineage = gcs_prng_next(prng),
        .proposer = gcs_prng_next(prng),
        .members_count = (uint16_t)(survivors + joiners),
        .survivors_count = survivors,
        .closing_count = closing,
        .settings = {.order = 1, .window_packets = 512, .message_bytes = 1 << 24}};
    point(&in);
    for (uint16_t i = 0; i < in.p.members_count; i++) {
        in.members[i] = random_member(prng);
        in.members[i].id.address.length = GCS_ADDRESS_MAX;
        in.members[i].id.address.bytes[0] = (uint8_t)i; /* never twice the same */
        in.members[i].id.address.bytes[1] = (uint8_t)(i >> 8);
    }
    for (uint16_t r = 0; r < closing; r++) {
        in.cut[r] = random_size(prng);
        in.holder[r] = (uint16_t)gcs_prng_below(prng, closing);
        in.reason[r] = r < survivors ? GCS_REASON_NONE : (uint8_t)gcs_prng_between(prng, 1, 4);
    }
}

/* So many members have no room for them. */
static void remove_labels(void)
{
    for (uint16_t i = 0; i < in.p.members_count; i++)
        memset(in.members[i].label, 0, sizeof(in.members[i].label));
}

static void check_value(void)
{
    ck_assert_uint_eq(in.p.epoch, out.p.epoch);
    ck_assert_uint_eq(in.p.lineage, out.p.lineage);
    ck_assert_uint_eq(in.p.proposer, out.p.proposer);
    ck_assert_uint_eq(in.p.members_count, out.p.members_count);
    ck_assert_uint_eq(in.p.survivors_count, out.p.survivors_count);
    ck_assert_uint_eq(in.p.settings.message_bytes, out.p.settings.message_bytes);
    for (uint16_t i = 0; i < in.p.members_count; i++) {
        ck_assert(gcs_member_id_equal(&in.members[i].id, &out.members[i].id));
        ck_assert_uint_eq(in.members[i].receive_bytes, out.members[i].receive_bytes);
        ck_assert_uint_eq(in.members[i].weight, out.members[i].weight);
        ck_assert_int_eq(in.members[i].syncing, out.members[i].syncing);
        ck_assert_str_eq(in.members[i].label, out.members[i].label);
    }
    ck_assert_mem_eq(in.cut, out.cut, sizeof(in.cut));
    ck_assert_mem_eq(in.holder, out.holder, sizeof(in.holder));
    ck_assert_mem_eq(in.reason, out.reason, sizeof(in.reason));
}

START_TEST(a_proposal_comes_back)
{
    static const uint16_t shapes[][3] = {{1, 1, 0}, {1, 1, 1}, {5, 4, 3}, {5, 0, 0}, {64, 33, 32}};
    struct gcs_prng prng;
    gcs_prng_init(&prng, 2);
    for (size_t i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        draw_value(&prng, shapes[i][0], shapes[i][1], shapes[i][2]);
        begin();
        gcs_proposal_write(&w, &in.p);
        size_t size = written();
        ck_assert_uint_le(size, gcs_proposal_bound(in.p.members_count, in.p.closing_count));
        ck_assert_int_eq(read_value(bytes, size, NULL), 0);
        check_value();
        CHECK_LENGTHS(size, read_value(body, cut, NULL) == 0);
        /* One value, one spelling: who copies it writes the same bytes. */
        static uint8_t again[ROOM];
        ck_assert_int_eq(read_value(bytes, size, NULL), 0);
        struct gcs_writer copy = gcs_writer_over(again, sizeof(again));
        gcs_proposal_write(&copy, &out.p);
        ck_assert_uint_eq(gcs_writer_size(&copy), size);
        ck_assert_mem_eq(again, bytes, size);
    }
}
END_TEST

START_TEST(the_largest_proposal_fits)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 3);
    draw_value(&prng, GCS_MEMBERS_MAX, GCS_MEMBERS_MAX, 0);
    remove_labels();
    in.p.epoch = UINT32_MAX;
    in.p.settings.window_packets = UINT32_MAX;
    in.p.settings.message_bytes = UINT32_MAX;
    for (uint16_t i = 0; i < GCS_MEMBERS_MAX; i++) {
        in.members[i].receive_bytes = UINT32_MAX;
        in.cut[i] = UINT64_MAX;
        in.holder[i] = GCS_MEMBERS_MAX - 1;
    }
    begin();
    gcs_proposal_write(&w, &in.p);
    ck_assert_uint_le(written(), GCS_PROPOSAL_BYTES_MAX);
    ck_assert_uint_le(written(), gcs_proposal_bound(GCS_MEMBERS_MAX, GCS_MEMBERS_MAX));
    ck_assert_int_eq(read_value(bytes, written(), NULL), 0);
    check_value();

    /* And a promise that reports it, as long as no sender has sent 2^35 packets. */
    static uint64_t held[GCS_MEMBERS_MAX];
    static uint8_t value[ROOM];
    size_t size = 0;
    for (uint16_t i = 0; i < GCS_MEMBERS_MAX; i++)
        in.cut[i] = held[i] = (UINT64_C(1) << 35) - 1;
    begin();
    gcs_proposal_write(&w, &in.p);
    size = written();
    memcpy(value, bytes, size);
    struct gcs_promise promise = {.flags = GCS_PROMISE_ACCEPTED,
                                  .ballot = {UINT32_MAX, 1023},
                                  .accepted = {UINT32_MAX, 1022},
                                  .held = held,
                                  .value = value,
                                  .value_size = size};
    begin();
    gcs_promise_write(&w, &promise, GCS_MEMBERS_MAX);
    ck_assert_uint_le(written() + GCS_FRAME_HEADER, GCS_PACKET_CONTROL_MAX);
}
END_TEST

/* As many labels as leave room to close the view; one byte more is refused. */
START_TEST(labels_take_what_is_left)
{
    struct gcs_prng prng;
    size_t used = 0;
    gcs_prng_init(&prng, 4);
    draw_value(&prng, 1, 1, 0);
    in.p.closing_count = 0;
    in.p.survivors_count = 0;
    in.p.epoch = 1;
    in.p.members_count = 700;
    for (uint16_t i = 0; i < in.p.members_count; i++) {
        struct gcs_member *member = &in.members[i];
        *member = (struct gcs_member){.id = {{8, {(uint8_t)i, (uint8_t)(i >> 8)}}, 1},
                                      .receive_bytes = UINT32_MAX,
                                      .weight = 1};
        memset(member->label, 'a', GCS_LABEL_MAX);
        used += gcs_member_bytes(member);
    }
    for (uint16_t i = 0; !gcs_proposal_has_room(in.p.members_count, used, 0); i++) {
        used -= gcs_member_bytes(&in.members[i]);
        in.members[i].label[0] = '\0';
        used += gcs_member_bytes(&in.members[i]);
    }
    begin();
    gcs_proposal_write(&w, &in.p);
    size_t size = written();
    ck_assert_uint_le(size, gcs_proposal_bound(in.p.members_count, 0));
    ck_assert_int_eq(read_value(bytes, size, NULL), 0);
    memset(in.members[0].label, 'a', GCS_LABEL_MAX);
    begin();
    gcs_proposal_write(&w, &in.p);
    ck_assert_int_eq(read_value(bytes, written(), NULL), GCS_EMALFORMED);
}
END_TEST

START_TEST(a_small_proposal_has_these_bytes)
{
    static const uint8_t golden[] = {
        0x02,                                        /* epoch */
        0x4d, 0,    0,    0,    0,    0,    0,    0, /* lineage */
        0x03, 0,    0,    0,    0,    0,    0,    0, /* proposer */
        0x05, 0,    0,    0,    0,    0,    0,    0, /* group time */
        0x01, 0x00, 0x80, 0x04, 0xe8, 0x07, 0x00,    /* order, flags, 512, 1000, no regions */
        0x02, 0x01, 0x02,                            /* members, survivors, closing */
        0x02, 'a',  'b',  0x03, 0,    0,    0,    0, 0, 0, 0,    0x09, 0x02, /* survivor */
        0x01, 'c',  0x04, 0,    0,    0,    0,    0, 0, 0, 0x80, 0x01, 0x00, /* joiner */
        0x05, 0x00,       /* cut 5, held by 0; comes along */
        0xac, 0x02, 0x0a, /* cut 300, held by 1; crashed */
    };
    struct gcs_member members[2] = {{.receive_bytes = 9, .weight = 1}, {.receive_bytes = 128}};
    uint64_t cut[2] = {5, 300};
    uint16_t holder[2] = {0, 1};
    uint8_t reason[2] = {GCS_REASON_NONE, GCS_REASON_CRASHED};
    members[0].id = (struct gcs_member_id){{2, {'a', 'b'}}, 3};
    members[1].id = (struct gcs_member_id){{1, {'c'}}, 4};
    struct gcs_proposal p = {2,
                             77,
                             3,
                             2,
                             1,
                             members,
                             2,
                             cut,
                             holder,
                             reason,
                             {.order = 1, .window_packets = 512, .message_bytes = 1000},
                             5};
    begin();
    gcs_proposal_write(&w, &p);
    ck_assert_uint_eq(written(), sizeof(golden));
    ck_assert_mem_eq(bytes, golden, sizeof(golden));
    ck_assert_int_eq(read_value(golden, sizeof(golden), NULL), 0);
    ck_assert_uint_eq(out.cut[1], 300);
}
END_TEST

START_TEST(counts_that_the_body_cannot_hold)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 4);
    draw_value(&prng, 2, 1, 0);
    static const uint16_t counts[][3] = {
        {1024, 1024, 1024}, /* more than there is */
        {1, 1, 0},          /* no closing members */
        {1, 1, 1025},       {1025, 1, 2}, {0, 1, 2}, {3, 3, 2}, {3, 1, 2},
    };
    for (size_t i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
        struct gcs_proposal head;
        uint8_t *body = bytes;
        begin();
        gcs_proposal_write(&w, &in.p);
        size_t size = written();
        /* epoch 1, lineage 8, proposer 8, settings 1, 1, 2, 4: the counts are varints */
        size_t at = 1 + 8 + 8 + 1 + 1 + 2 + 4;
        uint8_t tail[ROOM / 8];
        size_t tail_size = size - at - 3;
        memcpy(tail, bytes + at + 3, tail_size);
        w = gcs_writer_over(bytes + at, ROOM - at);
        gcs_write_varint(&w, counts[i][0]);
        gcs_write_varint(&w, counts[i][1]);
        gcs_write_varint(&w, counts[i][2]);
        gcs_write_bytes(&w, tail, tail_size);
        size = (size_t)(w.at - bytes);
        ck_assert_msg(gcs_proposal_measure(body, size, NULL, &head) == GCS_EMALFORMED, "%zu", i);
    }
}
END_TEST

START_TEST(no_address_twice)
{
    struct gcs_prng prng;
    gcs_prng_init(&prng, 5);
    for (int i = 0; i < 100; i++) {
        draw_value(&prng, 600, 600, 400);
        remove_labels();
        uint16_t a = (uint16_t)gcs_prng_below(&prng, 1000);
        uint16_t b = (uint16_t)gcs_prng_below(&prng, 1000);
        if (a == b)
            continue;
        begin();
        gcs_proposal_write(&w, &in.p);
        ck_assert_int_eq(read_value(bytes, written(), NULL), 0);
        in.members[a].id.address = in.members[b].id.address;
        begin();
        gcs_proposal_write(&w, &in.p);
        ck_assert_int_eq(read_value(bytes, written(), NULL), GCS_EMALFORMED);
    }
}
END_TEST

/* ---- Heartbeat -------------------------------------------------------------------------- */

START_TEST(heartbeat_comes_back)
{
    for (uint8_t flags = 0; flags < 32; flags++) {
        struct gcs_heartbeat beat = {.flags = flags,
                                     .process = UINT64_C(0x1122334455667788),
                                     .stamp = 1000,
                                     .echo = UINT64_MAX,
                                     .about = {GCS_ADDRESS_MAX, {1, 2, 3}},
                                     .found = 77};
        struct gcs_heartbeat read;
        const uint8_t ask = GCS_HEARTBEAT_ASK, found = GCS_HEARTBEAT_FOUND;
        begin();
        gcs_heartbeat_write(&w, &beat);
        size_t size = written();
        ck_assert_uint_le(size, GCS_HEARTBEAT_BYTES_MAX);
        if ((flags & ask) && (flags & found)) {
            ck_assert(!gcs_heartbeat_read(bytes, size, &read));
            continue;
        }
        ck_assert(gcs_heartbeat_read(bytes, size, &read));
        ck_assert_uint_eq(read.process, beat.process);
        ck_assert_uint_eq(read.stamp, flags & (GCS_HEARTBEAT_QUESTION | ask) ? 1000 : 0);
        ck_assert_uint_eq(read.echo, flags & (GCS_HEARTBEAT_ANSWER | found) ? UINT64_MAX : 0);
        ck_assert_uint_eq(read.about.length, flags & (ask | found) ? GCS_ADDRESS_MAX : 0);
        ck_assert_uint_eq(read.found, flags & found ? 77 : 0);
        CHECK_LENGTHS(size, gcs_heartbeat_read(body, cut, &read));
    }
}
END_TEST

START_TEST(a_heartbeat_about_somebody_has_an_address_that_is_possible)
{
    static const uint8_t lengths[] = {0, GCS_ADDRESS_MAX + 1, 255};
    for (size_t i = 0; i < sizeof(lengths); i++) {
        struct gcs_heartbeat read;
        uint8_t body[9 + 1 + 1 + 255] = {GCS_HEARTBEAT_ASK, 1};
        body[10] = lengths[i];
        ck_assert(!gcs_heartbeat_read(body, 11 + (size_t)lengths[i], &read));
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        join_comes_back,
        a_joiner_has_an_address_that_is_not_too_long,
        a_label_is_well_formed,
        refuse_and_excluded_come_back,
        poll_and_vote_come_back,
        polls_that_make_no_sense,
        prepare_propose_accept_confirm_leave_come_back,
        a_wish_names_bad_links,
        ballots_have_an_order,
        promise_comes_back,
        a_proposal_comes_back,
        the_largest_proposal_fits,
        labels_take_what_is_left,
        a_small_proposal_has_these_bytes,
        counts_that_the_body_cannot_hold,
        no_address_twice,
        heartbeat_comes_back,
        a_heartbeat_about_somebody_has_an_address_that_is_possible,
    };
    return suite_run("membership_wire", tests, SUITE_SIZE(tests));
}
