/* SPDX-License-Identifier: BSD-3-Clause */
/* URLs of transports: url.h says what is accepted. The text is cut in place. */
#include "transport/url.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static bool is_lower(char c)
{
    return c >= 'a' && c <= 'z';
}

/* ---- Numbers ------------------------------------------------------------------------ */

bool gcs_text_number(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    uint64_t sum = 0;

    if (length == 0)
        return false;
    for (size_t i = 0; i < length; i++) {
        if (!is_digit(text[i]))
            return false;
        uint64_t digit = (uint64_t)(text[i] - '0');
        if (sum > (UINT64_MAX - digit) / 10)
            return false;
        sum = sum * 10 + digit;
    }
    if (sum > max)
        return false;
    *value = sum;
    return true;
}

bool gcs_text_bytes(const char *text, size_t length, uint64_t max, uint64_t *value)
{
    unsigned shift = 0;

    if (length > 0 && !is_digit(text[length - 1])) {
        switch (text[length - 1]) {
        case 'K':
            shift = 10;
            break;
        case 'M':
            shift = 20;
            break;
        case 'G':
            shift = 30;
            break;
        default:
            return false;
        }
        length--;
    }
    if (!gcs_text_number(text, length, max >> shift, value))
        return false;
    *value <<= shift;
    return true;
}

bool gcs_text_chance(const char *text, size_t length, uint32_t *millionths)
{
    uint32_t sum, unit = 1000000;

    if (length == 0 || (text[0] != '0' && text[0] != '1'))
        return false;
    sum = text[0] == '1' ? unit : 0;
    if (length > 1 && (text[1] != '.' || length == 2))
        return false;
    for (size_t i = 2; i < length; i++) {
        if (!is_digit(text[i]) || unit == 1)
            return false;
        unit /= 10;
        sum += unit * (uint32_t)(text[i] - '0');
    }
    if (sum > 1000000)
        return false;
    *millionths = sum;
    return true;
}

const char *gcs_text_item(const char **list, size_t *length)
{
    const char *item = *list;

    if (!item)
        return NULL;
    *length = strcspn(item, ",");
    *list = item[*length] ? item + *length + 1 : NULL;
    return item;
}

/* ---- Options ------------------------------------------------------------------------ */

const char *gcs_url_option(struct gcs_url *url, const char *key)
{
    for (size_t i = 0; i < url->count; i++) {
        if (strcmp(url->options[i].key, key) == 0) {
            url->options[i].known = true;
            return url->options[i].value;
        }
    }
    return NULL;
}

static int check_range(const char *key, const char *text, bool good, uint64_t value, uint64_t min,
                       uint64_t max, const struct gcs_report *report)
{
    if (good && value >= min)
        return 0;
    return gcs_report(report, GCS_EOPTION, "%s=%s: expected a number from %" PRIu64 " to %" PRIu64,
                      key, text, min, max);
}

int gcs_url_number(struct gcs_url *url, const char *key, uint64_t min, uint64_t max,
                   uint64_t *value, const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, key);
    uint64_t number = 0;

    if (!text)
        return 0;
    bool good = gcs_text_number(text, strlen(text), max, &number);
    int error = check_range(key, text, good, number, min, max, report);
    if (error == 0)
        *value = number;
    return error;
}

int gcs_url_bytes(struct gcs_url *url, const char *key, uint64_t min, uint64_t max, uint64_t *value,
                  const struct gcs_report *report)
{
    const char *text = gcs_url_option(url, key);
    uint64_t number = 0;

    if (!text)
        return 0;
    bool good = gcs_text_bytes(text, strlen(text), max, &number);
    int error = check_range(key, text, good, number, min, max, report);
    if (error == 0)
        *value = number;
    return error;
}

int gcs_url_check_unknown(const struct gcs_url *url, const struct gcs_report *report)
{
    for (size_t i = 0; i < url->count; i++) {
        if (!url->options[i].known)
            return gcs_report(report, GCS_EOPTION, "%s=%s: %s:// knows no such option",
                              url->options[i].key, url->options[i].value, url->scheme);
    }
    return 0;
}

static int parse_option(struct gcs_url *url, char *text, const struct gcs_report *report)
{
    char *equals = strchr(text, '=');

    if (!equals || equals == text || !equals[1])
        return gcs_report(report, GCS_EOPTION, "option '%s': expected key=value", text);
    *equals = '\0';
    for (size_t i = 0; i < url->count; i++) {
        if (strcmp(url->options[i].key, text) == 0)
            return gcs_report(report, GCS_EOPTION, "option '%s' is given twice", text);
    }
    if (url->count == GCS_URL_OPTIONS_MAX)
        return gcs_report(report, GCS_EOPTION, "option '%s' is one too many: at most %d", text,
                          GCS_URL_OPTIONS_MAX);
    url->options[url->count++] = (struct gcs_url_option){text, equals + 1, false};
    return 0;
}

static int parse_options(struct gcs_url *url, char *text, const struct gcs_report *report)
{
    while (text) {
        char *next = strchr(text, '&');
        if (next)
            *next++ = '\0';
        int error = parse_option(url, text, report);
        if (error < 0)
            return error;
        text = next;
    }
    return 0;
}

/* ---- Scheme, host and port ------------------------------------------------------------ */

/* Cuts "scheme://" off; returns what follows, NULL if there is none. */
static char *parse_scheme(struct gcs_url *url)
{
    char *end = strstr(url->text, "://");

    if (!end || end == url->text)
        return NULL;
    for (const char *c = url->text; c < end; c++) {
        if (!is_lower(*c) && (c == url->text || (!is_digit(*c) && *c != '+' && *c != '-')))
            return NULL;
    }
    *end = '\0';
    url->scheme = url->text;
    return end + 3;
}

static int parse_authority(struct gcs_url *url, char *text, const struct gcs_report *report)
{
    char *colon;

    if (text[0] == '[') {
        char *end = strchr(text, ']');
        if (!end)
            return gcs_report(report, GCS_EADDRESS, "'%s': '[' without ']'", text);
        if (end == text + 1)
            return gcs_report(report, GCS_EADDRESS, "'%s': the host is missing", text);
        if (end[1] != ':' || !end[2])
            return gcs_report(report, GCS_EADDRESS, "'%s': expected [host]:port", text);
        url->bracketed = true;
        url->host = text + 1;
        url->port = end + 2;
        *end = '\0';
        return 0;
    }
    colon = strrchr(text, ':');
    if (!colon || !colon[1])
        return gcs_report(report, GCS_EADDRESS,
                          "'%s': the port is missing (0 takes any that is free)", text);
    if (colon == text)
        return gcs_report(report, GCS_EADDRESS, "'%s': the host is missing", text);
    if (memchr(text, ':', (size_t)(colon - text)))
        return gcs_report(report, GCS_EADDRESS, "'%s': an IPv6 address needs brackets: [host]:port",
                          text);
    *colon = '\0';
    url->host = text;
    url->port = colon + 1;
    return 0;
}

/* What has no meaning in any part of our URLs; '/' only behind the scheme. */
static int check_characters(const char *text, const struct gcs_report *report)
{
    const char *slashes = strstr(text, "://");
    const char *bad;

    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c >= 0x7f)
            return gcs_report(report, GCS_EADDRESS,
                              "'%.200s': byte 0x%02x at %zu has no place here", text,
                              (unsigned char)*c, (size_t)(c - text));
    }
    bad = strpbrk(slashes ? slashes + 3 : text, "/#@");
    if (bad)
        return gcs_report(report, GCS_EADDRESS, "'%.200s': '%c' at %zu has no place here", text,
                          *bad, (size_t)(bad - text));
    return 0;
}

int gcs_url_parse(struct gcs_url *url, const char *text, const struct gcs_report *report)
{
    int error;
    char *rest, *query;

    memset(url, 0, sizeof(*url));
    if (strnlen(text, GCS_URL_LENGTH_MAX + 1) > GCS_URL_LENGTH_MAX)
        return gcs_report(report, GCS_EADDRESS, "'%.40s...' is longer than %d bytes", text,
                          GCS_URL_LENGTH_MAX);
    error = check_characters(text, report);
    if (error < 0)
        return error;
    url->text = strdup(text);
    if (!url->text)
        return gcs_report(report, GCS_ENOMEM, "out of memory");
    rest = parse_scheme(url);
    if (!rest) {
        error = gcs_report(report, GCS_EADDRESS, "'%.200s': expected scheme://host:port", text);
        goto fail;
    }
    query = strchr(rest, '?');
    if (query)
        *query++ = '\0';
    error = parse_authority(url, rest, report);
    if (error == 0)
        error = parse_options(url, query, report);
    if (error == 0)
        return 0;
fail:
    gcs_url_free(url);
    return error;
}

void gcs_url_free(struct gcs_url *url)
{
    free(url->text);
    memset(url, 0, sizeof(*url));
}
