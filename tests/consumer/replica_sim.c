/* SPDX-License-Identifier: BSD-3-Clause */
/* Somebody else's service under the simulator, built from what is installed: a sum. */
#include <gcs/replica_sim.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sum {
    int64_t total;
    size_t got;
};

static int apply(void *ctx, const struct gcs_replica_command *command,
                 struct gcs_replica_result *result)
{
    struct sum *sum = ctx;

    sum->total += *(const uint8_t *)command->data;
    *result = (struct gcs_replica_result){&sum->total, sizeof(sum->total)};
    return 0;
}

static int64_t read_copy(void *copy, uint64_t offset, void *data, size_t size)
{
    size_t left = offset < sizeof(int64_t) ? sizeof(int64_t) - (size_t)offset : 0;

    size = size < left ? size : left;
    memcpy(data, (const char *)copy + offset, size);
    return (int64_t)size;
}

static int snapshot(void *ctx, struct gcs_state_source *source)
{
    int64_t *copy = malloc(sizeof(*copy));

    if (!copy)
        return GCS_ENOMEM;
    *copy = ((struct sum *)ctx)->total;
    *source = (struct gcs_state_source){copy, read_copy, free, sizeof(*copy)};
    return 0;
}

static int restore(void *ctx, enum gcs_replica_step step, const void *data, size_t size)
{
    struct sum *sum = ctx;

    if (step == GCS_REPLICA_BEGIN)
        sum->got = 0;
    if (step == GCS_REPLICA_PIECE && sum->got + size <= sizeof(sum->total)) {
        memcpy((char *)&sum->total + sum->got, data, size);
        sum->got += size;
    }
    return 0;
}

static int open_sum(void *ctx, struct gcs_replica_machine *machine)
{
    (void)ctx;
    machine->ctx = calloc(1, sizeof(struct sum));
    machine->apply = apply;
    machine->snapshot = snapshot;
    machine->restore = restore;
    return machine->ctx ? 0 : GCS_ENOMEM;
}

static void close_sum(void *ctx, struct gcs_replica_machine *machine)
{
    (void)ctx;
    free(machine->ctx);
}

static size_t command(void *ctx, uint64_t random, void *data, size_t room)
{
    (void)ctx;
    (void)room;
    *(uint8_t *)data = (uint8_t)random;
    return 1;
}

int main(void)
{
    struct gcs_replica_sim_service service = {
        .size = sizeof(service), .open = open_sum, .close = close_sum, .command = command};
    struct gcs_replica_sim_options options;
    struct gcs_replica_sim_result result;

    gcs_replica_sim_options_init(&options);
    int error = gcs_replica_sim(&service, &options, &result);
    printf("%llu commands %s\n", (unsigned long long)result.commands, result.text);
    return error != 0 || result.commands == 0;
}
