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

void gcs_command_run(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    gcs_command_answer(endpoint, command, command->run(endpoint, command));
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
