/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients of the simulated service. Each has one operation under way at a time, at one replica.
 * When the outcome is unknown, or does not come, it goes to another replica and retries in its
 * session; without sessions it gives that operation up, which then may have been applied or not.
 */
#include "gcs/replica/sim.h"

#include <stdlib.h>
#include <string.h>

#define THINK_NS    (100 * SIM_MS)
#define PATIENCE_NS (3 * SIM_SECOND)

/* The client of an outcome, and which of its attempts. */
struct ticket {
    struct sim_client *client;
    uint64_t attempt;
};

static void again(struct sim_client *client, uint64_t delay)
{
    sim_after(client->world, delay, SIM_CLIENT, client->index);
}

static struct sim_operation *operation_of(const struct sim_client *client)
{
    return &client->world->operations[client->operation - 1];
}

static void move_on(struct sim_client *client)
{
    client->node = (unsigned)gcs_prng_below(&client->world->prng, client->world->options->replicas);
}

/* ---- Outcomes ----------------------------------------------------------------------------- */

static void take_result(struct sim_client *client, const struct gcs_replica_outcome *outcome)
{
    struct sim_world *world = client->world;
    struct sim_operation *operation = operation_of(client);

    operation->done = true;
    operation->number = outcome->number;
    operation->result_size = outcome->size;
    operation->result = sim_allocate(world, outcome->size + 1);
    if (operation->result && outcome->size > 0)
        memcpy(operation->result, outcome->data, outcome->size);
    if (outcome->number > world->known)
        world->known = outcome->number;
    world->result->repeated += outcome->repeated;
    *(operation->kind == SIM_COMMAND ? &world->result->commands : &world->result->questions) += 1;
    client->operation = 0;
}

/* It cannot have been, or never be, applied for all the client knows. */
static void take_error(struct sim_client *client, int error)
{
    struct sim_world *world = client->world;
    const struct sim_operation *operation = operation_of(client);

    if (error == GCS_ESESSION || error == GCS_ESERIAL || error == GCS_ELIMIT)
        sim_fail(world, "a client in a session was told: %s", gcs_strerror(error));
    if (operation->kind == SIM_COMMAND && !world->options->sessions) {
        world->result->unknown++;
        client->operation = 0;
    }
    move_on(client);
}

static void on_outcome(void *ctx, const struct gcs_replica_outcome *outcome)
{
    struct ticket *ticket = ctx;
    struct sim_client *client = ticket->client;
    bool late = ticket->attempt != client->attempt;

    free(ticket);
    if (late)
        return;
    client->waiting = false;
    if (client->opening) {
        client->opening = false;
        if (outcome->error == 0)
            client->session = outcome->session;
        else
            move_on(client);
    } else if (outcome->error == 0) {
        take_result(client, outcome);
    } else {
        take_error(client, outcome->error);
    }
    again(client, gcs_prng_below(&client->world->prng, THINK_NS));
}

/* ---- Operations --------------------------------------------------------------------------- */

static void begin_operation(struct sim_client *client)
{
    struct sim_world *world = client->world;
    const struct gcs_replica_sim_service *service = world->service;
    struct sim_operation *operation = &world->operations[world->operations_count];
    uint8_t data[GCS_REPLICA_SIM_BYTES];
    bool asks = service->question && gcs_prng_below(&world->prng, 2) == 0;
    uint64_t random = gcs_prng_next(&world->prng);
    size_t size =
        (asks ? service->question : service->command)(service->ctx, random, data, sizeof(data));
    size_t tag = asks ? 0 : SIM_TAG;

    operation->kind = asks ? SIM_QUESTION : SIM_COMMAND;
    operation->floor = world->known;
    operation->size = size + tag;
    operation->data = sim_allocate(world, operation->size + 1);
    if (!operation->data)
        return;
    for (size_t i = 0; i < tag; i++)
        operation->data[i] = (uint8_t)(world->operations_count >> 8 * i);
    memcpy(operation->data + tag, data, size);
    client->operation = ++world->operations_count;
    client->serial += !asks;
    client->tried = false;
}

static int submit(struct sim_client *client, struct sim_node *node, struct ticket *ticket)
{
    const struct sim_operation *operation = operation_of(client);
    struct gcs_replica_request request = {operation->data, operation->size, client->session,
                                          client->session ? client->serial : 0};

    if (operation->kind == SIM_QUESTION)
        return gcs_replicator_query(&node->replicator, GCS_REPLICA_LINEARIZABLE, 0, operation->data,
                                    operation->size, on_outcome, ticket);
    return gcs_replicator_submit(&node->replicator, &request, on_outcome, ticket);
}

static void attempt(struct sim_client *client)
{
    struct sim_world *world = client->world;
    struct sim_node *node = &world->nodes[client->node];
    struct ticket *ticket = NULL;
    int error = GCS_ECLOSED;

    client->attempt++;
    client->waiting = true;
    client->patience = world->now + PATIENCE_NS;
    client->opening = client->operation == 0;
    /* A process that is gone or paused: the client connects to nothing, or hears nothing. */
    if (node->core && !node->stopped && world->now >= node->paused_until)
        ticket = sim_allocate(world, sizeof(*ticket));
    if (ticket) {
        *ticket = (struct ticket){client, client->attempt};
        error = client->opening ? gcs_replicator_session(&node->replicator, on_outcome, ticket)
                                : submit(client, node, ticket);
        if (error)
            free(ticket);
    }
    if (error) {
        client->waiting = client->opening = false;
        move_on(client);
        again(client, THINK_NS);
        return;
    }
    if (client->operation > 0 && operation_of(client)->kind == SIM_COMMAND) {
        world->result->retries += client->tried;
        client->tried = true; /* it may be applied now */
    }
    again(client, PATIENCE_NS);
    sim_node_run(node);
}

static void lose_patience(struct sim_client *client)
{
    client->waiting = false;
    client->attempt++; /* what comes now is late */
    if (client->opening)
        client->opening = false;
    else
        take_error(client, GCS_ETIMEDOUT);
    move_on(client);
}

void sim_client_step(struct sim_client *client)
{
    struct sim_world *world = client->world;

    if (client->waiting && world->now < client->patience)
        return; /* an earlier reminder */
    if (client->waiting)
        lose_patience(client);
    bool session = !world->options->sessions || client->session;
    if (session && client->operation == 0) {
        if (world->operations_count == world->options->operations)
            return;
        begin_operation(client);
    }
    attempt(client);
}

bool sim_clients_done(const struct sim_world *world)
{
    for (unsigned i = 0; i < world->options->clients; i++)
        if (world->clients[i].operation > 0)
            return false;
    return world->operations_count == world->options->operations;
}
