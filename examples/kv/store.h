/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data: keys with strings, hashes, lists, sets and sorted sets, and when they expire. A
 * function of the calls made: the same calls give the same store on every machine, also what a copy
 * by dump and load goes on as (elements keep their order). Tables are uthash's.
 */
#ifndef KV_STORE_H
#define KV_STORE_H

#include "resp.h"

/* One that clang has nothing to say about: the default one falls through the cases of a switch. */
#define HASH_FUNCTION(key, size, hash) HASH_OAT(key, size, hash)
#include <uthash.h>

enum kind { KIND_STRING = 1, KIND_HASH, KIND_LIST, KIND_SET, KIND_SORTED };

struct bytes { /* owned */
    char *data;
    size_t size;
};

/* A field of a hash, or a member of a set (no value). */
struct field {
    struct bytes name, value;
    size_t index; /* in its table's order */
    UT_hash_handle hh;
};

/* Fields by name, and in an order that a random number can pick from and that a copy has too: what
 * uthash makes of its buckets depends on what has been in them, and must not be seen. */
struct table {
    struct field *fields; /* uthash */
    struct field **order;
    size_t count, capacity;
};

/* A ring of strings. */
struct list {
    struct bytes *items;
    size_t first, count, capacity;
};

struct member {
    struct bytes name;
    double score; /* never NaN */
    UT_hash_handle hh;
};

/* Members by name, and by score; those of the same score by their bytes. */
struct sorted {
    struct member *members; /* uthash */
    struct member **order;
    size_t count, capacity;
};

struct entry {
    struct bytes key;
    size_t index; /* in the store's order */
    enum kind kind;
    uint64_t expires; /* group time in ns; 0: never */
    size_t heap;      /* index in the store's heap + 1; 0: not in it */
    union {
        struct bytes string;
        struct table table;
        struct list list;
        struct sorted sorted;
    } value;
    UT_hash_handle hh;
};

#define STORE_VERSIONS 4096

struct store {
    struct entry *entries; /* uthash */
    struct entry **order;  /* as in a table */
    size_t count, capacity;
    struct entry **heap; /* by time of expiry */
    size_t heap_count, heap_capacity;
    uint64_t now;    /* group time */
    uint64_t number; /* of the command that is being applied */
    uint64_t chain;  /* a digest of all that commands have answered */
    bool failed;     /* out of memory: what is there is not to be trusted */
    /* When a key of that hash was changed last, for WATCH: also keys that are gone. */
    uint64_t versions[STORE_VERSIONS];
};

void store_clear(struct store *store);
size_t store_count(const struct store *store);

/* Keys whose time has come are gone. */
void store_expire(struct store *store);

/* NULL: there is none, or it has expired. Changes nothing. */
struct entry *store_find(const struct store *store, struct text key);
/* An empty value of that kind instead of whatever there was. NULL: out of memory (failed). */
struct entry *store_create(struct store *store, struct text key, enum kind kind);
void store_delete(struct store *store, struct entry *entry);
void store_set_expiry(struct store *store, struct entry *entry, uint64_t expires);
/* The key was changed by the current command. */
void store_touch(struct store *store, struct text key);
uint64_t store_version(const struct store *store, struct text key);

bool bytes_set(struct store *store, struct bytes *bytes, const void *data, size_t size);

struct field *table_find(const struct table *table, struct text name);
struct field *table_add(struct store *store, struct table *table, struct text name);
void table_remove(struct table *table, struct field *field);

struct bytes *list_at(const struct list *list, size_t index);
bool list_push(struct store *store, struct list *list, bool left, struct text item);
struct bytes list_pop(struct list *list, bool left); /* the caller frees data */
void list_remove(struct list *list, size_t index);   /* frees the item */

/* Ranks count from 0, the lowest score; of count members every one has a rank below count. */
struct member *sorted_find(const struct sorted *sorted, struct text name);
/* Adds it, or gives it another score. NULL: out of memory (failed). */
struct member *sorted_set(struct store *store, struct sorted *sorted, struct text name,
                          double score);
void sorted_remove(struct sorted *sorted, size_t first, size_t count); /* by rank */
size_t sorted_rank(const struct sorted *sorted, const struct member *member);
/* How many have a lower score, or that score too. */
size_t sorted_below(const struct sorted *sorted, double score, bool inclusive);
void sorted_free(struct sorted *sorted);

/*
 * SCAN over entries or fields, from the end of their order down: visits so many of them, returns
 * the next cursor, 0 at the end. Whoever was there all the time is visited: the place of one that
 * goes is taken by the last, which has been visited or is still in front of the cursor.
 */
uint64_t scan_entries(const struct store *store, uint64_t cursor, size_t count, void *ctx,
                      void (*visit)(void *ctx, const struct entry *entry));
uint64_t scan_table(const struct table *table, uint64_t cursor, size_t count, void *ctx,
                    void (*visit)(void *ctx, const struct field *field));

/* As bytes. load: false if they make no sense; the store is empty then. */
void store_dump(const struct store *store, struct reply *out);
bool store_load(struct store *store, const char *data, size_t size);

#endif
