/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * RESP2, the protocol of Redis (https://redis.io/docs/latest/develop/reference/protocol-spec/):
 * requests are arrays of bulk strings, or one line of words; replies are written into a buffer
 * that grows. The parser takes what has arrived, believes no length before the bytes are there, and
 * points into the input: nothing is copied or allocated per argument. (hiredis' reader is for
 * replies: it knows no inline commands and allocates an object for each argument.)
 */
#ifndef KV_RESP_H
#define KV_RESP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A piece of somebody else's memory. */
struct text {
    const char *data;
    size_t size;
};

bool text_is(struct text text, const char *word); /* whatever the case of letters */
bool text_equal(struct text a, struct text b);
bool text_integer(struct text text, int64_t *value); /* as Redis reads it: "-12", no spaces */

/* ---- Requests --------------------------------------------------------------------------- */

#define RESP_ARGUMENTS_MAX 65536

struct resp_request {
    struct text *arguments; /* valid as long as the input is, until the next one is looked for */
    size_t count, capacity;
    size_t limit; /* longest request in bytes */
    char *line;   /* an inline command's words without their quotes */
};

enum resp_verdict { RESP_COMPLETE, RESP_INCOMPLETE, RESP_BROKEN };

/*
 * Looks for one request at the beginning of data. COMPLETE: *used bytes are it (count may be 0: an
 * empty line). INCOMPLETE: come again with more. BROKEN: *why says what is wrong with it.
 */
enum resp_verdict resp_parse(struct resp_request *request, const char *data, size_t size,
                             size_t *used, const char **why);
void resp_free(struct resp_request *request);

/* ---- Replies ---------------------------------------------------------------------------- */

struct reply {
    char *data;
    size_t size, capacity;
    size_t limit;  /* 0: none */
    bool too_long; /* it would have been more than that: what is there is not to be used */
    bool failed;   /* out of memory: what is there is not to be used */
};

void reply_bytes(struct reply *reply, const void *data, size_t size);
void reply_status(struct reply *reply, const char *text); /* +text */
void reply_error(struct reply *reply, const char *format, ...)
    __attribute__((format(printf, 2, 3))); /* -text */
void reply_integer(struct reply *reply, int64_t value);
void reply_bulk(struct reply *reply, const void *data, size_t size);
void reply_text(struct reply *reply, const char *text); /* as a bulk string */
void reply_nil(struct reply *reply);
void reply_nil_array(struct reply *reply);
void reply_array(struct reply *reply, size_t count);
void reply_clear(struct reply *reply); /* empty; keeps the memory */
void reply_free(struct reply *reply);

#endif
