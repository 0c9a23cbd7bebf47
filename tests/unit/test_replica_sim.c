/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The simulator for users' state machines: a good one passes, and mistakes that are easily made are
 * found. The first test is what a user's own looks like.
 */
/* ctest-timeout: 300 */
#include "suite.h"

#include <gcs/replica_sim.h>
#include <string.h>

/* ---- A service: four registers ------------------------------------------------------------ */

enum mistake {
    NONE,
    PRIVATE_STATE,  /* apply looks at what other replicas do not have */
    SHORT_SNAPSHOT, /* the snapshot leaves something out */
    ONE_PIECE,      /* restore takes for granted that a state comes in one piece */
    CHANGING_QUERY, /* a query changes the state */
    HIDDEN_STATE,   /* replicas differ in what no result shows */
};

static enum mistake mistake;

struct registers {
    uint64_t value[4];
    uint64_t answer;
    size_t got;
    uint64_t life;
    uint64_t hidden;
};

static uint64_t lives;

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct registers *registers = ctx;
    const uint8_t *bytes = command->data;
    uint64_t *value = &registers->value[bytes[0] % 4];

    *value = *value * 3 + bytes[1] + command->seed % 5;
    if (mistake == PRIVATE_STATE && *value % 16 == 0)
        *value += registers->life;
    if (mistake == HIDDEN_STATE)
        registers->hidden += registers->life;
    registers->answer = *value;
    *result = (struct gcs_replica_result){&registers->answer, sizeof(registers->answer)};
    return 0;
}

static uint64_t digest(void *ctx)
{
    const struct registers *registers = ctx;
    uint64_t sum = registers->hidden;

    for (size_t i = 0; i < 4; i++)
        sum = sum * 1000003 + registers->value[i];
    return sum;
}

static int query(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result)
{
    struct registers *registers = ctx;

    (void)size;
    (void)time;
    registers->answer = registers->value[*(const uint8_t *)data % 4];
    if (mistake == CHANGING_QUERY)
        registers->value[0]++;
    *result = (struct gcs_replica_result){&registers->answer, sizeof(registers->answer)};
    return 0;
}

static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    size_t all = sizeof(uint64_t[4]);

    if (offset >= all)
        return 0;
    size = size < all - offset ? size : all - (size_t)offset;
    memcpy(data, (char *)ctx + offset, size);
    return (int64_t)size;
}

static int snapshot(void *ctx, struct gcs_state_source *source)
{
    struct registers *registers = ctx;
    uint64_t *copy = malloc(sizeof(registers->value));

    memcpy(copy, registers->value, sizeof(registers->value));
    if (mistake == SHORT_SNAPSHOT)
        copy[3] = 0;
    *source = (struct gcs_state_source){copy, read_copy, free, sizeof(registers->value)};
    return 0;
}

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct registers *registers = ctx;

    if (step == GCS_REPLICA_BEGIN)
        registers->got = 0;
    if (step != GCS_REPLICA_PIECE || (mistake == ONE_PIECE && size != sizeof(registers->value)))
        return 0;
    memcpy((char *)registers->value + registers->got, data, size);
    registers->got += size;
    return 0;
}

static int open_registers(void *ctx, struct gcs_replica_machine *machine)
{
    struct registers *registers = calloc(1, sizeof(*registers));

    (void)ctx;
    registers->life = lives++;
    machine->ctx = registers;
    machine->apply = apply;
    machine->query = query;
    machine->digest = digest;
    machine->snapshot = snapshot;
    machine->restore = restore;
    return 0;
}

static void close_registers(void *ctx, struct gcs_replica_machine *machine)
{
    (void)ctx;
    free(machine->ctx);
}

static size_t command(void *ctx, uint64_t random, void *data, size_t room)
{
    (void)ctx;
    (void)room;
    memcpy(data, &random, 2);
    return 2;
}

static size_t question(void *ctx, uint64_t random, void *data, size_t room)
{
    (void)ctx;
    (void)room;
    memcpy(data, &random, 1);
    return 1;
}

static const struct gcs_replica_sim_service service = {sizeof(service), NULL,    open_registers,
                                                       close_registers, command, question};

/* ---- Tests -------------------------------------------------------------------------------- */

START_TEST(a_good_service_passes)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    gcs_replica_sim_options_init(&options);
    options.runs = 100;
    ck_assert_msg(gcs_replica_sim(&service, &options, &result) == 0, "%s", result.text);
    ck_assert_uint_gt(result.commands, 10000);
    ck_assert_uint_gt(result.questions, 10000);
    ck_assert_uint_gt(result.crashes, 10);
    ck_assert_uint_gt(result.pauses, 10);
    ck_assert_uint_gt(result.partitions, 10);
    ck_assert_uint_gt(result.restores, 100);
    ck_assert_uint_gt(result.retries, 10);
}
END_TEST

START_TEST(five_replicas_and_no_sessions_pass_too)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    gcs_replica_sim_options_init(&options);
    options.runs = 50;
    options.replicas = 5;
    options.clients = 12;
    options.sessions = false;
    ck_assert_msg(gcs_replica_sim(&service, &options, &result) == 0, "%s", result.text);
    ck_assert_uint_eq(result.retries, 0);
}
END_TEST

/* There is no sequencer whose word would be enough: queries ask a quorum each time. */
START_TEST(lamports_order_passes_too)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    gcs_replica_sim_options_init(&options);
    options.runs = 50;
    options.order = GCS_ORDER_LAMPORT;
    ck_assert_msg(gcs_replica_sim(&service, &options, &result) == 0, "%s", result.text);
}
END_TEST

START_TEST(the_same_seed_gives_the_same_run)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result one, two;

    gcs_replica_sim_options_init(&options);
    options.seed = 4711;
    options.runs = 3;
    ck_assert_int_eq(gcs_replica_sim(&service, &options, &one), 0);
    ck_assert_int_eq(gcs_replica_sim(&service, &options, &two), 0);
    ck_assert_mem_eq(&one, &two, sizeof(one));
}
END_TEST

static void expect_found(enum mistake made, const char *what)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    mistake = made;
    gcs_replica_sim_options_init(&options);
    options.runs = 200;
    ck_assert_int_eq(gcs_replica_sim(&service, &options, &result), GCS_ESTATE);
    ck_assert_msg(strstr(result.text, what) != NULL, "%s", result.text);
    options.seed =
        result.seed; /* and again with that seed alone, unless it is a matter of memory */
    options.runs = 1;
    if (made != PRIVATE_STATE && made != HIDDEN_STATE)
        ck_assert_int_eq(gcs_replica_sim(&service, &options, &result), GCS_ESTATE);
}

START_TEST(an_apply_that_depends_on_the_replica_is_found)
{
    expect_found(PRIVATE_STATE, "has another result");
}
END_TEST

START_TEST(a_snapshot_that_leaves_something_out_is_found)
{
    expect_found(SHORT_SNAPSHOT, "another result");
}
END_TEST

START_TEST(a_restore_that_expects_one_piece_is_found)
{
    expect_found(ONE_PIECE, "another result");
}
END_TEST

START_TEST(a_query_that_changes_something_is_found)
{
    expect_found(CHANGING_QUERY, "else");
}
END_TEST

START_TEST(a_state_that_differs_unseen_is_found_by_its_digest)
{
    expect_found(HIDDEN_STATE, "no quorum has the same");
}
END_TEST

START_TEST(options_out_of_range_are_refused)
{
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    gcs_replica_sim_options_init(&options);
    options.replicas = 17;
    ck_assert_int_eq(gcs_replica_sim(&service, &options, &result), GCS_EOPTION);
    options.replicas = 3;
    options.operations = 0;
    ck_assert_int_eq(gcs_replica_sim(&service, &options, &result), GCS_EOPTION);
    ck_assert_int_eq(gcs_replica_sim(NULL, &options, &result), GCS_EINVAL);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_good_service_passes,
        five_replicas_and_no_sessions_pass_too,
        lamports_order_passes_too,
        the_same_seed_gives_the_same_run,
        an_apply_that_depends_on_the_replica_is_found,
        a_snapshot_that_leaves_something_out_is_found,
        a_restore_that_expects_one_piece_is_found,
        a_query_that_changes_something_is_found,
        a_state_that_differs_unseen_is_found_by_its_digest,
        options_out_of_range_are_refused,
    };
    return suite_run("replica_sim", tests, SUITE_SIZE(tests));
}
