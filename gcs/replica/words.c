/* SPDX-License-Identifier: BSD-3-Clause */
/* What gcs_detail says when a call of a replica has failed: what is wrong with it, with the
 * figures. */
#include "gcs/replica/words.h"

#include "gcs/detail.h"

int gcs_replica_say(int error, const char *sentence)
{
    return gcs_fail(error, "%s", sentence);
}

int gcs_replica_say_refused(int error, const struct gcs_replica_config *config, size_t size)
{
    switch (error) {
    case GCS_EAGAIN:
        return gcs_fail(error, "the replica is not ready, or has no room: wait for its event");
    case GCS_EMSGSIZE:
        return gcs_fail(error, "%zu bytes: at most command_bytes=%zu", size,
                        (size_t)config->command_bytes);
    case GCS_EINVAL:
        return gcs_fail(error,
                        "NULL for an argument that is needed, a session without a serial or the "
                        "other way round, or a query that this machine does not answer");
    case GCS_ENOPRIMARY:
        return gcs_fail(error, "the replica is cut off from the primary");
    case GCS_ENOTMEMBER:
        return gcs_fail(error, "the replica is leaving, or has left");
    case GCS_ECLOSED:
        return gcs_fail(error, "the endpoint was closed");
    case GCS_ENOMEM:
        return gcs_fail(error, "out of memory");
    default:
        return error; /* of the group, which has said it */
    }
}

int gcs_replica_say_outcome(const struct gcs_replica_outcome *outcome, size_t room)
{
    switch (outcome->error) {
    case GCS_EMSGSIZE:
        return gcs_fail(outcome->error,
                        "the command was applied; its result has %zu bytes, the buffer %zu",
                        outcome->size, room);
    case GCS_EUNKNOWN:
        return gcs_fail(outcome->error,
                        "the replica was excluded or has started over: the command was "
                        "applied, or not, or still may be");
    case GCS_ESESSION:
        return gcs_fail(outcome->error, "there is no such session, or it has expired");
    case GCS_ESERIAL:
        return gcs_fail(outcome->error,
                        "not the session's next serial, nor one whose result is kept");
    case GCS_ELIMIT:
        return gcs_fail(outcome->error, "there are too many sessions");
    case GCS_ECLOSED:
        return gcs_fail(outcome->error, "the replica was closed before the outcome was known");
    default:
        return outcome->error;
    }
}
