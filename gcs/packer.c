/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing and cutting: see packer.h. */
#include "gcs/packer.h"

#include "gcs/base/mutant.h"

#include <assert.h>

#define CONTROL_ROOM_MIN   128u
#define CONTROL_ROOM_MAX   1024u
#define CONTROL_ROOM_SHARE 16u /* of the packet; so a packet of 9000 bytes has room for 8192 */
#define SPARE_MAX          64u
#define LOOK_AHEAD         8u  /* a long message often has a few small ones before it */
#define MESSAGE_OVERHEAD   16u /* charged to the queue for each message beyond its bytes */

/* The payload of one packet, messages packed together; or one message that is to be cut. */
struct gcs_pack {
    struct gcs_pack *next;
    struct gcs_buffer *buffer; /* packed: the payload lies behind the headroom */
    uint32_t used;             /* packed: bytes of payload; to be cut: bytes that were taken */
    uint32_t count;            /* messages */
    uint64_t charge;           /* bytes of the queue that are free again with it */
    uint32_t whole;            /* to be cut: bytes of the message, which lies behind its size */
    uint64_t first;
    uint8_t service;
};

static uint32_t control_room(uint32_t packet_bytes)
{
    uint32_t room = packet_bytes / CONTROL_ROOM_SHARE;
    if (room < CONTROL_ROOM_MIN)
        return CONTROL_ROOM_MIN;
    return room > CONTROL_ROOM_MAX ? CONTROL_ROOM_MAX : room;
}

void gcs_packer_init(struct gcs_packer *packer, struct gcs_pool *pool, uint32_t packet_bytes)
{
    uint32_t headroom = GCS_PACKET_HEADER + control_room(packet_bytes);
    *packer = (struct gcs_packer){
        .pool = pool,
        .headroom = headroom,
        .payload_max = packet_bytes - headroom,
        .next = 1,
    };
}

static struct gcs_pack *new_pack(struct gcs_packer *packer)
{
    struct gcs_pack *pack = packer->spare;
    if (!pack)
        return gcs_allocate(packer->pool->allocator, 1, sizeof(*pack));
    packer->spare = pack->next;
    packer->spare_count--;
    *pack = (struct gcs_pack){.next = NULL};
    return pack;
}

static void free_pack(struct gcs_packer *packer, struct gcs_pack *pack)
{
    if (packer->spare_count == SPARE_MAX) {
        gcs_release(packer->pool->allocator, pack);
        return;
    }
    pack->next = packer->spare;
    packer->spare = pack;
    packer->spare_count++;
}

static void drop(struct gcs_packer *packer, struct gcs_pack *pack)
{
    gcs_buffer_unref(pack->buffer);
    free_pack(packer, pack);
}

static void drop_list(struct gcs_packer *packer, struct gcs_pack *pack)
{
    while (pack) {
        struct gcs_pack *next = pack->next;
        drop(packer, pack);
        pack = next;
    }
}

/* The last fragment was taken by the call before: its message will not be asked for again. */
static void drop_finished(struct gcs_packer *packer)
{
    if (packer->finished)
        drop(packer, packer->finished);
    packer->finished = NULL;
}

void gcs_packer_fini(struct gcs_packer *packer)
{
    gcs_packer_cancel(packer);
    drop_finished(packer);
    drop_list(packer, packer->head);
    packer->head = packer->tail = NULL;
    while (packer->spare)
        gcs_release(packer->pool->allocator, new_pack(packer));
}

static struct gcs_pack *new_payload(struct gcs_packer *packer, uint8_t service, size_t size)
{
    struct gcs_pack *pack = new_pack(packer);
    if (!pack)
        return NULL;
    pack->buffer = gcs_pool_get(packer->pool, packer->headroom + size);
    if (!pack->buffer) {
        free_pack(packer, pack);
        return NULL;
    }
    pack->service = service;
    pack->first = packer->next;
    return pack;
}

static void append(struct gcs_packer *packer, struct gcs_pack *first, struct gcs_pack *last)
{
    if (packer->tail)
        packer->tail->next = first;
    else
        packer->head = first;
    packer->tail = last;
}

/* Room for more bytes of payload in the pack's buffer, which may move to a larger one. */
static bool make_room(struct gcs_packer *packer, struct gcs_pack *pack, uint32_t more)
{
    uint32_t used = packer->headroom + pack->used;
    if (used + more <= pack->buffer->size)
        return true;
    struct gcs_buffer *larger = gcs_pool_get(packer->pool, packer->headroom + packer->payload_max);
    if (!larger)
        return false;
    gcs_pool_copy(packer->pool, larger->data + packer->headroom,
                  pack->buffer->data + packer->headroom, pack->used);
    gcs_buffer_unref(pack->buffer);
    pack->buffer = larger;
    return true;
}

static void charge(struct gcs_packer *packer, struct gcs_pack *pack, uint32_t size)
{
    pack->count++;
    pack->charge += (uint64_t)size + MESSAGE_OVERHEAD;
    packer->bytes += (uint64_t)size + MESSAGE_OVERHEAD;
}

/* The last pack, if it has room for so many more bytes of payload. NULL: one more is needed. */
static struct gcs_pack *open_pack(struct gcs_packer *packer, uint8_t service, uint32_t need)
{
    struct gcs_pack *pack = packer->tail;
    bool open = pack && pack != packer->room.pack && !pack->whole && pack->service == service &&
                pack->used + need <= packer->payload_max;
    return open ? pack : NULL;
}

/* Writes the size; the message's bytes, which are there or follow, belong behind it. */
static uint8_t *begin_message(struct gcs_packer *packer, struct gcs_pack *pack, uint32_t size)
{
    struct gcs_writer w = gcs_writer_over(pack->buffer->data + packer->headroom + pack->used,
                                          gcs_message_prefix(size));
    gcs_write_varint(&w, size);
    assert(!w.bad);
    pack->used += gcs_message_prefix(size) + size;
    charge(packer, pack, size);
    return w.at;
}

static int add_packed(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    uint32_t need = gcs_message_prefix(size) + size;
    struct gcs_pack *pack = open_pack(packer, service, need);
    if (!pack) {
        pack = new_payload(packer, service, need);
        if (!pack)
            return GCS_ENOMEM;
        append(packer, pack, pack);
    } else if (!make_room(packer, pack, need)) {
        return GCS_ENOMEM;
    }
    uint8_t *bytes = begin_message(packer, pack, size);
    gcs_pool_copy(packer->pool, bytes, data, size);
    return 0;
}

/* Behind room for its size, so that it is a payload as well. */
static struct gcs_buffer *new_whole(struct gcs_packer *packer, uint32_t size)
{
    return gcs_pool_get(packer->pool, (size_t)size + GCS_MESSAGE_SIZE_MAX);
}

/* Takes over the reference to the buffer. */
static int add_whole(struct gcs_packer *packer, uint8_t service, struct gcs_buffer *buffer,
                     uint32_t size)
{
    struct gcs_pack *pack = new_pack(packer);
    if (!pack)
        return GCS_ENOMEM;
    struct gcs_writer w = gcs_writer_over(
        buffer->data + GCS_MESSAGE_SIZE_MAX - gcs_message_prefix(size), gcs_message_prefix(size));
    gcs_write_varint(&w, size);
    pack->buffer = buffer;
    pack->service = service;
    pack->first = packer->next;
    pack->whole = size;
    charge(packer, pack, size);
    append(packer, pack, pack);
    return 0;
}

static int add_cut(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    struct gcs_buffer *buffer = new_whole(packer, size);
    if (!buffer)
        return GCS_ENOMEM;
    gcs_pool_copy(packer->pool, buffer->data + GCS_MESSAGE_SIZE_MAX, data, size);
    int result = add_whole(packer, service, buffer, size);
    if (result < 0)
        gcs_buffer_unref(buffer);
    return result;
}

static bool fits(const struct gcs_packer *packer, size_t size)
{
    return gcs_message_prefix(size) + size <= packer->payload_max;
}

int gcs_packer_add(struct gcs_packer *packer, uint8_t service, const void *data, size_t size)
{
    assert(size <= UINT32_MAX);
    drop_finished(packer);
    int result = fits(packer, size) ? add_packed(packer, service, data, (uint32_t)size)
                                    : add_cut(packer, service, data, (uint32_t)size);
    if (result == 0)
        packer->next++;
    return result;
}

/* ---- Room that is filled by somebody else ---------------------------------------------------- */

/* In the last packet, or in one of its own; what is to be cut is there as a whole. */
static bool find_room(struct gcs_packer *packer, struct gcs_room *room)
{
    if (!fits(packer, room->size)) {
        room->buffer = new_whole(packer, room->size);
        room->data = room->buffer ? room->buffer->data + GCS_MESSAGE_SIZE_MAX : NULL;
        room->whole = true;
        return room->buffer;
    }
    uint32_t prefix = gcs_message_prefix(room->size), need = prefix + room->size;
    room->pack = open_pack(packer, room->service, need);
    room->fresh = !room->pack;
    if (room->fresh)
        room->pack = new_payload(packer, room->service, need);
    if (!room->pack || !make_room(packer, room->pack, need))
        return false;
    room->buffer = gcs_buffer_ref(room->pack->buffer);
    room->data = room->buffer->data + packer->headroom + room->pack->used + prefix;
    return true;
}

int gcs_packer_reserve(struct gcs_packer *packer, uint8_t service, size_t size, uint8_t **data)
{
    struct gcs_room room = {.service = service, .size = (uint32_t)size};
    assert(!packer->room.buffer && size <= UINT32_MAX);
    drop_finished(packer);
    if (!find_room(packer, &room))
        return GCS_ENOMEM;
    packer->room = room;
    *data = room.data;
    return 0;
}

static void let_go_of_room(struct gcs_packer *packer)
{
    gcs_buffer_unref(packer->room.buffer);
    packer->room = (struct gcs_room){.buffer = NULL};
}

void gcs_packer_cancel(struct gcs_packer *packer)
{
    if (packer->room.fresh)
        drop(packer, packer->room.pack);
    let_go_of_room(packer);
}

/* As long as nothing was queued behind the packet: messages in a packet have numbers in a row.
 * The message is where it will be sent from, but that a shorter one has a shorter size before it.
 */
static void commit_in_place(struct gcs_packer *packer, uint32_t size)
{
    struct gcs_room *room = &packer->room;
    uint8_t *bytes =
        room->pack->buffer->data + packer->headroom + room->pack->used + gcs_message_prefix(size);
    if (bytes != room->data)
        memmove(bytes, room->data, size);
    if (room->fresh) {
        room->pack->first = packer->next;
        append(packer, room->pack, room->pack);
    }
    (void)begin_message(packer, room->pack, size);
    packer->next++;
}

static int commit_whole(struct gcs_packer *packer, uint32_t size)
{
    struct gcs_room *room = &packer->room;
    int result = add_whole(packer, room->service, room->buffer, size);
    if (result == 0) {
        packer->next++;
        gcs_buffer_ref(room->buffer);
    }
    return result;
}

int gcs_packer_commit(struct gcs_packer *packer, size_t size)
{
    struct gcs_room *room = &packer->room;
    assert(room->buffer && size <= room->size);
    drop_finished(packer);
    int result = 0;
    if (room->whole && !fits(packer, size))
        result = commit_whole(packer, (uint32_t)size);
    else if (room->pack && (room->fresh || room->pack == packer->tail))
        commit_in_place(packer, (uint32_t)size);
    else
        result = gcs_packer_add(packer, room->service, room->data, size);
    if (result == 0)
        let_go_of_room(packer);
    return result;
}

bool gcs_packer_open(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = packer->head;
    return pack && !pack->whole && !pack->next &&
           pack->used < packer->payload_max - packer->payload_max / 4;
}

/* Bytes of the message in its next fragment. */
static uint32_t next_piece(const struct gcs_packer *packer, const struct gcs_pack *pack)
{
    uint32_t most = packer->payload_max - GCS_FRAGMENT_HEADER, left = pack->whole - pack->used;
    return left < most ? left : most;
}

uint32_t gcs_packer_next_size(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = packer->head;
    if (!pack || !pack->whole)
        return pack ? pack->used : 0;
    return GCS_FRAGMENT_HEADER + next_piece(packer, pack);
}

uint32_t gcs_packer_begins(const struct gcs_packer *packer)
{
    return packer->head && packer->head->used == 0 ? packer->head->whole : 0;
}

bool gcs_packer_uncut(const struct gcs_packer *packer, uint64_t from, uint32_t least,
                      struct gcs_uncut *uncut)
{
    const struct gcs_pack *pack = packer->head;
    for (unsigned looks = 0; pack && looks < LOOK_AHEAD; looks++, pack = pack->next) {
        if (pack->used > 0 || pack->whole < least || pack->first < from)
            continue;
        *uncut = (struct gcs_uncut){pack->first, pack->whole, pack->buffer};
        return true;
    }
    return false;
}

uint8_t gcs_packer_next_service(const struct gcs_packer *packer)
{
    return packer->head ? packer->head->service : 0;
}

static void unlink_head(struct gcs_packer *packer)
{
    struct gcs_pack *pack = packer->head;
    packer->head = pack->next;
    if (!packer->head)
        packer->tail = NULL;
    packer->bytes -= pack->charge;
}

/* A fragment is copied to where it is sent from only now: so a long message costs its own bytes,
 * and no more work at once than its packets. */
static int take_piece(struct gcs_packer *packer, struct gcs_pack *pack, struct gcs_packing *packing)
{
    uint32_t piece = next_piece(packer, pack);
    packing->size = GCS_FRAGMENT_HEADER + piece;
    packing->buffer = gcs_pool_get(packer->pool, packer->headroom + packing->size);
    if (!packing->buffer)
        return GCS_ENOMEM;
    uint8_t *payload = packing->buffer->data + packer->headroom;
    gcs_store_le(payload, pack->whole, 4);
    gcs_store_le(payload + 4, pack->used, 4);
    memcpy(payload + GCS_FRAGMENT_HEADER, pack->buffer->data + GCS_MESSAGE_SIZE_MAX + pack->used,
           piece);
    pack->used += piece;
    packing->flags = GCS_PACKET_FRAGMENT;
    if (pack->used < pack->whole)
        return 0;
    packing->count = pack->count;
    packing->whole_size = pack->whole;
    unlink_head(packer);
    packer->finished = pack;
    return 0;
}

int gcs_packer_take(struct gcs_packer *packer, struct gcs_packing *packing)
{
    drop_finished(packer);
    struct gcs_pack *pack = packer->head;
    if (!pack)
        return GCS_EAGAIN;
    *packing = (struct gcs_packing){.first = pack->first, .service = pack->service};
    if (pack->whole)
        return take_piece(packer, pack, packing);
    packing->buffer = gcs_buffer_ref(pack->buffer);
    packing->size = pack->used;
    packing->count = pack->count;
    unlink_head(packer);
    if (pack == packer->room.pack) /* it goes without the message that is being written */
        packer->room.pack = NULL;
    drop(packer, pack);
    return 0;
}

const uint8_t *gcs_packer_whole(const struct gcs_packer *packer)
{
    return packer->finished->buffer->data + GCS_MESSAGE_SIZE_MAX;
}

void gcs_packer_rewind(struct gcs_packer *packer)
{
    bool begun = packer->head && packer->head->whole && packer->head->used > 0;
    if (GCS_MUTANT(begun_renumbered) && begun)
        packer->head->first++;
    if (begun && !GCS_MUTANT(begun_goes_on))
        packer->head->used = 0;
}

uint64_t gcs_packer_front(const struct gcs_packer *packer)
{
    return packer->head ? packer->head->first : packer->next;
}

void gcs_packer_renumber(struct gcs_packer *packer)
{
    uint64_t sent = gcs_packer_front(packer) - 1;
    for (struct gcs_pack *pack = packer->head; pack; pack = pack->next)
        pack->first -= sent;
    packer->next -= sent;
}
