/* SPDX-License-Identifier: BSD-3-Clause */
/* A set of ranks of one view: what is true of few members costs little in a large view. */
#ifndef GCS_BASE_RANKSET_H
#define GCS_BASE_RANKSET_H

#include <gcs/types.h>

#define GCS_RANKSET_WORDS (GCS_MEMBERS_MAX / 64)

struct gcs_rankset {
    uint64_t word[GCS_RANKSET_WORDS];
};

static inline void gcs_rankset_add(struct gcs_rankset *set, uint16_t rank)
{
    set->word[rank / 64] |= UINT64_C(1) << rank % 64;
}

static inline void gcs_rankset_remove(struct gcs_rankset *set, uint16_t rank)
{
    set->word[rank / 64] &= ~(UINT64_C(1) << rank % 64);
}

/* The first rank from `from` on that is in the set; GCS_MEMBERS_MAX: none. */
static inline uint16_t gcs_rankset_next(const struct gcs_rankset *set, uint16_t from)
{
    uint16_t word = from / 64;
    if (from >= GCS_MEMBERS_MAX)
        return GCS_MEMBERS_MAX;
    uint64_t bits = set->word[word] & (UINT64_MAX << from % 64);
    while (bits == 0 && ++word < GCS_RANKSET_WORDS)
        bits = set->word[word];
    return bits == 0 ? GCS_MEMBERS_MAX : (uint16_t)(word * 64 + __builtin_ctzll(bits));
}

#endif
