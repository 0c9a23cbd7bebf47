/* SPDX-License-Identifier: BSD-3-Clause */
/* Processes that expect each other: see founders.h. */
#include "tests/unit/founders.h"

#include "gcs/base/prng.h"
#include "gcs/wire/founding.h"

#include <check.h>
#include <stdlib.h>

#define MS    FOUNDERS_MS
#define RETRY (10 * MS)

struct flight {
    uint64_t at;
    int from;
    int to;
    uint8_t type;
    size_t size;
    uint8_t body[2048];
};

struct founders founders;

static struct scarce scarce;
static struct gcs_prng prng;
static struct flight *flights;
static size_t flying, room;

static struct gcs_address address_of(int index)
{
    struct gcs_address address = {.length = 1};
    address.bytes[0] = (uint8_t)index;
    return address;
}

/* ---- The network ------------------------------------------------------------------------ */

static bool divided(int a, int b)
{
    return (founders.apart >> a & 1) != (founders.apart >> b & 1);
}

static void put(int from, int to, uint8_t type, const uint8_t *body, size_t size)
{
    if (flying == room) {
        room = room ? 2 * room : 64;
        flights = realloc(flights, room * sizeof(*flights));
    }
    uint64_t delay = gcs_prng_between(&prng, MS / 10, 2 * MS);
    if (gcs_prng_chance(&prng, founders.late_ppm))
        delay = gcs_prng_below(&prng, 2000 * MS);
    struct flight *flight = &flights[flying++];
    *flight = (struct flight){.at = founders.now + delay, from, to, type, size, {0}};
    memcpy(flight->body, body, size);
}

static void to_address(void *ctx, const struct gcs_address *to, uint8_t type, const uint8_t *body,
                       size_t size)
{
    int from = (int)((struct founder *)ctx - founders.nodes), index = to->bytes[0];
    if (index >= FOUNDERS_MAX || divided(from, index) || gcs_prng_chance(&prng, founders.loss_ppm))
        return;
    put(from, index, type, body, size);
    if (gcs_prng_chance(&prng, founders.loss_ppm / 4))
        put(from, index, type, body, size);
}

/* ---- The machines ----------------------------------------------------------------------- */

static void found(void *ctx)
{
    (void)ctx;
    founders.violation = "somebody founded alone";
}

static void joined(void *ctx, const struct gcs_proposal *value)
{
    struct founder *node = ctx;
    struct gcs_writer w = gcs_writer_over(node->first_view, sizeof(node->first_view));
    gcs_proposal_write(&w, value);
    node->first_view_size = gcs_writer_size(&w);
    node->member = true;
    node->lineage = value->lineage;
    node->members_count = value->members_count;
    if (value->epoch != 1)
        founders.violation = "the first view is not the first";
    if (founders.lineage != 0 && founders.lineage != value->lineage)
        founders.violation = "two lineages";
    founders.lineage = value->lineage;
    for (int i = 0; i < FOUNDERS_MAX; i++) {
        const struct founder *other = &founders.nodes[i];
        if (other->member && (other->first_view_size != node->first_view_size ||
                              memcmp(other->first_view, node->first_view, node->first_view_size)))
            founders.violation = "two first views";
    }
}

static void refused(void *ctx, int error, const char *why)
{
    struct founder *node = ctx;
    node->error = error;
    memcpy(node->why, why, strlen(why) + 1);
}

void founders_open(uint64_t seed)
{
    scarce_init(&scarce);
    gcs_prng_init(&prng, seed);
    memset(&founders, 0, sizeof(founders));
    flying = 0;
    founders.now = 1000 * MS;
    for (int i = 0; i < FOUNDERS_MAX; i++) {
        struct founder *node = &founders.nodes[i];
        node->self = (struct gcs_member){.receive_bytes = 9, .weight = 1};
        node->self.id.address = address_of(i);
        node->self.id.incarnation = gcs_prng_next(&prng) & ~GCS_MEMBERSHIP_MASK;
    }
}

void founders_start(int index, uint32_t expect, uint64_t look_ns)
{
    struct founder *node = &founders.nodes[index];
    struct gcs_address seeds[FOUNDERS_MAX];
    for (int i = 0; i < FOUNDERS_MAX; i++)
        seeds[i] = address_of(i);
    struct gcs_bootstrap_config config = {
        .allocator = &scarce.allocator,
        .self = node->self,
        .mode = GCS_EXPECT,
        .settings = {.order = 1, .window_packets = 64, .message_bytes = 1000, .expect = expect},
        .look_ns = look_ns,
        .retry_ns = RETRY,
        .seed = gcs_prng_next(&prng),
        .seeds = seeds,
        .seeds_count = FOUNDERS_MAX,
        .env = {node, to_address, found, joined, refused, NULL, NULL},
    };
    ck_assert_int_eq(gcs_bootstrap_new(&config, founders.now, &node->machine), 0);
}

static void stop(struct founder *node)
{
    gcs_bootstrap_free(node->machine);
    node->machine = NULL;
}

void founders_crash(int index)
{
    founders.nodes[index].dead = true;
    stop(&founders.nodes[index]);
}

/* What the core of a member does: the decision for whoever is in it and looks. */
static void answer(struct founder *node, const struct flight *flight)
{
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id rival;
    struct gcs_address to = address_of(flight->from);
    if (flight->type == GCS_FRAME_LOOK &&
        gcs_join_parse(flight->body, flight->size, &request, &settings, &rival))
        to_address(node, &to, GCS_FRAME_INSTALL, node->first_view, node->first_view_size);
}

static void settle(struct founder *node)
{
    if (node->machine && (node->member || node->error != 0))
        stop(node);
}

static void arrive(const struct flight *flight)
{
    struct founder *node = &founders.nodes[flight->to];
    struct gcs_address from = address_of(flight->from);
    if (node->machine)
        ck_assert_int_eq(gcs_bootstrap_frame(node->machine, founders.now, &from, flight->type,
                                             flight->body, flight->size),
                         0);
    else if (node->member && !node->dead)
        answer(node, flight);
    settle(node);
}

static uint64_t next_time(uint64_t end)
{
    uint64_t at = end;
    for (size_t i = 0; i < flying; i++)
        at = flights[i].at < at ? flights[i].at : at;
    for (int i = 0; i < FOUNDERS_MAX; i++) {
        const struct gcs_bootstrap_machine *machine = founders.nodes[i].machine;
        if (machine && gcs_bootstrap_deadline(machine) < at)
            at = gcs_bootstrap_deadline(machine);
    }
    return at;
}

void founders_run(uint64_t ns)
{
    uint64_t end = founders.now + ns;
    while (founders.now < end && !founders.violation) {
        uint64_t at = next_time(end);
        founders.now = at > founders.now ? at : founders.now;
        for (size_t i = 0; i < flying;) {
            if (flights[i].at > founders.now) {
                i++;
                continue;
            }
            struct flight flight = flights[i];
            flights[i] = flights[--flying];
            arrive(&flight);
        }
        for (int i = 0; i < FOUNDERS_MAX; i++) {
            struct founder *node = &founders.nodes[i];
            if (node->machine && gcs_bootstrap_deadline(node->machine) <= founders.now)
                gcs_bootstrap_tick(node->machine, founders.now);
            settle(node);
        }
    }
}

void founders_close(void)
{
    for (int i = 0; i < FOUNDERS_MAX; i++)
        stop(&founders.nodes[i]);
    free(flights);
    flights = NULL;
    flying = room = 0;
    ck_assert_uint_eq(scarce.live, 0);
}

int founders_members(void)
{
    int members = 0;
    for (int i = 0; i < FOUNDERS_MAX; i++)
        members += founders.nodes[i].member;
    return members;
}

/* ---- A random life ---------------------------------------------------------------------- */

/* Without crashes a majority forms the group, and everybody in its first view is told. */
static void check_formed(int started, int expect)
{
    int in = 0;
    for (int i = 0; i < FOUNDERS_MAX; i++)
        if (founders.nodes[i].member)
            in = founders.nodes[i].members_count;
    if (started <= expect / 2 && founders_members() > 0)
        founders.violation = "founded by a minority";
    else if (started > expect / 2 && founders_members() == 0)
        founders.violation = "a majority does not found";
    else if (in != founders_members())
        founders.violation = "a member does not hear that it is one";
}

const char *founders_random_run(uint64_t seed)
{
    founders_open(seed);
    int expect = (int)gcs_prng_between(&prng, 1, 7);
    int started = (int)gcs_prng_between(&prng, 1, (uint64_t)expect);
    bool crashes = gcs_prng_below(&prng, 2) == 0;
    uint64_t look = gcs_prng_between(&prng, 20 * MS, 500 * MS);
    founders.loss_ppm = (uint32_t)gcs_prng_below(&prng, 400000);
    founders.late_ppm = (uint32_t)gcs_prng_below(&prng, 200000);
    for (int step = 0, next = 0; step < 40 && !founders.violation; step++) {
        if (next < started && gcs_prng_below(&prng, 2) == 0)
            founders_start(next++, (uint32_t)expect, look);
        if (gcs_prng_below(&prng, 3) == 0)
            founders.apart = (uint32_t)gcs_prng_below(&prng, 1U << expect);
        if (crashes && next == started && gcs_prng_below(&prng, 10) == 0)
            founders_crash((int)gcs_prng_below(&prng, (uint64_t)started));
        founders_run(gcs_prng_below(&prng, 200 * MS));
        if (step == 39)
            for (; next < started; next++)
                founders_start(next, (uint32_t)expect, look);
    }
    founders.loss_ppm = founders.late_ppm = founders.apart = 0;
    founders_run(20000 * MS);
    if (!crashes && !founders.violation)
        check_formed(started, expect);
    const char *violation = founders.violation;
    founders_close();
    return violation;
}
