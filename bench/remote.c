/* SPDX-License-Identifier: BSD-3-Clause */
/* What founder and guests tell each other: see remote.h. */
#include "remote.h"

#include "clock.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#define NEWS_NS (5 * BENCH_NS_PER_MS)

enum kind { SETUP = 1, NEWS, REPORT };

struct head {
    char version[24]; /* of the library, whose build this is */
    uint32_t kind;
    uint32_t seat_size;
};

struct setup {
    struct head head;
    uint32_t index, members, senders, size, service, pace, record_latency;
    double rate;
    struct gcs_member_id ids[BENCH_MEMBERS_MAX];
};

struct news {
    struct head head;
    int64_t start, begin, end; /* from now on; NOT_PLANNED */
    uint32_t quit;
    struct {
        uint32_t state;
        uint64_t sent;
    } seats[BENCH_MEMBERS_MAX];
};

struct report {
    struct head head;
    struct bench_seat seat;
};

#define NOT_PLANNED INT64_MIN

static struct head head_of(enum kind kind)
{
    struct head head = {.kind = (uint32_t)kind, .seat_size = sizeof(struct bench_seat)};

    snprintf(head.version, sizeof(head.version), "%s", gcs_version());
    return head;
}

static unsigned first_guest(const struct bench_options *options)
{
    return options->members - options->elsewhere;
}

/* False: not now; whoever calls tries again. */
static bool tell(struct bench_member *member, unsigned index, const void *data, size_t size)
{
    int error = gcs_send(member->group, &member->world->seats[index].id, data, size, 0);

    if (error < 0 && error != GCS_EAGAIN && error != GCS_ENOTMEMBER && error != GCS_ENOPRIMARY)
        bench_member_break(member, "gcs_send: %s", gcs_detail());
    return error == 0;
}

/* ---- The founder ------------------------------------------------------------------------- */

static bool is_here(const struct bench_member *member, const struct gcs_member_id *id)
{
    for (unsigned i = 0; i < first_guest(member->options); i++) {
        if (bench_same_member(&member->world->seats[i].id, id))
            return true;
    }
    return false;
}

/* Once all are in the view: who is none of us is a guest, and gets a seat by rank. */
static bool seat_guests(struct bench_member *member)
{
    struct bench_world *world = member->world;
    unsigned index = first_guest(member->options);
    const struct gcs_view *view = gcs_view_acquire(member->group);
    bool all = view && view->count == member->options->members;

    for (unsigned i = 0; all && i < index; i++)
        all = atomic_load(&world->seats[i].state) >= BENCH_SEATED;
    for (unsigned rank = 0; all && rank < view->count; rank++) {
        if (is_here(member, &view->members[rank].id))
            continue;
        world->seats[index].id = view->members[rank].id;
        atomic_store(&world->seats[index].state, BENCH_SEATED);
        index++;
    }
    gcs_view_release(view);
    return all;
}

static void send_setup(struct bench_member *member)
{
    const struct bench_options *options = member->options;
    struct bench_remote *remote = member->remote;
    struct setup setup = {
        .head = head_of(SETUP),
        .members = options->members,
        .senders = options->senders,
        .size = options->size,
        .service = (uint32_t)options->service,
        .pace = (uint32_t)member->plan->pace,
        .record_latency = member->plan->record_latency,
        .rate = options->rate,
    };

    if (remote->next == 0) {
        if (!seat_guests(member))
            return;
        remote->next = first_guest(options);
    }
    for (unsigned i = 0; i < options->members; i++)
        setup.ids[i] = member->world->seats[i].id;
    while (remote->next < options->members) {
        setup.index = remote->next;
        if (!tell(member, remote->next, &setup, sizeof(setup)))
            return;
        remote->next++;
    }
    remote->set_up = true;
}

static int64_t from_now(uint64_t now, uint64_t time)
{
    return time ? (int64_t)(time - now) : NOT_PLANNED;
}

static void send_news(struct bench_member *member)
{
    struct bench_world *world = member->world;
    uint64_t now = bench_now();
    struct news news = {
        .head = head_of(NEWS),
        .end = from_now(now, atomic_load(&world->end)),
        .begin = from_now(now, atomic_load(&world->begin)),
        .start = from_now(now, atomic_load(&world->start)),
        .quit = atomic_load(&world->quit),
    };

    for (unsigned i = 0; i < world->count; i++) {
        news.seats[i].state = atomic_load(&world->seats[i].state);
        news.seats[i].sent = news.seats[i].state >= BENCH_STOPPED ? world->seats[i].sent : 0;
    }
    for (unsigned i = first_guest(member->options); i < world->count; i++)
        (void)tell(member, i, &news, sizeof(news)); /* the next ones tell it again */
    member->remote->due = now + NEWS_NS;
}

static void take_report(struct bench_member *member, const struct gcs_member_id *from,
                        const struct report *report)
{
    struct bench_world *world = member->world;

    for (unsigned i = first_guest(member->options); i < world->count; i++) {
        struct bench_seat *seat = &world->seats[i];
        unsigned state = atomic_load(&report->seat.state);
        if (!bench_same_member(&seat->id, from) || state <= atomic_load(&seat->state))
            continue;
        /* What lies behind the id is read by nobody before the state says so. */
        memcpy(&seat->sent, &report->seat.sent, sizeof(*seat) - offsetof(struct bench_seat, sent));
        atomic_store(&seat->state, state);
        return;
    }
}

/* ---- A guest ------------------------------------------------------------------------------- */

static void take_setup(struct bench_member *member, const struct setup *setup)
{
    struct bench_remote *remote = member->remote;
    struct bench_world *world = member->world;

    if (remote->set_up || setup->members > BENCH_MEMBERS_MAX || setup->index >= setup->members)
        return;
    remote->options.members = setup->members;
    remote->options.senders = setup->senders;
    remote->options.size = setup->size;
    remote->options.service = (enum gcs_service)setup->service;
    remote->options.rate = setup->rate;
    remote->options.elsewhere = 1;
    remote->plan.pace = (enum bench_pace)setup->pace;
    remote->plan.record_latency = setup->record_latency;
    world->count = setup->members;
    for (unsigned i = 0; i < setup->members; i++) {
        world->seats[i].id = setup->ids[i];
        atomic_store(&world->seats[i].state, BENCH_SEATED);
    }
    member->index = setup->index;
    member->seat = &world->seats[setup->index];
    atomic_store(&member->seat->state, BENCH_READY);
    remote->set_up = true;
}

static void plan(_Atomic uint64_t *time, int64_t from_now)
{
    if (from_now != NOT_PLANNED && atomic_load(time) == 0)
        atomic_store(time, bench_now() + (uint64_t)from_now);
}

static void take_news(struct bench_member *member, const struct news *news)
{
    struct bench_world *world = member->world;

    if (!member->remote->set_up)
        return;
    for (unsigned i = 0; i < world->count; i++) {
        if (i == member->index)
            continue;
        world->seats[i].sent = news->seats[i].sent;
        if (news->seats[i].state > BENCH_SEATED)
            atomic_store(&world->seats[i].state, news->seats[i].state);
    }
    plan(&world->end, news->end); /* as the parent does: who sees a start sees the rest */
    plan(&world->begin, news->begin);
    plan(&world->start, news->start);
    if (news->quit)
        atomic_store(&world->quit, true);
}

static void send_report(struct bench_member *member)
{
    unsigned state = atomic_load(&member->seat->state);
    struct report *report = state > member->remote->told ? malloc(sizeof(*report)) : NULL;

    if (!report)
        return;
    report->head = head_of(REPORT);
    memcpy(&report->seat, member->seat, sizeof(report->seat));
    if (tell(member, 0, report, sizeof(*report)))
        member->remote->told = state;
    free(report);
}

bool bench_remote_take_view(struct bench_member *member, const struct gcs_view *view)
{
    const struct bench_remote *remote = member->remote;

    if (!remote || !remote->guest)
        return false;
    if (!remote->set_up) { /* alone: let in by a group that was at its end */
        if (!view || view->count == 1)
            atomic_store(&member->world->quit, true);
        return true;
    }
    if (atomic_load(&member->seat->state) < BENCH_DONE)
        return false;
    atomic_store(&member->world->quit, true); /* the others go: the bench has what it wanted */
    return true;
}

/* ---- Both ---------------------------------------------------------------------------------- */

void bench_remote_step(struct bench_member *member)
{
    struct bench_remote *remote = member->remote;

    if (!remote)
        return;
    if (remote->guest && remote->set_up)
        send_report(member);
    else if (!remote->guest && !remote->set_up)
        send_setup(member);
    else if (!remote->guest && bench_now() >= remote->due)
        send_news(member);
}

/* Messages are where they lie: for structs they are copied to where alignment is right. */
void bench_remote_take(struct bench_member *member, const struct gcs_event *event)
{
    const struct gcs_message *message = &event->messages[0];
    struct head head, own = head_of(0);
    void *copy;

    if (!member->remote || message->size < sizeof(head))
        return;
    memcpy(&head, message->data, sizeof(head));
    if (memcmp(head.version, own.version, sizeof(own.version)) != 0 ||
        head.seat_size != own.seat_size) {
        bench_member_break(member, "the bench is another version or build: %.20s", head.version);
        return;
    }
    copy = aligned_alloc(_Alignof(struct report), (message->size + 63) / 64 * 64);
    if (!copy)
        return;
    memcpy(copy, message->data, message->size);
    if (head.kind == REPORT && !member->remote->guest && message->size == sizeof(struct report))
        take_report(member, event->sender, copy);
    else if (head.kind == SETUP && member->remote->guest && message->size == sizeof(struct setup))
        take_setup(member, copy);
    else if (head.kind == NEWS && member->remote->guest && message->size == sizeof(struct news))
        take_news(member, copy);
    free(copy);
}
