/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sending: payload, order information and acknowledgement become one numbered
 * packet. The window bounds what may be on its way; packets that carry order
 * alone may use the last of it, so that data never keeps order from flowing.
 *
 * Acknowledgements ride in packets that travel anyway. They get a packet of
 * their own at once when somebody waits (a question, a safe packet, a quarter of
 * a window), otherwise after a short while.
 */
#include "gcs/era.h"

#include "gcs/base/mutant.h"
#include "gcs/base/times.h"
#include "gcs/group.h"
#include "gcs/wire/status.h"
#include "gcs/wire/time.h"

#define ACK_DELAY_NS       2000000u
#define POKE_NS            10000000u
#define POKE_DOUBLINGS_MAX 5
#define CHECK_NS           1000000000u
#define CONTROL_MAX        4096u
#define STATUS_HEAD_MAX    64u /* a STATUS without its vector: a small buffer does in small groups */
#define PARTIAL_IN_FLIGHT  4u  /* half-empty packets on their way before packing waits for more */
#define PARTIAL_WAIT_NS    5000000u /* but no longer: who holds them may wait for what is packed */
#define CALM_BELOW         16u      /* members, all of whom may speak to all whenever they like */
#define CALM_NS            25000u
#define LATE_SLACK_NS      500000u /* nobody is woken on time to the microsecond */
#define LATE_TIMES         32u /* that wait grows by so many times what it is late as a rule, ... */
#define LATE_CALMS         4u  /* but by no more than so many times what it was */

/* ---- Large flat views ------------------------------------------------------------------- */

/*
 * Where all speak with all, a word of each to each is a packet for every pair. What only confirms
 * can wait: one word confirms all that came before it. So in a large view each member has it wait
 * until so long after its last word to all, and from some 24 members on all of that together is
 * about a hundred thousand packets a second, as long as what is sent is small. The first word after
 * a rest goes at once, and so does one when much has come. Where many members share a machine even
 * that may be too much: who is woken late has to wait for a processor, and makes its own part of
 * that load smaller. What waits for the others takes the view's calm, not this member's rest.
 */
void gcs_era_calm(struct gcs_era *era)
{
    uint64_t count = era->view.count;
    bool large = !era->tree && count > CALM_BELOW;
    era->calm_ns = era->rest_ns = large ? (count - CALM_BELOW) * count * CALM_NS : 0;
}

/* A confirmation has waited for its time. A single pause is not to count for long. */
static void note_late(struct gcs_era *era, uint64_t late)
{
    uint64_t beyond = late > LATE_SLACK_NS ? late - LATE_SLACK_NS : 0;
    era->late = era->late - era->late / 8 + gcs_sooner(beyond, era->calm_ns / 4) / 8;
    era->rest_ns = era->calm_ns + gcs_sooner(LATE_TIMES * era->late, LATE_CALMS * era->calm_ns);
}

void gcs_era_begin_round(struct gcs_era *era, uint64_t now)
{
    if (now >= era->confirm_due)
        note_late(era, now - era->confirm_due);
    era->confirm_due = era->packed_due = GCS_NEVER;
}

/* ---- Control frames --------------------------------------------------------------------- */

/* False: no room. */
static bool write_status(struct gcs_era *era, struct gcs_writer *w, uint8_t flags)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        fellow->came_bytes = 0;
        era->held[rank] = era->frozen ? fellow->frozen_held : fellow->window.contiguous;
        era->done[rank] = fellow->window.done;
        era->seen[rank] = fellow->came > era->held[rank] ? fellow->came : era->held[rank];
        if (era->seen[rank] > era->held[rank])
            flags |= GCS_STATUS_SEEN;
    }
    struct gcs_status status = {
        .flags = flags,
        .top = era->sent,
        .count = era->view.count,
        .held = era->held,
        .done = era->done,
        .seen = era->seen,
    };
    uint8_t *begin = gcs_status_begin(w, &status);
    if (!begin)
        return false;
    total->ops->write_ack(total, w);
    if (!gcs_frame_end(w, begin))
        return false;
    era->ack_owed = era->ack_now = era->safe_seen = false;
    era->ack_bytes = era->came_bytes = era->came_most = 0;
    era->ack_due = GCS_NEVER;
    return true;
}

/* Something goes to all others, and says how far this member is. */
static void note_word(struct gcs_era *era)
{
    era->calm_until = era->group->core->now + era->rest_ns;
}

static struct gcs_packet header_of(const struct gcs_era *era)
{
    return (struct gcs_packet){
        .group = era->group->tag,
        .lineage = era->view.lineage,
        .epoch = era->view.epoch,
        .rank = era->view.self,
        .base = era->base,
    };
}

void gcs_era_send_frame(struct gcs_era *era, const struct gcs_address *to, uint8_t type,
                        const uint8_t *body, size_t size)
{
    struct gcs_envelope envelope = {era->group->tag, era->view.lineage, era->view.epoch,
                                    era->view.self};
    gcs_core_send_frame(era->group->core, &envelope, to, type, body, size);
}

/* To everybody else, or to one address. */
static void send_status(struct gcs_era *era, uint8_t flags, const struct gcs_address *to)
{
    struct gcs_core *core = era->group->core;
    struct gcs_buffer *buffer =
        gcs_pool_get(&core->pool, GCS_PACKET_HEADER + STATUS_HEAD_MAX + era->view.count * 20u);
    if (!buffer)
        return;
    struct gcs_writer w =
        gcs_writer_over(buffer->data + GCS_PACKET_HEADER, buffer->size - GCS_PACKET_HEADER);
    if (write_status(era, &w, flags)) {
        struct gcs_packet packet = header_of(era);
        packet.control_size = gcs_writer_size(&w);
        size_t size = GCS_PACKET_HEADER + packet.control_size;
        gcs_packet_seal(buffer->data, size, &packet, core->config.cluster);
        if (to) {
            gcs_outbox_unicast(&core->outbox, to, buffer, buffer->data, size);
        } else {
            gcs_outbox_multicast(&core->outbox, era->others, buffer, buffer->data, size);
            note_word(era);
        }
        core->counters.control_packets_sent++;
    }
    gcs_buffer_unref(buffer);
}

void gcs_era_send_status_to(struct gcs_era *era, const struct gcs_address *to)
{
    bool owed = era->ack_owed;
    if (era->tree) {
        gcs_tree_hello(era, to, 0);
        return;
    }
    send_status(era, 0, to);
    era->ack_owed = owed; /* the others have not heard it */
}

void gcs_era_ask(struct gcs_era *era)
{
    if (era->tree)
        gcs_tree_hello(era, NULL, GCS_REPORT_REPLY);
    else
        send_status(era, GCS_STATUS_REPLY, NULL);
}

/* ---- Numbered packets ------------------------------------------------------------------- */

static void trace_sent(struct gcs_era *era, uint64_t now, const struct gcs_packing *packing,
                       const uint8_t *payload)
{
    const uint8_t *data;
    size_t offset = 0, size;
    uint64_t number = packing->first;
    era->group->core->counters.messages_sent += packing->count;
    if (!era->group->core->config.trace)
        return;
    if (packing->whole_size > 0)
        gcs_era_trace_message(era, GCS_TRACE_SEND, now, era->view.self, packing->first,
                              packing->service, gcs_packer_whole(&era->group->packer),
                              packing->whole_size);
    if (packing->flags & GCS_PACKET_FRAGMENT)
        return;
    while (gcs_payload_next(payload, packing->size, &offset, &data, &size))
        gcs_era_trace_message(era, GCS_TRACE_SEND, now, era->view.self, number++, packing->service,
                              data, size);
}

/* For packets of the total order; and the coordinator's word, in those that bring order alone. */
static uint64_t propose_time(struct gcs_era *era, uint64_t now)
{
    const struct gcs_core *core = era->group->core;
    return gcs_group_time_propose(&era->group->time, now, era->view.self == 0,
                                  gcs_group_time_wall(now, core->wall_offset));
}

/*
 * Numbers a packet, whose payload lies behind the packer's headroom, keeps it and multicasts it.
 * Takes over the reference to the buffer.
 */
static int send_numbered(struct gcs_era *era, uint64_t now, const struct gcs_packing *packing)
{
    struct gcs_core *core = era->group->core;
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    struct gcs_order_engine *causal = era->orders[GCS_ERA_CAUSAL];
    uint32_t headroom = era->group->packer.headroom;
    uint8_t control[CONTROL_MAX];
    struct gcs_writer w = gcs_writer_over(control, headroom - GCS_PACKET_HEADER);
    struct gcs_packet packet = header_of(era);
    packet.number = ++era->sent;
    packet.first = packing->first;
    packet.service = packing->service;
    packet.flags = packing->flags;
    int order = gcs_era_order_of(packing->service);
    bool told = order == GCS_ERA_TOTAL || (packing->service == 0 && era->view.self == 0);
    uint64_t time = told ? propose_time(era, now) : 0;
    causal->ops->announce(causal, packet.number, order == GCS_ERA_CAUSAL,
                          &w); /* sure of its room */
    if (time > 0)
        gcs_time_write(&w, time);
    total->ops->announce(total, packet.number, order == GCS_ERA_TOTAL, &w);
    if (era->ack_owed && !era->tree)
        write_status(era, &w, 0);
    packet.control_size = gcs_writer_size(&w);

    uint8_t *payload = packing->buffer->data + headroom;
    uint8_t *data = payload - packet.control_size - GCS_PACKET_HEADER;
    size_t size = GCS_PACKET_HEADER + packet.control_size + packing->size;
    memcpy(payload - packet.control_size, control, packet.control_size);
    gcs_packet_seal(data, size, &packet, core->config.cluster);
    trace_sent(era, now, packing, payload);
    struct gcs_held held = {
        .buffer = packing->buffer,
        .data = data,
        .size = (uint32_t)size,
        .count = packing->count,
        .first = packing->first,
        .time = time,
        .control_size = (uint16_t)packet.control_size,
        .service = packing->service,
        .flags = packing->flags,
    };
    int result = gcs_window_put(&era->fellows[era->view.self].window, packet.number, &held);
    if (result == 0) {
        gcs_era_note_flight(era, now, packet.number, held.size);
        if (era->tree)
            gcs_tree_multicast(era, packing->buffer, data, size);
        else
            gcs_outbox_multicast(&core->outbox, era->others, packing->buffer, data, size);
        core->counters.data_packets_sent++;
        note_word(era);
        if (era->tree)
            gcs_tree_sent(era, now);
        result = gcs_era_arrive(era, era->view.self, packet.number);
    }
    gcs_buffer_unref(packing->buffer);
    return result;
}

/* ---- What may go now -------------------------------------------------------------------- */

static bool window_has_room(struct gcs_era *era, uint64_t now, uint32_t bytes, uint32_t reserve)
{
    const struct gcs_window *window = &era->fellows[era->view.self].window;
    if (era->sent - era->base >= window->capacity - reserve)
        return false;
    if (GCS_MUTANT(unbounded_ring))
        return true;
    return (window->bytes == 0 || window->bytes + bytes <= era->window_bytes) &&
           gcs_era_may_fly(era, now, bytes);
}

/* A packet with room left waits a while for more messages, as long as the application has not
 * taken enough of those before. */
static bool worth_waiting(struct gcs_era *era, uint64_t now)
{
    const struct gcs_window *window = &era->fellows[era->view.self].window;
    if (!gcs_packer_open(&era->group->packer) || era->sent - window->done < PARTIAL_IN_FLIGHT ||
        now >= era->packed_at + PARTIAL_WAIT_NS)
        return false;
    era->packed_due = era->packed_at + PARTIAL_WAIT_NS;
    return true;
}

static int send_empty(struct gcs_era *era, uint64_t now)
{
    struct gcs_packing packing = {
        .buffer = gcs_pool_get(&era->group->core->pool, era->group->packer.headroom),
        .first = era->group->packer.next,
    };
    return packing.buffer ? send_numbered(era, now, &packing) : GCS_ENOMEM;
}

/* What the order has to say beside a packet goes first where it does not fit into it. */
static int make_way(struct gcs_era *era, uint64_t now, int order)
{
    const struct gcs_order_engine *engine = order >= 0 ? era->orders[order] : NULL;
    int result = 0;
    while (result == 0 && engine && engine->ops->crowded(engine))
        result = send_empty(era, now);
    return result;
}

/* The packet that asks for memory for a long message. */
static int announce_long(struct gcs_era *era, uint64_t now, uint64_t number, uint32_t total)
{
    struct gcs_packer *packer = &era->group->packer;
    struct gcs_packing packing = {
        .buffer = gcs_pool_get(&era->group->core->pool, packer->headroom + GCS_FRAGMENT_HEADER),
        .size = GCS_FRAGMENT_HEADER,
        .first = number,
        .service = GCS_AGREED,
        .flags = GCS_PACKET_FRAGMENT,
    };
    if (!packing.buffer)
        return GCS_ENOMEM;
    gcs_store_le(packing.buffer->data + packer->headroom, total, 4);
    gcs_store_le(packing.buffer->data + packer->headroom + 4, 0, 4);
    int result = make_way(era, now, GCS_ERA_TOTAL);
    if (result < 0) {
        gcs_buffer_unref(packing.buffer);
        return result;
    }
    gcs_era_expect_room(era, now, number);
    return send_numbered(era, now, &packing);
}

/* The next long message, while the one before is sent. */
static int announce_ahead(struct gcs_era *era, uint64_t now)
{
    const struct gcs_packer *packer = &era->group->packer;
    struct gcs_uncut next;
    if (era->long_asked != gcs_packer_front(packer) ||
        !gcs_packer_uncut(packer, era->long_asked + 1, gcs_group_long_bytes(era->group), &next))
        return 0;
    return announce_long(era, now, next.number, next.size);
}

/* 1: the next packet may go; 0: it begins a long message, and not everybody has memory for it yet.
 */
static int may_begin(struct gcs_era *era, uint64_t now)
{
    uint32_t total = gcs_packer_begins(&era->group->packer);
    uint64_t number = gcs_packer_front(&era->group->packer);
    bool begins_long = gcs_group_is_long(era->group, total);
    int result = 0;
    if (begins_long && era->long_asked < number)
        result = announce_long(era, now, number, total);
    if (result < 0 || (begins_long && !gcs_era_has_room(era, number)))
        return result;
    result = announce_ahead(era, now);
    return result < 0 ? result : 1;
}

static int send_data(struct gcs_era *era, uint64_t now)
{
    struct gcs_packer *packer = &era->group->packer;
    uint32_t reserve = era->fellows[era->view.self].window.capacity / 8;
    while (!gcs_packer_empty(packer) && !worth_waiting(era, now)) {
        struct gcs_packing packing;
        if (!window_has_room(era, now, gcs_packer_next_size(packer), reserve)) {
            era->group->core->counters.window_full++;
            return 0;
        }
        int result = may_begin(era, now);
        if (result <= 0)
            return result;
        result = make_way(era, now, gcs_era_order_of(gcs_packer_next_service(packer)));
        if (result == 0)
            result = gcs_packer_take(packer, &packing);
        era->packed_at = now;
        if (result == 0)
            result = send_numbered(era, now, &packing);
        if (result < 0)
            return result;
    }
    return 0;
}

/* So much that senders' windows wait for an acknowledgement. Of many members all together that is
 * soon the case, and one of them waits for nothing yet. */
static bool much_came(const struct gcs_era *era)
{
    if (era->calm_ns > 0)
        return era->came_most >= era->pace.most / 2;
    return era->ack_bytes >= era->pace.most / 4 || era->came_bytes >= era->pace.most / 2;
}

static int send_order(struct gcs_era *era, uint64_t now)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    const struct gcs_window *window = &era->fellows[era->view.self].window;
    era->confirm_due = GCS_NEVER;
    while (total->ops->pending(total) && era->sent - era->base < window->capacity) {
        if (total->ops->confirms && now < era->calm_until && !much_came(era)) {
            era->confirm_due = era->calm_until;
            return 0;
        }
        int result = send_empty(era, now);
        if (result < 0)
            return result;
    }
    return 0;
}

int gcs_era_send(struct gcs_era *era, uint64_t now)
{
    if (era->closed || (era->frozen && !GCS_MUTANT(send_after_freeze)))
        return 0;
    int result = send_data(era, now);
    return result < 0 ? result : send_order(era, now);
}

/* ---- Acknowledging ------------------------------------------------------------------- */

/* Somebody does not acknowledge, or is not known to be in this view yet: ask, more and more rarely.
 */
static bool poke_is_due(struct gcs_era *era, uint64_t now)
{
    if (era->base == era->sent && era->unheard == 0) {
        era->poke_due = GCS_NEVER;
        era->pokes = 0;
        return false;
    }
    uint64_t patience = POKE_NS + (LATE_CALMS + 3) * era->calm_ns; /* all acknowledge sooner */
    if (era->poke_due == GCS_NEVER)
        era->poke_due = now + patience;
    if (now < era->poke_due)
        return false;
    era->poke_due = now + (patience << era->pokes);
    if (era->pokes < POKE_DOUBLINGS_MAX)
        era->pokes++;
    return true;
}

/* Whether an acknowledgement goes as a packet of its own; else when is noted. */
static bool ack_is_due(struct gcs_era *era, uint64_t now)
{
    uint64_t rest = era->calm_ns + era->rest_ns;
    uint64_t delay = rest > 0 ? rest : ACK_DELAY_NS; /* to ride, if it can */
    if (era->ack_owed && era->ack_due == GCS_NEVER)
        era->ack_due = now + delay;
    if (much_came(era))
        return true;
    if (era->ack_now && now < era->calm_until && era->calm_until < era->ack_due)
        era->ack_due = era->calm_until;
    return (era->ack_now && now >= era->calm_until) || (era->ack_owed && now >= era->ack_due);
}

/* Everybody answers to everybody: in a large view only those are asked who have not answered. */
static void poke(struct gcs_era *era)
{
    if (era->calm_ns == 0) {
        send_status(era, GCS_STATUS_REPLY, NULL);
        return;
    }
    bool owed = era->ack_owed, at_once = era->ack_now;
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        const struct gcs_fellow *fellow = &era->fellows[rank];
        if (rank != era->view.self && (!fellow->heard || fellow->taken < era->sent))
            send_status(era, GCS_STATUS_REPLY, &era->members[rank].id.address);
    }
    era->ack_owed = owed;
    era->ack_now = at_once;
}

static void check_membership(struct gcs_era *era, uint64_t now)
{
    if (now < era->check_due)
        return;
    era->check_due = now + CHECK_NS;
    era->check_rank = (uint16_t)((era->check_rank + 1) % era->view.count);
    if (era->check_rank != era->view.self)
        gcs_era_send_status_to(era, &era->members[era->check_rank].id.address);
}

void gcs_era_acknowledge(struct gcs_era *era, uint64_t now)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    if (era->closed || era->view.count == 1)
        return;
    check_membership(era, now);
    if (era->tree) {
        gcs_tree_acknowledge(era, now);
        return;
    }
    if (poke_is_due(era, now)) {
        poke(era);
        return;
    }
    if (total->ops->owes_ack(total)) {
        era->ack_owed = true;
        era->ack_now |= era->safe_seen;
    }
    if (ack_is_due(era, now)) {
        send_status(era, 0, NULL);
        if (era->ack_owed) { /* there was no memory for it */
            era->ack_now = false;
            era->ack_bytes = era->came_bytes = era->came_most = 0;
            era->ack_due = now + ACK_DELAY_NS;
        }
    }
}

void gcs_era_update_base(struct gcs_era *era)
{
    struct gcs_window *own = &era->fellows[era->view.self].window;
    uint64_t base = own->done;
    if (era->tree && era->tree->stable[era->view.self] < base)
        base = era->tree->stable[era->view.self];
    for (uint16_t rank = 0; rank < era->view.count && !era->tree; rank++)
        if (rank != era->view.self && era->fellows[rank].taken < base && !GCS_MUTANT(release_early))
            base = era->fellows[rank].taken;
    if (base <= era->base)
        return;
    era->base = base;
    if (!era->tree)
        era->pokes = 0;
    era->poke_due = GCS_NEVER;
    era->ack_owed = true; /* the new base travels in the header */
    gcs_window_release(own, base);
}

void gcs_era_freeze(struct gcs_era *era, uint64_t now)
{
    if (era->frozen)
        return;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        era->fellows[rank].frozen_held = era->fellows[rank].window.contiguous;
    for (int order = 0; order < GCS_ERA_ORDERS; order++)
        era->orders[order]->ops->freeze(era->orders[order]);
    era->frozen = true;
    era->long_due = GCS_NEVER;
    gcs_lease_freeze(&era->lease);
    gcs_group_trace(era->group, GCS_TRACE_BLOCKED, now);
}
