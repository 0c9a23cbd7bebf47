/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What gcs-lab and its member processes say to each other, in lines of text
 * over two pipes: a member reads commands from its standard input and writes
 * reports to its standard output. Its standard error is a file that stays
 * empty as long as all is well.
 *
 *     go                       begin to multicast
 *     quiet                    multicast no more
 *     leave MS                 leave gracefully, join again MS later
 *     quit                     leave gracefully, and end
 *     slow US MS               for MS milliseconds one event in US microseconds
 *
 *     clock TIME               its clock deviates from here on
 *     state ...                see LAB_STATE_TABLE
 *     counters ...             those of the endpoint, in the order of GCS_COUNTER_TABLE
 *     chain MEMBER COUNT HASH  what the application has got in a membership (see below)
 *     left MEMBER ERROR        a membership has ended, 0: gracefully
 *     wrong TEXT               the application has found something wrong
 *
 * The chain condenses the events of one membership, so that what the library
 * gave the application can be compared with what its trace says.
 */
#ifndef TESTS_LAB_WORDS_H
#define TESTS_LAB_WORDS_H

#include <stdbool.h>
#include <stdint.h>

/* X(name, what it is) */
#define LAB_STATE_TABLE(X)                                                \
    X(joined, "has had a view in this membership")                        \
    X(primary, "is in the primary")                                       \
    X(idle, "multicasts nothing now, and nothing waits for room")         \
    X(epoch, "of the view")                                               \
    X(proposer, "of the view")                                            \
    X(count, "members of the view")                                       \
    X(coordinator, "lab_chain_text of the address of rank 0")             \
    X(accepted, "own messages that the library took, in this membership") \
    X(own, "own messages delivered, in this membership")                  \
    X(own_in_view, "own messages delivered, in this view")                \
    X(in_view, "messages delivered, in this view")                        \
    X(sent_bytes, "bytes of own messages, in all memberships")            \
    X(suspicions, "of peers, by all endpoints of this process")           \
    X(waited_ns, "for a processor, that thread which waited most")

struct lab_state {
#define LAB_STATE_FIELD(name, text) uint64_t name;
    LAB_STATE_TABLE(LAB_STATE_FIELD)
#undef LAB_STATE_FIELD
};

struct lab_chain {
    uint64_t count;
    uint64_t hash;
};

static inline uint64_t lab_chain_text(const char *text)
{
    uint64_t hash = 0xcbf29ce484222325U; /* FNV-1a */

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 0x100000001b3U;
    return hash;
}

static inline void lab_chain_mix(struct lab_chain *chain, uint64_t value)
{
    chain->hash = (chain->hash ^ value) * 0x9e3779b97f4a7c15U;
    chain->hash ^= chain->hash >> 29;
}

/* sender: lab_chain_text of its name. service: enum gcs_service. */
static inline void lab_chain_message(struct lab_chain *chain, uint64_t sender, uint64_t number,
                                     unsigned service, uint64_t hash)
{
    chain->count++;
    lab_chain_mix(chain, sender);
    lab_chain_mix(chain, number << 8 | service);
    lab_chain_mix(chain, hash);
}

static inline void lab_chain_view(struct lab_chain *chain, uint32_t epoch, bool primary)
{
    chain->count++;
    lab_chain_mix(chain, (uint64_t)epoch << 1 | primary);
}

#endif
