/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-lab-mutants: the lab and all of the library with deliberate bugs in them, one of
 * which the environment variable GCS_LAB_PLANTED names, for gcs-lab and all its
 * processes alike. In gcs-lab there is nothing of this.
 */
#include "tests/lab/planted.h"

#ifdef GCS_MUTANTS

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum gcs_mutant gcs_mutant;

static const struct {
    const char *name;
    const char *text;
} mutants[] = {{"none", "no bug at all"},
#define MUTANT_ROW(id, broken, what) {#id, what},
               GCS_MUTANT_TABLE(MUTANT_ROW) GCS_DETECTOR_MUTANT_TABLE(MUTANT_ROW)
                   GCS_STORY_MUTANT_TABLE(MUTANT_ROW) GCS_PROGRAM_MUTANT_TABLE(MUTANT_ROW)
                       GCS_SCALE_MUTANT_TABLE(MUTANT_ROW) GCS_FLOW_MUTANT_TABLE(MUTANT_ROW)
#undef MUTANT_ROW
};

bool lab_plant(void)
{
    const char *name = getenv("GCS_LAB_PLANTED");

    for (unsigned i = 0; name && i < GCS_MUTANT_count; i++) {
        if (strcmp(mutants[i].name, name) == 0) {
            gcs_mutant = (enum gcs_mutant)i;
            return true;
        }
    }
    fprintf(stderr, "gcs-lab: GCS_LAB_PLANTED: \"%s\" is no bug; there are\n", name ? name : "");
    for (unsigned i = 0; i < GCS_MUTANT_count; i++)
        fprintf(stderr, "  %-26s %s\n", mutants[i].name, mutants[i].text);
    return false;
}

#else

bool lab_plant(void)
{
    return true;
}

#endif
