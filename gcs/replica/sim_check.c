/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What was applied, and whether it explains what clients were told.
 *
 * The order of commands is known, so linearizability needs no search: their order by number is a
 * witness, and it is enough to check it. Each operation notes when it begins the highest number
 * that any client had been told of (floor). With every command at its number, and every query right
 * behind the command that it has seen last,
 *
 *  - real time is kept if a command's number is above its floor, and a query's not below;
 *  - results are right if they are those of a copy of the application that applies the commands in
 *    that order, and nothing else, and is asked at those places.
 *
 * Each command travels with a tag, its operation, so that one applied twice is seen.
 */
#include "gcs/replica/sim.h"

#include <stdlib.h>
#include <string.h>

static uint64_t tag_of(const uint8_t *data)
{
    uint64_t tag = 0;

    for (unsigned i = 0; i < SIM_TAG; i++)
        tag |= (uint64_t)data[i] << 8 * i;
    return tag;
}

static uint8_t *copy_of(struct sim_world *world, const void *data, size_t size)
{
    uint8_t *copy = sim_allocate(world, size + 1);

    if (copy && size > 0)
        memcpy(copy, data, size);
    return copy;
}

/* ---- The log ------------------------------------------------------------------------------ */

static bool log_room(struct sim_world *world)
{
    uint64_t capacity = world->log_capacity ? 2 * world->log_capacity : 256;

    if (world->log_count < world->log_capacity)
        return true;
    struct sim_entry *log = realloc(world->log, capacity * sizeof(*log));
    if (!log) {
        world->no_memory = true;
        return false;
    }
    world->log = log;
    world->log_capacity = capacity;
    return true;
}

static bool same_command(const struct sim_entry *entry, const struct gcs_replica_command *command)
{
    return entry->size == command->size && entry->time == command->time &&
           entry->seed == command->seed && memcmp(entry->data, command->data, command->size) == 0;
}

static bool same_result(const struct sim_entry *entry, const struct gcs_replica_result *result)
{
    return entry->result_size == result->size &&
           (result->size == 0 || memcmp(entry->result, result->data, result->size) == 0);
}

static void note_first(struct sim_world *world, const struct gcs_replica_command *command,
                       const struct gcs_replica_result *result)
{
    if (!log_room(world))
        return;
    world->log[world->log_count++] = (struct sim_entry){
        .data = copy_of(world, command->data, command->size),
        .size = command->size,
        .time = command->time,
        .seed = command->seed,
        .result = copy_of(world, result->data, result->size),
        .result_size = result->size,
    };
}

static void note(struct sim_node *node, const struct gcs_replica_command *command,
                 const struct gcs_replica_result *result)
{
    struct sim_world *world = node->world;
    unsigned long long number = command->number;

    if (number == world->log_count + 1) {
        note_first(world, command, result);
        return;
    }
    if (number == 0 || number > world->log_count) {
        sim_fail(world, "replica %u applies command %llu, nobody has applied the one before",
                 node->index, number);
        return;
    }
    const struct sim_entry *entry = &world->log[number - 1];
    if (!same_command(entry, command))
        sim_fail(world, "command %llu at replica %u is another one than elsewhere", number,
                 node->index);
    else if (!same_result(entry, result))
        sim_fail(world, "command %llu has another result at replica %u than elsewhere", number,
                 node->index);
}

int sim_check_apply(void *ctx, const struct gcs_replica_command *command,
                    struct gcs_replica_result *result)
{
    struct sim_node *node = ctx;
    struct gcs_replica_command inner = *command;

    if (command->size < SIM_TAG) {
        sim_fail(node->world, "command %llu is none of a client's",
                 (unsigned long long)command->number);
        return GCS_EMALFORMED;
    }
    inner.data = (const uint8_t *)command->data + SIM_TAG;
    inner.size -= SIM_TAG;
    int error = node->app.apply(node->app.ctx, &inner, result);
    if (error == 0)
        note(node, command, result);
    else
        sim_fail(node->world, "apply failed at command %llu at replica %u: %s",
                 (unsigned long long)command->number, node->index, gcs_strerror(error));
    return error;
}

/* ---- The history -------------------------------------------------------------------------- */

static void check_applied_once(struct sim_world *world)
{
    for (uint64_t i = 0; i < world->log_count && !world->failed; i++) {
        uint64_t tag = tag_of(world->log[i].data);
        if (tag >= world->operations_count) {
            sim_fail(world, "command %llu is of nobody", (unsigned long long)i + 1);
            return;
        }
        struct sim_operation *operation = &world->operations[tag];
        if (operation->applied_at > 0)
            sim_fail(world, "applied twice: the same command is number %llu and number %llu",
                     (unsigned long long)operation->applied_at, (unsigned long long)i + 1);
        operation->applied_at = i + 1;
    }
}

static void check_command(struct sim_world *world, uint64_t index)
{
    const struct sim_operation *operation = &world->operations[index];
    unsigned long long number = operation->number;
    const struct gcs_replica_result told = {operation->result, operation->result_size};

    if (operation->number > world->log_count || operation->applied_at != operation->number)
        sim_fail(world, "lost: a client has the result of command %llu, which is another one",
                 number);
    else if (!same_result(&world->log[operation->number - 1], &told))
        sim_fail(world, "a client was told something else than the result of command %llu", number);
    else if (operation->number <= operation->floor)
        sim_fail(world, "not linearizable: command %llu began after somebody had seen command %llu",
                 number, (unsigned long long)operation->floor);
}

/* In order of the numbers that they have seen: for a model that goes on only. */
static int by_number(const void *a, const void *b)
{
    const struct sim_operation *x = *(struct sim_operation *const *)a;
    const struct sim_operation *y = *(struct sim_operation *const *)b;

    return x->number < y->number ? -1 : x->number > y->number;
}

static void check_question(struct sim_world *world, struct gcs_replica_machine *model,
                           const struct sim_operation *operation, uint64_t time)
{
    struct gcs_replica_result result = {NULL, 0};
    int error = model->query(model->ctx, operation->data, operation->size, time, &result);

    if (operation->number < operation->floor)
        sim_fail(world, "not linearizable: a query saw command %llu, and began after command %llu",
                 (unsigned long long)operation->number, (unsigned long long)operation->floor);
    else if (error != 0 || result.size != operation->result_size ||
             (result.size > 0 && memcmp(result.data, operation->result, result.size) != 0))
        sim_fail(world, "a query after command %llu was told something else than it should",
                 (unsigned long long)operation->number);
}

static void replay(struct sim_world *world, struct gcs_replica_machine *model,
                   struct sim_operation **questions, uint64_t count)
{
    uint64_t asked = 0, time = 0;

    for (uint64_t number = 0; number <= world->log_count && !world->failed; number++) {
        if (number > 0) {
            const struct sim_entry *entry = &world->log[number - 1];
            struct gcs_replica_command command = {entry->data + SIM_TAG, entry->size - SIM_TAG,
                                                  number, entry->time, entry->seed};
            struct gcs_replica_result result = {NULL, 0};
            time = entry->time;
            if (model->apply(model->ctx, &command, &result) != 0 || !same_result(entry, &result))
                sim_fail(world, "command %llu has another result where there is no fault",
                         (unsigned long long)number);
        }
        for (; asked < count && questions[asked]->number == number && !world->failed; asked++)
            check_question(world, model, questions[asked], time);
    }
    if (asked < count && !world->failed)
        sim_fail(world, "a query has seen command %llu, which nobody has applied",
                 (unsigned long long)questions[asked]->number);
}

void sim_check_history(struct sim_world *world)
{
    struct gcs_replica_machine model = {.size = sizeof(model)};
    struct sim_operation **questions =
        sim_allocate(world, (world->operations_count + 1) * sizeof(struct sim_operation *));
    uint64_t count = 0;

    check_applied_once(world);
    for (uint64_t i = 0; i < world->operations_count && !world->failed && questions; i++) {
        if (!world->operations[i].done)
            continue;
        if (world->operations[i].kind == SIM_COMMAND)
            check_command(world, i);
        else
            questions[count++] = &world->operations[i];
    }
    if (questions && !world->failed && world->service->open(world->service->ctx, &model) == 0) {
        qsort(questions, (size_t)count, sizeof(*questions), by_number);
        replay(world, &model, questions, count);
        world->service->close(world->service->ctx, &model);
    }
    free(questions);
}

void sim_check_free(struct sim_world *world)
{
    for (uint64_t i = 0; i < world->log_count; i++) {
        free(world->log[i].data);
        free(world->log[i].result);
    }
    for (uint64_t i = 0; i < world->operations_count; i++) {
        free(world->operations[i].data);
        free(world->operations[i].result);
    }
    free(world->log);
    free(world->operations);
}
