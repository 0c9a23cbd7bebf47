/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Calls that only the loop can carry out, such as gcs_join: with a thread of its
 * own the endpoint passes them through the queue and the caller waits for the
 * answer, which comes with the next round, at the latest when the endpoint closes.
 * With GCS_OWN_LOOP the caller does it himself, as the loop, between two rounds.
 */
#include "gcs/endpoint.h"

static int call_thread(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    command->item.kind = GCS_ITEM_COMMAND;
    gcs_queue_push(&endpoint->queue, &command->item.node);
    gcs_loop_wake(endpoint);
    (void)pthread_mutex_lock(&endpoint->mutex);
    while (!command->done)
        (void)pthread_cond_wait(&endpoint->changed, &endpoint->mutex);
    int result = command->result;
    (void)pthread_mutex_unlock(&endpoint->mutex);
    if (result == GCS_ECLOSED)
        return gcs_fail(GCS_ECLOSED, "the endpoint is being closed");
    return result;
}

static int call_own_loop(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    int error = gcs_endpoint_lock(endpoint);

    if (error)
        return error;
    error = command->run(endpoint, command);
    gcs_endpoint_unlock(endpoint);
    gcs_loop_wake(endpoint);
    return error;
}

int gcs_command_call(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    int error = gcs_endpoint_enter(endpoint);

    if (error)
        return error;
    error = endpoint->own_loop ? call_own_loop(endpoint, command) : call_thread(endpoint, command);
    gcs_endpoint_leave(endpoint);
    return error;
}

/* Answers, or notes that it has to wait. */
static void carry_out(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    int result = command->run(endpoint, command);

    if (result == GCS_EAGAIN && endpoint->now < command->deadline) {
        command->next = endpoint->pending;
        endpoint->pending = command;
        return;
    }
    if (result == GCS_EAGAIN && command->patience > 0)
        result = GCS_ETIMEDOUT;
    gcs_command_answer(endpoint, command, result);
}

void gcs_command_run(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    uint64_t left = GCS_NEVER - endpoint->now;

    command->deadline = endpoint->now + (command->patience < left ? command->patience : left);
    carry_out(endpoint, command);
}

void gcs_command_retry(struct gcs_endpoint *endpoint)
{
    struct gcs_command *command = endpoint->pending;

    endpoint->pending = NULL;
    while (command) {
        struct gcs_command *next = command->next;
        carry_out(endpoint, command);
        command = next;
    }
}

uint64_t gcs_command_deadline(const struct gcs_endpoint *endpoint)
{
    uint64_t deadline = GCS_NEVER;

    for (const struct gcs_command *command = endpoint->pending; command; command = command->next)
        if (command->deadline < deadline)
            deadline = command->deadline;
    return deadline;
}

void gcs_command_refuse(struct gcs_endpoint *endpoint)
{
    struct gcs_command *command = endpoint->pending;

    endpoint->pending = NULL;
    while (command) {
        struct gcs_command *next = command->next;
        gcs_command_answer(endpoint, command, GCS_ECLOSED);
        command = next;
    }
}

/* The command is gone as soon as its caller has seen that it is done. */
void gcs_command_answer(struct gcs_endpoint *endpoint, struct gcs_command *command, int result)
{
    (void)pthread_mutex_lock(&endpoint->mutex);
    command->result = result;
    command->done = true;
    (void)pthread_cond_broadcast(&endpoint->changed);
    (void)pthread_mutex_unlock(&endpoint->mutex);
}
