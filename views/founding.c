/* SPDX-License-Identifier: BSD-3-Clause */
/* One decision among those who expect each other: see founding.h. */
#include "views/founding.h"

#include "gcs/base/prng.h"
#include "gcs/wire/founding.h"
#include "views/lookers.h"
#include "views/machine.h"

/* In retry_ns: how long a looker may be silent before it is taken for dead, how long the promises
 * of all that are there are waited for, and the most between two repetitions. */
#define SILENT_RETRIES 50
#define GATHER_RETRIES 5
#define GAP_RETRIES    10

enum founding_phase { FOUNDING_IDLE, FOUNDING_PREPARING, FOUNDING_PROPOSING, FOUNDING_DECIDED };

struct gcs_founding {
    struct gcs_founding_config config;
    struct gcs_prng prng;
    struct gcs_lookers lookers;
    uint8_t *scratch;
    size_t scratch_size;

    /* acceptor */
    struct gcs_found_ballot promised;
    struct gcs_found_ballot accepted_in;
    struct gcs_value *accepted;

    /* proposer */
    enum founding_phase phase;
    struct gcs_found_ballot own;
    uint32_t seen; /* highest counter met */
    bool self_accepted;
    struct gcs_found_ballot reported_in;
    struct gcs_value *reported; /* accepted in the highest ballot */
    struct gcs_value *value;    /* proposed, then decided */
    uint64_t start_at;          /* a ballot of one's own; GCS_NEVER: too few are there */
    uint64_t put_off;           /* not before this */
    bool gathered;              /* who has not promised until now is not waited for */
    uint64_t gather_until;
    uint64_t send_at;
    uint64_t send_gap;
};

static uint16_t majority(const struct gcs_founding *f)
{
    if (GCS_MUTANT(founding_minority))
        return 1;
    return (uint16_t)(f->config.settings.expect / 2 + 1);
}

/* ---- Speaking --------------------------------------------------------------------------- */

static void say(struct gcs_founding *f, const struct gcs_address *to, struct gcs_found *found)
{
    struct gcs_writer w = gcs_writer_over(f->scratch, f->scratch_size);
    found->expect = f->config.settings.expect;
    found->member = f->config.self;
    gcs_found_write(&w, found);
    if (!w.bad)
        f->config.to_address(f->config.ctx, to, GCS_FRAME_FOUND, f->scratch, gcs_writer_size(&w));
}

static void prepare(struct gcs_founding *f, const struct gcs_looker *looker)
{
    struct gcs_found found = {.what = GCS_FOUND_PREPARE, .ballot = f->own};
    if (!looker->promised)
        say(f, &looker->member.id.address, &found);
}

/* Also to who has not promised: an acceptance is one of promise and value. */
static void propose(struct gcs_founding *f, const struct gcs_looker *looker)
{
    struct gcs_found found = {.what = GCS_FOUND_PROPOSE,
                              .ballot = f->own,
                              .value = f->value->bytes,
                              .value_size = f->value->size};
    if (!looker->accepted)
        say(f, &looker->member.id.address, &found);
}

static void speak(struct gcs_founding *f, uint64_t now)
{
    uint64_t most = GAP_RETRIES * f->config.retry_ns;
    for (uint16_t i = 0; i < f->lookers.count; i++) {
        if (f->phase == FOUNDING_PREPARING)
            prepare(f, &f->lookers.list[i]);
        else
            propose(f, &f->lookers.list[i]);
    }
    f->send_at = now + f->send_gap;
    f->send_gap = f->send_gap * 2 < most ? f->send_gap * 2 : most;
}

/* ---- When a ballot is due --------------------------------------------------------------- */

/*
 * Whoever comes first begins: at once when all are there, otherwise the others get a moment to
 * arrive. The next one in order waits long enough to see whether that one does.
 */
static void consider(struct gcs_founding *f, uint64_t now)
{
    uint16_t here = gcs_lookers_here(&f->lookers, now);
    if (f->phase != FOUNDING_IDLE)
        return;
    if (here < majority(f)) {
        f->start_at = GCS_NEVER;
        return;
    }
    uint64_t wait = here < f->config.settings.expect ? f->config.look_ns / 4 : 0;
    uint64_t before = gcs_lookers_before(&f->lookers, now, &f->config.self.id);
    uint64_t at = now + wait + before * 2 * f->lookers.silent_ns;
    if (at < f->put_off)
        at = f->put_off;
    if (at < f->start_at)
        f->start_at = at;
}

/* Somebody else's ballot is under way: own ones are over, and the next one waits for it. */
static void stand_back(struct gcs_founding *f, uint64_t now, uint64_t wait)
{
    if (f->phase == FOUNDING_DECIDED)
        return;
    f->phase = FOUNDING_IDLE;
    f->send_at = f->gather_until = GCS_NEVER;
    f->start_at = f->put_off = now + wait + gcs_prng_below(&f->prng, f->config.look_ns + 1);
    gcs_value_drop(&f->value);
    gcs_value_drop(&f->reported);
}

/* ---- Deciding --------------------------------------------------------------------------- */

static bool includes(const struct gcs_proposal *p, const struct gcs_member_id *id)
{
    for (uint16_t i = 0; i < p->members_count; i++)
        if (gcs_member_id_equal(&p->members[i].id, id))
            return true;
    return false;
}

static void tell(struct gcs_founding *f, const struct gcs_address *to)
{
    if (!gcs_address_equal(to, &f->config.self.id.address))
        f->config.to_address(f->config.ctx, to, GCS_FRAME_INSTALL, f->value->bytes, f->value->size);
}

/* Who is not in it goes on to look, as a joiner, and tells those who are in it and still look. */
static void decide(struct gcs_founding *f)
{
    const struct gcs_proposal *p = &f->value->proposal;
    f->phase = FOUNDING_DECIDED;
    f->send_at = f->gather_until = f->start_at = GCS_NEVER;
    for (uint16_t i = 0; i < p->members_count; i++)
        tell(f, &p->members[i].id.address);
    if (includes(p, &f->config.self.id))
        f->config.decided(f->config.ctx, p);
}

static void check_accepted(struct gcs_founding *f)
{
    uint16_t accepted = f->self_accepted;
    if (GCS_MUTANT(install_without_majority))
        accepted = majority(f);
    for (uint16_t i = 0; i < f->lookers.count; i++)
        accepted = (uint16_t)(accepted + f->lookers.list[i].accepted);
    if (accepted >= majority(f))
        decide(f);
}

/* ---- Proposing -------------------------------------------------------------------------- */

static void accept_value(struct gcs_founding *f, struct gcs_found_ballot ballot,
                         struct gcs_value *value)
{
    gcs_value_ref(value);
    gcs_value_drop(&f->accepted);
    f->promised = f->accepted_in = ballot;
    f->accepted = value;
}

static void report(struct gcs_founding *f, struct gcs_found_ballot in, struct gcs_value *value)
{
    if (!value || GCS_MUTANT(no_reproposal) ||
        (f->reported && gcs_found_ballot_compare(in, f->reported_in) <= 0))
        return;
    gcs_value_ref(value);
    gcs_value_drop(&f->reported);
    f->reported_in = in;
    f->reported = value;
}

/* In order of incarnation, as those who look come one before the other. */
static void insert(struct gcs_member *members, uint16_t size, const struct gcs_member *member)
{
    uint16_t at = size;
    for (; at > 0 && members[at - 1].id.incarnation > member->id.incarnation; at--)
        members[at] = members[at - 1];
    members[at] = *member;
}

/* Those who promised, as far as a view has room for their labels; the others join it. */
static void fill(const struct gcs_founding *f, struct gcs_proposal *p)
{
    size_t bytes = gcs_member_bytes(&f->config.self);
    insert(p->members, p->members_count++, &f->config.self);
    for (uint16_t i = 0; i < f->lookers.count; i++) {
        const struct gcs_looker *looker = &f->lookers.list[i];
        size_t more = gcs_member_bytes(&looker->member);
        if (!looker->promised ||
            !gcs_proposal_has_room((uint16_t)(p->members_count + 1), bytes + more, 0))
            continue;
        insert(p->members, p->members_count++, &looker->member);
        bytes += more;
    }
}

/* The first view. NULL: out of memory. */
static struct gcs_value *make_value(struct gcs_founding *f)
{
    uint16_t none[1] = {0};
    uint64_t cut[1] = {0};
    uint8_t reason[1] = {0};
    struct gcs_proposal p = {
        .epoch = 1,
        .lineage = gcs_lineage_new(gcs_prng_next(&f->prng)),
        .proposer = f->config.self.id.incarnation,
        .time = f->config.time ? f->config.time(f->config.ctx) : 0,
        .cut = cut,
        .holder = none,
        .reason = reason,
        .settings = f->config.settings,
    };
    p.members = gcs_allocate(f->config.allocator, f->lookers.count + 1u, sizeof(*p.members));
    if (!p.members)
        return NULL;
    fill(f, &p);
    struct gcs_value *value = gcs_value_copy(f->config.allocator, &p);
    gcs_release(f->config.allocator, p.members);
    return value;
}

static void begin_proposing(struct gcs_founding *f, uint64_t now)
{
    f->value = f->reported ? gcs_value_ref(f->reported) : make_value(f);
    if (!f->value)
        return; /* out of memory: again with the next repetition */
    f->phase = FOUNDING_PROPOSING;
    f->gather_until = GCS_NEVER;
    f->send_gap = f->config.retry_ns;
    accept_value(f, f->own, f->value);
    f->self_accepted = true;
    speak(f, now);
    check_accepted(f);
}

/* With promises of a majority, and of everybody who is there or a moment later. */
static void check_promised(struct gcs_founding *f, uint64_t now)
{
    uint16_t promised = 1;
    bool all = true;
    for (uint16_t i = 0; i < f->lookers.count; i++) {
        const struct gcs_looker *looker = &f->lookers.list[i];
        promised = (uint16_t)(promised + looker->promised);
        all = all && (looker->promised || !gcs_looker_live(&f->lookers, looker, now));
    }
    if (promised >= majority(f) && (all || f->gathered))
        begin_proposing(f, now);
}

static void start(struct gcs_founding *f, uint64_t now)
{
    f->own = (struct gcs_found_ballot){f->seen + 1, f->config.self.id.incarnation};
    f->seen = f->own.counter;
    f->phase = FOUNDING_PREPARING;
    f->promised = f->own;
    f->self_accepted = false;
    for (uint16_t i = 0; i < f->lookers.count; i++)
        f->lookers.list[i].promised = f->lookers.list[i].accepted = false;
    report(f, f->accepted_in, f->accepted);
    f->start_at = GCS_NEVER;
    f->gathered = false;
    f->gather_until = now + GATHER_RETRIES * f->config.retry_ns;
    f->send_gap = f->config.retry_ns;
    speak(f, now);
    check_promised(f, now);
}

/* ---- Frames ----------------------------------------------------------------------------- */

static int read_value(const struct gcs_founding *f, const struct gcs_found *found,
                      struct gcs_value **value)
{
    int error = gcs_value_decode(f->config.allocator, NULL, found->value, found->value_size, value);
    if (error == 0 && (*value)->proposal.epoch != 1) {
        gcs_value_drop(value);
        return GCS_EMALFORMED;
    }
    return error;
}

/* True if the ballot is as high as the promise; otherwise its sender is told. */
static bool keeps_promise(struct gcs_founding *f, const struct gcs_address *from,
                          const struct gcs_found *found)
{
    struct gcs_found refuse = {.what = GCS_FOUND_REFUSE, .ballot = f->promised};
    if (GCS_MUTANT(forget_promise) || gcs_found_ballot_compare(found->ballot, f->promised) >= 0)
        return true;
    say(f, from, &refuse);
    return false;
}

static int hear_prepare(struct gcs_founding *f, uint64_t now, const struct gcs_address *from,
                        const struct gcs_found *found)
{
    struct gcs_found promise = {.what = GCS_FOUND_PROMISE, .ballot = found->ballot};
    if (!keeps_promise(f, from, found))
        return 0;
    if (gcs_found_ballot_compare(found->ballot, f->promised) != 0)
        stand_back(f, now, f->config.look_ns);
    f->promised = found->ballot;
    if (f->accepted) {
        promise.accepted = f->accepted_in;
        promise.value = f->accepted->bytes;
        promise.value_size = f->accepted->size;
    }
    say(f, from, &promise);
    return 0;
}

static int hear_propose(struct gcs_founding *f, uint64_t now, const struct gcs_address *from,
                        const struct gcs_found *found)
{
    struct gcs_found accept = {.what = GCS_FOUND_ACCEPT, .ballot = found->ballot};
    struct gcs_value *value;
    if (!keeps_promise(f, from, found))
        return 0;
    int error = read_value(f, found, &value);
    if (error)
        return error;
    if (gcs_found_ballot_compare(found->ballot, f->accepted_in) != 0)
        stand_back(f, now, f->config.look_ns);
    accept_value(f, found->ballot, value);
    gcs_value_drop(&value);
    say(f, from, &accept);
    return 0;
}

static bool answers_own(const struct gcs_founding *f, const struct gcs_found *found,
                        enum founding_phase phase)
{
    return f->phase == phase && gcs_found_ballot_compare(found->ballot, f->own) == 0;
}

static int hear_promise(struct gcs_founding *f, uint64_t now, const struct gcs_found *found)
{
    struct gcs_value *value = NULL;
    if (!answers_own(f, found, FOUNDING_PREPARING))
        return 0;
    int error = found->value ? read_value(f, found, &value) : 0;
    if (error)
        return error;
    struct gcs_looker *looker = gcs_lookers_note(&f->lookers, now, &found->member);
    if (looker) {
        looker->promised = true;
        report(f, found->accepted, value);
        check_promised(f, now);
    }
    gcs_value_drop(&value);
    return 0;
}

static int hear_accept(struct gcs_founding *f, uint64_t now, const struct gcs_found *found)
{
    struct gcs_looker *looker = answers_own(f, found, FOUNDING_PROPOSING)
                                    ? gcs_lookers_note(&f->lookers, now, &found->member)
                                    : NULL;
    if (!looker)
        return 0;
    looker->accepted = true;
    check_accepted(f);
    return 0;
}

/* Somebody has promised a higher ballot: own one has no chance. */
static int hear_refusal(struct gcs_founding *f, uint64_t now, const struct gcs_found *found)
{
    if (f->phase == FOUNDING_PREPARING || f->phase == FOUNDING_PROPOSING)
        if (gcs_found_ballot_compare(found->ballot, f->own) > 0)
            stand_back(f, now, f->config.retry_ns);
    return 0;
}

int gcs_founding_frame(struct gcs_founding *f, uint64_t now, const struct gcs_address *from,
                       const uint8_t *body, size_t size)
{
    struct gcs_found found;
    if (!gcs_found_read(body, size, &found))
        return GCS_EMALFORMED;
    if (found.expect != f->config.settings.expect)
        return 0;
    if (found.ballot.counter > f->seen)
        f->seen = found.ballot.counter;
    switch (found.what) {
    case GCS_FOUND_PREPARE:
        return hear_prepare(f, now, from, &found);
    case GCS_FOUND_PROMISE:
        return hear_promise(f, now, &found);
    case GCS_FOUND_REFUSE:
        return hear_refusal(f, now, &found);
    case GCS_FOUND_PROPOSE:
        return hear_propose(f, now, from, &found);
    default:
        return hear_accept(f, now, &found);
    }
}

/* ---- The outside ------------------------------------------------------------------------ */

void gcs_founding_heard(struct gcs_founding *f, uint64_t now, const struct gcs_member *member)
{
    struct gcs_looker *looker = gcs_lookers_note(&f->lookers, now, member);
    if (f->phase == FOUNDING_DECIDED) {
        if (includes(&f->value->proposal, &member->id))
            tell(f, &member->id.address);
        return;
    }
    if (looker && f->phase == FOUNDING_PREPARING)
        prepare(f, looker);
    consider(f, now);
}

void gcs_founding_put_off(struct gcs_founding *f, uint64_t until)
{
    f->put_off = f->put_off < until ? until : f->put_off;
    if (f->start_at < until)
        f->start_at = until;
}

bool gcs_founding_promised(const struct gcs_founding *f)
{
    return f->promised.counter != 0;
}

void gcs_founding_renew(struct gcs_founding *f, const struct gcs_member_id *id)
{
    f->config.self.id = *id;
}

void gcs_founding_tick(struct gcs_founding *f, uint64_t now)
{
    if (now >= f->start_at) {
        f->start_at = GCS_NEVER;
        if (gcs_lookers_here(&f->lookers, now) >= majority(f))
            start(f, now);
        return;
    }
    if (now >= f->send_at)
        speak(f, now);
    if (now >= f->gather_until) {
        f->gather_until = GCS_NEVER;
        f->gathered = true;
    }
    if (f->phase == FOUNDING_PREPARING)
        check_promised(f, now);
}

uint64_t gcs_founding_deadline(const struct gcs_founding *f)
{
    uint64_t deadline = f->start_at < f->send_at ? f->start_at : f->send_at;
    return f->gather_until < deadline ? f->gather_until : deadline;
}

int gcs_founding_new(const struct gcs_founding_config *config, uint64_t now,
                     struct gcs_founding **founding)
{
    uint16_t expect = (uint16_t)config->settings.expect;
    struct gcs_founding *f = gcs_allocate(config->allocator, 1, sizeof(*f));
    if (!f)
        return GCS_ENOMEM;
    f->config = *config;
    f->scratch_size = GCS_FOUND_HEAD_MAX + gcs_proposal_bound(expect, 0);
    f->scratch = gcs_allocate(config->allocator, 1, f->scratch_size);
    f->start_at = f->gather_until = f->send_at = GCS_NEVER;
    uint64_t silent = SILENT_RETRIES * config->retry_ns;
    if (silent < config->look_ns)
        silent = config->look_ns;
    if (!f->scratch || gcs_lookers_init(&f->lookers, config->allocator, expect, silent) < 0) {
        gcs_founding_free(f);
        return GCS_ENOMEM;
    }
    f->lookers.self = config->self.id.address;
    gcs_prng_init(&f->prng, config->seed);
    consider(f, now);
    *founding = f;
    return 0;
}

void gcs_founding_free(struct gcs_founding *f)
{
    if (!f)
        return;
    gcs_value_drop(&f->accepted);
    gcs_value_drop(&f->reported);
    gcs_value_drop(&f->value);
    gcs_lookers_fini(&f->lookers, f->config.allocator);
    gcs_release(f->config.allocator, f->scratch);
    gcs_release(f->config.allocator, f);
}
