/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A packet of this group has come in: to which era does it belong, and what if
 * to none? Who lags behind is told what was decided, who was excluded is told
 * so, and joiners are heard.
 */
#include "gcs/group.h"

#define TELL_STALE_NS 10000000u

/* ---- While looking ---------------------------------------------------------------------- */

static void receive_looking(struct gcs_core_group *group, uint64_t now,
                            const struct gcs_address *from, const struct gcs_packet *packet)
{
    struct gcs_counters *counters = &group->core->counters;
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    while (group->state == GCS_GROUP_LOOKING && group->failed == 0 && gcs_frame_next(&r, &frame)) {
        int result = GCS_ENOTMEMBER;
        if (frame.type >= GCS_FRAME_JOIN)
            result = gcs_bootstrap_frame(group->bootstrap, now, from, frame.type, frame.body,
                                         frame.size);
        if (result == GCS_ENOTMEMBER) /* of a view that we are not in yet */
            counters->dropped_stale++;
        else if (result == GCS_EMALFORMED)
            counters->dropped_malformed++;
    }
}

/* ---- Joiners ---------------------------------------------------------------------------- */

static bool is_member_id(const struct gcs_era *era, const struct gcs_member_id *id)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (gcs_member_id_equal(&era->members[rank].id, id))
            return true;
    return false;
}

static void hear_join(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                      const struct gcs_frame *frame)
{
    struct gcs_agreement_config settings = {
        .view = &group->era->view,
        .settings = gcs_group_settings(group),
    };
    struct gcs_join_request request;
    uint8_t refusal[GCS_REFUSAL_BYTES_MAX];
    size_t size = sizeof(refusal);
    int result = gcs_join_read(frame->body, frame->size, &settings, &request, refusal, &size);
    if (result == GCS_EMALFORMED)
        group->core->counters.dropped_malformed++;
    if (result == GCS_EREFUSED)
        gcs_era_send_frame(group->era, from, GCS_FRAME_REFUSE, refusal, size);
    if (result < 0)
        return;
    if (is_member_id(group->era, &request.member.id)) /* has not heard that it is one */
        gcs_agreement_behind(group->era->agreement, now, from);
    if (group->old)
        gcs_agreement_join(group->old->agreement, now, &request);
    /* Who is cut off can let nobody in, and must not keep others from founding the group anew. */
    if (group->primary || !gcs_lineage_looked(group->era->view.lineage))
        gcs_agreement_join(group->era->agreement, now, &request);
}

/* ---- Strangers: joiners, and those whose view is over ----------------------------------- */

static void hear_excluded(struct gcs_core_group *group, const struct gcs_packet *packet,
                          const struct gcs_frame *frame)
{
    uint32_t epoch;
    if (!gcs_excluded_read(frame->body, frame->size, &epoch)) {
        group->core->counters.dropped_malformed++;
    } else if (packet->lineage == group->era->view.lineage && epoch > group->era->view.epoch) {
        if (group->state == GCS_GROUP_SERVING) {
            group->era->retired = true; /* the others have gone on: nobody needs us any more */
            return;
        }
        group->core->counters.exclusions++;
        group->failed = GCS_ENOTMEMBER;
    }
}

/* Those who decided may be dead: a joiner of the next view tells us what it was let in by. */
static void hear_decision(struct gcs_core_group *group, uint64_t now,
                          const struct gcs_packet *packet, const struct gcs_frame *frame)
{
    const struct gcs_era *era = group->era;
    if (packet->lineage == era->view.lineage && packet->epoch > era->view.epoch &&
        gcs_agreement_heard_ahead(era->agreement, now, frame->body, frame->size) == GCS_EMALFORMED)
        group->core->counters.dropped_malformed++;
}

static void hear_gone(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                      const struct gcs_frame *frame)
{
    struct gcs_era *era = group->era;
    uint64_t lineage;
    uint32_t epoch;
    if (!gcs_gone_read(frame->body, frame->size, &lineage, &epoch)) {
        group->core->counters.dropped_malformed++;
        return;
    }
    if (lineage != era->view.lineage || epoch != era->view.epoch)
        return;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (rank != era->view.self && gcs_address_equal(from, &era->members[rank].id.address))
            gcs_era_gone(era, now, rank);
}

static bool is_member(const struct gcs_era *era, const struct gcs_address *address)
{
    for (uint16_t i = 0; i < era->others->count; i++)
        if (gcs_address_equal(&era->others->to[i], address))
            return true;
    return false;
}

/* Traffic of a view that ended before the last one that we know, or of one that we have not
 * reached. */
static void receive_astray(struct gcs_core_group *group, uint64_t now,
                           const struct gcs_address *from, const struct gcs_packet *packet)
{
    const struct gcs_era *era = group->era;
    group->core->counters.dropped_stale++;
    gcs_lineage_meet(group, packet->lineage);
    if (packet->lineage != era->view.lineage || now < group->told_stale_at + TELL_STALE_NS)
        return;
    if (packet->epoch > era->view.epoch) {
        /* A word of ours in the old view makes its sender tell us what was decided. */
        gcs_era_send_status_to(group->era, from);
    } else if (packet->epoch + 1 == era->view.epoch) {
        gcs_agreement_behind(era->agreement, now, from);
    } else if (!is_member(era, from)) {
        uint8_t body[16];
        struct gcs_writer w = gcs_writer_over(body, sizeof(body));
        gcs_excluded_write(&w, era->view.epoch);
        gcs_era_send_frame(group->era, from, GCS_FRAME_EXCLUDED, body, gcs_writer_size(&w));
    }
    group->told_stale_at = now;
}

static void receive_stranger(struct gcs_core_group *group, uint64_t now,
                             const struct gcs_address *from, const struct gcs_packet *packet)
{
    struct gcs_reader r = gcs_reader_over(packet->control, packet->control_size);
    struct gcs_frame frame;
    bool understood = false;
    while (gcs_frame_next(&r, &frame)) {
        bool join = frame.type == GCS_FRAME_JOIN || frame.type == GCS_FRAME_LOOK;
        if (join && group->state == GCS_GROUP_MEMBER)
            hear_join(group, now, from, &frame);
        else if (frame.type == GCS_FRAME_EXCLUDED)
            hear_excluded(group, packet, &frame);
        else if (frame.type == GCS_FRAME_INSTALL)
            hear_decision(group, now, packet, &frame);
        else if (frame.type == GCS_FRAME_GONE)
            hear_gone(group, now, from, &frame);
        else if (frame.type == GCS_FRAME_KIN)
            gcs_lineage_hear(group, now, from, packet, &frame);
        understood |= join || frame.type == GCS_FRAME_EXCLUDED || frame.type == GCS_FRAME_KIN;
    }
    if (!understood && packet->lineage != 0)
        receive_astray(group, now, from, packet);
}

/* ---- The packet ---------------------------------------------------------------------- */

static bool belongs(const struct gcs_era *era, const struct gcs_packet *packet)
{
    return era && packet->lineage == era->view.lineage && packet->epoch == era->view.epoch &&
           packet->rank < era->view.count;
}

/* A packet of the closed view: its sender may not know of the decision yet. */
static void receive_late(struct gcs_core_group *group, uint64_t now, struct gcs_era *era,
                         const struct gcs_address *from, struct gcs_buffer *buffer,
                         const uint8_t *data, size_t size, const struct gcs_packet *packet)
{
    gcs_era_receive(era, now, from, buffer, data, size, packet);
    if (gcs_address_equal(from, &era->members[packet->rank].id.address) && group->failed == 0)
        gcs_agreement_late(era->agreement, now, packet->rank);
}

void gcs_group_receive(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                       struct gcs_buffer *buffer, const uint8_t *data, size_t size,
                       const struct gcs_packet *packet)
{
    if (group->state == GCS_GROUP_ENDED || group->failed != 0)
        return;
    if (group->state == GCS_GROUP_LOOKING && belongs(group->old, packet))
        receive_late(group, now, group->old, from, buffer, data, size, packet);
    else if (group->state == GCS_GROUP_LOOKING)
        receive_looking(group, now, from, packet);
    else if (belongs(group->era, packet) && !group->era->closed)
        gcs_era_receive(group->era, now, from, buffer, data, size, packet);
    else if (belongs(group->era, packet))
        receive_late(group, now, group->era, from, buffer, data, size, packet);
    else if (belongs(group->old, packet))
        receive_late(group, now, group->old, from, buffer, data, size, packet);
    else
        receive_stranger(group, now, from, packet);
}
