/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs-kv with a deliberate bug of the replication layer: the one that GCS_REPLICA_MUTANT names. */
#include "gcs/replica/mutant.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum gcs_replica_mutant gcs_replica_mutant;

static const char *const names[] = {"none",
#define MUTANT_NAME(id, text) #id,
                                    GCS_REPLICA_MUTANT_TABLE(MUTANT_NAME)
#undef MUTANT_NAME
};

__attribute__((constructor)) static void choose(void)
{
    const char *name = getenv("GCS_REPLICA_MUTANT");

    for (int i = 0; name && i < GCS_REPLICA_MUTANT_count; i++)
        if (strcmp(name, names[i]) == 0) {
            gcs_replica_mutant = (enum gcs_replica_mutant)i;
            return;
        }
    if (name) {
        fprintf(stderr, "gcs-kv-mutants: no mutant %s\n", name);
        exit(2);
    }
}
