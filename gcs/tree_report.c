/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Acknowledgements in a tree of regions. Every member reports to the one that acts
 * for its region what its application has taken, that one to the one that acts for
 * the region above, and the root tells everybody what is stable: taken by all. The
 * same reports carry how far the total order is held and by how many votes; once
 * the root sees a quorum it tells that, too.
 *
 * What is not known to be stable is reported again, ever more rarely; who hears
 * reported what it knows to be stable already tells so. So no loss lasts, and a
 * quiet group is quiet.
 *
 * After a promise a member's own numbers stay as they were (era_send.c), and what
 * others have acknowledged before theirs may still be passed on: it is as true as
 * when it was said.
 */
#include "gcs/base/quorum.h"
#include "gcs/group.h"

#define REPORT_DELAY_NS     2000000u
#define SAFE_DELAY_NS       300000u /* somebody waits for a quorum */
#define AGAIN_NS            20000000u
#define AGAIN_DOUBLINGS_MAX 4u
#define TOP_NS              2000000u /* after the last packet, doubling */
#define TOP_DOUBLINGS_MAX   7u
#define UNHEARD_NS          20000000u
#define BODY_MAX            1100u /* fits into every packet there is */
#define HEAD_MAX            160u
#define ENTRY_MAX           12u

static uint64_t own_taken(const struct gcs_era *era, uint16_t rank)
{
    return era->fellows[rank].window.done;
}

static struct gcs_step own_step(struct gcs_era *era)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    return (struct gcs_step){total->ops->held(total),
                             gcs_member_votes(&era->members[era->view.self])};
}

/* ---- Writing ---------------------------------------------------------------------------- */

/* Entries of ranks in [*from, ...) as long as there is room; what is left is for the next one. */
struct body {
    uint8_t bytes[BODY_MAX];
    uint8_t entries[BODY_MAX];
    struct gcs_writer list;
    uint16_t count, next;
};

static void begin_body(struct body *body)
{
    body->list = gcs_writer_over(body->entries, BODY_MAX - HEAD_MAX);
    body->count = body->next = 0;
}

static bool add_entry(struct body *body, uint16_t rank, uint64_t taken)
{
    struct gcs_report_entry entry = {rank, taken};
    if ((size_t)(body->list.end - body->list.at) < ENTRY_MAX)
        return false;
    gcs_report_write_entry(&body->list, &body->next, &entry);
    body->count++;
    return true;
}

static size_t end_body(struct body *body, const struct gcs_report *report)
{
    struct gcs_writer w = gcs_writer_over(body->bytes, sizeof(body->bytes));
    gcs_report_write(&w, report);
    gcs_write_varint(&w, body->count);
    gcs_write_bytes(&w, body->entries, gcs_writer_size(&body->list));
    return gcs_writer_size(&w);
}

void gcs_tree_hello(struct gcs_era *era, const struct gcs_address *to, uint8_t flags)
{
    struct gcs_report report = {.flags = flags, .top = era->sent};
    struct body body;
    begin_body(&body);
    size_t size = end_body(&body, &report);
    if (to)
        gcs_era_send_frame(era, to, GCS_FRAME_REPORT, body.bytes, size);
    else
        gcs_tree_send(era, era->others, GCS_FRAME_REPORT, body.bytes, size);
}

/* ---- Down ------------------------------------------------------------------------------- */

static struct gcs_report stable_report(const struct gcs_era *era)
{
    const struct gcs_tree *tree = era->tree;
    return (struct gcs_report){
        .flags = GCS_REPORT_STABLE,
        .top = era->sent,
        .steps = tree->safe > 0,
        .step = {{tree->safe, 0}},
    };
}

static void tell_stable(struct gcs_era *era)
{
    struct gcs_tree *tree = era->tree;
    struct gcs_report report = stable_report(era);
    struct body body;
    uint16_t rank = 0;
    do {
        begin_body(&body);
        for (; rank < era->view.count; rank++) {
            if (tree->stable[rank] == tree->told[rank])
                continue;
            if (!add_entry(&body, rank, tree->stable[rank]))
                break;
            tree->told[rank] = tree->stable[rank];
        }
        gcs_tree_send_down(era, GCS_FRAME_REPORT, body.bytes, end_body(&body, &report));
    } while (rank < era->view.count);
    tree->safe_told = tree->safe;
    tree->stable_owed = false;
}

/* Somebody reports what is stable already: it did not hear so. */
static void tell_again(struct gcs_era *era, const struct gcs_address *to, struct gcs_reader entries,
                       uint16_t count)
{
    struct gcs_tree *tree = era->tree;
    struct gcs_report report = stable_report(era);
    struct body body;
    uint16_t next = 0;
    begin_body(&body);
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        if (entry.taken <= tree->stable[entry.rank])
            add_entry(&body, entry.rank, tree->stable[entry.rank]);
    }
    gcs_era_send_frame(era, to, GCS_FRAME_REPORT, body.bytes, end_body(&body, &report));
}

/* ---- What is known ---------------------------------------------------------------------- */

static bool learn_stable(struct gcs_era *era, uint16_t rank, uint64_t taken)
{
    struct gcs_tree *tree = era->tree;
    if (taken <= tree->stable[rank])
        return false;
    tree->stable[rank] = taken;
    tree->agains = 0;
    gcs_window_release(&era->fellows[rank].window, taken);
    if (rank == era->view.self)
        gcs_era_update_base(era);
    return true;
}

static bool learn_safe(struct gcs_era *era, uint64_t position)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    if (position <= era->tree->safe)
        return false;
    era->tree->safe = position;
    era->tree->agains = 0;
    total->ops->held_by_quorum(total, position);
    return true;
}

static uint32_t votes_needed(const struct gcs_era *era)
{
    uint32_t all = 0;
    for (uint16_t rank = 0; rank < era->view.count; rank++)
        all += gcs_member_votes(&era->members[rank]);
    if (era->group->config.safe_quorum == GCS_SAFE_ALL)
        return all;
    return all / 2 + 1;
}

/* The root's part: all has come together here. */
static void conclude(struct gcs_era *era)
{
    struct gcs_tree *tree = era->tree;
    bool news = false;
    for (uint16_t rank = 0; rank < era->view.count; rank++) {
        uint64_t own = own_taken(era, rank);
        if (own > tree->stable[rank])
            news |= learn_stable(era, rank, gcs_combine_least(&tree->combine, rank, own));
    }
    struct gcs_step own = own_step(era);
    if (own.position > tree->safe)
        news |= learn_safe(era, gcs_combine_reach(&tree->combine, own, votes_needed(era)));
    if (news)
        tell_stable(era);
}

/* ---- Up --------------------------------------------------------------------------------- */

/* Whom we report to; ourselves: we are the root. */
static uint16_t superior(const struct gcs_era *era)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t acting = gcs_tree_acting(era, tree->region);
    if (acting != era->view.self || tree->region == 0)
        return acting;
    return gcs_tree_acting(era, gcs_region_parent(&tree->regions, tree->region));
}

/* Which votes hold what is not known to be held by a quorum. Who has none says how far it is, too,
 * and thereby that it has not heard of a quorum: an observer that missed the word is told again. */
static void add_steps(struct gcs_era *era, bool region, struct gcs_report *report)
{
    struct gcs_tree *tree = era->tree;
    struct gcs_step own = own_step(era);
    struct gcs_stair stair = {.count = 1, .step = {own}};
    if (region)
        gcs_combine_merge(&tree->combine, own, &stair);
    if (stair.count == 0 || stair.step[0].position <= tree->safe)
        return;
    report->steps = stair.count;
    for (uint16_t i = 0; i < stair.count; i++)
        report->step[i] = stair.step[i];
}

/* What is not known to be stable. False: there is nothing. */
static bool report_up(struct gcs_era *era, uint16_t to)
{
    struct gcs_tree *tree = era->tree;
    bool region = tree->regions.region_of[to] != tree->region;
    struct gcs_report report = {.flags = region ? GCS_REPORT_REGION : 0, .top = era->sent};
    struct body body;
    bool any = false;
    uint16_t rank = 0;
    add_steps(era, region, &report);
    do {
        begin_body(&body);
        for (; rank < era->view.count; rank++) {
            uint64_t taken = own_taken(era, rank);
            if (region && taken > tree->stable[rank])
                taken = gcs_combine_least(&tree->combine, rank, taken);
            if (taken > tree->stable[rank] && !add_entry(&body, rank, taken))
                break;
        }
        if (body.count == 0 && report.steps == 0)
            return any;
        any = true;
        gcs_era_send_frame(era, &era->members[to].id.address, GCS_FRAME_REPORT, body.bytes,
                           end_body(&body, &report));
        report.steps = 0;
    } while (rank < era->view.count);
    return true;
}

static void report(struct gcs_era *era, uint64_t now)
{
    struct gcs_tree *tree = era->tree;
    uint16_t to = superior(era);
    tree->report_owed = false;
    tree->report_due = GCS_NEVER;
    era->ack_bytes = 0;
    era->ack_owed = era->safe_seen = false;
    if (to == era->view.self) {
        conclude(era);
    } else if (report_up(era, to)) {
        tree->again_due = now + ((uint64_t)AGAIN_NS << tree->agains);
        if (tree->agains < AGAIN_DOUBLINGS_MAX)
            tree->agains++;
    }
}

/* ---- Hearing ---------------------------------------------------------------------------- */

/* Which child a report comes from; the number of children: none of ours. */
static uint16_t child_of(const struct gcs_era *era, uint16_t rank, bool whole_region)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t first, end, region = tree->regions.region_of[rank];
    if (region == tree->region && !whole_region)
        return tree->regions.place_of[rank];
    gcs_region_children(&tree->regions, tree->region, &first, &end);
    if (whole_region && region >= first && region < end)
        return (uint16_t)(gcs_region_size(&tree->regions, tree->region) + region - first);
    return tree->combine.children;
}

static void hear_stable(struct gcs_era *era, const struct gcs_report *report,
                        struct gcs_reader entries, uint16_t count)
{
    bool news = false;
    uint16_t next = 0;
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        news |= learn_stable(era, entry.rank, entry.taken);
    }
    if (report->steps > 0)
        news |= learn_safe(era, report->step[0].position);
    era->tree->stable_owed |= news && era->tree->overlay;
}

static void hear_child(struct gcs_era *era, uint16_t child, const struct gcs_report *report,
                       struct gcs_reader entries, uint16_t count)
{
    struct gcs_tree *tree = era->tree;
    uint16_t next = 0;
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        gcs_combine_taken(&tree->combine, child, entry.rank, entry.taken);
    }
    gcs_combine_stair(&tree->combine, child, report->step, report->steps);
    tree->report_owed = true;
}

/* Nobody can have taken what we have not sent. */
static bool is_possible(const struct gcs_era *era, struct gcs_reader entries, uint16_t count)
{
    uint16_t next = 0;
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        if (entry.rank == era->view.self && entry.taken > era->sent)
            return false;
    }
    return true;
}

static bool is_behind(const struct gcs_era *era, const struct gcs_report *report,
                      struct gcs_reader entries, uint16_t count)
{
    const struct gcs_tree *tree = era->tree;
    uint16_t next = 0;
    for (uint16_t i = 0; i < count; i++) {
        struct gcs_report_entry entry = gcs_report_read_entry(&entries, &next);
        if (entry.taken <= tree->stable[entry.rank])
            return true;
    }
    return report->steps > 0 && report->step[0].position <= tree->safe;
}

bool gcs_tree_hear_report(struct gcs_era *era, uint64_t now, const struct gcs_address *from,
                          uint16_t rank, const struct gcs_frame *frame)
{
    struct gcs_report report;
    struct gcs_reader entries;
    uint16_t count;
    if (!gcs_report_read(frame->body, frame->size, era->view.count, &report, &entries, &count))
        return false;
    if (!is_possible(era, entries, count)) {
        gcs_era_blame(era, rank, &era->group->core->counters.acks_forged);
        return true;
    }
    uint16_t child = child_of(era, rank, report.flags & GCS_REPORT_REGION);
    gcs_window_exists(&era->fellows[rank].window, report.top);
    gcs_rankset_add(&era->tree->lacking, rank);
    era->gaps_changed = true;
    if (report.flags & GCS_REPORT_REPLY && gcs_era_admits(era, now, rank))
        gcs_tree_hello(era, from, 0);
    if (report.flags & GCS_REPORT_STABLE)
        hear_stable(era, &report, entries, count);
    else if (is_behind(era, &report, entries, count))
        tell_again(era, from, entries, count);
    if (!(report.flags & GCS_REPORT_STABLE) && child < era->tree->combine.children)
        hear_child(era, child, &report, entries, count);
    return true;
}

/* ---- Time ------------------------------------------------------------------------------- */

/* Nothing is expected to have come back before the way there and back has been gone. */
static uint64_t top_gap(struct gcs_era *era, uint64_t now)
{
    uint64_t rtt = gcs_tree_rtt(era, now);
    return (2 * rtt > TOP_NS ? 2 * rtt : TOP_NS) << era->tree->tops;
}

void gcs_tree_sent(struct gcs_era *era, uint64_t now)
{
    era->tree->tops = 0;
    era->tree->top_due = now + top_gap(era, now);
}

/* Who did not hear of our last packets has no other way to learn that they exist. */
static void say_top(struct gcs_era *era, uint64_t now)
{
    struct gcs_tree *tree = era->tree;
    if (now < tree->top_due)
        return;
    if (era->sent > era->base || !tree->greeted)
        gcs_tree_hello(era, NULL, 0);
    tree->greeted = true;
    tree->top_due = era->sent > era->base ? now + top_gap(era, now) : GCS_NEVER;
    if (tree->tops < TOP_DOUBLINGS_MAX)
        tree->tops++;
}

static void ask_unheard(struct gcs_era *era, uint64_t now)
{
    struct gcs_tree *tree = era->tree;
    if (now < tree->unheard_due)
        return;
    for (uint16_t rank = 0; rank < era->view.count && era->pokes > 0; rank++)
        if (!era->fellows[rank].heard)
            gcs_tree_hello(era, &era->members[rank].id.address, GCS_REPORT_REPLY);
    if (era->unheard == 0) {
        tree->unheard_due = GCS_NEVER;
        return;
    }
    tree->unheard_due = now + ((uint64_t)UNHEARD_NS << era->pokes);
    if (era->pokes < AGAIN_DOUBLINGS_MAX)
        era->pokes++;
}

/* Where a report takes long anyway more of them go as one. */
static uint64_t report_delay(struct gcs_era *era, uint64_t now)
{
    uint64_t rtt = gcs_tree_rtt(era, now);
    return rtt / 2 > REPORT_DELAY_NS ? rtt / 2 : REPORT_DELAY_NS;
}

void gcs_tree_acknowledge(struct gcs_era *era, uint64_t now)
{
    struct gcs_order_engine *total = era->orders[GCS_ERA_TOTAL];
    struct gcs_tree *tree = era->tree;
    ask_unheard(era, now);
    say_top(era, now);
    if (tree->stable_owed && gcs_tree_acting(era, tree->region) == era->view.self)
        tell_stable(era);
    bool urgent = era->safe_seen;
    tree->report_owed |= era->ack_owed || total->ops->owes_ack(total);
    if (now >= tree->again_due) {
        tree->again_due = GCS_NEVER;
        tree->report_owed = true;
        tree->report_due = now;
    }
    if (!tree->report_owed)
        return;
    uint64_t due = now + (urgent ? SAFE_DELAY_NS : report_delay(era, now));
    if (due < tree->report_due)
        tree->report_due = due;
    if (now >= tree->report_due || era->ack_bytes >= era->window_bytes / 4)
        report(era, now);
}
