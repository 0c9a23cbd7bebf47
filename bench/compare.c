/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-bench compare: the same works by libgcs and by others that can do them, one after the
 * other on this machine, with how many times as good libgcs is. See compare.h.
 */
#include "compare.h"

#include "crew.h"
#include "json.h"

#include <gcs/gcs.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Beside the program, built or installed. */
static const char *const places[] = {"peers", "../share/libgcs/peers"};

static bool has_scripts(const char *folder)
{
    char *path = NULL;
    bool found = asprintf(&path, "%s/peer.sh", folder) > 0 && access(path, R_OK) == 0;

    free(path);
    return found;
}

/* The folder with the scripts, to be freed; NULL: it was said what is wrong. */
static char *find_scripts(const struct bench_options *options)
{
    char program[4096], *folder = NULL;
    ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);

    if (options->peers) {
        if (has_scripts(options->peers))
            return strdup(options->peers);
        bench_complain(options, "--peers: '%s' has no peer.sh", options->peers);
        return NULL;
    }
    program[n > 0 ? n : 0] = '\0';
    const char *home = dirname(program);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        if (asprintf(&folder, "%s/%s", home, places[i]) > 0 && has_scripts(folder))
            return folder;
        free(folder);
    }
    bench_complain(options, "no scripts beside %s: say --peers", home);
    return NULL;
}

static const char *label_of(const struct bench_contender *contender)
{
    return contender->label ? contender->label : contender->script;
}

/* How many times as good the first answer is; 0: not both were measured. */
static double ratio_of(const struct bench_work *work, const struct bench_answer *ours,
                       const struct bench_answer *theirs)
{
    if (!ours->measured || !theirs->measured)
        return 0;
    return work->less_is_more ? theirs->value / ours->value : ours->value / theirs->value;
}

static void print_answer(const struct bench_work *work, const struct bench_contender *contender,
                         const struct bench_answer *answer, double ratio)
{
    printf("  %-16s ", label_of(contender));
    if (!answer->measured) {
        printf("%12s  skipped: %s\n", "-", answer->said);
        return;
    }
    printf("%12.*f", work->less_is_more ? 1 : 0, answer->value);
    if (answer->p99 > 0)
        printf(", 99 %%: %.1f", answer->p99);
    else if (!work->less_is_more)
        printf(" (%.1f MB/s)", answer->value * work->size / 1e6);
    if (ratio > 0)
        printf("  libgcs is %.1f times as good", ratio);
    printf("\n  %-16s   %s\n", "", answer->said);
}

/* Does the work by all; into answers, one for each contender. */
static void compare(const char *folder, const struct bench_work *work, double seconds,
                    struct bench_answer *answers)
{
    printf("%s: %s\n", work->title, work->unit);
    for (unsigned i = 0; work->contenders[i].script; i++) {
        bench_script_run(folder, work, &work->contenders[i], seconds, &answers[i]);
        if (bench_crew_signal() != 0)
            return;
        print_answer(work, &work->contenders[i], &answers[i],
                     i ? ratio_of(work, &answers[0], &answers[i]) : 0);
        (void)fflush(stdout);
    }
}

/* --size: only those with messages of that size. */
static bool is_wanted(const struct bench_options *options, const struct bench_work *work)
{
    return !(options->given & BENCH_SET(BENCH_SIZE)) || work->size == options->size;
}

static bool is_any_wanted(const struct bench_options *options)
{
    for (size_t w = 0; w < bench_works_count; w++) {
        if (is_wanted(options, &bench_works[w]))
            return true;
    }
    bench_complain(options, "--size: no work has messages of %u bytes", options->size);
    return false;
}

static void print_json_answer(const struct bench_work *work,
                              const struct bench_contender *contender,
                              const struct bench_answer *answer, double ratio)
{
    struct bench_json object = {false};

    putchar('{');
    bench_json_string(&object, "name", label_of(contender));
    if (answer->measured) {
        bench_json_number(&object, work->key, answer->value, 2);
        if (answer->p99 > 0)
            bench_json_number(&object, "p99_us", answer->p99, 2);
        if (ratio > 0)
            bench_json_number(&object, "libgcs_times_as_good", ratio, 2);
    }
    bench_json_string(&object, answer->measured ? "settings" : "skipped", answer->said);
    putchar('}');
}

static void print_json(const struct bench_options *options,
                       const struct bench_answer (*answers)[BENCH_CONTENDERS_MAX + 1])
{
    bool more = false;
    struct bench_json object = {false};

    putchar('{');
    bench_json_string(&object, "benchmark", "compare");
    bench_json_string(&object, "version", gcs_version());
    bench_json_key(&object, "works");
    for (size_t w = 0; w < bench_works_count; w++) {
        const struct bench_work *work = &bench_works[w];
        struct bench_json inner = {false};
        if (!is_wanted(options, work))
            continue;
        printf("%s{", more ? "," : "[");
        more = true;
        bench_json_string(&inner, "work", work->title);
        bench_json_key(&inner, "results");
        for (unsigned i = 0; work->contenders[i].script; i++) {
            putchar(i ? ',' : '[');
            print_json_answer(work, &work->contenders[i], &answers[w][i],
                              i ? ratio_of(work, &answers[w][0], &answers[w][i]) : 0);
        }
        printf("]}");
    }
    printf("%s]}\n", more ? "" : "[");
}

static int run(const struct bench_options *options)
{
    if (!is_any_wanted(options))
        return BENCH_USAGE;
    struct bench_answer(*answers)[BENCH_CONTENDERS_MAX + 1] =
        calloc(bench_works_count, sizeof(*answers));
    char *folder = find_scripts(options);
    bool ours = true;

    if (!answers || !folder) {
        free(answers);
        free(folder);
        return BENCH_FAILED;
    }
    for (size_t w = 0; w < bench_works_count && bench_crew_signal() == 0; w++) {
        if (!is_wanted(options, &bench_works[w]))
            continue;
        compare(folder, &bench_works[w], options->seconds, answers[w]);
        ours = ours && (answers[w][0].measured || answers[w][0].skipped);
    }
    if (options->json && bench_crew_signal() == 0)
        print_json(options, (const struct bench_answer(*)[BENCH_CONTENDERS_MAX + 1]) answers);
    free(answers);
    free(folder);
    return fflush(stdout) == 0 && ours ? BENCH_OK : BENCH_FAILED;
}

const struct bench_command bench_compare = {
    .name = "compare",
    .summary = "the same work by Corosync, OpenPGM, NORM and etcd",
    .help = "usage: gcs-bench compare [options]\n"
            "\n"
            "The same works by libgcs and by others, where they are installed, with ratios.\n"
            "Takes ten minutes; those in network namespaces need root.\n"
            "\n"
            "  --seconds S       that each measurement takes (2)\n"
            "  --size BYTES      only works with messages of that size (all works)\n"
            "  --peers DIR       where the scripts are that start them (beside the program)\n"
            "  --json            one JSON object as the last line\n",
    .options = BENCH_SET(BENCH_SECONDS) | BENCH_SET(BENCH_SIZE) | BENCH_SET(BENCH_PEERS) |
               BENCH_SET(BENCH_JSON) | BENCH_SET(BENCH_HELP),
    .members_min = 1,
    .size_min = 1,
    .defaults = {.members = 3, .size = 64, .seconds = 2, .warmup = 0.5, .runs = 1},
    .run = run,
};
