/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads, sorts, checks. The order of time across processes is as good as the
 * clock that they share; each process's own order is kept whatever its times are.
 */
#include "tests/lab/evidence.h"

#include "tests/checkers/trace_reader.h"
#include "tests/lab/clock.h"

#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define KILLS_FILE "lab.jsonl"

/* No fault takes the majority for so long: a suspicion, a change of view, and patience. */
#define PROGRESS_NS    (5 * LAB_NS_PER_S)
#define PROGRESS_LEAST 3 /* members: of two none may be missed */

/* ---- Reading ------------------------------------------------------------------------ */

static bool read_trace(struct log *log, const char *dir, const char *name, char *text, size_t size)
{
    char path[4096 + 256];
    struct trace_error error;

    snprintf(path, sizeof(path), "%s/%s", dir, name);
    if (access(path, F_OK) != 0 || trace_read_file(log, path, &error))
        return true; /* killed before it had opened it */
    snprintf(text, size, "%s: line %zu: %s", name, error.line, error.text);
    return false;
}

/* The times of a process whose clock was wrong. */
static void put_right(struct log *log, size_t first, const struct lab_life *life)
{
    for (size_t i = first; i < log->count && life->clock_ppm && life->clock_base; i++)
        log->records[i].time =
            lab_clock_right(log->records[i].time, life->clock_base, life->clock_ppm);
}

/* "crash" for each membership in these records that has not ended, at the end of its process. */
static void write_crashes(const struct log *log, size_t first, uint64_t ended_at, FILE *out)
{
    struct map seen = {NULL, 0, 0};
    uint64_t last = log->count > first ? log->records[log->count - 1].time : 0;

    for (size_t i = log->count; i > first; i--) {
        const struct record *record = &log->records[i - 1];

        if (map_get(&seen, record->member, record->group) != MAP_NONE)
            continue;
        map_set(&seen, record->member, record->group, 1);
        if (record->type != RECORD_LEAVE)
            fprintf(out, "{\"t\":%" PRIu64 ",\"m\":\"%s\",\"g\":\"%s\",\"e\":\"crash\"}\n",
                    last > ended_at ? last : ended_at, log->members.items[record->member],
                    log->groups.items[record->group]);
    }
    map_clear(&seen);
}

/* All traces of a run, then the kills. */
static bool read_run(struct log *log, const struct lab_run *run, const char *dir, char *text,
                     size_t size)
{
    char path[4096 + 32], name[64];
    bool good = true;
    FILE *kills;

    snprintf(path, sizeof(path), "%s/" KILLS_FILE, dir);
    kills = fopen(path, "w");
    if (!kills) {
        snprintf(text, size, KILLS_FILE ": %s", strerror(errno));
        return false;
    }
    for (size_t i = 0; i < run->crew.count && good; i++) {
        size_t first = log->count;

        snprintf(name, sizeof(name), "m-%ld.jsonl", (long)run->crew.lives[i]->pid);
        good = read_trace(log, dir, name, text, size);
        put_right(log, first, run->crew.lives[i]);
        write_crashes(log, first, run->crew.lives[i]->ended_at, kills);
    }
    if (fclose(kills) != 0 && good) {
        snprintf(text, size, KILLS_FILE ": %s", strerror(errno));
        good = false;
    }
    return good && read_trace(log, dir, KILLS_FILE, text, size);
}

static int is_member_trace(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 8 && strncmp(entry->d_name, "m-", 2) == 0 &&
           strcmp(entry->d_name + length - 6, ".jsonl") == 0;
}

static bool read_folder(struct log *log, const char *dir, char *text, size_t size)
{
    struct dirent **entries;
    int count = scandir(dir, &entries, is_member_trace, alphasort);
    bool good = count > 0;

    if (!good)
        snprintf(text, size, "%s: %s", dir, count < 0 ? strerror(errno) : "no traces (m-*.jsonl)");
    for (int i = 0; i < count; i++) {
        good = good && read_trace(log, dir, entries[i]->d_name, text, size);
        free(entries[i]);
    }
    if (count >= 0)
        free(entries);
    return good && read_trace(log, dir, KILLS_FILE, text, size);
}

/* ---- Order of time ------------------------------------------------------------------ */

struct place {
    uint64_t time;
    uint32_t index;
};

static int compare_places(const void *left, const void *right)
{
    const struct place *a = left, *b = right;

    if (a->time != b->time)
        return a->time < b->time ? -1 : 1;
    return a->index < b->index ? -1 : 1;
}

static void sort_log(struct lab_evidence *evidence)
{
    struct log *log = &evidence->log;
    struct place *places = memory_new(log->count, sizeof(*places));
    uint64_t *latest = memory_new(log->members.count, sizeof(*latest));
    struct record *sorted = memory_new(log->count, sizeof(*sorted));

    for (size_t i = 0; i < log->count; i++) {
        uint64_t *last = &latest[log->records[i].member];

        *last = log->records[i].time > *last ? log->records[i].time : *last;
        places[i] = (struct place){*last, (uint32_t)i};
    }
    if (log->count > 0)
        qsort(places, log->count, sizeof(*places), compare_places);
    evidence->begin = log->count > 0 ? places[0].time : 0;
    for (size_t i = 0; i < log->count; i++) {
        sorted[i] = log->records[places[i].index];
        sorted[i].time = places[i].time - evidence->begin;
    }
    free(log->records);
    log->records = sorted;
    log->capacity = log->count;
    free(places);
    free(latest);
}

/* ---- Figures ------------------------------------------------------------------------ */

/* run may be NULL. */
static void widen(const struct lab_evidence *evidence, const struct lab_run *run,
                  struct lab_gap *gap, uint64_t since, const struct record *record)
{
    uint64_t ns = record->time - since;

    if (since == 0 || record->time < since || ns <= gap->ns)
        return;
    if (run)
        ns = lab_run_time(run, since + evidence->begin, record->time + evidence->begin);
    if (ns > gap->ns)
        *gap = (struct lab_gap){ns, record->time, record->member};
}

/* begin to end: when there is something to deliver all the time. */
static void measure_gaps(struct lab_evidence *evidence, const struct lab_run *run, uint64_t begin,
                         uint64_t end)
{
    const struct log *log = &evidence->log;
    uint64_t *since = memory_new(log->members.count, sizeof(*since)); /* 0: not in a primary */
    uint64_t last = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        if (record->time < begin || record->time > end)
            continue;
        if (record->type == RECORD_VIEW) {
            since[record->member] = !record->primary        ? 0
                                    : since[record->member] ? since[record->member]
                                                            : record->time;
        } else if (record->type == RECORD_DELIVER) {
            widen(evidence, run, &evidence->member_gap, since[record->member], record);
            widen(evidence, run, &evidence->group_gap, last, record);
            since[record->member] = last = record->time;
        }
    }
    if (last && end != UINT64_MAX && end > last)
        evidence->end_gap =
            run ? lab_run_time(run, last + evidence->begin, end + evidence->begin) : end - last;
    free(since);
}

static void count_records(struct lab_evidence *evidence)
{
    const struct log *log = &evidence->log;
    struct map views = {NULL, 0, 0};

    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        evidence->sends += record->type == RECORD_SEND;
        evidence->deliveries += record->type == RECORD_DELIVER;
        if (record->type == RECORD_VIEW && record->primary)
            map_set(&views, (uint64_t)record->group << 32 | record->epoch, record->proposer, 1);
    }
    evidence->views = views.count;
    evidence->members = log->members.count;
    map_clear(&views);
}

/* ---- What only shows between processes ---------------------------------------------- */

static void add(struct lab_evidence *evidence, const char *property, uint32_t first,
                uint32_t record, const char *text)
{
    if (evidence->log.count > 0)
        verdict_add(&evidence->verdict, property, first, record, "%s", text);
}

static unsigned service_of(const struct record *record)
{
    return record->service == RECORD_UNORDERED ? GCS_UNORDERED
           : record->service == RECORD_FIFO    ? GCS_FIFO
           : record->service == RECORD_CAUSAL  ? GCS_CAUSAL
           : record->service == RECORD_AGREED  ? GCS_AGREED
                                               : GCS_SAFE;
}

/* The chain of each member, from the trace. */
static struct lab_chain *make_chains(const struct log *log)
{
    struct lab_chain *chains = memory_new(log->members.count, sizeof(*chains));
    uint64_t *names = memory_new(log->members.count, sizeof(*names));

    for (size_t i = 0; i < log->members.count; i++)
        names[i] = lab_chain_text(log->members.items[i]);
    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        if (record->type == RECORD_VIEW)
            lab_chain_view(&chains[record->member], record->epoch, record->primary);
        else if (record->type == RECORD_DELIVER)
            lab_chain_message(&chains[record->member], names[record->sender], record->number,
                              service_of(record), record->hash);
    }
    free(names);
    return chains;
}

static void check_claims(struct lab_evidence *evidence, const struct lab_crew *crew)
{
    struct log *log = &evidence->log;
    struct lab_chain *chains = make_chains(log);
    size_t known = log->members.count;
    char text[300];

    for (size_t i = 0; i < crew->claims_count && log->count > 0; i++) {
        const struct lab_claim *claim = &crew->claims[i];
        uint32_t member = names_number(&log->members, claim->member);
        struct lab_chain traced = member < known ? chains[member] : (struct lab_chain){0, 0};
        uint32_t last = (uint32_t)log->count - 1;

        while (last > 0 && log->records[last].member != member)
            last--;
        if (traced.count == claim->chain.count && traced.hash == claim->chain.hash)
            continue;
        snprintf(text, sizeof(text),
                 "the application of %s got %" PRIu64 " messages and views, its trace has %" PRIu64
                 "%s",
                 claim->member, claim->chain.count, traced.count,
                 claim->chain.count == traced.count ? ", others" : "");
        add(evidence, "application", last, last, text);
    }
    free(chains);
}

/* The last view, less than half of which lived when the faults had ended. Who was killed is gone,
 * and who gave up leaving because there was no primary for long: its leaving led to no view. */
static bool has_lost_majority(const struct lab_evidence *evidence, uint64_t heal_at)
{
    const struct log *log = &evidence->log;
    const struct record *latest = NULL;
    size_t dead = 0;

    for (size_t i = 0; i < log->count; i++) {
        const struct record *record = &log->records[i];

        if (record->type == RECORD_VIEW && record->primary &&
            (!latest || record->epoch > latest->epoch))
            latest = record;
    }
    for (size_t i = 0; i < log->count && latest; i++) {
        const struct record *record = &log->records[i];

        dead += (record->type == RECORD_CRASH || record->type == RECORD_LEAVE) &&
                record->time + evidence->begin < heal_at &&
                record_names(log, latest->members, latest->members_count, record->member);
    }
    return latest && 2 * (latest->members_count - dead) <= latest->members_count;
}

/* Whatever a member says others understand: what does not make sense was damaged on the way, and
 * is found out by its checksum before anybody tries to understand it. */
static void check_sense(struct lab_run *run)
{
    for (size_t i = 0; i < run->crew.count; i++) {
        const struct lab_life *life = run->crew.lives[i];
        const struct gcs_counters *counters = &life->counters;
        bool damaged = run->options->faults & 1U << LAB_CORRUPT;

        if (counters->dropped_malformed || counters->frames_unknown ||
            (!damaged &&
             (counters->dropped_corrupt || counters->dropped_short || counters->dropped_version)))
            lab_crew_wrong(&run->crew,
                           "member %u (process %ld) did not understand what others sent: %" PRIu64
                           " malformed, %" PRIu64 " unknown, %" PRIu64
                           " of another version, %" PRIu64 " corrupt, %" PRIu64 " short",
                           life->slot, (long)life->pid, counters->dropped_malformed,
                           counters->frames_unknown, counters->dropped_version,
                           counters->dropped_corrupt, counters->dropped_short);
    }
}

static void check_liveness(struct lab_evidence *evidence, const struct lab_run *run)
{
    const struct log *log = &evidence->log;
    uint32_t last = log->count > 0 ? (uint32_t)log->count - 1 : 0, first = 0;

    if (run->left_at || run->interrupted || run->crew.wrongs_count > 0)
        return;
    evidence->majority_lost = has_lost_majority(evidence, run->heal_at ? run->heal_at : UINT64_MAX);
    for (uint32_t i = 0; i < log->count && run->heal_at; i++) {
        if (log->records[i].time + evidence->begin < run->heal_at)
            first = i;
    }
    if (!evidence->majority_lost)
        add(evidence, "liveness", first, last, run->lacks);
}

static void check_progress(struct lab_evidence *evidence, const struct lab_run *run)
{
    const struct log *log = &evidence->log;
    const struct lab_gap *gap = &evidence->group_gap;
    uint32_t first = 0, last = 0;
    char text[200];

    if (evidence->end_gap > PROGRESS_NS && !evidence->majority_lost &&
        run->options->members >= PROGRESS_LEAST && lab_run_waited(run) <= LAB_WAITED_MOST) {
        snprintf(text, sizeof(text), "nobody delivers anything in the last %.3f s of the load",
                 (double)evidence->end_gap / 1e9);
        add(evidence, "progress", 0, (uint32_t)(evidence->log.count ? evidence->log.count - 1 : 0),
            text);
    }
    if (gap->ns <= PROGRESS_NS || run->options->members < PROGRESS_LEAST ||
        lab_run_waited(run) > LAB_WAITED_MOST)
        return;
    for (uint32_t i = 0; i < log->count && log->records[i].time <= gap->ends; i++) {
        first = log->records[i].time <= gap->ends - gap->ns ? i : first;
        last = i;
    }
    snprintf(text, sizeof(text), "nobody delivers anything for %.3f s", (double)gap->ns / 1e9);
    add(evidence, "progress", first, last, text);
}

/* ---- All of it ---------------------------------------------------------------------- */

static void check(struct lab_evidence *evidence, bool complete)
{
    sort_log(evidence);
    count_records(evidence);
    check_all(&evidence->log, complete, &evidence->verdict);
}

void lab_evidence_take(struct lab_evidence *evidence, struct lab_run *run, const char *dir)
{
    char text[300];

    memset(evidence, 0, sizeof(*evidence));
    log_init(&evidence->log);
    if (!read_run(&evidence->log, run, dir, text, sizeof(text)))
        lab_crew_wrong(&run->crew, "%s", text);
    check(evidence, run->quiet_at != 0);
    if (run->load_at && evidence->log.count > 0)
        measure_gaps(evidence, run, run->load_at - evidence->begin,
                     (run->heal_at ? run->heal_at : lab_now()) - evidence->begin);
    check_claims(evidence, &run->crew);
    check_liveness(evidence, run);
    check_sense(run);
    check_progress(evidence, run);
}

bool lab_evidence_read(struct lab_evidence *evidence, const char *dir, char *text, size_t size)
{
    memset(evidence, 0, sizeof(*evidence));
    log_init(&evidence->log);
    if (!read_folder(&evidence->log, dir, text, size))
        return false;
    check(evidence, false);
    measure_gaps(evidence, NULL, 0, UINT64_MAX);
    return true;
}

void lab_evidence_clear(struct lab_evidence *evidence)
{
    verdict_clear(&evidence->verdict);
    log_clear(&evidence->log);
}
