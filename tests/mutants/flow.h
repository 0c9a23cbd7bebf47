/* SPDX-License-Identifier: BSD-3-Clause */
#ifndef TESTS_MUTANTS_FLOW_H
#define TESTS_MUTANTS_FLOW_H

/* Every mutant of congestion control misses a bound, and without one all hold. The exit status. */
int mutants_flow(void);

#endif
