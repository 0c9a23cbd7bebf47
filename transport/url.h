/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * "scheme://host:port?key=value&key=value", taken apart strictly, for every
 * transport. What follows RFC 3986 in form is refused where it would have no
 * meaning here: paths, fragments, user names, percent-encoding, white space,
 * options without a value or given twice. An IPv6 host stands in brackets.
 * Every error names the value that is wrong.
 *
 * A transport asks for the options that it knows and calls
 * gcs_url_check_unknown() before it opens anything: an option that nobody has
 * asked for is an error, never silently ignored.
 */
#ifndef GCS_TRANSPORT_URL_H
#define GCS_TRANSPORT_URL_H

#include "transport/report.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define GCS_URL_OPTIONS_MAX 32
#define GCS_URL_LENGTH_MAX  65535

struct gcs_url_option {
    const char *key;
    const char *value; /* never empty */
    bool known;        /* somebody has asked for it */
};

struct gcs_url {
    char *text; /* what the pointers below point into */
    const char *scheme;
    const char *host; /* without brackets; never empty */
    const char *port; /* what follows the colon; never empty */
    bool bracketed;   /* the host stood in brackets */
    struct gcs_url_option options[GCS_URL_OPTIONS_MAX];
    size_t count;
};

/* GCS_EADDRESS, GCS_EOPTION, GCS_ENOMEM. On success give it to gcs_url_free in the end. */
int gcs_url_parse(struct gcs_url *url, const char *text, const struct gcs_report *report);
void gcs_url_free(struct gcs_url *url);

/* The option's value, NULL if it is not given. */
const char *gcs_url_option(struct gcs_url *url, const char *key);

/*
 * Options that are numbers. Without the option *value stays what it is. Bytes may end in K, M
 * or G (powers of 1024); a chance is a decimal fraction from 0 to 1, given in millionths.
 * GCS_EOPTION.
 */
int gcs_url_number(struct gcs_url *url, const char *key, uint64_t min, uint64_t max,
                   uint64_t *value, const struct gcs_report *report);
int gcs_url_bytes(struct gcs_url *url, const char *key, uint64_t min, uint64_t max, uint64_t *value,
                  const struct gcs_report *report);

/* GCS_EOPTION if there is an option that nobody has asked for. */
int gcs_url_check_unknown(const struct gcs_url *url, const struct gcs_report *report);

/* ---- Numbers in text, of which all length characters must take part ------------------ */

/* Decimal digits only, at most max. */
bool gcs_text_number(const char *text, size_t length, uint64_t max, uint64_t *value);
bool gcs_text_bytes(const char *text, size_t length, uint64_t max, uint64_t *value);
bool gcs_text_chance(const char *text, size_t length, uint32_t *millionths);

/*
 * The next item of a comma-separated list: its start, its length in *length, and *list moved
 * behind it; NULL at the end. An empty item has length 0.
 */
const char *gcs_text_item(const char **list, size_t *length);

#endif
