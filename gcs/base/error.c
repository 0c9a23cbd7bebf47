/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The texts of error codes. They come from the one table in <gcs/error.h>, so
 * that there is no code without a text and no text without a code.
 */
#include <gcs/error.h>

const char *gcs_strerror(int code)
{
    if (code >= 0)
        return "success";
    switch (code) {
#define GCS_ERROR_CASE(name, number, text) \
    case number:                           \
        return text;
        GCS_ERROR_TABLE(GCS_ERROR_CASE)
#undef GCS_ERROR_CASE
    default:
        return "unknown error";
    }
}
