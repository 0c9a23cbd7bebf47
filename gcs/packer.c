/* SPDX-License-Identifier: BSD-3-Clause */
/* Packing and cutting: see packer.h. */
#include "gcs/packer.h"

#include <assert.h>

#define CONTROL_ROOM_LARGE 1024u
#define CONTROL_ROOM_SMALL 128u
#define LARGE_PACKET       8192u
#define SPARE_MAX          64u
#define MESSAGE_OVERHEAD   16u /* charged to the queue for each message beyond its bytes */

/* Messages packed together, or one message to be cut. */
struct gcs_pack {
    struct gcs_pack *next;
    struct gcs_buffer *buffer;
    uint32_t used;   /* packed: bytes of payload; cut: bytes of the message */
    uint32_t offset; /* cut: taken so far */
    uint32_t count;
    uint32_t charge;
    uint64_t first;
    uint8_t service;
    bool cut;
    bool finished; /* cut: all fragments taken; freed by the next call */
};

void gcs_packer_init(struct gcs_packer *packer, struct gcs_pool *pool, uint32_t packet_bytes)
{
    uint32_t control = packet_bytes >= LARGE_PACKET ? CONTROL_ROOM_LARGE : CONTROL_ROOM_SMALL;
    *packer = (struct gcs_packer){
        .pool = pool,
        .headroom = GCS_PACKET_HEADER + control,
        .payload_max = packet_bytes - GCS_PACKET_HEADER - control,
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

static void drop_head(struct gcs_packer *packer)
{
    struct gcs_pack *pack = packer->head;
    packer->head = pack->next;
    if (!packer->head)
        packer->tail = NULL;
    packer->bytes -= pack->charge;
    gcs_buffer_unref(pack->buffer);
    free_pack(packer, pack);
}

void gcs_packer_fini(struct gcs_packer *packer)
{
    while (packer->head)
        drop_head(packer);
    while (packer->spare)
        gcs_release(packer->pool->allocator, new_pack(packer));
}

static void drop_finished(struct gcs_packer *packer)
{
    if (packer->head && packer->head->finished)
        drop_head(packer);
}

static uint32_t varint_size(size_t value)
{
    uint32_t size = 1;
    for (; value >= 0x80; value >>= 7)
        size++;
    return size;
}

static struct gcs_pack *append(struct gcs_packer *packer, uint8_t service, size_t buffer_size)
{
    struct gcs_pack *pack = new_pack(packer);
    if (!pack)
        return NULL;
    pack->buffer = gcs_pool_get(packer->pool, buffer_size);
    if (!pack->buffer) {
        free_pack(packer, pack);
        return NULL;
    }
    pack->service = service;
    pack->first = packer->next;
    if (packer->tail)
        packer->tail->next = pack;
    else
        packer->head = pack;
    packer->tail = pack;
    return pack;
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
    memcpy(larger->data + packer->headroom, pack->buffer->data + packer->headroom, pack->used);
    gcs_buffer_unref(pack->buffer);
    pack->buffer = larger;
    return true;
}

static int add_packed(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    uint32_t need = varint_size(size) + size;
    struct gcs_pack *pack = packer->tail;
    if (!pack || pack->cut || pack->service != service || pack->used + need > packer->payload_max)
        pack = append(packer, service, packer->headroom + need);
    if (!pack || !make_room(packer, pack, need))
        return GCS_ENOMEM;
    struct gcs_writer w = gcs_writer_over(pack->buffer->data + packer->headroom + pack->used, need);
    gcs_write_varint(&w, size);
    gcs_write_bytes(&w, data, size);
    assert(!w.bad);
    pack->used += need;
    pack->count++;
    pack->charge += size + MESSAGE_OVERHEAD;
    packer->bytes += size + MESSAGE_OVERHEAD;
    return 0;
}

static int add_cut(struct gcs_packer *packer, uint8_t service, const void *data, uint32_t size)
{
    struct gcs_pack *pack = append(packer, service, size);
    if (!pack)
        return GCS_ENOMEM;
    memcpy(pack->buffer->data, data, size);
    pack->cut = true;
    pack->used = size;
    pack->count = 1;
    pack->charge = size + MESSAGE_OVERHEAD;
    packer->bytes += pack->charge;
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

static const struct gcs_pack *first_pack(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = packer->head;
    return pack && pack->finished ? pack->next : pack;
}

bool gcs_packer_open(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = first_pack(packer);
    return pack && !pack->cut && !pack->next &&
           pack->used < packer->payload_max - packer->payload_max / 4;
}

static uint32_t fragment_size(const struct gcs_packer *packer, const struct gcs_pack *pack)
{
    uint32_t most = packer->payload_max - GCS_FRAGMENT_HEADER;
    uint32_t left = pack->used - pack->offset;
    return left < most ? left : most;
}

uint32_t gcs_packer_next_size(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = first_pack(packer);
    if (!pack)
        return 0;
    return pack->cut ? GCS_FRAGMENT_HEADER + fragment_size(packer, pack) : pack->used;
}

uint8_t gcs_packer_next_service(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = first_pack(packer);
    return pack ? pack->service : 0;
}

/* A message whose last fragment was taken is no longer queued; its bytes stay for the taker. */
static void finish(struct gcs_packer *packer, struct gcs_pack *pack)
{
    pack->finished = true;
    packer->bytes -= pack->charge;
    pack->charge = 0;
}

static int take_fragment(struct gcs_packer *packer, struct gcs_pack *pack,
                         struct gcs_packing *packing)
{
    uint32_t piece = fragment_size(packer, pack);
    uint32_t size = GCS_FRAGMENT_HEADER + piece;
    struct gcs_buffer *buffer = gcs_pool_get(packer->pool, packer->headroom + size);
    if (!buffer)
        return GCS_ENOMEM;
    uint8_t *payload = buffer->data + packer->headroom;
    gcs_store_le(payload, pack->used, 4);
    gcs_store_le(payload + 4, pack->offset, 4);
    memcpy(payload + GCS_FRAGMENT_HEADER, pack->buffer->data + pack->offset, piece);
    pack->offset += piece;
    if (pack->offset == pack->used)
        finish(packer, pack);
    *packing = (struct gcs_packing){
        .buffer = buffer,
        .size = size,
        .count = pack->finished ? 1 : 0,
        .first = pack->first,
        .service = pack->service,
        .flags = GCS_PACKET_FRAGMENT,
        .whole = pack->finished ? pack->buffer->data : NULL,
        .whole_size = pack->used,
    };
    return 0;
}

int gcs_packer_take(struct gcs_packer *packer, struct gcs_packing *packing)
{
    drop_finished(packer);
    struct gcs_pack *pack = packer->head;
    if (!pack)
        return GCS_EAGAIN;
    if (pack->cut)
        return take_fragment(packer, pack, packing);
    *packing = (struct gcs_packing){
        .buffer = gcs_buffer_ref(pack->buffer),
        .size = pack->used,
        .count = pack->count,
        .first = pack->first,
        .service = pack->service,
    };
    drop_head(packer);
    return 0;
}

void gcs_packer_rewind(struct gcs_packer *packer)
{
    drop_finished(packer);
    if (packer->head)
        packer->head->offset = 0;
}

uint64_t gcs_packer_front(const struct gcs_packer *packer)
{
    const struct gcs_pack *pack = first_pack(packer);
    return pack ? pack->first : packer->next;
}

void gcs_packer_renumber(struct gcs_packer *packer)
{
    uint64_t sent = gcs_packer_front(packer) - 1;
    for (struct gcs_pack *pack = packer->head; pack; pack = pack->next)
        pack->first -= sent;
    packer->next -= sent;
}
