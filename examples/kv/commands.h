/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The commands on data, as Redis has them: functions of the store, the arguments, the agreed time
 * and an agreed random number. What concerns a connection (MULTI, INFO, ...) is in session.c.
 *
 *   strings.c  hashes.c  lists.c  sets.c  zsets.c  zranges.c  keys.c; tables.c for hashes and sets
 */
#ifndef KV_COMMANDS_H
#define KV_COMMANDS_H

#include "store.h"

struct call {
    struct store *store;
    const char *name;        /* in small letters */
    const struct text *args; /* args[0] is the command's name */
    size_t count;
    uint64_t seed;
    struct reply *reply;
};

struct command {
    const char *name;
    int arity;   /* arguments with the name; negative: at least so many */
    bool writes; /* or only reads */
    void (*run)(struct call *call);
};

extern const struct command commands_strings[], commands_hashes[], commands_lists[],
    commands_sets[], commands_zsets[], commands_zranges[],
    commands_keys[]; /* each ends with a NULL name */

const struct command *command_find(struct text name);
size_t command_count(void);
/* NULL if the number of arguments is right. */
const char *command_misuse(const struct command *command, size_t count);

/* ---- For the commands -------------------------------------------------------------------- */

/* The entry of a key and kind; *wrong: there is one of another kind, and the reply says so. */
struct entry *call_find(struct call *call, struct text key, enum kind kind, bool *wrong);
/* The same, made if there was none. NULL: wrong kind (said), or out of memory. */
struct entry *call_want(struct call *call, struct text key, enum kind kind);
/* An empty list, table or sorted set has no key. */
void call_drop_empty(struct call *call, struct entry *entry);
bool call_integer(struct call *call, struct text text, int64_t *value); /* false: said */
bool call_cursor(struct call *call, struct text text, uint64_t *cursor);
/* As Redis reads scores: infinite ones too, but no NaN, no spaces, and none out of range. */
bool text_decimal(struct text text, double *value);
/* The sum of a number as text (NULL: 0) and another, as text. False: said. */
enum { DECIMAL_MAX = 340 };
bool call_add_decimal(struct call *call, const struct bytes *value, struct text by,
                      char sum[DECIMAL_MAX]);
/* A time in units of so many ns from now on, or absolute. False: said. */
bool call_expiry(struct call *call, struct text text, uint64_t unit, bool absolute,
                 uint64_t *expires);
/* A word of SET or GETEX about expiry: EX, PX, EXAT or PXAT at args[*i], which moves to its number.
 * False: it is none of these, or there was one before, or no number (said). */
bool call_expiry_option(struct call *call, size_t *i, uint64_t *expires);
void call_wrong_count(struct call *call); /* says so */
/* Ranges as in LRANGE: negative ones count from the end. False: empty. */
bool call_range(int64_t *first, int64_t *last, size_t count);
bool glob_matches(struct text pattern, struct text text);
/* MATCH, COUNT and, where kind is not NULL, TYPE of the scans, from args[from] on. False: said. */
bool call_scan_options(struct call *call, size_t from, struct text *match, struct text *kind,
                       size_t *limit);
/* A cursor and an array. */
void call_scan_reply(struct call *call, uint64_t cursor, const struct reply *items, size_t count);

/* The table of a hash or a set, as call_find(). */
struct table *call_table(struct call *call, struct text key, enum kind kind, bool *wrong);
/* HDEL and SREM, HLEN and SCARD, HEXISTS and SISMEMBER, HSCAN and SSCAN. */
void call_table_remove(struct call *call, enum kind kind);
void call_table_count(struct call *call, enum kind kind);
void call_table_has(struct call *call, enum kind kind);
void call_table_scan(struct call *call, enum kind kind, bool values);

/* The sorted set of a key, as call_find(). */
struct sorted *call_sorted(struct call *call, struct text key, bool *wrong);
void call_reply_score(struct call *call, double score);

static inline void call_syntax(struct call *call)
{
    reply_error(call->reply, "ERR syntax error");
}

#endif
