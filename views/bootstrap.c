/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Before the first view. A joiner asks everybody it knows of, answers the
 * prepare of a ballot (so that the group lets in only who is alive), and is in
 * when it is shown a decision that names it. A looker does the same and founds
 * the group when nobody has answered for look_ns, unless it knows of a looker
 * with a smaller incarnation, which goes first. Lookers tell each other the
 * smallest one that they have heard, so that two who do not know each other's
 * address find out. This makes two founders unlikely, not impossible.
 */
#include "views/bootstrap.h"

#include "gcs/base/memory.h"
#include "gcs/base/prng.h"
#include "views/founding.h"
#include "views/machine.h"
#include "views/rivals.h"

#include <stdio.h>

/* Addresses learned beside the seeds; more if more are expected. */
#define LEARNED_MAX 32

/* GCS_LOOK waits for a group that there seems to be, but no longer than so many times look_ns. */
#define LOOKS_MOST 20

struct gcs_bootstrap_machine {
    struct gcs_bootstrap_config config;
    struct gcs_prng prng;
    bool done;
    struct gcs_address *targets; /* seeds, then learned ones */
    size_t targets_count;
    size_t targets_max;
    uint64_t gap;
    uint64_t send_at;
    uint64_t found_at;  /* not before; GCS_NEVER: never */
    uint64_t founds_by; /* a group that lets nobody in for so long is none: looking ends then */
    struct gcs_rivals rivals;
    struct gcs_founding *founding; /* with GCS_EXPECT */
    uint64_t judge_at;             /* somebody looks with other settings: one of us is wrong */
    struct gcs_refusal difference; /* the last one heard */
    uint32_t answered; /* closing view whose ballot this incarnation answered; 0: none */
};

/* ---- Whom to ask ------------------------------------------------------------------------ */

/* True if the address is new, there was room, and it is not our own. */
static bool learn(struct gcs_bootstrap_machine *b, const struct gcs_address *address)
{
    if (address->length == 0 || gcs_address_equal(address, &b->config.self.id.address))
        return false;
    for (size_t i = 0; i < b->targets_count; i++) {
        if (gcs_address_equal(&b->targets[i], address))
            return false;
    }
    if (b->targets_count == b->targets_max)
        return false;
    b->targets[b->targets_count++] = *address;
    return true;
}

/* ---- Rivals ----------------------------------------------------------------------------- */

/* A rival that has been silent for so long has gone, or it has founded and will answer. */
static uint64_t rival_ns(const struct gcs_bootstrap_machine *b)
{
    uint64_t least = 10 * b->config.retry_ns;
    return b->config.look_ns > least ? b->config.look_ns : least;
}

/* ---- Speaking --------------------------------------------------------------------------- */

static void ask(struct gcs_bootstrap_machine *b, const struct gcs_address *to, uint8_t type,
                uint32_t epoch, struct gcs_ballot ballot)
{
    uint8_t body[GCS_JOIN_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    struct gcs_join_request request = {b->config.self, epoch, ballot};
    const struct gcs_rival *rival = gcs_rivals_first(&b->rivals);
    gcs_join_write(&w, &request, &b->config.settings, rival ? &rival->id : NULL);
    b->config.env.to_address(b->config.env.ctx, to, type, body, gcs_writer_size(&w));
}

static void call(struct gcs_bootstrap_machine *b, const struct gcs_address *to)
{
    uint8_t type = b->config.mode == GCS_JOIN ? GCS_FRAME_JOIN : GCS_FRAME_LOOK;
    ask(b, to, type, 0, (struct gcs_ballot){0, 0});
}

/* To everybody; a little uneven, so that those who started together spread out. */
static void call_all(struct gcs_bootstrap_machine *b, uint64_t now)
{
    for (size_t i = 0; i < b->targets_count; i++)
        call(b, &b->targets[i]);
    b->send_at = now + b->gap + gcs_prng_below(&b->prng, b->gap / 4 + 1);
    if (b->config.mode != GCS_LOOK) {
        uint64_t most = 10 * b->config.retry_ns;
        b->gap = b->gap * 2 < most ? b->gap * 2 : most;
    }
}

/* ---- Time ------------------------------------------------------------------------------- */

static void put_off(struct gcs_bootstrap_machine *b, uint64_t until)
{
    if (b->founding)
        gcs_founding_put_off(b->founding, until);
    if (b->config.mode == GCS_LOOK && b->found_at < until)
        b->found_at = until < b->founds_by ? until : b->founds_by;
}

static void try_found(struct gcs_bootstrap_machine *b, uint64_t now)
{
    gcs_rivals_forget(&b->rivals, now, rival_ns(b));
    const struct gcs_rival *rival = gcs_rivals_first(&b->rivals);
    if (rival && gcs_rival_compare(&rival->id, &b->config.self.id) < 0) {
        b->found_at = rival->heard + rival_ns(b);
        return;
    }
    b->done = true;
    b->config.env.found(b->config.env.ctx);
}

static void refuse_self(struct gcs_bootstrap_machine *b, const struct gcs_refusal *refusal);

/* Who has answered a ballot stays: it may be needed. */
static void judge_settings(struct gcs_bootstrap_machine *b, uint64_t now)
{
    b->judge_at = GCS_NEVER; /* the next LOOK of theirs begins anew */
    gcs_rivals_forget(&b->rivals, now, rival_ns(b));
    if (!gcs_founding_promised(b->founding) && gcs_rivals_outnumber(&b->rivals, &b->config.self.id))
        refuse_self(b, &b->difference);
}

void gcs_bootstrap_tick(struct gcs_bootstrap_machine *b, uint64_t now)
{
    if (!b->done && now >= b->send_at)
        call_all(b, now);
    if (!b->done && now >= b->found_at)
        try_found(b, now);
    if (!b->done && now >= b->judge_at)
        judge_settings(b, now);
    if (!b->done && b->founding)
        gcs_founding_tick(b->founding, now);
}

uint64_t gcs_bootstrap_deadline(const struct gcs_bootstrap_machine *b)
{
    if (b->done)
        return GCS_NEVER;
    uint64_t deadline = b->send_at < b->found_at ? b->send_at : b->found_at;
    if (b->judge_at < deadline)
        deadline = b->judge_at;
    if (b->founding && gcs_founding_deadline(b->founding) < deadline)
        deadline = gcs_founding_deadline(b->founding);
    return deadline;
}

/* ---- Hearing ---------------------------------------------------------------------------- */

/*
 * A member's ballot reaches somebody who has not heard yet that it is a member: the decision is
 * still to come, and asking brings it.
 */
static int hear_prepare(struct gcs_bootstrap_machine *b, uint64_t now,
                        const struct gcs_address *from)
{
    learn(b, from);
    put_off(b, now + b->config.look_ns);
    call(b, from);
    return 0;
}

/* There is a group, and this looker is where its members look for others. */
static int hear_kin(struct gcs_bootstrap_machine *b, uint64_t now, const struct gcs_address *from,
                    const uint8_t *body, size_t size)
{
    struct gcs_kin kin;
    if (!gcs_kin_read(body, size, &kin))
        return GCS_EMALFORMED;
    return kin.primary ? hear_prepare(b, now, from) : 0;
}

/* Of a view before the one of that epoch, without having heard of it. */
static bool may_have_been_member(const struct gcs_bootstrap_machine *b, uint32_t epoch)
{
    if (b->answered != 0)
        return b->answered != epoch;
    return b->founding && gcs_founding_promised(b->founding);
}

/*
 * An invitation by a view that this incarnation is no member of. If it has answered one of an
 * earlier view it may have been a member in between and is over: only a new one can come in.
 */
static int hear_invite(struct gcs_bootstrap_machine *b, uint64_t now,
                       const struct gcs_address *from, const uint8_t *body, size_t size)
{
    uint32_t epoch;
    struct gcs_ballot ballot;
    if (!gcs_prepare_read(body, size, &epoch, &ballot))
        return GCS_EMALFORMED;
    if (epoch == 0) { /* to no ballot: it only asks whether we hear it */
        learn(b, from);
        put_off(b, now + b->config.look_ns);
        ask(b, from, GCS_FRAME_JOIN, epoch, ballot);
        return 0;
    }
    if (epoch < b->answered)
        return 0; /* late */
    if (may_have_been_member(b, epoch) && b->config.env.renew) {
        b->config.self.id.incarnation = b->config.env.renew(b->config.env.ctx);
        if (b->founding)
            gcs_founding_renew(b->founding, &b->config.self.id);
    }
    b->answered = epoch;
    learn(b, from);
    put_off(b, now + b->config.look_ns); /* there is a group */
    b->gap = b->config.retry_ns;
    b->send_at = now + b->gap;
    ask(b, from, GCS_FRAME_JOIN, epoch, ballot);
    return 0;
}

static int hear_install(struct gcs_bootstrap_machine *b, uint64_t now, const uint8_t *body,
                        size_t size)
{
    struct gcs_value *value;
    int error = gcs_value_decode(b->config.allocator, NULL, body, size, &value);
    if (error)
        return error;
    const struct gcs_proposal *p = &value->proposal;
    put_off(b, now + b->config.look_ns);
    for (uint16_t i = p->survivors_count; i < p->members_count; i++) {
        if (!gcs_member_id_equal(&p->members[i].id, &b->config.self.id))
            continue;
        b->done = true;
        b->config.env.joined(b->config.env.ctx, p);
        break;
    }
    gcs_value_drop(&value);
    return 0;
}

static const char *refusal_name(uint8_t what)
{
    switch (what) {
    case GCS_REFUSED_ORDER:
        return "order";
    case GCS_REFUSED_WINDOW_PACKETS:
        return "window_packets";
    case GCS_REFUSED_MESSAGE_BYTES:
        return "message_bytes";
    case GCS_REFUSED_MEMBERS:
        return "members";
    case GCS_REFUSED_TIE_BREAKER:
        return "tie_breaker";
    case GCS_REFUSED_STATE:
        return "state";
    case GCS_REFUSED_EXPECT:
        return "expect";
    case GCS_REFUSED_REGION_SIZE:
        return "region_size";
    case GCS_REFUSED_SAFE_QUORUM:
        return "safe_quorum";
    case GCS_REFUSED_ROTATE:
        return "rotate";
    case GCS_REFUSED_LABEL:
        return "label";
    default:
        return "unknown";
    }
}

static void refuse_self(struct gcs_bootstrap_machine *b, const struct gcs_refusal *refusal)
{
    char why[96];
    snprintf(why, sizeof(why), "%s: the group has %llu, this member %llu",
             refusal_name(refusal->what), (unsigned long long)refusal->group,
             (unsigned long long)refusal->joiner);
    b->done = true;
    b->config.env.refused(b->config.env.ctx, refusal->error, why);
}

static int hear_refusal(struct gcs_bootstrap_machine *b, const uint8_t *body, size_t size)
{
    struct gcs_refusal refusal;
    if (!gcs_refusal_read(body, size, &refusal))
        return GCS_EMALFORMED;
    refuse_self(b, &refusal);
    return 0;
}

/* The first setting in which theirs and ours differ; what is 0: none. */
static struct gcs_refusal difference(const struct gcs_settings *theirs,
                                     const struct gcs_settings *ours);

/* Those who expect, and by the same settings, found the group together. */
static void hear_companion(struct gcs_bootstrap_machine *b, uint64_t now,
                           const struct gcs_member *member, const struct gcs_settings *settings)
{
    struct gcs_refusal differs = difference(settings, &b->config.settings);
    if (differs.what == 0) {
        gcs_founding_heard(b->founding, now, member);
        return;
    }
    b->difference = differs;
    if (b->judge_at == GCS_NEVER)
        b->judge_at = now + b->config.look_ns;
}

static int hear_look(struct gcs_bootstrap_machine *b, uint64_t now, const struct gcs_address *from,
                     const uint8_t *body, size_t size)
{
    struct gcs_join_request request;
    struct gcs_settings settings;
    struct gcs_member_id gossip;
    if (!gcs_join_parse(body, size, &request, &settings, &gossip))
        return GCS_EMALFORMED;
    if (gcs_member_id_equal(&request.member.id, &b->config.self.id))
        return 0;
    learn(b, from);
    learn(b, &request.member.id.address);
    bool differs = difference(&settings, &b->config.settings).what != 0;
    bool news = gcs_rivals_note(&b->rivals, now, &request.member.id, differs);
    if (b->config.mode == GCS_JOIN)
        return 0;
    if (news)
        call(b, &request.member.id.address);
    /* Somebody who comes first may be about to answer: make its acquaintance before founding. */
    if (learn(b, &gossip.address)) {
        put_off(b, now + b->config.look_ns / 4);
        call(b, &gossip.address);
    }
    if (b->founding && settings.expect > 0)
        hear_companion(b, now, &request.member, &settings);
    return 0;
}

static int hear_found(struct gcs_bootstrap_machine *b, uint64_t now, const struct gcs_address *from,
                      const uint8_t *body, size_t size)
{
    if (!b->founding)
        return 0;
    b->gap = b->config.retry_ns; /* a decision may be near: ask often */
    return gcs_founding_frame(b->founding, now, from, body, size);
}

int gcs_bootstrap_frame(struct gcs_bootstrap_machine *b, uint64_t now,
                        const struct gcs_address *from, uint8_t type, const uint8_t *body,
                        size_t size)
{
    if (b->done || b->config.mode == GCS_CREATE)
        return 0;
    switch (type) {
    case GCS_FRAME_PREPARE:
        return hear_prepare(b, now, from);
    case GCS_FRAME_INVITE:
        return hear_invite(b, now, from, body, size);
    case GCS_FRAME_INSTALL:
        return hear_install(b, now, body, size);
    case GCS_FRAME_REFUSE:
        return hear_refusal(b, body, size);
    case GCS_FRAME_LOOK:
        return hear_look(b, now, from, body, size);
    case GCS_FRAME_FOUND:
        return hear_found(b, now, from, body, size);
    case GCS_FRAME_KIN:
        return hear_kin(b, now, from, body, size);
    case GCS_FRAME_JOIN: /* it cannot found, and we cannot let it in */
        return 0;
    default: /* to whoever had this address before */
        return GCS_ENOTMEMBER;
    }
}

/* ---- Making and freeing ----------------------------------------------------------------- */

static void founding_says(void *ctx, const struct gcs_address *to, uint8_t type,
                          const uint8_t *body, size_t size)
{
    struct gcs_bootstrap_machine *b = ctx;
    b->config.env.to_address(b->config.env.ctx, to, type, body, size);
}

static void founding_decided(void *ctx, const struct gcs_proposal *value)
{
    struct gcs_bootstrap_machine *b = ctx;
    b->done = true;
    b->config.env.joined(b->config.env.ctx, value);
}

static uint64_t founding_time(void *ctx)
{
    struct gcs_bootstrap_machine *b = ctx;
    return b->config.env.time ? b->config.env.time(b->config.env.ctx) : 0;
}

static int open_founding(struct gcs_bootstrap_machine *b, uint64_t now)
{
    struct gcs_founding_config config = {
        .allocator = b->config.allocator,
        .self = b->config.self,
        .settings = b->config.settings,
        .retry_ns = b->config.retry_ns,
        .look_ns = b->config.look_ns,
        .seed = gcs_prng_next(&b->prng),
        .ctx = b,
        .to_address = founding_says,
        .decided = founding_decided,
        .time = founding_time,
    };
    return gcs_founding_new(&config, now, &b->founding);
}

int gcs_bootstrap_new(const struct gcs_bootstrap_config *config, uint64_t now,
                      struct gcs_bootstrap_machine **machine)
{
    struct gcs_bootstrap_machine *b = gcs_allocate(config->allocator, 1, sizeof(*b));
    if (!b)
        return GCS_ENOMEM;
    b->config = *config;
    b->config.seeds = NULL; /* the caller's */
    b->targets_max = config->seeds_count + LEARNED_MAX + config->settings.expect;
    b->targets = gcs_allocate(config->allocator, b->targets_max, sizeof(*b->targets));
    gcs_prng_init(&b->prng, config->seed);
    if (!b->targets || (config->mode == GCS_EXPECT && open_founding(b, now) < 0)) {
        gcs_bootstrap_free(b);
        return GCS_ENOMEM;
    }
    for (size_t i = 0; i < config->seeds_count; i++)
        learn(b, &config->seeds[i]);
    b->gap = config->retry_ns;
    b->send_at = config->mode == GCS_CREATE ? GCS_NEVER : now;
    b->found_at = b->judge_at = GCS_NEVER;
    if (config->mode == GCS_CREATE)
        b->found_at = now;
    else if (config->mode == GCS_LOOK)
        b->found_at = now + config->look_ns;
    b->founds_by = now + LOOKS_MOST * config->look_ns;
    *machine = b;
    return 0;
}

void gcs_bootstrap_free(struct gcs_bootstrap_machine *b)
{
    if (!b)
        return;
    gcs_founding_free(b->founding);
    gcs_release(b->config.allocator, b->targets);
    gcs_release(b->config.allocator, b);
}

/* ---- At a member ------------------------------------------------------------------------ */

/* Notes a setting that differs, if it is the first. */
static void compare(struct gcs_refusal *refusal, enum gcs_refusal_what what, uint64_t group,
                    uint64_t joiner)
{
    if (refusal->what != 0 || group == joiner)
        return;
    refusal->what = (uint8_t)what;
    refusal->group = group;
    refusal->joiner = joiner;
}

static struct gcs_refusal difference(const struct gcs_settings *group,
                                     const struct gcs_settings *joiner)
{
    struct gcs_refusal refusal = {.error = GCS_EREFUSED};
    compare(&refusal, GCS_REFUSED_ORDER, group->order, joiner->order);
    compare(&refusal, GCS_REFUSED_WINDOW_PACKETS, group->window_packets, joiner->window_packets);
    compare(&refusal, GCS_REFUSED_MESSAGE_BYTES, group->message_bytes, joiner->message_bytes);
    compare(&refusal, GCS_REFUSED_TIE_BREAKER, group->tie_breaker, joiner->tie_breaker);
    compare(&refusal, GCS_REFUSED_STATE, group->state, joiner->state);
    compare(&refusal, GCS_REFUSED_REGION_SIZE, group->region_size, joiner->region_size);
    compare(&refusal, GCS_REFUSED_SAFE_QUORUM, 1 + group->safe_all, 1 + joiner->safe_all);
    compare(&refusal, GCS_REFUSED_ROTATE, group->rotate, joiner->rotate);
    if (group->expect > 0 && joiner->expect > 0)
        compare(&refusal, GCS_REFUSED_EXPECT, group->expect, joiner->expect);
    return refusal;
}

/* A joiner whose label is longer than what the labels of the members leave. */
static void judge_label(const struct gcs_view *view, const struct gcs_member *joiner,
                        struct gcs_refusal *refusal)
{
    size_t bytes = 0, more = gcs_member_bytes(joiner);
    for (uint16_t rank = 0; rank < view->count; rank++)
        bytes += gcs_member_bytes(&view->members[rank]);
    if (!gcs_proposal_has_room((uint16_t)(view->count + 1), bytes + more, view->count))
        compare(refusal, GCS_REFUSED_LABEL, bytes, more);
}

static struct gcs_refusal judge(const struct gcs_agreement_config *config,
                                const struct gcs_settings *settings,
                                const struct gcs_member *joiner)
{
    struct gcs_refusal refusal = difference(&config->settings, settings);
    if (config->view->count >= GCS_MEMBERS_MAX)
        compare(&refusal, GCS_REFUSED_MEMBERS, config->view->count, 1);
    else
        judge_label(config->view, joiner, &refusal);
    return refusal;
}

int gcs_join_read(const uint8_t *body, size_t body_size, const struct gcs_agreement_config *group,
                  struct gcs_join_request *request, uint8_t *refusal, size_t *size)
{
    struct gcs_settings settings;
    struct gcs_member_id rival;
    *size = 0;
    if (!gcs_join_parse(body, body_size, request, &settings, &rival))
        return GCS_EMALFORMED;
    struct gcs_refusal verdict = judge(group, &settings, &request->member);
    if (verdict.what == 0)
        return 0;
    struct gcs_writer w = gcs_writer_over(refusal, GCS_REFUSAL_BYTES_MAX);
    gcs_refusal_write(&w, &verdict);
    *size = gcs_writer_size(&w);
    return GCS_EREFUSED;
}
