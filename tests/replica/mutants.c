/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-replica-mutants: the replication layer with deliberate bugs, to prove that gcs_replica_sim
 * can fail. Each bug runs, seed after seed, until it is found; one that survives is a defect of the
 * checks. Without a bug the same runs must pass.
 *
 * Exit status: 0 all found, 1 not so.
 */
#include "gcs/replica/mutant.h"

#include <gcs/replica_sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RUNS_MOST = 1000, RUNS_GOOD = 200, VALUES = 4 };

enum gcs_replica_mutant gcs_replica_mutant;

/* ---- The service: registers that remember all that was done to them ------------------------ */

struct registers {
    uint64_t value[VALUES];
    uint64_t answer;
    size_t got;
};

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct registers *registers = ctx;
    const uint8_t *bytes = command->data;
    uint64_t *value = &registers->value[bytes[0] % VALUES];

    *value = *value * 31 + bytes[1] + command->seed % 7;
    registers->answer = *value;
    *result = (struct gcs_replica_result){&registers->answer, sizeof(registers->answer)};
    return 0;
}

static int query(void *ctx, const void *data, size_t size, uint64_t time,
                 struct gcs_replica_result *result)
{
    struct registers *registers = ctx;

    (void)size;
    (void)time;
    registers->answer = registers->value[*(const uint8_t *)data % VALUES];
    *result = (struct gcs_replica_result){&registers->answer, sizeof(registers->answer)};
    return 0;
}

static int64_t read_copy(void *ctx, uint64_t offset, void *data, size_t size)
{
    size_t all = sizeof(uint64_t[VALUES]);

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

    if (!copy)
        return GCS_ENOMEM;
    memcpy(copy, registers->value, sizeof(registers->value));
    *source = (struct gcs_state_source){copy, read_copy, free, sizeof(registers->value)};
    return 0;
}

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct registers *registers = ctx;

    if (step == GCS_REPLICA_BEGIN)
        registers->got = 0;
    if (size > sizeof(registers->value) - registers->got)
        return GCS_EMALFORMED;
    if (step == GCS_REPLICA_PIECE)
        memcpy((char *)registers->value + registers->got, data, size);
    registers->got += size;
    return 0;
}

static int open_registers(void *ctx, struct gcs_replica_machine *machine)
{
    (void)ctx;
    machine->ctx = calloc(1, sizeof(struct registers));
    machine->apply = apply;
    machine->query = query;
    machine->snapshot = snapshot;
    machine->restore = restore;
    return machine->ctx ? 0 : GCS_ENOMEM;
}

static void close_registers(void *ctx, struct gcs_replica_machine *machine)
{
    (void)ctx;
    free(machine->ctx);
}

static size_t random_bytes(void *ctx, uint64_t random, void *data, size_t room)
{
    (void)ctx;
    (void)room;
    memcpy(data, &random, 2);
    return 2;
}

/* ---- The bugs ----------------------------------------------------------------------------- */

static const struct {
    const char *name, *text;
} mutants[] = {{"none", "no bug at all"},
#define MUTANT_ROW(id, what) {#id, what},
               GCS_REPLICA_MUTANT_TABLE(MUTANT_ROW)
#undef MUTANT_ROW
};

int main(void)
{
    const struct gcs_replica_sim_service service = {sizeof(service), NULL,         open_registers,
                                                    close_registers, random_bytes, random_bytes};
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;
    int wrong = 0;

    gcs_replica_sim_options_init(&options);
    for (int i = 0; i < GCS_REPLICA_MUTANT_count; i++) {
        gcs_replica_mutant = (enum gcs_replica_mutant)i;
        options.runs = i == 0 ? RUNS_GOOD : RUNS_MOST;
        bool found = gcs_replica_sim(&service, &options, &result) != 0;
        bool good = found == (i > 0);
        wrong += !good;
        printf("%s: %s (%s): %s\n", good ? "ok" : "WRONG", mutants[i].name, mutants[i].text,
               found ? result.text : "nothing found");
    }
    return wrong > 0;
}
