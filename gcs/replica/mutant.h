/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Deliberate bugs of the replication layer, to prove that the checkers of replicated services can
 * fail: as gcs/base/mutant.h, with a switch of their own. They exist only where GCS_REPLICA_MUTANTS
 * is defined, never in the library.
 */
#ifndef GCS_REPLICA_MUTANT_H
#define GCS_REPLICA_MUTANT_H

#ifdef GCS_REPLICA_MUTANTS

/* X(name, what is wrong) */
#define GCS_REPLICA_MUTANT_TABLE(X)                                                \
    X(reply_before_stable, "results are handed out before a quorum holds them")    \
    X(sessions_forgotten, "who takes over does not know what was applied already") \
    X(stale_read, "queries see this replica's state, however old")                 \
    X(index_of_one, "the index of a query is this replica's own")                  \
    X(snapshot_late, "a command more than the state says is in it")

enum gcs_replica_mutant {
    GCS_REPLICA_MUTANT_none,
#define GCS_REPLICA_MUTANT_ENUM(name, text) GCS_REPLICA_MUTANT_##name,
    GCS_REPLICA_MUTANT_TABLE(GCS_REPLICA_MUTANT_ENUM)
#undef GCS_REPLICA_MUTANT_ENUM
        GCS_REPLICA_MUTANT_count
};

/* Set by the program before it opens a replica. */
extern enum gcs_replica_mutant gcs_replica_mutant;

#define GCS_REPLICA_MUTANT(name) (gcs_replica_mutant == GCS_REPLICA_MUTANT_##name)

#else

#define GCS_REPLICA_MUTANT(name) 0

#endif

#endif
