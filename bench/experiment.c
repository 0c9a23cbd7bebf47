/* SPDX-License-Identifier: BSD-3-Clause */
/* One run: see experiment.h. */
#include "experiment.h"

#include "clock.h"

#include <errno.h>
#include <inttypes.h>

#define FORM_NS (30 * BENCH_NS_PER_S) /* to become a group */
#define GUESTS_NS                                                                                \
    (600 * BENCH_NS_PER_S)               /* the same, if somebody has to start members elsewhere \
                                          */
#define VIEW_NS    (60 * BENCH_NS_PER_S) /* to agree on a view */
#define STATE_RATE 10u /* bytes of a state that must come in a microsecond, at the least */
#define DRAIN_NS   (60 * BENCH_NS_PER_S)  /* to deliver what was sent */
#define SETTLE_NS  (20 * BENCH_NS_PER_MS) /* between the last one's being ready and the start */

/* ---- The course of a run -------------------------------------------------------------- */

static bool disturb(struct bench_crew *crew, const struct bench_plan *plan)
{
    const struct bench_options *options = crew->options;
    struct bench_world *world = crew->world;
    unsigned victim = options->victim - 1;

    if (plan->crash && options->fault == BENCH_PAUSE_A_WHILE)
        return bench_crew_pause(crew, victim, options->pause_ms * BENCH_NS_PER_MS);
    if (plan->crash) {
        atomic_store(&world->victim, victim);
        atomic_store(&world->disturbed, bench_now());
        if (options->fault == BENCH_KILL)
            bench_crew_kill(crew, victim);
        else
            bench_crew_silence(crew, victim);
    }
    uint64_t more = plan->state ? options->bytes / STATE_RATE * BENCH_NS_PER_US : 0;
    return bench_crew_wait_view(crew, VIEW_NS + more, "the view that was waited for");
}

static bool conduct(struct bench_crew *crew, const struct bench_plan *plan)
{
    const struct bench_options *options = crew->options;
    struct bench_world *world = crew->world;

    if (!bench_crew_wait_state(crew, BENCH_READY, options->elsewhere ? GUESTS_NS : FORM_NS,
                               "the view with all members"))
        return false;
    uint64_t start = bench_now() + SETTLE_NS;
    uint64_t begin = start + bench_seconds(options->warmup);
    uint64_t end = begin + bench_seconds(options->seconds);
    bool disturbed = plan->crash || plan->join;
    if (!disturbed)
        atomic_store(&world->end, end);
    atomic_store(&world->begin, begin);
    atomic_store(&world->start, start);
    if (disturbed) {
        if (!bench_crew_wait_until(crew, begin) || !disturb(crew, plan))
            return false;
        end = bench_now() + (plan->state ? 0 : bench_seconds(options->seconds));
        atomic_store(&world->end, end);
    }
    return bench_crew_wait_until(crew, end) &&
           bench_crew_wait_state(crew, BENCH_DONE, DRAIN_NS, "everything that was sent") &&
           bench_crew_finish(crew);
}

/* ---- Is it right? ------------------------------------------------------------------------ */

/* Members that were there from the start to the end. */
static bool is_witness(const struct bench_crew *crew, unsigned index)
{
    return index < crew->options->members - crew->options->joiners &&
           index != atomic_load(&crew->world->victim);
}

static unsigned first_witness(const struct bench_crew *crew)
{
    return is_witness(crew, 0) ? 0 : 1;
}

static bool same(const struct bench_crew *crew, unsigned other, const char *what, uint64_t a,
                 uint64_t b)
{
    if (a == b)
        return true;
    bench_complain(crew->options,
                   "members %u and %u do not agree: %s %" PRIx64 " and %" PRIx64
                   ": a wrong run, no figures",
                   first_witness(crew) + 1, other + 1, what, a, b);
    return false;
}

static bool verify(const struct bench_crew *crew)
{
    const struct bench_seat *seats = crew->world->seats;
    const struct bench_seat *first = &seats[first_witness(crew)];
    bool ordered = crew->options->service >= GCS_AGREED;

    for (unsigned i = 0; i < crew->world->count; i++) {
        if (i == atomic_load(&crew->world->victim))
            continue;
        if (is_witness(crew, i) &&
            !same(crew, i, "number of messages", first->messages, seats[i].messages))
            return false;
        if (!ordered)
            continue;
        if (is_witness(crew, i) && !same(crew, i, "order digest", first->digest, seats[i].digest))
            return false;
        if (!same(crew, i, "order digest of the last view", first->view_digest,
                  seats[i].view_digest))
            return false;
    }
    return true;
}

/* ---- What was measured --------------------------------------------------------------------- */

static void keep_most(double *most, double value)
{
    if (value > *most)
        *most = value;
}

static void collect_rates(const struct bench_crew *crew, struct bench_outcome *o)
{
    double cpu = 0, user = 0, slowest = -1;

    for (unsigned i = 0; i < crew->world->count; i++) {
        const struct bench_seat *seat = &crew->world->seats[i];
        const struct bench_mark *begin = &seat->begin, *end = &seat->end;
        if (!is_witness(crew, i))
            continue;
        double seconds = (double)(end->at - begin->at) / 1e9;
        double messages = (double)(end->messages - begin->messages);
        user += (double)(end->user_ns - begin->user_ns) / 1e3;
        cpu += (double)(end->user_ns - begin->user_ns + end->system_ns - begin->system_ns) / 1e3;
        o->switches += (double)(end->switches - begin->switches);
        keep_most(&o->wakeups_per_second, (double)(end->sleeps - begin->sleeps) / seconds);
        keep_most(&o->cpu_percent,
                  (double)(end->user_ns - begin->user_ns + end->system_ns - begin->system_ns) /
                      1e7 / seconds);
        if (slowest < 0 || messages / seconds < o->messages_per_second) {
            slowest = messages;
            o->messages_per_second = messages / seconds;
            o->megabytes_per_second = (double)(end->bytes - begin->bytes) / 1e6 / seconds;
        }
    }
    o->cpu_seconds = cpu / 1e6;
    if (slowest > 0) {
        o->cpu_us_per_message = cpu / slowest;
        o->user_us_per_message = user / slowest;
        o->system_us_per_message = (cpu - user) / slowest;
    }
}

static void collect_counters(const struct bench_crew *crew, struct bench_outcome *o)
{
    double messages = 0, sends = 0, receives = 0, sent = 0, received = 0;

    for (unsigned i = 0; i < crew->world->count; i++) {
        const struct bench_seat *seat = &crew->world->seats[i];
        const struct gcs_counters *begin = &seat->begin.counters, *end = &seat->end.counters;
        if ((double)seat->rss_kib / 1024 > o->rss_mib)
            o->rss_mib = (double)seat->rss_kib / 1024;
        if (!is_witness(crew, i))
            continue;
        messages += (double)(end->messages_sent - begin->messages_sent);
        o->data_packets += (double)(end->data_packets_sent - begin->data_packets_sent);
        o->control_packets += (double)(end->control_packets_sent - begin->control_packets_sent);
        o->nacks += (double)(end->nacks_sent - begin->nacks_sent);
        o->repairs += (double)(end->repairs_sent - begin->repairs_sent);
        o->window_full += (double)(end->window_full - begin->window_full);
        o->duplicates += (double)(end->dropped_duplicate - begin->dropped_duplicate);
        o->window_cuts += (double)(end->window_cuts - begin->window_cuts);
        o->allocations += (double)(end->allocations - begin->allocations);
        o->bytes_copied += (double)(end->bytes_copied - begin->bytes_copied);
        o->views += (double)seat->views;
        sends += (double)(end->send_calls - begin->send_calls);
        receives += (double)(end->receive_calls - begin->receive_calls);
        sent += (double)(end->bytes_sent - begin->bytes_sent);
        received += (double)(end->bytes_received - begin->bytes_received);
        o->overflows += (double)(end->datagrams_overflowed - begin->datagrams_overflowed);
        o->work_requests += (double)(end->work_requests - begin->work_requests);
        o->doorbells += (double)(end->doorbells - begin->doorbells);
        o->broken_links += (double)(end->broken_links - begin->broken_links);
    }
    o->system_calls = sends + receives;
    if (sent > 0)
        o->sends_per_60kb = sends / sent * 60e3;
    if (received > 0)
        o->receives_per_60kb = receives / received * 60e3;
    o->packets = o->data_packets + o->control_packets;
    if (o->data_packets > 0)
        o->messages_per_packet = messages / o->data_packets;
}

static void keep_worst(double *worst, uint64_t ns, double unit)
{
    if ((double)ns / unit > *worst)
        *worst = (double)ns / unit;
}

static void collect_times(const struct bench_crew *crew, struct bench_outcome *o)
{
    uint64_t disturbed = atomic_load(&crew->world->disturbed);

    for (unsigned i = 0; i < crew->world->count; i++) {
        const struct bench_seat *seat = &crew->world->seats[i];
        uint64_t view_at = atomic_load(&seat->view_at);
        uint64_t took = view_at > disturbed ? view_at - disturbed : 0;
        keep_worst(&o->p50_us, bench_histogram_quantile(&seat->latency, 0.5), 1e3);
        if (crew->options->senders == 1 && bench_is_sender(crew->options, i))
            keep_worst(&o->own_p50_us, bench_histogram_quantile(&seat->latency, 0.5), 1e3);
        keep_worst(&o->before_p50_us, bench_histogram_quantile(&seat->latency_before, 0.5), 1e3);
        keep_worst(&o->transfer_p50_us, bench_histogram_quantile(&seat->latency_state, 0.5), 1e3);
        keep_worst(&o->p99_us, bench_histogram_quantile(&seat->latency, 0.99), 1e3);
        keep_worst(&o->p999_us, bench_histogram_quantile(&seat->latency, 0.999), 1e3);
        keep_worst(&o->max_us, seat->latency.max, 1e3);
        o->samples += (double)seat->latency.count;
        o->unsent += (double)seat->unsent;
        if (is_witness(crew, i)) {
            keep_worst(&o->gap_ms, seat->gap_ns, 1e6);
            keep_worst(&o->view_max_ms, took, 1e6);
            o->view_ms[o->view_count++] = (double)took / 1e6;
        } else if (view_at != 0) {
            keep_worst(&o->join_ms, took, 1e6);
        }
    }
}

static void collect_state(const struct bench_crew *crew, struct bench_outcome *o)
{
    for (unsigned i = 0; i < crew->world->count; i++) {
        const struct bench_seat *seat = &crew->world->seats[i];
        double growth = (double)(seat->rss_kib - seat->rss_begin_kib) / 1024;
        if (is_witness(crew, i)) {
            if (growth > o->donor_growth_mib)
                o->donor_growth_mib = growth;
            continue;
        }
        o->joiner_growth_mib = (double)seat->state_memory / (1 << 20);
        o->state_transfers = (double)seat->state_begun;
        o->state_seconds = (double)seat->state_ns / 1e9;
        if (seat->state_ns > 0)
            o->state_megabytes_per_second =
                (double)seat->state_bytes * 1e3 / (double)seat->state_ns;
    }
}

static void collect_timeline(const struct bench_crew *crew, struct bench_outcome *o)
{
    uint64_t start = atomic_load(&crew->world->start);
    uint64_t disturbed = atomic_load(&crew->world->disturbed);

    o->disturbed_ms = disturbed > start ? (double)(disturbed - start) / 1e6 : 0;
    memcpy(o->timeline, crew->world->seats[first_witness(crew)].timeline, sizeof(o->timeline));
}

static bool collect(const struct bench_crew *crew, const struct bench_plan *plan,
                    struct bench_outcome *outcome)
{
    collect_rates(crew, outcome);
    collect_counters(crew, outcome);
    collect_times(crew, outcome);
    collect_state(crew, outcome);
    outcome->digest = crew->world->seats[first_witness(crew)].digest;
    collect_timeline(crew, outcome);
    if (outcome->messages_per_second > 0 || plan->pace == BENCH_SILENT)
        return true;
    bench_complain(crew->options, "a member has delivered nothing in %g seconds",
                   crew->options->seconds);
    return false;
}

bool bench_experiment_run(const struct bench_options *options, const struct bench_plan *plan,
                          bench_role *role, void *extra, struct bench_outcome *outcome)
{
    struct bench_crew crew;
    struct bench_world *world = bench_world_new(options->members);

    *outcome = (struct bench_outcome){0};
    if (!world) {
        bench_complain(options, "shared memory: %s", strerror(errno));
        return false;
    }
    bool good = bench_crew_start(&crew, options, world, role, extra);
    if (good) {
        good = conduct(&crew, plan) && verify(&crew) && collect(&crew, plan, outcome);
        bench_crew_abandon(&crew);
    }
    bench_world_free(world);
    return good;
}
