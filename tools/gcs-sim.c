/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-sim: runs the protocol in a simulated world, many times, with faults,
 * and checks every guarantee on every run. The last line says what came out:
 * "gcs-sim: ok: ..." or "gcs-sim: violation: PROPERTY seed S"; the exit status
 * is 0, 1, or 2 for usage. Every run can be repeated from its seed.
 */
#include "tests/sim/world.h"
#include "tools/gcs-sim-flow.h"
#include "tools/gcs-sim-scale.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

struct arguments {
    struct world_options world;
    uint64_t runs;
    const char *trace;
    bool json;
    bool scale;
    bool flow;
    const char *members; /* as given, or NULL */
    bool messages_given;
};

struct campaign {
    struct world_stats stats;
    struct gcs_counters counters;
    struct gcs_sim_counters network;
};

static const char usage_text[] =
    "usage: gcs-sim [--seed N] [--runs K] [--members M] [--messages X]\n"
    "               [--order sequencer|lamport]\n"
    "               [--service unordered|fifo|causal|agreed|safe|mixed]\n"
    "               [--region-size N] [--faults LIST|all|none] [--trace FILE] [--json] [--help]\n"
    "       gcs-sim --scale [--region-size N] [--members M] [--messages X] [--seed N] [--json]\n"
    "       gcs-sim --flow [--seed N] [--json]\n"
    "\n"
    "Runs groups in a simulated world and checks every guarantee on every run.\n"
    "\n"
    "  --seed N       the first run's seed; run i uses N+i (default 1)\n"
    "  --runs K       how many runs (default 1)\n"
    "  --members M    members of the group, 1 to 512 (default 5); with --scale 8 to 1000\n"
    "  --region-size N  members of one region of a large view (default 16)\n"
    "  --messages X   messages that they multicast in one run, all together (default 300)\n"
    "  --order O      how the total order is made: sequencer or lamport (default sequencer)\n"
    "  --service S    unordered, fifo, causal, agreed, safe, or mixed: all of them (default\n"
    "                 agreed)\n"
    "  --faults LIST  comma-separated; all; or none (default none):\n";

static const char usage_end[] =
    "  --trace FILE   write what happened as JSON Lines; - is standard output\n"
    "  --scale        large groups instead: what one member's work is with 8, 64, 256 and\n"
    "                 1000 members, or up to --members; exits 1 if it is beyond its bound\n"
    "  --flow         senders that send as fast as they may instead: what comes through on\n"
    "                 lossy paths and into small buffers, and how it is shared; exits 1 if\n"
    "                 a bound is missed\n"
    "  --json         print the result as one JSON object, last on standard output\n"
    "  --help         print this and exit\n"
    "\n"
    "Exit status: 0 no violation, 1 violation, 2 usage.\n";

static void print_usage(FILE *out)
{
    fputs(usage_text, out);
#define PRINT_FAULT(id, name, text) fprintf(out, "                   %-10s %s\n", name, text);
    WORLD_FAULT_TABLE(PRINT_FAULT)
#undef PRINT_FAULT
    fputs(usage_end, out);
}

/* ---- Arguments ---------------------------------------------------------------- */

static bool parse_number(const char *option, const char *text, uint64_t low, uint64_t high,
                         uint64_t *value)
{
    char *end;

    errno = 0;
    *value = strtoull(text, &end, 10);
    if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 && *value >= low &&
        *value <= high)
        return true;
    fprintf(stderr, "gcs-sim: --%s: \"%s\" is no number from %" PRIu64 " to %" PRIu64 "\n", option,
            text, low, high);
    return false;
}

static bool parse_order(const char *text, enum gcs_order *order)
{
    if (world_parse_order(text, order))
        return true;
    fprintf(stderr, "gcs-sim: --order: \"%s\" is no order; use sequencer or lamport\n", text);
    return false;
}

static bool parse_service(const char *text, enum world_service *service)
{
    if (world_parse_service(text, service))
        return true;
    fprintf(stderr,
            "gcs-sim: --service: \"%s\" is no service; use unordered, fifo, causal, agreed, "
            "safe or mixed\n",
            text);
    return false;
}

static bool parse_faults(const char *text, uint32_t *faults)
{
    if (world_parse_faults(text, faults))
        return true;
    fprintf(stderr, "gcs-sim: --faults: \"%s\" has a name that is no fault; see --help\n", text);
    return false;
}

static bool parse_option(int option, struct arguments *arguments)
{
    uint64_t value;

    switch (option) {
    case 's':
        return parse_number("seed", optarg, 0, UINT64_MAX, &arguments->world.seed);
    case 'r':
        return parse_number("runs", optarg, 1, 1000000000, &arguments->runs);
    case 'm':
        arguments->members = optarg;
        return true;
    case 'x':
        if (!parse_number("messages", optarg, 0, 10000000, &value))
            return false;
        arguments->world.messages = (unsigned)value;
        arguments->messages_given = true;
        return true;
    case 'g':
        if (!parse_number("region-size", optarg, 2, WORLD_MEMBERS_MAX, &value))
            return false;
        arguments->world.region_size = (unsigned)value;
        return true;
    case 'o':
        return parse_order(optarg, &arguments->world.order);
    case 'v':
        return parse_service(optarg, &arguments->world.service);
    case 'f':
        return parse_faults(optarg, &arguments->world.faults);
    case 'c':
        arguments->scale = true;
        return true;
    case 'w':
        arguments->flow = true;
        return true;
    case 't':
        arguments->trace = optarg;
        return true;
    case 'j':
        arguments->json = true;
        return true;
    default:
        return false;
    }
}

/* How many there may be depends on what is to be done. */
static bool parse_members(struct arguments *arguments)
{
    uint64_t low = arguments->scale ? SCALE_MEMBERS_LEAST : 1;
    uint64_t high = arguments->scale ? SCALE_MEMBERS_MOST : WORLD_MEMBERS_MAX;
    uint64_t value;

    if (!arguments->members)
        return true;
    if (!parse_number("members", arguments->members, low, high, &value))
        return false;
    arguments->world.members = (unsigned)value;
    return true;
}

static bool parse_arguments(int argc, char **argv, struct arguments *arguments)
{
    static const struct option options[] = {
        {"seed", required_argument, NULL, 's'},
        {"runs", required_argument, NULL, 'r'},
        {"members", required_argument, NULL, 'm'},
        {"messages", required_argument, NULL, 'x'},
        {"region-size", required_argument, NULL, 'g'},
        {"order", required_argument, NULL, 'o'},
        {"service", required_argument, NULL, 'v'},
        {"faults", required_argument, NULL, 'f'},
        {"trace", required_argument, NULL, 't'},
        {"scale", no_argument, NULL, 'c'},
        {"flow", no_argument, NULL, 'w'},
        {"json", no_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    int option;

    memset(arguments, 0, sizeof(*arguments));
    world_options_init(&arguments->world);
    arguments->runs = 1;
    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'h') {
            print_usage(stdout);
            exit(EXIT_SUCCESS);
        }
        if (!parse_option(option, arguments))
            return false;
    }
    if (optind < argc) {
        fprintf(stderr, "gcs-sim: \"%s\" is no option; see --help\n", argv[optind]);
        return false;
    }
    if (arguments->scale && arguments->flow) {
        fprintf(stderr, "gcs-sim: --scale and --flow: one at a time\n");
        return false;
    }
    return parse_members(arguments);
}

/* ---- Results ------------------------------------------------------------------- */

static void add_network(struct gcs_sim_counters *sum, const struct gcs_sim_counters *counters)
{
#define ADD_NETWORK(name, text) sum->name += counters->name;
    GCS_SIM_COUNTER_TABLE(ADD_NETWORK)
#undef ADD_NETWORK
}

static void print_row(FILE *out, const char *name, uint64_t value, const char *text)
{
    fprintf(out, "  %-22s %12" PRIu64 "  %s\n", name, value, text);
}

/* How often each path was taken: one that never was has not been tested. */
static void print_paths(FILE *out, const struct campaign *campaign)
{
    fprintf(out, "in the world:\n");
#define PRINT_STAT(name, text) print_row(out, #name, campaign->stats.name, text);
    WORLD_STAT_TABLE(PRINT_STAT)
#undef PRINT_STAT
    fprintf(out, "in the network:\n");
#define PRINT_NETWORK(name, text) print_row(out, #name, campaign->network.name, text);
    GCS_SIM_COUNTER_TABLE(PRINT_NETWORK)
#undef PRINT_NETWORK
    fprintf(out, "in the cores:\n");
#define PRINT_COUNTER(name, text) print_row(out, #name, campaign->counters.name, text);
    GCS_COUNTER_TABLE(PRINT_COUNTER)
#undef PRINT_COUNTER
}

static void print_json(const struct arguments *arguments, const struct campaign *campaign,
                       const char *property, uint64_t seed)
{
    printf("{\"ok\":%s,\"seed\":%" PRIu64 ",\"runs\":%" PRIu64 ",\"members\":%u",
           property ? "false" : "true", arguments->world.seed, campaign->stats.runs,
           arguments->world.members);
    if (property)
        printf(",\"violation\":\"%s\",\"violation_seed\":%" PRIu64, property, seed);
    printf(",\"world\":{\"runs\":%" PRIu64, campaign->stats.runs);
#define JSON_STAT(name, text)       \
    if (strcmp(#name, "runs") != 0) \
        printf(",\"" #name "\":%" PRIu64, campaign->stats.name);
    WORLD_STAT_TABLE(JSON_STAT)
#undef JSON_STAT
    printf("},\"network\":{\"sent\":%" PRIu64, campaign->network.sent);
#define JSON_NETWORK(name, text)    \
    if (strcmp(#name, "sent") != 0) \
        printf(",\"" #name "\":%" PRIu64, campaign->network.name);
    GCS_SIM_COUNTER_TABLE(JSON_NETWORK)
#undef JSON_NETWORK
    printf("},\"core\":{\"packets_received\":%" PRIu64, campaign->counters.packets_received);
#define JSON_COUNTER(name, text)                \
    if (strcmp(#name, "packets_received") != 0) \
        printf(",\"" #name "\":%" PRIu64, campaign->counters.name);
    GCS_COUNTER_TABLE(JSON_COUNTER)
#undef JSON_COUNTER
    printf("}}\n");
}

/* Runs all; stops at the first violation. Returns its property, or NULL. */
static const char *run_all(const struct arguments *arguments, FILE *out, struct campaign *campaign,
                           uint64_t *seed)
{
    struct world_options options = arguments->world;
    const char *property = NULL;

    for (uint64_t i = 0; i < arguments->runs && !property; i++) {
        struct world_result result;

        options.seed = *seed = arguments->world.seed + i;
        world_run(&options, &result);
        world_stats_add(&campaign->stats, &result.stats);
        world_counters_add(&campaign->counters, &result.counters);
        add_network(&campaign->network, &result.network);
        if (result.verdict.count > 0) {
            property = result.verdict.violations[0].property;
            world_explain(&result, out);
        }
        world_result_clear(&result);
    }
    return property;
}

static int run(struct arguments *arguments)
{
    FILE *out = arguments->json ? stderr : stdout;
    struct campaign campaign;
    const char *property;
    uint64_t seed = 0;

    memset(&campaign, 0, sizeof(campaign));
    property = run_all(arguments, out, &campaign, &seed);
    print_paths(out, &campaign);
    if (property)
        fprintf(out, "gcs-sim: violation: %s seed %" PRIu64 "\n", property, seed);
    else
        fprintf(out,
                "gcs-sim: ok: %" PRIu64 " runs, seeds %" PRIu64 " to %" PRIu64
                ", %u members, %" PRIu64 " of %" PRIu64
                " messages reached the survivors, no violation\n",
                campaign.stats.runs, arguments->world.seed, seed, arguments->world.members,
                campaign.stats.reached, campaign.stats.planned);
    if (arguments->json)
        print_json(arguments, &campaign, property, seed);
    return property ? 1 : 0;
}

static int scale(const struct arguments *arguments)
{
    struct scale_arguments scale = {
        .seed = arguments->world.seed,
        .members = arguments->members ? arguments->world.members : SCALE_MEMBERS_MOST,
        .region_size = arguments->world.region_size ? arguments->world.region_size : 16,
        .packets = arguments->messages_given ? arguments->world.messages : 1000,
        .json = arguments->json,
    };
    return scale_table(&scale);
}

int main(int argc, char **argv)
{
    struct arguments arguments;
    int status;

    if (!parse_arguments(argc, argv, &arguments))
        return 2;
    if (arguments.scale)
        return scale(&arguments);
    if (arguments.flow)
        return flow_show(arguments.world.seed, arguments.json);
    if (arguments.trace) {
        arguments.world.trace =
            strcmp(arguments.trace, "-") == 0 ? stdout : fopen(arguments.trace, "w");
        if (!arguments.world.trace) {
            fprintf(stderr, "gcs-sim: --trace: cannot write \"%s\": %s\n", arguments.trace,
                    strerror(errno));
            return 2;
        }
    }
    status = run(&arguments);
    if (arguments.world.trace && fflush(arguments.world.trace) != 0) {
        fprintf(stderr, "gcs-sim: --trace: cannot write \"%s\": %s\n", arguments.trace,
                strerror(errno));
        status = 2;
    }
    if (arguments.world.trace && arguments.world.trace != stdout)
        fclose(arguments.world.trace);
    return status;
}
