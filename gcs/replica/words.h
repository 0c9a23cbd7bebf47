/* SPDX-License-Identifier: BSD-3-Clause */
/* Sentences for gcs_detail. Each call keeps one and returns the error. */
#ifndef GCS_REPLICA_WORDS_H
#define GCS_REPLICA_WORDS_H

#include <gcs/replica.h>

int gcs_replica_say(int error, const char *sentence);
/* A command, or a query, of size bytes was not accepted. */
int gcs_replica_say_refused(int error, const struct gcs_replica_config *config, size_t size);
/* It was, and this came of it, for a buffer with so much room. */
int gcs_replica_say_outcome(const struct gcs_replica_outcome *outcome, size_t room);

#endif
