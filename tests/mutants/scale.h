/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_MUTANTS_SCALE_H
#define TESTS_MUTANTS_SCALE_H

/* Every mutant of the tree of regions misses a bound, and without one all hold. The exit status. */
int mutants_scale(void);

#endif
