/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing and cutting: see packer.h. */
#include "gcs/packer.h"

#include <assert.h>

#define CONTROL_ROOM_MIN   128u
#define CONTROL_ROOM_MAX   1024u
#define CONTROL_ROOM_SHARE 16u /* of the packet; so a packet of 9000 bytes has room for 8192 */
#define SPARE_MAX          64u
#define MESSAGE_OVERHEAD   16u /* charged to the queue for each message beyond its bytes */

/* The payload of one packet: messages packed together, or a fragment of one. */
struct gcs_pack {
    struct gcs_pack *next;
    struct gcs_buffer *buffer; /* the payload lies behind the headroom */
    uint32_t used;             /* bytes of payload */
    uint32_t count;            /* messages; 0: a fragment that is not the last */
    uint32_t charge;           /* bytes of the queue that are free again with it */
    uint32_t whole;            /* a fragment: bytes of its message */
    uint64_t first;
    uint8_t service;
    bool sent; /* the buffer is part of a packet already: it must not change any more */
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

void gcs_packer_fini(struct gcs_packer *packer)
{
    gcs_packer_cancel(packer);
    drop_list(packer, packer->head);
    drop_list(packer, packer->begun);
    packer->head = packer->tail = packer->begun = NULL;
    while (packer->spare)
        gcs_release(packer->pool->allocator, new_pack(packer));
}

/* The last fragment was taken by the call before: its message will not be asked for again. */
static void drop_finished(struct gcs_packer *packer)
{
    if (packer->begun && packer->begun_last->count > 0) {
        drop_list(packer, packer->begun);
        packer->begun = NULL;
    }
}

static uint32_t varint_size(size_t value)
{
    uint32_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
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
    pack->charge += size + MESSAGE_OVERHEAD;
    packer->bytes += size + MESSAGE_OVERHEAD;
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
    struct gcs_writer w =
        gcs_writer_over(pack->buffer->data + packer->headroom + pack->used, varint_size(size));
    gcs_write_varint(&w, size);
    assert(!w.bad);
    pack->used += varint_size(size) + size;
    charge(packer, pack, size);
    return w.at;
}

static int add_packed(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    uint32_t need = varint_size(size) + size;
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

static struct gcs_pack *cut(struct gcs_packer *packer, uint8_t service, const uint8_t *message,
                            uint32_t size, uint32_t offset, uint32_t piece)
{
    struct gcs_pack *pack = new_payload(packer, service, GCS_FRAGMENT_HEADER + piece);
    if (!pack)
        return NULL;
    uint8_t *payload = pack->buffer->data + packer->headroom;
    gcs_store_le(payload, size, 4);
    gcs_store_le(payload + 4, offset, 4);
    gcs_pool_copy(packer->pool, payload + GCS_FRAGMENT_HEADER, message + offset, piece);
    pack->used = GCS_FRAGMENT_HEADER + piece;
    pack->whole = size;
    return pack;
}

static int add_cut(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    uint32_t most = packer->payload_max - GCS_FRAGMENT_HEADER;
    struct gcs_pack *first = NULL, *last = NULL;
    for (uint32_t offset = 0; offset < size; offset += most) {
        uint32_t left = size - offset;
        struct gcs_pack *pack = cut(packer, service, data, size, offset, left < most ? left : most);
        if (!pack) {
            drop_list(packer, first);
            return GCS_ENOMEM;
        }
        if (last)
            last->next = pack;
        else
            first = pack;
        last = pack;
    }
    charge(packer, last, size);
    append(packer, first, last);
    return 0;
}

int gcs_packer_add(struct gcs_packer *packer, uint8_t service, const void *data, size_t size)
{
    assert(size <= UINT32_MAX - packer->headroom - 16);
    drop_finished(packer);
    bool fits = varint_size(size) + size <= packer->payload_max;
    int result = fits ? add_packed(packer, service, data, (uint32_t)size)
                      : add_cut(packer, service, data, (uint32_t)size);
    if (result == 0)
        packer->next++;
    return result;
}

/* ---- Room that is filled by somebody else ---------------------------------------------------- */

/* In the last packet, or in one of its own; what is cut anyway is copied out of a buffer. */
static bool find_room(struct gcs_packer *packer, struct gcs_room *room)
{
    uint32_t prefix = varint_size(room->size), need = prefix + room->size;
    if (need > packer->payload_max) {
        room->buffer = gcs_pool_get(packer->pool, room->size);
        room->data = room->buffer ? room->buffer->data : NULL;
        return room->buffer;
    }
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
    assert(!packer->room.buffer && size <= UINT32_MAX - packer->headroom - 16);
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
        room->pack->buffer->data + packer->headroom + room->pack->used + varint_size(size);
    if (bytes != room->data)
        memmove(bytes, room->data, size);
    if (room->fresh) {
        room->pack->first = packer->next;
        append(packer, room->pack, room->pack);
    }
    (void)begin_message(packer, room->pack, size);
    packer->next++;
}

int gcs_packer_commit(struct gcs_packer *packer, size_t size)
{
    struct gcs_room *room = &packer->room;
    assert(room->buffer && size <= room->size);
    int result = 0;
    if (room->pack && (room->fresh || room->pack == packer->tail))
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

uint32_t gcs_packer_next_size(const struct gcs_packer *packer)
{
    return packer->head ? packer->head->used : 0;
}

uint8_t gcs_packer_next_service(const struct gcs_packer *packer)
{
    return packer->head ? packer->head->service : 0;
}

/* What was sent in an earlier view is still asked for there, byte for byte: it needs a copy. */
static bool make_writable(struct gcs_packer *packer, struct gcs_pack *pack)
{
    if (!pack->sent)
        return true;
    struct gcs_buffer *copy = gcs_pool_get(packer->pool, packer->headroom + pack->used);
    if (!copy)
        return false;
    gcs_pool_copy(packer->pool, copy->data + packer->headroom,
                  pack->buffer->data + packer->headroom, pack->used);
    gcs_buffer_unref(pack->buffer);
    pack->buffer = copy;
    pack->sent = false;
    return true;
}

/* Keeps a fragment that is taken, behind those before it, in case that all are needed again. */
static void keep(struct gcs_packer *packer, struct gcs_pack *pack)
{
    if (packer->begun)
        packer->begun_last->next = pack;
    else
        packer->begun = pack;
    packer->begun_last = pack;
    pack->next = NULL;
    pack->sent = true;
}

int gcs_packer_take(struct gcs_packer *packer, struct gcs_packing *packing)
{
    drop_finished(packer);
    struct gcs_pack *pack = packer->head;
    if (!pack)
        return GCS_EAGAIN;
    if (!make_writable(packer, pack))
        return GCS_ENOMEM;
    *packing = (struct gcs_packing){
        .buffer = gcs_buffer_ref(pack->buffer),
        .size = pack->used,
        .count = pack->count,
        .first = pack->first,
        .service = pack->service,
        .flags = pack->whole ? GCS_PACKET_FRAGMENT : 0,
        .whole_size = pack->count > 0 ? pack->whole : 0,
    };
    packer->head = pack->next;
    if (!packer->head)
        packer->tail = NULL;
    packer->bytes -= pack->charge;
    if (pack == packer->room.pack) /* it goes without the message that is being written */
        packer->room.pack = NULL;
    if (pack->whole)
        keep(packer, pack);
    else
        drop(packer, pack);
    return 0;
}

struct gcs_buffer *gcs_packer_whole(struct gcs_packer *packer, const struct gcs_packing *packing)
{
    struct gcs_buffer *whole = gcs_pool_get(packer->pool, packing->whole_size);
    size_t filled = 0;
    if (!whole)
        return NULL;
    for (const struct gcs_pack *pack = packer->begun; pack; pack = pack->next) {
        size_t piece = pack->used - GCS_FRAGMENT_HEADER;
        gcs_pool_copy(packer->pool, whole->data + filled,
                      pack->buffer->data + packer->headroom + GCS_FRAGMENT_HEADER, piece);
        filled += piece;
    }
    assert(filled == packing->whole_size);
    return whole;
}

void gcs_packer_rewind(struct gcs_packer *packer)
{
    drop_finished(packer);
    if (!packer->begun)
        return;
    packer->begun_last->next = packer->head; /* there is one: the last fragment is not taken */
    packer->head = packer->begun;
    packer->begun = NULL;
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
