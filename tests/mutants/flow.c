/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutants of congestion control. They break no guarantee: what they break are the
 * bounds of gcs-sim --flow.
 */
#include "tests/mutants/flow.h"

#include "gcs/base/mutant.h"
#include "tests/sim/flow.h"

static const struct {
    enum gcs_mutant mutant;
    const char *name;
} mutants[] = {{GCS_MUTANT_none, "none"},
#define FLOW_ROW(id, bound, what) {GCS_MUTANT_##id, #id},
               GCS_FLOW_MUTANT_TABLE(FLOW_ROW)
#undef FLOW_ROW
};

int mutants_flow(void)
{
    struct flow_table table;
    bool good = true;

    for (size_t i = 0; i < sizeof(mutants) / sizeof(*mutants); i++) {
        bool none = mutants[i].mutant == GCS_MUTANT_none;

        gcs_mutant = mutants[i].mutant;
        flow_table_run(1, &table);
        bool holds = flow_table_judge(&table, none ? stderr : NULL);
        printf("%-20s %s\n", mutants[i].name, holds ? "all bounds hold" : "a bound is missed");
        good &= holds == none;
    }
    gcs_mutant = GCS_MUTANT_none;
    return good ? 0 : 1;
}
