/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * State transfer between the members of a group: see group_state.h. A joiner's
 * state and the deliveries that it goes on with fit together because both sides
 * count deliveries alike: the donor says after which of them its application was
 * asked, and the joiner drops those that came before. So the donor may be asked at
 * any time: at the view's beginning, or later, when an attempt has to be made anew.
 */
#include "gcs/group_state.h"

#include "gcs/backlog.h"
#include "gcs/base/mutant.h"
#include "gcs/group.h"
#include "views/transfer.h"

#define RETRY_NS     10000000u
#define WINDOW_BYTES (256u << 10)
#define SERVE_BYTES  (64u << 10) /* in one round: data goes first, and comes in between */

/* What has waited for the state is handed out in such portions: not faster than the application
 * takes it, so that what comes meanwhile can wait as well, and nobody's window waits for that. */
#define PORTION_BYTES (1u << 20)

struct gcs_sync {
    struct gcs_transfer_in *in; /* NULL: this member has its vote, and only catches up */
    struct gcs_backlog backlog;
    struct gcs_mark mark; /* deliveries up to here are in the state that is coming */
    unsigned ends;        /* of attempts, that the application has not given back */
    bool complete;        /* it is there */
};

struct gcs_gift {
    struct gcs_gift *next;
    struct gcs_transfer_out *out;
    bool ended; /* the application knows the end */
};

/* ---- Events about state ----------------------------------------------------------------- */

/* An event of the group that the group and an era are kept for; about: a member of that era. */
static bool push(struct gcs_core_group *group, struct gcs_era *era, uint16_t about,
                 struct gcs_core_event *event)
{
    event->group = group;
    event->user = group->user;
    event->token = era;
    event->sender = &era->members[about].id;
    if (!gcs_events_push(&group->core->events, event))
        return false;
    if (event->buffer)
        gcs_buffer_ref(event->buffer);
    gcs_era_ref(era);
    group->refs++;
    return true;
}

/* ---- The joiner ------------------------------------------------------------------------- */

static void send(void *ctx, const struct gcs_member_id *to, uint8_t type, const uint8_t *body,
                 size_t size)
{
    struct gcs_core_group *group = ctx;
    if (group->era)
        gcs_era_send_frame(group->era, &to->address, type, body, size);
}

/* Gives an entry to the application. */
static bool hand_out(struct gcs_core_group *group, struct gcs_backlog_entry *entry)
{
    if (!gcs_events_push(&group->core->events, &entry->event))
        return false;
    if (entry->event.type != GCS_EVENT_DELIVER) {
        gcs_release(group->core->allocator, entry);
        return true;
    }
    group->portion += entry->event.payload_size + 1;
    group->refs++;
    return true;
}

/* What will not be handed out. */
static void drop(struct gcs_core_group *group, struct gcs_backlog_entry *entry)
{
    if (entry->event.type == GCS_EVENT_VIEW)
        gcs_view_change_unref(entry->event.change);
    if (entry->event.type == GCS_EVENT_PRIVATE) {
        gcs_era_unref(entry->event.token);
        gcs_group_unref(group);
    }
    gcs_backlog_free(group->core->allocator, entry);
}

/* Hands out what waits until the application has so much that it has not given back. */
static bool catch_up(struct gcs_core_group *group, uint64_t most)
{
    struct gcs_backlog_entry *entry;
    while (group->portion < most && (entry = gcs_backlog_take(&group->sync->backlog)) != NULL) {
        if (hand_out(group, entry))
            continue;
        drop(group, entry);
        group->failed = GCS_ENOMEM; /* what comes after that must not be handed out */
        return false;
    }
    return true;
}

/*
 * From now on the state covers everything up to mark; views up to there need not wait. Out of
 * memory they would come in another order.
 */
static void cover(struct gcs_core_group *group, const struct gcs_mark *mark)
{
    struct gcs_sync *sync = group->sync;
    struct gcs_backlog kept = sync->backlog;
    uint64_t *each = sync->mark.each;
    struct gcs_backlog_entry *entry;
    sync->mark = *mark;
    sync->mark.each = each;
    memmove(each, mark->each, mark->count * GCS_MARK_ORDERS * sizeof(*each));
    gcs_backlog_init(&sync->backlog);
    if (kept.first == NULL)
        return;
    while ((entry = gcs_backlog_take(&kept)) != NULL) {
        bool early = entry->event.type == GCS_EVENT_VIEW && entry->epoch <= mark->epoch;
        if (gcs_mark_covers(mark, &entry->event, entry->epoch, entry->place)) {
            drop(group, entry);
        } else if (!early) {
            gcs_backlog_append(&sync->backlog, entry);
        } else if (!hand_out(group, entry)) {
            drop(group, entry);
            group->failed = GCS_ENOMEM;
        }
    }
}

static void offered(void *ctx, const struct gcs_mark *mark)
{
    struct gcs_core_group *group = ctx;
    if (!GCS_MUTANT(ignore_mark))
        cover(group, mark);
}

static bool chunk(void *ctx, struct gcs_buffer *buffer, size_t size, uint64_t offset,
                  uint64_t total)
{
    struct gcs_core_group *group = ctx;
    struct gcs_core_event event = {
        .type = GCS_EVENT_STATE,
        .payload = buffer->data,
        .payload_size = size,
        .offset = offset,
        .total = total,
        .buffer = buffer,
    };
    return push(group, group->era, group->era->view.self, &event);
}

static void done(void *ctx, uint64_t total)
{
    struct gcs_core_group *group = ctx;
    struct gcs_sync *sync = group->sync;
    struct gcs_core_event event = {.type = GCS_EVENT_STATE_END, .total = total};
    if (!push(group, group->era, group->era->view.self, &event)) {
        group->failed = GCS_ENOMEM;
        return;
    }
    sync->complete = true;
    sync->ends++;
    group->core->dirty = true;
}

static uint64_t traffic(void *ctx)
{
    const struct gcs_core_group *group = ctx;
    return group->core->counters.messages_delivered;
}

static void failed(void *ctx, int error)
{
    struct gcs_core_group *group = ctx;
    group->failed = error;
}

static void end_sync(struct gcs_core_group *group)
{
    const struct gcs_allocator *allocator = group->core->allocator;
    struct gcs_sync *sync = group->sync;
    struct gcs_backlog_entry *entry;
    if (!sync)
        return;
    group->sync = NULL;
    while ((entry = gcs_backlog_take(&sync->backlog)) != NULL)
        drop(group, entry);
    if (sync->in)
        gcs_transfer_in_free(sync->in);
    gcs_release(allocator, sync->mark.each);
    gcs_release(allocator, sync);
}

static int begin_sync(struct gcs_core_group *group)
{
    struct gcs_core *core = group->core;
    struct gcs_sync *sync = gcs_allocate(core->allocator, 1, sizeof(*sync));
    if (!sync)
        return GCS_ENOMEM;
    uint32_t share = core->config.receive_bytes / 4;
    struct gcs_transfer_in_config config = {
        .allocator = core->allocator,
        .pool = &core->pool,
        .counters = &core->counters,
        .window_bytes = share < WINDOW_BYTES ? share : WINDOW_BYTES,
        .retry_ns = RETRY_NS,
        .env = {group, send, traffic, offered, chunk, done, failed},
    };
    group->sync = sync;
    gcs_backlog_init(&sync->backlog);
    sync->mark.each = gcs_allocate(core->allocator, GCS_MARK_EACH_MAX, sizeof(*sync->mark.each));
    if (!sync->mark.each || gcs_transfer_in_new(&config, &sync->in) < 0) {
        end_sync(group);
        return GCS_ENOMEM;
    }
    return 0;
}

/* The nearest senior member that has the state; else the nearest junior one. */
static uint16_t donor_of(const struct gcs_era *era, uint16_t joiner)
{
    for (uint16_t rank = joiner; rank-- > 0;)
        if (!era->members[rank].syncing)
            return rank;
    for (uint16_t rank = joiner; rank < era->view.count; rank++)
        if (!era->members[rank].syncing)
            return rank;
    return joiner;
}

static uint16_t rank_of(const struct gcs_era *era, const struct gcs_member_id *id)
{
    uint16_t rank = 0;
    while (rank < era->view.count && !gcs_member_id_equal(&era->members[rank].id, id))
        rank++;
    return rank;
}

static bool still_there(const struct gcs_era *era, const struct gcs_member_id *donor)
{
    return rank_of(era, donor) < era->view.count;
}

/* A new attempt, for a state that is as new as this member's deliveries are now. */
static void attempt(struct gcs_core_group *group, uint64_t now)
{
    struct gcs_era *era = group->era;
    uint16_t donor = donor_of(era, era->view.self);
    cover(group, &era->mark);
    gcs_transfer_in_start(group->sync->in, now, &era->members[donor].id, &era->mark);
}

/*
 * The donor has delivered what did not get into the cut: it was cut off, and so is its state. Who
 * has delivered itself all that is in the state needs not fear that: it holds it, and comes along.
 */
static bool is_astray(const struct gcs_sync *sync, const struct gcs_era *before)
{
    return before && sync->mark.epoch == before->view.epoch &&
           !gcs_mark_reaches(&before->mark, &sync->mark);
}

bool gcs_state_is_firm(const struct gcs_core_group *group)
{
    return group->sync && group->sync->complete &&
           gcs_mark_reaches(&group->era->mark, &group->sync->mark);
}

static int enter_as_joiner(struct gcs_core_group *group, uint64_t now, const struct gcs_era *before)
{
    bool begins = !group->sync;
    if (begins && begin_sync(group) < 0)
        return GCS_ENOMEM;
    bool astray = !begins && is_astray(group->sync, before);
    if (astray)
        group->ready = group->sync->complete = false;
    if (group->sync->complete)
        return 0;
    if (begins || astray || !still_there(group->era, gcs_transfer_in_donor(group->sync->in)))
        attempt(group, now);
    return 0;
}

static bool syncing(const struct gcs_core_group *group)
{
    return group->sync && !group->sync->complete;
}

/* It has its vote; what waits goes on waiting for its turn. */
static void voted(struct gcs_core_group *group)
{
    struct gcs_sync *sync = group->sync;
    if (!sync)
        return;
    if (sync->in)
        gcs_transfer_in_free(sync->in);
    sync->in = NULL;
    if (!sync->backlog.first)
        end_sync(group);
}

/* The donor may have been ahead: what is in its state can come here after the state itself. */
bool gcs_state_holds(const struct gcs_core_group *group, const struct gcs_core_event *event,
                     uint32_t epoch, uint64_t place)
{
    return syncing(group) ||
           (group->sync && (group->sync->backlog.first ||
                            gcs_mark_covers(&group->sync->mark, event, epoch, place)));
}

bool gcs_state_keep(struct gcs_core_group *group, const struct gcs_core_event *event,
                    uint32_t epoch, uint64_t place)
{
    struct gcs_sync *sync = group->sync;
    if (gcs_mark_covers(&sync->mark, event, epoch, place))
        return true;
    group->core->counters.bytes_copied +=
        event->type == GCS_EVENT_DELIVER ? event->payload_size : 0;
    if (!gcs_backlog_add(&sync->backlog, group->core->allocator, event, epoch, place))
        return false;
    if (sync->backlog.bytes <= group->config.state_queue_bytes)
        return true;
    if (syncing(group))
        attempt(group, group->core->now);
    else
        return catch_up(group,
                        UINT64_MAX); /* it is slow: the others' windows have to wait for it */
    return true;
}

/* ---- The donor -------------------------------------------------------------------------- */

static struct gcs_gift **find_gift(struct gcs_core_group *group, const struct gcs_member_id *joiner)
{
    struct gcs_gift **link = &group->gifts;
    while (*link && !gcs_member_id_equal(gcs_transfer_out_joiner((*link)->out), joiner))
        link = &(*link)->next;
    return link;
}

static void drop_gift(struct gcs_core_group *group, struct gcs_gift **link)
{
    struct gcs_gift *gift = *link;
    *link = gift->next;
    gcs_transfer_out_free(gift->out);
    gcs_release(group->core->allocator, gift);
}

static uint32_t chunk_bytes(const struct gcs_core_group *group)
{
    return group->packet_bytes - GCS_PACKET_HEADER - GCS_FRAME_HEADER - GCS_CHUNK_HEAD_MAX;
}

/* Asks the application for its state as it is after everything that it has been told. Without
 * memory for that nothing has happened, and the joiner asks again. */
static void promise_state(struct gcs_core_group *group, uint16_t joiner, uint32_t number)
{
    struct gcs_era *era = group->era;
    const struct gcs_allocator *allocator = group->core->allocator;
    struct gcs_transfer_out_config config = {
        .allocator = allocator,
        .counters = &group->core->counters,
        .joiner = era->members[joiner].id,
        .attempt = number,
        .mark = &era->mark,
        .chunk_bytes = chunk_bytes(group),
        .ctx = group,
        .send = send,
    };
    struct gcs_core_event event = {.type = GCS_EVENT_STATE_WANTED};
    struct gcs_gift *gift = gcs_allocate(allocator, 1, sizeof(*gift));
    if (!gift)
        return;
    if (gcs_transfer_out_new(&config, &gift->out) < 0) {
        gcs_release(allocator, gift);
        return;
    }
    gift->next = group->gifts;
    group->gifts = gift;
    if (!push(group, era, joiner, &event))
        drop_gift(group, &group->gifts);
}

/* Once for each gift. */
static void tell_end(struct gcs_core_group *group, struct gcs_era *era, struct gcs_gift *gift,
                     int error)
{
    uint16_t rank = rank_of(era, gcs_transfer_out_joiner(gift->out));
    struct gcs_core_event event = {.type = GCS_EVENT_STATE_END, .error = error};
    if (gift->ended || rank == era->view.count)
        return;
    gift->ended = true;
    if (!push(group, era, rank, &event))
        group->failed = GCS_ENOMEM;
}

/* Who has got it, or is gone, needs nothing more. */
static void finish_gifts(struct gcs_core_group *group, struct gcs_era *before)
{
    for (struct gcs_gift **link = &group->gifts; *link;) {
        uint16_t rank = rank_of(group->era, gcs_transfer_out_joiner((*link)->out));
        bool there = rank < group->era->view.count;
        if (there && group->era->members[rank].syncing) {
            link = &(*link)->next;
            continue;
        }
        tell_end(group, before, *link, there ? 0 : GCS_ENOTMEMBER);
        drop_gift(group, link);
    }
}

static void enter_as_donor(struct gcs_core_group *group, struct gcs_era *before)
{
    const struct gcs_era *era = group->era;
    if (before)
        finish_gifts(group, before);
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        if (!era->members[rank].syncing || donor_of(era, rank) != era->view.self)
            continue;
        bool joins = !before || rank_of(before, &era->members[rank].id) == before->view.count;
        if (joins)
            promise_state(group, rank, 1);
    }
}

static int hear_ask(struct gcs_core_group *group, uint16_t rank, const struct gcs_frame *frame)
{
    const struct gcs_era *era = group->era;
    uint64_t each[GCS_MARK_EACH_MAX];
    struct gcs_state_ask ask;
    if (!gcs_state_ask_read(frame->body, frame->size, each, &ask) ||
        (ask.mark.epoch == era->view.epoch && ask.mark.count != era->view.count))
        return GCS_EMALFORMED;
    if (!era->members[rank].syncing || syncing(group) || era->members[era->view.self].syncing)
        return 0;
    struct gcs_gift **link = find_gift(group, &era->members[rank].id);
    if (*link && gcs_transfer_out_attempt((*link)->out) >= ask.attempt) {
        gcs_transfer_out_ask((*link)->out, &ask);
        return 0;
    }
    /* It asks again. An answer that the application still owes must not be taken for another. */
    if (!gcs_mark_reaches(&era->mark, &ask.mark) || (*link && gcs_transfer_out_waits((*link)->out)))
        return 0;
    if (*link)
        drop_gift(group, link);
    promise_state(group, rank, ask.attempt);
    return 0;
}

static int hear_pull(struct gcs_core_group *group, uint16_t rank, const struct gcs_frame *frame)
{
    struct gcs_gift *gift = *find_gift(group, &group->era->members[rank].id);
    return gift ? gcs_transfer_out_pull(gift->out, frame->body, frame->size) : 0;
}

void gcs_state_serve(struct gcs_core_group *group)
{
    for (struct gcs_gift *gift = group->gifts; gift; gift = gift->next) {
        if (gcs_transfer_out_serve(gift->out, SERVE_BYTES))
            group->core->dirty = true;
        int error = gcs_transfer_out_error(gift->out);
        if (error)
            tell_end(group, group->era, gift, error);
    }
}

void gcs_state_frame(struct gcs_core_group *group, uint64_t now, uint16_t rank,
                     const struct gcs_frame *frame)
{
    const struct gcs_member_id *from = &group->era->members[rank].id;
    int result = 0;
    if (frame->type == GCS_FRAME_STATE_ASK)
        result = hear_ask(group, rank, frame);
    else if (frame->type == GCS_FRAME_STATE_PULL)
        result = hear_pull(group, rank, frame);
    else if (syncing(group))
        result = gcs_transfer_in_frame(group->sync->in, now, from, (uint8_t)frame->type,
                                       frame->body, frame->size);
    if (result == GCS_EMALFORMED)
        group->core->counters.dropped_malformed++;
}

int gcs_core_state_offer(struct gcs_core_group *group, const struct gcs_member_id *joiner,
                         const struct gcs_state_source *source)
{
    struct gcs_gift *gift = *find_gift(group, joiner);
    if (source && !source->read)
        return GCS_EINVAL;
    if (!gift)
        return GCS_ENOTMEMBER;
    if (source)
        return gcs_transfer_out_offer(gift->out, source);
    gcs_transfer_out_refuse(gift->out, GCS_ESTATE);
    tell_end(group, group->era, gift, GCS_ESTATE);
    return 0;
}

/* ---- Both ------------------------------------------------------------------------------- */

int gcs_state_enter(struct gcs_core_group *group, uint64_t now, struct gcs_era *before)
{
    const struct gcs_era *era = group->era;
    int result = 0;
    if (!group->config.state)
        return 0;
    if (era->members[era->view.self].syncing)
        result = enter_as_joiner(group, now, before);
    else
        voted(group);
    enter_as_donor(group, before);
    return result;
}

void gcs_state_consumed(struct gcs_core_group *group, const struct gcs_core_event *event)
{
    uint64_t now = group->core->now;
    if (!gcs_group_is_ours(group, event->token))
        return;
    if (event->type == GCS_EVENT_STATE && group->sync && group->sync->in)
        gcs_transfer_in_taken(group->sync->in, now);
    bool own_end = event->type == GCS_EVENT_STATE_END && group->sync &&
                   event->sender->incarnation == group->self.id.incarnation;
    if (own_end && --group->sync->ends == 0 && group->sync->complete) {
        group->ready = true;
        gcs_group_wish(group, now);
    }
}

void gcs_state_waited_for(const struct gcs_core_event *event)
{
    struct gcs_core_group *group = event->group;
    group->portion -= event->payload_size + 1;
    group->core->dirty |= group->sync != NULL;
    gcs_backlog_free(group->core->allocator, event->token);
    gcs_group_unref(group);
}

void gcs_state_tick(struct gcs_core_group *group, uint64_t now)
{
    if (syncing(group))
        gcs_transfer_in_tick(group->sync->in, now);
    else if (group->sync)
        (void)catch_up(group, PORTION_BYTES);
    if (group->sync && !group->sync->in && !group->sync->backlog.first)
        end_sync(group);
}

uint64_t gcs_state_deadline(const struct gcs_core_group *group)
{
    return syncing(group) ? gcs_transfer_in_deadline(group->sync->in) : GCS_NEVER;
}

bool gcs_state_last(struct gcs_core_group *group)
{
    return !group->sync || !group->sync->complete || catch_up(group, UINT64_MAX);
}

void gcs_state_end(struct gcs_core_group *group)
{
    end_sync(group);
    while (group->gifts)
        drop_gift(group, &group->gifts);
}
