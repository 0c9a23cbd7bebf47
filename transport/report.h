/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Why opening a transport failed, in a sentence that names the bad value: a
 * place for the text, handed down through everything that can fail, and one
 * call that writes the text and returns the code. The text is always
 * terminated; a report without room is allowed and only passes the code on.
 */
#ifndef GCS_TRANSPORT_REPORT_H
#define GCS_TRANSPORT_REPORT_H

#include <gcs/error.h>
#include <stddef.h>

struct gcs_report {
    char *text; /* may be NULL if size is 0 */
    size_t size;
};

/* Writes the sentence and returns code. */
__attribute__((format(printf, 3, 4))) int gcs_report(const struct gcs_report *report, int code,
                                                     const char *format, ...);

/* The same for a failed system call: "WHAT: TEXT OF errno", GCS_ESYSTEM (GCS_ENOMEM for ENOMEM). */
int gcs_report_system(const struct gcs_report *report, const char *what, int error);

#endif
