/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The sentence behind an error code. It is kept per thread, like errno and for
 * the same reason: several threads may fail in one endpoint at the same time,
 * some calls fail before there is any object that could hold the sentence, and
 * nobody should have to pass a buffer to every call. This is the library's only
 * thread-local variable, and what it holds is never read by the library itself.
 */
#include "gcs/endpoint.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* As long as a refused URL may need to be recognised by. */
#define DETAIL_MAX 512

static _Thread_local char detail[DETAIL_MAX];

int gcs_fail(int code, const char *format, ...)
{
    va_list list;

    va_start(list, format);
    (void)vsnprintf(detail, sizeof(detail), format, list);
    va_end(list);
    return code;
}

int gcs_fail_system(const char *what, int error)
{
    char buffer[128];
    int code = error == ENOMEM ? GCS_ENOMEM : GCS_ESYSTEM;

    /* The GNU strerror_r: thread-safe, returns the text. */
    return gcs_fail(code, "%s: %s", what, strerror_r(error, buffer, sizeof(buffer)));
}

const char *gcs_detail(void)
{
    return detail;
}
