/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bugs on purpose, to see whether the lab finds them.
 */
#ifndef TESTS_LAB_PLANTED_H
#define TESTS_LAB_PLANTED_H

#include "gcs/base/mutant.h"

#include <stdbool.h>

/* In gcs-lab-mutants: plants the bug that GCS_LAB_PLANTED names. False: it names none. */
bool lab_plant(void);

#endif
