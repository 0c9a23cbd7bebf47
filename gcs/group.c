/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The group's public calls and its share of each round: hand time to the
 * layers, deliver what has become deliverable, send what may go, and deliver
 * what sending made deliverable.
 */
#include "gcs/group.h"

#include "gcs/base/mutant.h"
#include "gcs/base/times.h"

#define TURNS_MAX 16 /* windows that are sent in one round */

/* ---- Joining ---------------------------------------------------------------------------- */

static bool name_is_good(const char *name)
{
    size_t length = 0;
    if (!name || name[0] == '.' || name[0] == '-')
        return false;
    for (; name[length]; length++) {
        char c = name[length];
        bool good = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                    c == '.' || c == '_' || c == '-';
        if (!good || length == GCS_NAME_MAX)
            return false;
    }
    return length > 0;
}

void gcs_group_config_init(struct gcs_group_config *config)
{
    *config = (struct gcs_group_config){
        .size = sizeof(*config),
        .bootstrap = GCS_LOOK,
        .order = GCS_ORDER_SEQUENCER,
        .safe_quorum = GCS_SAFE_MAJORITY,
        .window_packets = 1024,
        .window_bytes = 1 << 20,
        .queue_bytes = 1 << 20,
        .message_bytes = 256 << 20,
        .weight = 1,
        .rejoin = true,
        .state_queue_bytes = 16 << 20,
        .region_size = 16,
        .slow_ns = UINT64_C(5000000000),
        .look_ns = 500000000,
    };
}

static bool config_is_good(const struct gcs_core *core, const struct gcs_group_config *config)
{
    uint32_t packets = config->window_packets;
    return config->size == sizeof(*config) && config->bootstrap >= GCS_JOIN &&
           (config->safe_quorum == GCS_SAFE_MAJORITY || config->safe_quorum == GCS_SAFE_ALL) &&
           config->bootstrap <= GCS_EXPECT &&
           (config->bootstrap != GCS_EXPECT ||
            (config->expect > 0 && config->expect <= GCS_MEMBERS_MAX)) &&
           core->find_order(config->order) && packets >= 16 && packets <= 65536 &&
           (packets & (packets - 1)) == 0 && config->window_bytes >= 4096 &&
           config->queue_bytes >= 4096 && config->message_bytes > 0 &&
           config->message_bytes <= core->config.assembly_bytes &&
           config->weight <= GCS_WEIGHT_MAX && config->state_queue_bytes >= 4096 &&
           config->region_size != 1 && config->region_size <= GCS_MEMBERS_MAX &&
           (config->weight > 0 || config->bootstrap == GCS_JOIN) && /* somebody must vote */
           (config->seeds || config->seeds_count == 0);
}

void gcs_group_new_incarnation(struct gcs_core_group *group)
{
    struct gcs_core *core = group->core;
    group->self = (struct gcs_member){
        .id = {.address = core->config.address,
               .incarnation = core->process | (++core->memberships & GCS_MEMBERSHIP_MASK)},
        .receive_bytes = core->config.receive_bytes,
        .weight = group->config.weight,
    };
    memcpy(group->self.label, core->config.label, sizeof(group->self.label));
    if (GCS_MUTANT(reuse_incarnation))
        group->self.id.incarnation = core->config.cluster + core->config.address.bytes[0] + 1;
}

/* Packets fit the path, and several of them what a receiver buffers. */
static uint32_t packet_bytes_of(const struct gcs_core_config *config)
{
    uint32_t bytes = config->packet_bytes;
    uint32_t share = config->receive_bytes / 8;
    if (share < bytes)
        bytes = share;
    return bytes < 1200 ? (config->packet_bytes < 1200 ? config->packet_bytes : 1200) : bytes;
}

/* They are the caller's, and may be needed again. */
static bool copy_seeds(struct gcs_core_group *group)
{
    struct gcs_group_config *config = &group->config;
    size_t bytes = config->seeds_count * sizeof(*config->seeds);
    group->seeds =
        gcs_allocate(group->core->allocator, config->seeds_count + 1, sizeof(*config->seeds));
    if (!group->seeds)
        return false;
    if (bytes > 0)
        memcpy(group->seeds, config->seeds, bytes);
    group->seeds_count = group->own_seeds = config->seeds_count;
    config->seeds = group->seeds;
    return true;
}

int gcs_core_join(struct gcs_core *core, uint64_t now, const char *name,
                  const struct gcs_group_config *config, void *user, struct gcs_core_group **joined)
{
    if (!name_is_good(name))
        return GCS_ENAME;
    if (!config_is_good(core, config))
        return GCS_EOPTION;
    uint64_t tag = gcs_packet_group_tag(core->config.cluster, name);
    struct gcs_core_group *group = gcs_group_find(core, tag);
    if (group && group->state != GCS_GROUP_ENDED)
        return GCS_EALREADY;
    group = gcs_allocate(core->allocator, 1, sizeof(*group));
    if (!group)
        return GCS_ENOMEM;
    group->core = core;
    group->refs = 1;
    group->user = user;
    memcpy(group->name, name, strlen(name));
    group->tag = tag;
    group->config = *config;
    group->state = GCS_GROUP_LOOKING;
    group->resumed = gcs_detector_resumed(core->detector);
    gcs_damper_init(&group->damper, core->config.suspect_ns);
    group->packet_bytes = packet_bytes_of(&core->config);
    group->probe_at = GCS_NEVER;
    gcs_packer_init(&group->packer, &core->pool, group->packet_bytes);
    gcs_group_new_incarnation(group);
    if (!copy_seeds(group) || gcs_group_start(group, now) < 0 || !gcs_events_keep(&core->events)) {
        if (group->bootstrap)
            gcs_bootstrap_free(group->bootstrap);
        gcs_release(core->allocator, group->seeds);
        gcs_release(core->allocator, group);
        return GCS_ENOMEM;
    }
    group->next = core->groups;
    core->groups = group;
    core->dirty = true;
    *joined = group;
    return 0;
}

struct gcs_core_group *gcs_group_find(struct gcs_core *core, uint64_t tag)
{
    struct gcs_core_group *group = core->groups;
    while (group && (group->tag != tag || group->state == GCS_GROUP_ENDED))
        group = group->next;
    return group;
}

void gcs_group_destroy(struct gcs_core_group *group)
{
    struct gcs_core_group **link = &group->core->groups;
    while (*link != group)
        link = &(*link)->next;
    *link = group->next;
    if (group->bootstrap)
        gcs_bootstrap_free(group->bootstrap);
    gcs_state_end(group);
    if (group->old)
        gcs_era_close(group->old);
    if (group->era)
        gcs_era_close(group->era);
    gcs_packer_fini(&group->packer);
    gcs_release(group->core->allocator, group->seeds);
    gcs_release(group->core->allocator, group);
}

bool gcs_group_is_ours(const struct gcs_core_group *group, const struct gcs_era *era)
{
    return era->members[era->view.self].id.incarnation == group->self.id.incarnation;
}

void gcs_group_unref(struct gcs_core_group *group)
{
    if (--group->refs == 0)
        gcs_group_destroy(group);
}

/* ---- Multicasting ----------------------------------------------------------------------- */

/* A message that is longer than the queue waits until it is empty. */
static bool takes(const struct gcs_core_group *group, const struct gcs_packer *packer, size_t size)
{
    return packer->bytes == 0 || packer->bytes + size <= group->config.queue_bytes;
}

static int take_in(struct gcs_core_group *group, const struct gcs_packer *packer, size_t size)
{
    if (takes(group, packer, size))
        return 0;
    group->wants_room = true;
    group->wanted = size;
    return GCS_EAGAIN;
}

/* Whether a message may be queued now. */
static int may_multicast(struct gcs_core_group *group, enum gcs_service service, size_t size)
{
    if ((unsigned)service > GCS_SAFE || gcs_era_order_of((uint8_t)service) < 0)
        return GCS_EINVAL;
    if (size > group->config.message_bytes)
        return GCS_EMSGSIZE;
    if (gcs_group_is_out(group))
        return GCS_ENOPRIMARY;
    if (group->leaving || group->failed || group->state > GCS_GROUP_MEMBER)
        return GCS_ENOTMEMBER;
    if (group->state == GCS_GROUP_MEMBER && !group->primary)
        return GCS_ENOPRIMARY;
    return take_in(group, &group->packer, size);
}

static void note_multicast(struct gcs_core_group *group, uint64_t now, uint8_t service)
{
    group->core->dirty = true;
    gcs_latency_begin(&group->latency, service, group->packer.next - 1, now);
}

int gcs_core_multicast(struct gcs_core_group *group, uint64_t now, enum gcs_service service,
                       const void *data, size_t size)
{
    int error = may_multicast(group, service, size);
    if (error == 0)
        error = gcs_packer_add(&group->packer, (uint8_t)service, data, size);
    if (error == 0)
        note_multicast(group, now, (uint8_t)service);
    return error;
}

int gcs_core_reserve(struct gcs_core_group *group, enum gcs_service service, size_t size,
                     uint8_t **data)
{
    if (group->packer.room.buffer)
        return GCS_EALREADY;
    int error = may_multicast(group, service, size);
    return error ? error : gcs_packer_reserve(&group->packer, (uint8_t)service, size, data);
}

int gcs_core_commit(struct gcs_core_group *group, uint64_t now, size_t size)
{
    uint8_t service = group->packer.room.service;
    if (!group->packer.room.buffer || (size > group->packer.room.size && size != GCS_NOTHING))
        return GCS_EINVAL;
    if (size == GCS_NOTHING) {
        gcs_packer_cancel(&group->packer);
        return 0;
    }
    int error = gcs_packer_commit(&group->packer, size);
    if (error == 0)
        note_multicast(group, now, service);
    return error;
}

int gcs_core_send(struct gcs_core_group *group, uint64_t now, const struct gcs_member_id *to,
                  const void *data, size_t size)
{
    (void)now;
    uint16_t rank = 0;
    if (size > group->config.message_bytes)
        return GCS_EMSGSIZE;
    if (gcs_group_is_out(group))
        return GCS_ENOPRIMARY;
    if (group->leaving || group->failed || group->state != GCS_GROUP_MEMBER)
        return GCS_ENOTMEMBER;
    while (rank < group->era->view.count && !gcs_member_id_equal(&group->era->members[rank].id, to))
        rank++;
    if (rank == group->era->view.count)
        return GCS_ENOTMEMBER;
    struct gcs_pipe *pipe = gcs_era_pipe(group->era, rank);
    if (!pipe)
        return GCS_ENOMEM;
    int error = take_in(group, &pipe->packer, size);
    if (error)
        return error;
    group->core->dirty = true;
    return gcs_packer_add(&pipe->packer, GCS_FIFO, data, size);
}

static bool has_drained(const struct gcs_core_group *group, const struct gcs_packer *packer)
{
    return packer->bytes <= group->config.queue_bytes / 2 && takes(group, packer, group->wanted);
}

/* Whether every queue of the group has drained far enough to be worth another try. */
static bool has_room(const struct gcs_core_group *group)
{
    const struct gcs_era *era = group->era;
    for (uint16_t rank = 0; era->pipes > 0 && rank < era->view.count; rank++)
        if (era->fellows[rank].pipe && !has_drained(group, &era->fellows[rank].pipe->packer))
            return false;
    return has_drained(group, &group->packer);
}

static void tell_writable(struct gcs_core_group *group)
{
    struct gcs_core_event event = {.type = GCS_EVENT_WRITABLE, .group = group, .user = group->user};
    if (!group->wants_room || !has_room(group))
        return;
    if (gcs_events_push(&group->core->events, &event))
        group->wants_room = false;
}

/* ---- The primary ------------------------------------------------------------------------ */

int gcs_core_lease(struct gcs_core_group *group, uint64_t now, uint64_t *until)
{
    if (group->leaving || group->failed || group->state > GCS_GROUP_MEMBER)
        return GCS_ENOTMEMBER;
    if (group->returning || (group->state == GCS_GROUP_MEMBER && !group->primary))
        return GCS_ENOPRIMARY;
    if (group->state != GCS_GROUP_MEMBER)
        return GCS_EAGAIN;
    bool held = gcs_lease_use(&group->era->lease, now);
    group->core->dirty |= group->era->lease.asked == now; /* a question waits to be sent */
    if (!held)
        return GCS_EAGAIN;
    *until = group->era->lease.until;
    return 0;
}

int gcs_core_ordered(const struct gcs_core_group *group, uint32_t *epoch, uint64_t *position)
{
    if (group->leaving || group->failed || group->state > GCS_GROUP_MEMBER)
        return GCS_ENOTMEMBER;
    if (group->state != GCS_GROUP_MEMBER || group->returning || group->era->frozen)
        return GCS_EAGAIN;
    const struct gcs_order_engine *engine = group->era->orders[GCS_ERA_TOTAL];
    *epoch = group->era->view.epoch;
    *position = engine->ops->known(engine);
    return 0;
}

const struct gcs_view *gcs_core_view(const struct gcs_core_group *group)
{
    return group->era ? &group->era->view : NULL;
}

/* ---- A round ---------------------------------------------------------------------------- */

static void tick(struct gcs_core_group *group, uint64_t now)
{
    if (group->bootstrap)
        gcs_bootstrap_tick(group->bootstrap, now);
    if (group->old)
        gcs_agreement_tick(group->old->agreement, now);
    if (group->era)
        gcs_agreement_tick(group->era->agreement, now);
    if (group->state == GCS_GROUP_MEMBER)
        gcs_lease_tick(&group->era->lease, now);
    gcs_state_tick(group, now);
    gcs_lineage_tick(group, now);
}

static void run_era(struct gcs_core_group *group, uint64_t now)
{
    struct gcs_era *era = group->era;
    uint64_t sent;
    int result = 0, turns = 0;
    gcs_era_begin_round(era, now);
    do { /* what is sent may be deliverable here at once, and make room for more */
        sent = era->sent;
        if (group->doubt == 0)
            result = gcs_era_deliver(era, now);
        if (result == 0 && group->doubt == 0)
            gcs_era_admit(era);
        if (result == 0 && group->doubt == 0)
            result = gcs_era_send(era, now);
    } while (result == 0 && era->sent != sent && ++turns < TURNS_MAX);
    if (turns == TURNS_MAX) /* a long message that nobody else is in for: others have their turn */
        group->core->dirty = true;
    if (result == 0)
        result = gcs_era_run_pipes(era, now);
    if (result == GCS_ENOMEM)
        group->failed = result;
    gcs_era_request_repairs(era, now);
    gcs_era_acknowledge(era, now);
    gcs_era_ask_room(era, now);
    gcs_era_slow(era, now);
    gcs_era_pressure(era, now);
}

static void clean_up(struct gcs_core_group *group, uint64_t now)
{
    if (group->state != GCS_GROUP_LOOKING && group->bootstrap) {
        gcs_bootstrap_free(group->bootstrap);
        group->bootstrap = NULL;
    }
    if (group->old && group->old->retired && !group->old->forgotten)
        gcs_era_forget_packets(group->old);
    if (gcs_group_may_rejoin(group))
        gcs_group_rejoin(group, now);
    else if (group->failed)
        gcs_group_end(group, now, group->failed);
    else if (group->state == GCS_GROUP_SERVING && group->era->retired)
        gcs_group_end(group, now, group->parting);
}

void gcs_group_advance(struct gcs_core_group *group, uint64_t now)
{
    if (group->state == GCS_GROUP_ENDED)
        return;
    tick(group, now);
    while (group->state == GCS_GROUP_MEMBER && group->failed == 0 && !group->settled_in)
        gcs_group_settle_in(group, now);
    gcs_group_doubt(group, now);
    if (group->state == GCS_GROUP_MEMBER && group->failed == 0) {
        run_era(group, now);
        gcs_state_serve(group);
        gcs_group_wish(group, now);
        if (group->failed == 0)
            gcs_group_check_primary(group, now);
        tell_writable(group);
    }
    clean_up(group, now);
}

uint64_t gcs_group_deadline(const struct gcs_core_group *group)
{
    uint64_t deadline = GCS_NEVER;
    if (group->state == GCS_GROUP_ENDED)
        return deadline;
    if (group->failed)
        return 0;
    deadline = gcs_sooner(deadline, gcs_group_leave_expiry(group));
    if (group->doubt > 0 && group->state == GCS_GROUP_MEMBER)
        deadline = gcs_sooner(deadline, group->doubt_ask_at);
    if (group->bootstrap)
        deadline = gcs_sooner(deadline, gcs_bootstrap_deadline(group->bootstrap));
    if (group->old)
        deadline = gcs_sooner(deadline, gcs_era_deadline(group->old));
    if (group->era)
        deadline = gcs_sooner(deadline, gcs_era_deadline(group->era));
    deadline = gcs_sooner(deadline, group->probe_at);
    return gcs_sooner(deadline, gcs_state_deadline(group));
}

/* ---- Suspicion -------------------------------------------------------------------------- */

void gcs_era_suspect(struct gcs_era *era, uint64_t now, uint16_t rank, bool suspected, bool crashed)
{
    if (gcs_peer_closing(era->fellows[rank].peer))
        gcs_agreement_closing(era->agreement, rank);
    gcs_agreement_suspect(era->agreement, now, rank, suspected, crashed);
}

static void suspect_in(struct gcs_era *era, uint64_t now, const struct gcs_peer *peer,
                       bool suspected, bool crashed)
{
    for (uint16_t rank = 0; era && era->fellows && rank < era->view.count; rank++) {
        if (era->fellows[rank].peer != peer)
            continue;
        uint64_t process = gcs_peer_process(peer);
        if (process != 0 && process != gcs_member_process(&era->members[rank].id))
            gcs_era_gone(era, now, rank);
        else
            gcs_era_suspect(era, now, rank, suspected, crashed);
    }
}

void gcs_group_suspect(struct gcs_core_group *group, uint64_t now, const struct gcs_peer *peer,
                       bool suspected, bool crashed)
{
    suspect_in(group->old, now, peer, suspected, crashed);
    suspect_in(group->era, now, peer, suspected, crashed);
}
