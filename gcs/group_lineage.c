/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Another lineage of the group: two who looked around at the same time and could
 * not hear each other have each founded one. Members of a lineage that was founded
 * by looking go on to look, slowly, and tell each other in what view they are (KIN).
 * The one that is less, first of all the younger, gives way: its members end, each as it
 * hears of the other, and come back as new members of that.
 *
 * Both sides see it alike, because whoever is less compares the view it is in now
 * with one that its sender is in; and each that gives way makes the difference
 * larger. Lineages that were created, or founded by number, never give way: that
 * there is another one is counted.
 */
#include "gcs/group.h"

#define PROBE_NS    1000000000u
#define PROBES_MOST 10 /* the longest gap between two, in PROBE_NS */
#define ANSWER_NS   10000000u

static bool may_have_kin(const struct gcs_core_group *group)
{
    return group->state == GCS_GROUP_MEMBER && gcs_lineage_looked(group->era->view.lineage);
}

static void tell(struct gcs_core_group *group, const struct gcs_address *to)
{
    uint8_t body[GCS_KIN_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    struct gcs_kin kin = {.primary = group->primary, .members = group->era->view.count};
    gcs_kin_write(&w, &kin);
    gcs_era_send_frame(group->era, to, GCS_FRAME_KIN, body, gcs_writer_size(&w));
}

/* ---- Looking on ------------------------------------------------------------------------- */

static bool is_of_view(const struct gcs_era *era, const struct gcs_address *address)
{
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        if (gcs_address_equal(&era->members[rank].id.address, address))
            return true;
    return false;
}

/* The members take turns, so that a large group asks no more often than a small one; whoever is cut
 * off asks for itself. */
static uint64_t gap(struct gcs_core_group *group)
{
    uint64_t turns = group->primary ? group->era->view.count : 1;
    if (turns > PROBES_MOST)
        turns = PROBES_MOST;
    return turns * PROBE_NS + gcs_prng_below(&group->core->prng, PROBE_NS / 4);
}

void gcs_lineage_tick(struct gcs_core_group *group, uint64_t now)
{
    if (!may_have_kin(group)) {
        group->probe_at = GCS_NEVER;
        return;
    }
    if (group->probe_at == GCS_NEVER)
        group->probe_at = now + gap(group);
    if (now < group->probe_at)
        return;
    for (size_t i = 0; i < group->seeds_count; i++)
        if (!is_of_view(group->era, &group->seeds[i]))
            tell(group, &group->seeds[i]);
    group->probe_at = now + gap(group);
}

/* ---- Meeting another -------------------------------------------------------------------- */

/* Who cannot go on as a primary is less than anybody who can. */
static bool gives_way(const struct gcs_core_group *group, uint64_t lineage,
                      const struct gcs_kin *kin)
{
    const struct gcs_view *view = &group->era->view;
    if (!may_have_kin(group) || !kin->primary || group->leaving)
        return false;
    if (!gcs_lineage_looked(lineage) || !group->primary)
        return true;
    uint64_t second = gcs_lineage_second(lineage), own = gcs_lineage_second(view->lineage);
    if (second != own)
        return second < own;
    if (kin->members != view->count)
        return kin->members > view->count;
    return lineage < view->lineage;
}

void gcs_lineage_meet(struct gcs_core_group *group, uint64_t lineage)
{
    if (lineage == group->era->view.lineage || lineage == group->met)
        return;
    group->met = lineage;
    group->core->counters.lineages_met++;
}

/* As it came, to those who are to give way too: otherwise whoever goes first would come back here.
 */
static void pass_on(struct gcs_core_group *group, const struct gcs_packet *packet,
                    const struct gcs_frame *frame)
{
    struct gcs_envelope envelope = {packet->group, packet->lineage, packet->epoch, packet->rank};
    const struct gcs_route *others = group->era->others;
    for (uint16_t i = 0; i < others->count; i++)
        gcs_core_send_frame(group->core, &envelope, &others->to[i], GCS_FRAME_KIN, frame->body,
                            frame->size);
}

void gcs_lineage_hear(struct gcs_core_group *group, uint64_t now, const struct gcs_address *from,
                      const struct gcs_packet *packet, const struct gcs_frame *frame)
{
    struct gcs_kin kin;
    if (!gcs_kin_read(frame->body, frame->size, &kin)) {
        group->core->counters.dropped_malformed++;
        return;
    }
    if (group->state != GCS_GROUP_MEMBER || packet->lineage == 0 ||
        packet->lineage == group->era->view.lineage)
        return;
    gcs_lineage_meet(group, packet->lineage);
    if (gives_way(group, packet->lineage, &kin)) {
        pass_on(group, packet, frame);
        group->failed = GCS_ELINEAGE;
        group->core->counters.lineages_left++;
    } else if (group->primary && gcs_lineage_looked(packet->lineage) && now >= group->told_kin_at) {
        group->told_kin_at = now + ANSWER_NS;
        tell(group, from);
    }
}
