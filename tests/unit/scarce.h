/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An allocator for tests: counts what is in use, so that a leak is seen, and
 * refuses the Nth request, alone or with all that follow. Pieces are exactly as
 * large as asked for and full of rubbish, so that memory checkers see every byte
 * too many and nothing may rely on zeros.
 */
#ifndef GCS_TESTS_UNIT_SCARCE_H
#define GCS_TESTS_UNIT_SCARCE_H

#include <gcs/core.h>

#include <stdlib.h>
#include <string.h>

struct scarce {
    struct gcs_allocator allocator;
    uint64_t live;    /* pieces in use */
    uint64_t asked;   /* requests so far */
    uint64_t fail_at; /* this request is refused, counted from 1; 0: none */
    bool for_good;    /* and all after it */
    uint64_t refused;
    size_t most; /* requests for more bytes are refused; 0: none are */
};

static inline void *scarce_allocate(void *ctx, size_t size)
{
    struct scarce *scarce = ctx;
    scarce->asked++;
    if (scarce->asked == scarce->fail_at || (scarce->most > 0 && size > scarce->most) ||
        (scarce->for_good && scarce->fail_at > 0 && scarce->asked > scarce->fail_at)) {
        scarce->refused++;
        return NULL;
    }
    void *memory = malloc(size);
    if (memory) {
        memset(memory, 0xa5, size);
        scarce->live++;
    }
    return memory;
}

static inline void scarce_release(void *ctx, void *memory)
{
    struct scarce *scarce = ctx;
    scarce->live -= memory != NULL;
    free(memory);
}

/* Must not be moved afterwards: the allocator refers to it. */
static inline void scarce_init(struct scarce *scarce)
{
    *scarce = (struct scarce){.allocator = {scarce, scarce_allocate, scarce_release}};
}

/* Refuses the nth request from now on; 0: none. */
static inline void scarce_fail(struct scarce *scarce, uint64_t nth, bool for_good)
{
    scarce->asked = 0;
    scarce->refused = 0;
    scarce->fail_at = nth;
    scarce->for_good = for_good;
}

#endif
