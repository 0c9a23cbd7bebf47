/* SPDX-License-Identifier: BSD-3-Clause */
/* The sentence behind an error code, for whatever calls are made of (api_error.c). */
#ifndef GCS_DETAIL_H
#define GCS_DETAIL_H

/* Keeps the sentence for gcs_detail and returns code. */
__attribute__((format(printf, 2, 3))) int gcs_fail(int code, const char *format, ...);

#endif
