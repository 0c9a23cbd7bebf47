/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of gcs-lab. Guarantees that a value that is refused is
 * named, and that nothing has been started by then.
 */
#include "tests/lab/plan.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *const fault_names[] = {
#define FAULT_NAME(id, name, text) name,
    LAB_FAULT_TABLE(FAULT_NAME)
#undef FAULT_NAME
};

static const char *const network_names[] = {"auto", "loopback", "namespaces", "rdma"};

static const char *const service_names[] = {"unordered", "fifo", "causal",
                                            "agreed",    "safe", "mixed"};

static const char *const order_names[] = {"any", "sequencer", "lamport"};

static const char usage_text[] =
    "usage: gcs-lab [--seed N] [--seconds S] [--members M] [--faults LIST|all|none]\n"
    "               [--service unordered|fifo|causal|agreed|safe|mixed]\n"
    "               [--order any|sequencer|lamport] [--plan TEXT] [--dir DIR]\n"
    "               [--network auto|loopback|namespaces|rdma] [--rate R] [--json] [--help]\n"
    "       gcs-lab --check DIR [--json]\n"
    "\n"
    "Runs a group of real processes under load while things go wrong, and checks\n"
    "every guarantee on what they say that happened.\n"
    "\n"
    "  --seed N       of the schedule of faults and of the load (default 1)\n"
    "  --seconds S    how long faults happen (default 20)\n"
    "  --members M    processes, 1 to 64 (default 5)\n"
    "  --service S    unordered, fifo, causal, agreed, safe, or mixed: all of them (default mixed)\n"
    "  --order O      how the total order is made: sequencer, lamport, or any: as the\n"
    "                 seed decides (default any)\n"
    "  --network N    namespaces: a network of its own for each process, needs root;\n"
    "                 loopback; auto (default): namespaces if they can be made;\n"
    "                 rdma: the devices of script/rdma-guest\n"
    "  --rate R       messages per second of each member (default: what traces can hold)\n"
    "  --dir DIR      keep traces and everything else there (default: a temporary\n"
    "                 folder, removed unless there was a violation)\n"
    "  --check DIR    only check the traces that a run has left in DIR\n"
    "  --plan TEXT    faults in place of those that the seed gives, as in\n"
    "                 '500 cut 1,0 3000; 900 kill c 200'; see gcs-lab(1)\n"
    "  --faults LIST  comma-separated; all; or none (default all):\n";

static const char usage_end[] =
    "  --json         print the result as one JSON object, last on standard output\n"
    "  --help         print this and exit\n"
    "\n"
    "Exit status: 0 no violation, 1 violation, 2 usage.\n";

static void print_usage(FILE *out)
{
    fputs(usage_text, out);
#define PRINT_FAULT(id, name, text) fprintf(out, "                   %-10s %s\n", name, text);
    LAB_FAULT_TABLE(PRINT_FAULT)
#undef PRINT_FAULT
    fputs(usage_end, out);
}

/* ---- Values ------------------------------------------------------------------------- */

static bool parse_number(const char *option, const char *text, uint64_t low, uint64_t high,
                         uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value >= low &&
        *value <= high)
        return true;
    fprintf(stderr, "gcs-lab: --%s: \"%s\" is no number from %" PRIu64 " to %" PRIu64 "\n", option,
            text, low, high);
    return false;
}

static bool parse_unsigned(const char *option, const char *text, unsigned low, unsigned high,
                           unsigned *value)
{
    uint64_t number;

    if (!parse_number(option, text, low, high, &number))
        return false;
    *value = (unsigned)number;
    return true;
}

static bool parse_service(const char *text, enum lab_service *service)
{
    for (unsigned i = 0; i <= LAB_MIXED; i++) {
        if (strcmp(text, service_names[i]) == 0) {
            *service = (enum lab_service)i;
            return true;
        }
    }
    fprintf(
        stderr,
        "gcs-lab: --service: \"%s\" is no service; use unordered, fifo, causal, agreed, safe or "
        "mixed\n",
        text);
    return false;
}

static bool parse_order(const char *text, enum lab_order *order)
{
    for (unsigned i = 0; i <= LAB_LAMPORT; i++) {
        if (strcmp(text, order_names[i]) == 0) {
            *order = (enum lab_order)i;
            return true;
        }
    }
    fprintf(stderr, "gcs-lab: --order: \"%s\" is no order; use any, sequencer or lamport\n", text);
    return false;
}

static bool parse_network(const char *text, enum lab_network_kind *kind)
{
    for (unsigned i = 0; i <= LAB_RDMA; i++) {
        if (strcmp(text, network_names[i]) == 0) {
            *kind = (enum lab_network_kind)i;
            return true;
        }
    }
    fprintf(stderr,
            "gcs-lab: --network: \"%s\" is no network; use auto, loopback, namespaces or rdma\n",
            text);
    return false;
}

static bool parse_fault(const char *name, size_t length, uint32_t *faults)
{
    for (unsigned i = 0; i < LAB_FAULTS; i++) {
        if (strlen(fault_names[i]) == length && memcmp(fault_names[i], name, length) == 0) {
            *faults |= 1U << i;
            return true;
        }
    }
    fprintf(stderr, "gcs-lab: --faults: \"%.*s\" is no fault; see --help\n", (int)length, name);
    return false;
}

static bool parse_faults(const char *text, uint32_t *faults)
{
    *faults = strcmp(text, "all") == 0 ? LAB_FAULTS_ALL : 0;
    if (*faults || strcmp(text, "none") == 0)
        return true;
    for (;;) {
        size_t length = strcspn(text, ",");

        if (!parse_fault(text, length, faults))
            return false;
        if (text[length] == '\0')
            return true;
        text += length + 1;
    }
}

static bool parse_option(int option, struct lab_options *options)
{
    switch (option) {
    case 's':
        return parse_number("seed", optarg, 0, UINT64_MAX, &options->seed);
    case 't':
        return parse_unsigned("seconds", optarg, 0, LAB_SECONDS_MAX, &options->seconds);
    case 'm':
        return parse_unsigned("members", optarg, 1, LAB_MEMBERS_MAX, &options->members);
    case 'f':
        return parse_faults(optarg, &options->faults);
    case 'v':
        return parse_service(optarg, &options->service);
    case 'r':
        return parse_unsigned("rate", optarg, 1, LAB_RATE_MAX, &options->rate);
    case 'o':
        return parse_order(optarg, &options->order);
    case 'n':
        return parse_network(optarg, &options->network);
    case 'd':
        options->dir = optarg;
        return true;
    case 'p':
        options->plan = optarg;
        return true;
    case 'c':
        options->check = optarg;
        return true;
    case 'j':
        options->json = true;
        return true;
    default:
        return false;
    }
}

/* The plan depends on the number of members, so it is looked at when all is known. */
static bool check_plan(const struct lab_options *options)
{
    struct lab_plan plan = {.actions = NULL};
    size_t at;
    bool good = !options->plan || lab_plan_parse(&plan, options, options->plan, &at);

    if (!good)
        fprintf(stderr, "gcs-lab: --plan: no sense from \"%.30s\" on; see gcs-lab(1)\n",
                options->plan + at);
    lab_plan_clear(&plan);
    return good;
}

enum lab_exit lab_options_parse(int argc, char **argv, struct lab_options *options, bool *done)
{
    static const struct option names[] = {
        {"seed", required_argument, NULL, 's'},    {"seconds", required_argument, NULL, 't'},
        {"members", required_argument, NULL, 'm'}, {"faults", required_argument, NULL, 'f'},
        {"service", required_argument, NULL, 'v'}, {"rate", required_argument, NULL, 'r'},
        {"order", required_argument, NULL, 'o'},   {"network", required_argument, NULL, 'n'},
        {"dir", required_argument, NULL, 'd'},     {"check", required_argument, NULL, 'c'},
        {"json", no_argument, NULL, 'j'},          {"help", no_argument, NULL, 'h'},
        {"plan", required_argument, NULL, 'p'},    {NULL, 0, NULL, 0},
    };
    int option;

    *options = (struct lab_options){
        .seed = 1, .seconds = 20, .members = 5, .faults = LAB_FAULTS_ALL, .service = LAB_MIXED};
    *done = false;
    while ((option = getopt_long(argc, argv, "", names, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            *done = true;
            return LAB_OK;
        }
        if (!parse_option(option, options))
            return LAB_USAGE;
    }
    if (optind < argc) {
        fprintf(stderr, "gcs-lab: \"%s\" is no option; see --help\n", argv[optind]);
        return LAB_USAGE;
    }
    return check_plan(options) ? LAB_OK : LAB_USAGE;
}

/* ---- Names -------------------------------------------------------------------------- */

const char *lab_fault_name(enum lab_fault fault)
{
    return fault_names[fault];
}

const char *lab_service_name(enum lab_service service)
{
    return service_names[service];
}

const char *lab_order_name(enum lab_order order)
{
    return order_names[order];
}

const char *lab_network_name(enum lab_network_kind kind)
{
    return network_names[kind];
}

void lab_faults_format(uint32_t faults, char *text, unsigned size)
{
    size_t length = 0;

    if (faults == 0 || faults == LAB_FAULTS_ALL) {
        snprintf(text, size, "%s", faults ? "all" : "none");
        return;
    }
    for (unsigned i = 0; i < LAB_FAULTS && length < size; i++) {
        if (faults & 1U << i)
            length += (size_t)snprintf(text + length, size - length, "%s%s", length ? "," : "",
                                       fault_names[i]);
    }
}

uint64_t lab_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * LAB_NS_PER_S + (uint64_t)now.tv_nsec;
}
