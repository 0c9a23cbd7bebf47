/* SPDX-License-Identifier: BSD-3-Clause */
/* Error sentences of transports: report.h says what they guarantee. */
#include "transport/report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int gcs_report(const struct gcs_report *report, int code, const char *format, ...)
{
    va_list args;

    if (report->size > 0) {
        va_start(args, format);
        (void)vsnprintf(report->text, report->size, format, args);
        va_end(args);
    }
    return code;
}

int gcs_report_system(const struct gcs_report *report, const char *what, int error)
{
    char buffer[128];
    int code = error == ENOMEM ? GCS_ENOMEM : GCS_ESYSTEM;

    /* The GNU strerror_r: thread-safe, returns the text. */
    return gcs_report(report, code, "%s: %s", what, strerror_r(error, buffer, sizeof(buffer)));
}
