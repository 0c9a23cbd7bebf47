/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-sim-mutants: the simulator with deliberate bugs, to prove that the
 * checkers can fail. Each mutant runs, seed after seed, until a checker finds
 * it; a mutant that survives, or a checker that finds nothing, is a defect of
 * the test suite. A mutant may trip an assertion in the library before any
 * checker sees it: that is noted, and the next seed is tried.
 *
 * Exit status: 0 all found and every checker used, 1 not so, 2 usage.
 */
#include "gcs/base/mutant.h"
#include "tests/mutants/flow.h"
#include "tests/mutants/scale.h"
#include "tests/sim/world.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum gcs_mutant gcs_mutant;

struct mutant {
    const char *name;
    const char *property;
    const char *text;
};

static const struct mutant mutants[] = {{"none", "", "no bug at all"},
#define MUTANT_ROW(id, broken, what) {#id, broken, what},
                                        GCS_MUTANT_TABLE(MUTANT_ROW)
#undef MUTANT_ROW
};

#define MUTANTS (sizeof(mutants) / sizeof(*mutants))

/* What a run can violate: what checkers look at, and what the world itself sees. */
static const char *const properties[] = {
#define PROPERTY_ROW(function, property, text) property,
    CHECKER_TABLE(PROPERTY_ROW)
#undef PROPERTY_ROW
        "liveness",
    "state",
    "lease",
    "private",
    "progress",
    "memory",
};

#define PROPERTIES          (sizeof(properties) / sizeof(*properties))
#define PROPERTIES_REQUIRED (PROPERTIES - 3) /* the last ones need no mutant of their own */

/* Seeds take turns through these. */
struct profile {
    unsigned members;
    enum world_service service;
    const char *faults;
};

static const struct profile general[] = {
    {5, WORLD_MIXED, "all"},
    {3, WORLD_MIXED, "loss,reorder,delay,cut,crash,restart"},
    {4, WORLD_SAFE, "loss,delay,partition,cut,pause"},
    {5, WORLD_AGREED, "loss,duplicate,reorder,delay,crash"},
    {7, WORLD_MIXED, "all"},
    {5, WORLD_MIXED, "loss,crash,restart,cut,delay"},
};

/* Rival ballots need few members who do not all hear each other, and nothing else. */
static const struct profile rivals[] = {
    {3, WORLD_MIXED, "cut,delay"},
    {3, WORLD_MIXED, "cut,delay"},
    {4, WORLD_MIXED, "loss,cut,delay,crash,restart"},
};

struct settings {
    uint64_t seed; /* the first */
    unsigned runs; /* most for one mutant */
    unsigned jobs;
    bool fast;
    bool explain;
    bool scale;
    bool flow;
    uint64_t only; /* set of mutants, 0: all */
};

/* What a child tells: that it begins with a seed, and what it found. */
struct report {
    uint64_t seed;
    uint32_t found; /* set of properties; 0: begins */
};

struct outcome {
    uint32_t found;
    uint64_t seed;
    unsigned runs;
    unsigned aborts;
    uint64_t abort_seed;
};

/* One mutant being worked on. */
struct job {
    pid_t pid; /* 0: none */
    int fd;
    unsigned mutant;
    uint32_t wanted; /* stop when one of these is found */
    uint64_t next;   /* seed */
};

/* ---- One run --------------------------------------------------------------------- */

static uint32_t property_bit(const char *property)
{
    for (unsigned i = 0; i < PROPERTIES; i++) {
        if (strcmp(properties[i], property) == 0)
            return 1U << i;
    }
    return 0;
}

/* A mutant's name begins with the order that it is about, where it is about one. */
static bool is_about(const char *prefix)
{
    return strncmp(mutants[gcs_mutant].name, prefix, strlen(prefix)) == 0;
}

static uint32_t run_seed(uint64_t seed, bool explain)
{
    bool agreement = strcmp(mutants[gcs_mutant].property, "primary-component") == 0;
    const struct profile *profile = agreement ? &rivals[seed % 3] : &general[seed % 6];
    struct world_options options;
    struct world_result result;
    uint32_t found = 0;

    world_options_init(&options);
    options.seed = seed;
    options.members = profile->members;
    options.service = profile->service;
    if (is_about("lamport_"))
        options.order = GCS_ORDER_LAMPORT;
    else if (is_about("vector_"))
        options.service = WORLD_CAUSAL;
    else if (is_about("unordered_"))
        options.service = WORLD_UNORDERED;
    world_parse_faults(profile->faults, &options.faults);
    world_run(&options, &result);
    for (size_t i = 0; i < result.verdict.count; i++)
        found |= property_bit(result.verdict.violations[i].property);
    if (found && explain)
        world_explain(&result, stdout);
    world_result_clear(&result);
    return found;
}

static void tell(int fd, uint64_t seed, uint32_t found)
{
    struct report report;

    memset(&report, 0, sizeof(report));
    report.seed = seed;
    report.found = found;
    if (write(fd, &report, sizeof(report)) != sizeof(report))
        _exit(3);
}

static void work(const struct settings *settings, const struct job *job, int fd)
{
    gcs_mutant = (enum gcs_mutant)job->mutant;
    for (uint64_t seed = job->next; seed < settings->seed + settings->runs; seed++) {
        uint32_t found;

        tell(fd, seed, 0);
        found = run_seed(seed, settings->explain);
        if (found)
            tell(fd, seed, found);
        if (found & job->wanted)
            break;
    }
    fflush(stdout);
    _exit(0);
}

/* ---- Jobs -------------------------------------------------------------------------- */

static void start(const struct settings *settings, struct job *job)
{
    int fds[2];

    fflush(stdout);
    if (pipe(fds) != 0 || (job->pid = fork()) < 0) {
        fprintf(stderr, "gcs-sim-mutants: %s\n", strerror(errno));
        exit(2);
    }
    if (job->pid == 0) {
        close(fds[0]);
        if (!settings->explain && !freopen("/dev/null", "w", stderr))
            _exit(3); /* assertions are expected */
        work(settings, job, fds[1]);
    }
    close(fds[1]);
    job->fd = fds[0];
}

/* Reads all that a child has told; blocks until it ends. */
static void hear(struct job *job, struct outcome *outcome)
{
    struct report report;

    while (read(job->fd, &report, sizeof(report)) == sizeof(report)) {
        if (report.found == 0) {
            job->next = report.seed + 1;
            outcome->runs++;
            continue;
        }
        if (outcome->found == 0 || (report.found & job->wanted))
            outcome->seed = report.seed;
        outcome->found |= report.found;
    }
    close(job->fd);
}

/* True: the mutant is done with; false: it died of an assertion, and is tried again. */
static bool finish(const struct settings *settings, struct job *job, struct outcome *outcome)
{
    int status = 0;

    waitpid(job->pid, &status, 0);
    job->pid = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    if (outcome->aborts++ == 0)
        outcome->abort_seed = job->next - 1;
    return outcome->aborts >= 50 || job->next >= settings->seed + settings->runs;
}

/*
 * Runs the mutants of a set, a few at a time. Children are waited for in order: a short one
 * behind a long one waits, which costs little.
 */
static void run_set(const struct settings *settings, uint64_t set, const uint32_t *wanted,
                    struct outcome *outcomes)
{
    struct job jobs[16];
    unsigned next = 0, first = 0, count = 0;

    memset(jobs, 0, sizeof(jobs));
    for (;;) {
        struct job *job;

        while (count < settings->jobs && next < MUTANTS) {
            if (set >> next & 1) {
                job = &jobs[(first + count++) % 16];
                *job = (struct job){0, -1, next, wanted[next], settings->seed};
                start(settings, job);
            }
            next++;
        }
        if (count == 0)
            return;
        job = &jobs[first];
        hear(job, &outcomes[job->mutant]);
        if (finish(settings, job, &outcomes[job->mutant])) {
            first = (first + 1) % 16;
            count--;
        } else {
            start(settings, job);
        }
    }
}

/* ---- Tables -------------------------------------------------------------------------- */

static void print_set(uint32_t found)
{
    const char *separator = "";

    for (unsigned i = 0; i < PROPERTIES; i++) {
        if (found >> i & 1) {
            printf("%s%s", separator, properties[i]);
            separator = ",";
        }
    }
}

static unsigned print_mutants(uint64_t set, const struct outcome *outcomes)
{
    unsigned survivors = 0;

    printf("%-26s %6s %6s %6s  %s\n", "mutant", "seed", "runs", "aborts", "found by");
    for (unsigned i = 1; i < MUTANTS; i++) {
        const struct outcome *outcome = &outcomes[i];

        if (!(set >> i & 1))
            continue;
        printf("%-26s %6" PRIu64 " %6u %6u  ", mutants[i].name, outcome->seed, outcome->runs,
               outcome->aborts);
        print_set(outcome->found);
        if (outcome->found == 0) {
            survivors++;
            printf("NOTHING (should break %s)", mutants[i].property);
        }
        printf("\n");
    }
    return survivors;
}

static uint32_t all_found(const struct outcome *outcomes)
{
    uint32_t found = 0;

    for (unsigned i = 1; i < MUTANTS; i++)
        found |= outcomes[i].found;
    return found;
}

static unsigned print_checkers(const struct outcome *outcomes)
{
    unsigned unused = 0;

    for (unsigned i = 0; i < PROPERTIES_REQUIRED; i++) {
        unsigned count = 0;

        for (unsigned j = 1; j < MUTANTS; j++)
            count += outcomes[j].found >> i & 1;
        if (count == 0)
            printf("%s has found NO mutant\n", properties[i]);
        unused += count == 0;
    }
    return unused;
}

/* Those mutants that are meant to break something that nothing has broken yet. */
static uint64_t mutants_for(uint64_t set, uint32_t missing)
{
    uint64_t chosen = 0;

    for (unsigned i = 1; i < MUTANTS; i++) {
        if (set >> i & 1 && property_bit(mutants[i].property) & missing)
            chosen |= UINT64_C(1) << i;
    }
    return chosen;
}

static int run(const struct settings *settings)
{
    static struct outcome outcomes[MUTANTS];
    uint32_t wanted[MUTANTS];
    uint64_t set = settings->only ? settings->only : (UINT64_C(1) << MUTANTS) - 2;
    uint32_t required = (1U << PROPERTIES_REQUIRED) - 1, missing;
    unsigned survivors, unused = 0;

    for (unsigned i = 0; i < MUTANTS; i++)
        wanted[i] = UINT32_MAX;
    run_set(settings, set, wanted, outcomes);
    missing = required & ~all_found(outcomes);
    if (!settings->fast && !settings->only && missing) {
        for (unsigned i = 0; i < MUTANTS; i++)
            wanted[i] = missing;
        run_set(settings, mutants_for(set, missing), wanted, outcomes);
    }
    survivors = print_mutants(set, outcomes);
    if (!settings->only)
        unused = print_checkers(outcomes);
    printf("gcs-sim-mutants: %s: %u mutants survived, %u checkers found nothing\n",
           survivors + unused ? "failed" : "ok", survivors, unused);
    return survivors + unused ? 1 : 0;
}

/* ---- Arguments ---------------------------------------------------------------------------- */

static const char usage_text[] =
    "usage: gcs-sim-mutants [--list] [--only NAME[,NAME...]] [--seed N] [--runs K] [--jobs J]\n"
    "                       [--fast] [--explain] [--help]\n"
    "       gcs-sim-mutants --scale\n"
    "       gcs-sim-mutants --flow\n"
    "\n"
    "Runs the simulator with each deliberate bug until a checker finds it.\n"
    "\n"
    "  --list      print the mutants and exit\n"
    "  --only L    only these mutants\n"
    "  --seed N    the first seed (default 1)\n"
    "  --runs K    most runs for one mutant (default 1000)\n"
    "  --jobs J    how many at once, 1 to 16 (default: as many as processors)\n"
    "  --fast      be content with any violation; do not look further for unused checkers\n"
    "  --explain   print what was found, with the events before it\n"
    "  --scale     mutants of the tree of regions instead: each must miss a bound of\n"
    "              gcs-sim --scale\n"
    "  --flow      likewise those of congestion control, of gcs-sim --flow\n"
    "\n"
    "Exit status: 0 all found and every checker used, 1 not so, 2 usage.\n";

static bool parse_number(const char *text, uint64_t low, uint64_t high, uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value >= low &&
        *value <= high)
        return true;
    fprintf(stderr, "gcs-sim-mutants: \"%s\" is no number from %" PRIu64 " to %" PRIu64 "\n", text,
            low, high);
    return false;
}

static bool parse_names(const char *text, uint64_t *set)
{
    while (*text) {
        size_t length = strcspn(text, ",");
        unsigned i = 1;

        while (i < MUTANTS &&
               (strlen(mutants[i].name) != length || memcmp(mutants[i].name, text, length) != 0))
            i++;
        if (i == MUTANTS) {
            fprintf(stderr, "gcs-sim-mutants: \"%.*s\" is no mutant; see --list\n", (int)length,
                    text);
            return false;
        }
        *set |= UINT64_C(1) << i;
        text += length + (text[length] == ',');
    }
    return *set != 0;
}

static void print_list(void)
{
    for (unsigned i = 1; i < MUTANTS; i++)
        printf("%-26s %-20s %s\n", mutants[i].name, mutants[i].property, mutants[i].text);
}

static bool parse_arguments(int argc, char **argv, struct settings *settings)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},
        {"only", required_argument, NULL, 'o'},
        {"seed", required_argument, NULL, 's'},
        {"runs", required_argument, NULL, 'r'},
        {"jobs", required_argument, NULL, 'j'},
        {"fast", no_argument, NULL, 'f'},
        {"explain", no_argument, NULL, 'e'},
        {"scale", no_argument, NULL, 'c'},
        {"flow", no_argument, NULL, 'w'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    long processors = sysconf(_SC_NPROCESSORS_ONLN);
    uint64_t value;
    int option;

    *settings = (struct settings){.seed = 1, .runs = 1000};
    settings->jobs = processors < 1 ? 1 : processors > 16 ? 16 : (unsigned)processors;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'l' || option == 'h') {
            if (option == 'l')
                print_list();
            else
                fputs(usage_text, stdout);
            exit(EXIT_SUCCESS);
        } else if (option == 'o') {
            if (!parse_names(optarg, &settings->only))
                return false;
        } else if (option == 's') {
            if (!parse_number(optarg, 0, UINT64_MAX / 2, &settings->seed))
                return false;
        } else if (option == 'r' || option == 'j') {
            if (!parse_number(optarg, 1, option == 'r' ? 1000000 : 16, &value))
                return false;
            *(option == 'r' ? &settings->runs : &settings->jobs) = (unsigned)value;
        } else if (option == 'f') {
            settings->fast = true;
        } else if (option == 'c') {
            settings->scale = true;
        } else if (option == 'w') {
            settings->flow = true;
        } else if (option == 'e') {
            settings->explain = true;
        } else {
            return false;
        }
    }
    return optind == argc;
}

int main(int argc, char **argv)
{
    struct settings settings;

    _Static_assert(sizeof(mutants) / sizeof(*mutants) <= 63, "mutants are a set of 64 bits");
    signal(SIGPIPE, SIG_IGN);
    if (!parse_arguments(argc, argv, &settings)) {
        fputs(usage_text, stderr);
        return 2;
    }
    if (settings.flow)
        return mutants_flow();
    return settings.scale ? mutants_scale() : run(&settings);
}
