/* SPDX-License-Identifier: BSD-3-Clause */
/* RESP2 in and out: see resp.h. */
#include "resp.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Longest line: the length of an array or a bulk string, or an inline command. */
enum { LINE_MAX_BYTES = 64 * 1024, ERROR_MAX = 256 };

/* ---- Texts ------------------------------------------------------------------------------ */

bool text_is(struct text text, const char *word)
{
    return strlen(word) == text.size && strncasecmp(text.data, word, text.size) == 0;
}

bool text_equal(struct text a, struct text b)
{
    return a.size == b.size && memcmp(a.data, b.data, a.size) == 0;
}

bool text_integer(struct text text, int64_t *value)
{
    uint64_t sum = 0;
    size_t i = 0;
    bool negative = text.size > 1 && text.data[0] == '-';

    i += negative;
    if (i == text.size || text.size - i > 19 || (text.data[i] == '0' && text.size > 1))
        return false;
    for (; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9')
            return false;
        sum = sum * 10 + (uint64_t)(text.data[i] - '0');
    }
    if (sum > (uint64_t)INT64_MAX + negative)
        return false;
    *value = negative ? (int64_t)(0 - sum) : (int64_t)sum;
    return true;
}

/* ---- Requests --------------------------------------------------------------------------- */

static bool add(struct resp_request *request, const char *data, size_t size)
{
    if (request->count == request->capacity) {
        size_t capacity = request->capacity ? 2 * request->capacity : 16;
        struct text *arguments = realloc(request->arguments, capacity * sizeof(*arguments));
        if (!arguments)
            return false;
        request->arguments = arguments;
        request->capacity = capacity;
    }
    request->arguments[request->count++] = (struct text){data, size};
    return true;
}

/* The line at *at, without its end; *at moves behind it. */
static enum resp_verdict take_line(const char *data, size_t size, size_t *at, struct text *line)
{
    size_t left = size - *at;
    const char *end =
        memchr(data + *at, '\n', left < LINE_MAX_BYTES ? left : (size_t)LINE_MAX_BYTES);

    if (!end)
        return left < LINE_MAX_BYTES ? RESP_INCOMPLETE : RESP_BROKEN;
    *line = (struct text){data + *at, (size_t)(end - data) - *at};
    *at += line->size + 1;
    if (line->size > 0 && line->data[line->size - 1] == '\r')
        line->size--;
    return RESP_COMPLETE;
}

/* "*3" or "$5" at *at. */
static enum resp_verdict take_length(const char *data, size_t size, size_t *at, char sign,
                                     int64_t *length)
{
    struct text line;
    enum resp_verdict verdict = take_line(data, size, at, &line);

    if (verdict != RESP_COMPLETE)
        return verdict;
    if (line.size < 2 || line.data[0] != sign ||
        !text_integer((struct text){line.data + 1, line.size - 1}, length))
        return RESP_BROKEN;
    return RESP_COMPLETE;
}

static enum resp_verdict parse_array(struct resp_request *request, const char *data, size_t size,
                                     size_t *used, const char **why)
{
    int64_t count, length;
    enum resp_verdict verdict = take_length(data, size, used, '*', &count);

    *why = "invalid multibulk length";
    if (verdict != RESP_COMPLETE)
        return verdict;
    if (count > RESP_ARGUMENTS_MAX)
        return RESP_BROKEN;
    for (int64_t i = 0; i < count; i++) {
        *why = "expected '$' and a bulk length";
        verdict = take_length(data, size, used, '$', &length);
        if (verdict != RESP_COMPLETE)
            return verdict;
        *why = "invalid bulk length";
        if (length < 0 || (uint64_t)length > request->limit)
            return RESP_BROKEN;
        *why = "request too long";
        if (*used + (size_t)length > request->limit)
            return RESP_BROKEN;
        if (size - *used < (size_t)length + 2)
            return RESP_INCOMPLETE;
        *why = "bulk string without an end of line";
        if (data[*used + (size_t)length] != '\r' || data[*used + (size_t)length + 1] != '\n')
            return RESP_BROKEN;
        *why = "out of memory";
        if (!add(request, data + *used, (size_t)length))
            return RESP_BROKEN;
        *used += (size_t)length + 2;
    }
    return RESP_COMPLETE;
}

static bool blank(char c)
{
    return c == ' ' || c == '\t' || c == 0;
}

static int digit(char c)
{
    return c >= '0' && c <= '9'                 ? c - '0'
           : (c | 32) >= 'a' && (c | 32) <= 'f' ? (c | 32) - 'a' + 10
                                                : -1;
}

/* What stands behind a backslash at *i, between double quotes; *i moves to its last character. */
static char escaped(struct text line, size_t *i)
{
    static const char names[] = "nrtba", means[] = "\n\r\t\b\a";
    char c = line.data[++*i];
    const char *name = c ? strchr(names, c) : NULL;

    if (c == 'x' && *i + 2 < line.size && digit(line.data[*i + 1]) >= 0 &&
        digit(line.data[*i + 2]) >= 0) {
        *i += 2;
        return (char)(digit(line.data[*i - 1]) * 16 + digit(line.data[*i]));
    }
    return name ? means[name - names] : c;
}

/* A word at *i: as it is, or between quotes, behind which a blank must follow. *i moves behind it,
 * its characters go to *to. False: the quotes do not end well. */
static bool take_word(struct text line, size_t *i, char **to)
{
    char quote = line.data[*i] == '"' || line.data[*i] == '\'' ? line.data[*i] : 0;

    for (*i += quote != 0; *i < line.size; ++*i) {
        char c = line.data[*i];
        if (quote ? c == quote : blank(c))
            break;
        if (c == '\\' && *i + 1 < line.size &&
            (quote == '"' || (quote && line.data[*i + 1] == quote)))
            c = escaped(line, i);
        *(*to)++ = c;
    }
    if (!quote)
        return true;
    return *i < line.size && (++*i == line.size || blank(line.data[*i]));
}

/* Words between blanks, as redis-cli and Redis read them. */
static enum resp_verdict parse_inline(struct resp_request *request, const char *data, size_t size,
                                      size_t *used, const char **why)
{
    struct text line;
    enum resp_verdict verdict = take_line(data, size, used, &line);

    *why = "too big inline request";
    if (verdict != RESP_COMPLETE)
        return verdict;
    *why = "out of memory";
    char *to = realloc(request->line, line.size + 1);
    if (!to)
        return RESP_BROKEN;
    request->line = to;
    for (size_t i = 0; i < line.size;) {
        const char *begin = to;
        if (blank(line.data[i])) {
            i++;
            continue;
        }
        *why = "unbalanced quotes in request";
        if (!take_word(line, &i, &to))
            return RESP_BROKEN;
        *why = "out of memory";
        if (!add(request, begin, (size_t)(to - begin)))
            return RESP_BROKEN;
    }
    return RESP_COMPLETE;
}

enum resp_verdict resp_parse(struct resp_request *request, const char *data, size_t size,
                             size_t *used, const char **why)
{
    request->count = 0;
    *used = 0;
    if (size == 0)
        return RESP_INCOMPLETE;
    return data[0] == '*' ? parse_array(request, data, size, used, why)
                          : parse_inline(request, data, size, used, why);
}

void resp_free(struct resp_request *request)
{
    free(request->arguments);
    free(request->line);
    *request = (struct resp_request){.limit = request->limit};
}

/* ---- Replies ---------------------------------------------------------------------------- */

static bool room(struct reply *reply, size_t size)
{
    size_t capacity = reply->capacity ? reply->capacity : 256;

    if (reply->failed)
        return false;
    if (reply->capacity - reply->size >= size)
        return true;
    while (capacity - reply->size < size)
        capacity *= 2;
    char *data = realloc(reply->data, capacity);
    if (!data) {
        reply->failed = true;
        return false;
    }
    reply->data = data;
    reply->capacity = capacity;
    return true;
}

void reply_bytes(struct reply *reply, const void *data, size_t size)
{
    reply->too_long |= reply->limit > 0 && size > reply->limit - reply->size;
    if (reply->too_long)
        return;
    if (size > 0 && room(reply, size)) {
        memcpy(reply->data + reply->size, data, size);
        reply->size += size;
    }
}

void reply_status(struct reply *reply, const char *text)
{
    reply_bytes(reply, "+", 1);
    reply_bytes(reply, text, strlen(text));
    reply_bytes(reply, "\r\n", 2);
}

void reply_error(struct reply *reply, const char *format, ...)
{
    char text[ERROR_MAX];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    for (char *c = text; *c; c++)
        if (*c == '\r' || *c == '\n')
            *c = ' ';
    reply_bytes(reply, "-", 1);
    reply_bytes(reply, text, strlen(text));
    reply_bytes(reply, "\r\n", 2);
}

static void number(struct reply *reply, char sign, int64_t value)
{
    char text[32], *at = text + sizeof(text);
    uint64_t rest = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;

    *--at = '\n';
    *--at = '\r';
    do {
        *--at = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest > 0);
    if (value < 0)
        *--at = '-';
    *--at = sign;
    reply_bytes(reply, at, (size_t)(text + sizeof(text) - at));
}

void reply_integer(struct reply *reply, int64_t value)
{
    number(reply, ':', value);
}

void reply_bulk(struct reply *reply, const void *data, size_t size)
{
    number(reply, '$', (int64_t)size);
    reply_bytes(reply, data, size);
    reply_bytes(reply, "\r\n", 2);
}

void reply_text(struct reply *reply, const char *text)
{
    reply_bulk(reply, text, strlen(text));
}

void reply_nil(struct reply *reply)
{
    reply_bytes(reply, "$-1\r\n", 5);
}

void reply_nil_array(struct reply *reply)
{
    reply_bytes(reply, "*-1\r\n", 5);
}

void reply_array(struct reply *reply, size_t count)
{
    number(reply, '*', (int64_t)count);
}

void reply_clear(struct reply *reply)
{
    reply->size = 0;
    reply->failed = reply->too_long = false;
}

void reply_free(struct reply *reply)
{
    free(reply->data);
    *reply = (struct reply){0};
}
