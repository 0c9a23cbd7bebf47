/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The table and the heap of watched peers: see peers.h. Both grow by doubling;
 * a table that could not grow only gets slower.
 */
#include "views/peers.h"

#include "gcs/base/memory.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

static struct gcs_peer **bucket_of(const struct gcs_peers *peers, const struct gcs_address *address)
{
    uint64_t hash = XXH3_64bits(address->bytes, address->length);
    return &peers->buckets[hash & (peers->buckets_count - 1)];
}

struct gcs_peer *gcs_peers_find(const struct gcs_peers *peers, const struct gcs_address *address)
{
    if (peers->buckets_count == 0)
        return NULL;
    struct gcs_peer *peer = *bucket_of(peers, address);
    while (peer && !gcs_address_equal(&peer->address, address))
        peer = peer->next;
    return peer;
}

/* ---- Heap ------------------------------------------------------------------------------- */

static void put(struct gcs_peers *peers, uint32_t place, struct gcs_peer *peer)
{
    peers->heap[place] = peer;
    peer->place = place;
}

static void sift_up(struct gcs_peers *peers, struct gcs_peer *peer)
{
    uint32_t place = peer->place;
    while (place > 0 && peers->heap[(place - 1) / 2]->due > peer->due) {
        put(peers, place, peers->heap[(place - 1) / 2]);
        place = (place - 1) / 2;
    }
    put(peers, place, peer);
}

static void sift_down(struct gcs_peers *peers, struct gcs_peer *peer)
{
    uint32_t place = peer->place;
    for (;;) {
        uint32_t child = 2 * place + 1;
        if (child >= peers->count)
            break;
        if (child + 1 < peers->count && peers->heap[child + 1]->due < peers->heap[child]->due)
            child++;
        if (peers->heap[child]->due >= peer->due)
            break;
        put(peers, place, peers->heap[child]);
        place = child;
    }
    put(peers, place, peer);
}

void gcs_peers_set_due(struct gcs_peers *peers, struct gcs_peer *peer, uint64_t due)
{
    bool earlier = due < peer->due;
    peer->due = due;
    if (earlier)
        sift_up(peers, peer);
    else
        sift_down(peers, peer);
}

/* Lowering everything to the same bound keeps the heap's order. */
void gcs_peers_all_due(struct gcs_peers *peers, uint64_t due)
{
    for (uint32_t i = 0; i < peers->count; i++)
        if (peers->heap[i]->due > due)
            peers->heap[i]->due = due;
}

struct gcs_peer *gcs_peers_first(const struct gcs_peers *peers)
{
    return peers->count > 0 ? peers->heap[0] : NULL;
}

/* ---- Growing ---------------------------------------------------------------------------- */

static bool grow_heap(struct gcs_peers *peers)
{
    if (peers->count < peers->room)
        return true;
    uint32_t room = peers->room ? peers->room * 2 : 16;
    struct gcs_peer **heap = gcs_allocate(peers->allocator, room, sizeof(struct gcs_peer *));
    if (!heap)
        return false;
    for (uint32_t i = 0; i < peers->count; i++)
        heap[i] = peers->heap[i];
    gcs_release(peers->allocator, peers->heap);
    peers->heap = heap;
    peers->room = room;
    return true;
}

static bool grow_table(struct gcs_peers *peers)
{
    if (peers->count < peers->buckets_count)
        return true;
    uint32_t count = peers->buckets_count ? peers->buckets_count * 2 : 16;
    struct gcs_peer **buckets = gcs_allocate(peers->allocator, count, sizeof(struct gcs_peer *));
    if (!buckets)
        return peers->buckets_count > 0;
    gcs_release(peers->allocator, peers->buckets);
    peers->buckets = buckets;
    peers->buckets_count = count;
    for (uint32_t i = 0; i < peers->count; i++) {
        struct gcs_peer **bucket = bucket_of(peers, &peers->heap[i]->address);
        peers->heap[i]->next = *bucket;
        *bucket = peers->heap[i];
    }
    return true;
}

struct gcs_peer *gcs_peers_add(struct gcs_peers *peers, const struct gcs_address *address)
{
    if (!grow_heap(peers) || !grow_table(peers))
        return NULL;
    struct gcs_peer *peer = gcs_allocate(peers->allocator, 1, sizeof(*peer));
    if (!peer)
        return NULL;
    peer->address = *address;
    struct gcs_peer **bucket = bucket_of(peers, address);
    peer->next = *bucket;
    *bucket = peer;
    put(peers, peers->count++, peer);
    sift_up(peers, peer);
    return peer;
}

void gcs_peers_remove(struct gcs_peers *peers, struct gcs_peer *peer)
{
    struct gcs_peer **link = bucket_of(peers, &peer->address);
    while (*link != peer)
        link = &(*link)->next;
    *link = peer->next;

    struct gcs_peer *last = peers->heap[--peers->count];
    if (last != peer) {
        put(peers, peer->place, last);
        sift_up(peers, last);
        sift_down(peers, last);
    }
    gcs_release(peers->allocator, peer);
}

void gcs_peers_fini(struct gcs_peers *peers)
{
    for (uint32_t i = 0; i < peers->count; i++)
        gcs_release(peers->allocator, peers->heap[i]);
    gcs_release(peers->allocator, peers->heap);
    gcs_release(peers->allocator, peers->buckets);
}
