/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mutants of the tree of regions. Most break no guarantee: what they break are the
 * bounds on one member's work, so it is those that must notice.
 */
#include "tests/mutants/scale.h"

#include "gcs/base/mutant.h"
#include "tests/sim/scale_bounds.h"

static const struct {
    enum gcs_mutant mutant;
    const char *name;
} mutants[] = {{GCS_MUTANT_none, "none"},
#define SCALE_ROW(id, bound, what) {GCS_MUTANT_##id, #id},
               GCS_SCALE_MUTANT_TABLE(SCALE_ROW)
#undef SCALE_ROW
};

int mutants_scale(void)
{
    struct scale_options options;
    struct scale_row row;
    bool good = true;

    scale_options_init(&options);
    options.region_size = 8;
    options.packets = 500;
    for (size_t i = 0; i < sizeof(mutants) / sizeof(*mutants); i++) {
        bool none = mutants[i].mutant == GCS_MUTANT_none;

        gcs_mutant = mutants[i].mutant;
        scale_row_run(&options, &row);
        bool holds = scale_row_judge(&row, none ? stderr : NULL);
        printf("%-16s %s\n", mutants[i].name, holds ? "all bounds hold" : "a bound is missed");
        good &= holds == none;
    }
    gcs_mutant = GCS_MUTANT_none;
    return good ? 0 : 1;
}
