/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What came out, for people and as JSON.
 */
#ifndef TESTS_LAB_REPORT_H
#define TESTS_LAB_REPORT_H

#include "tests/lab/evidence.h"

#include <stdio.h>

/* All but the last line. */
void lab_report(const struct lab_run *run, const struct lab_evidence *evidence, FILE *out);

/* What has been done to whom, and when. */
void lab_report_deeds(const struct lab_run *run, const struct lab_evidence *evidence, FILE *out);

/* Violations with the records, and what was done, before them. run may be NULL. */
void lab_report_violations(const struct lab_run *run, const struct lab_evidence *evidence,
                           FILE *out);

/* The property that does not hold, or NULL. */
const char *lab_violation(const struct lab_run *run, const struct lab_evidence *evidence);

/* The last line. dir: where everything is, NULL: nowhere any more. */
void lab_report_result(const struct lab_run *run, const struct lab_evidence *evidence,
                       const char *dir, FILE *out);
void lab_report_json(const struct lab_run *run, const struct lab_evidence *evidence,
                     const char *dir, FILE *out);

#endif
