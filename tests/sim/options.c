/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Options of a run and their names on command lines, and sums over campaigns.
 */
#include "tests/sim/internal.h"

#include <string.h>

void world_options_init(struct world_options *options)
{
    memset(options, 0, sizeof(*options));
    options->seed = 1;
    options->members = 5;
    options->messages = 300;
    options->order = GCS_ORDER_SEQUENCER;
    options->service = WORLD_AGREED;
}

bool world_parse_service(const char *text, enum world_service *service)
{
    static const char *const names[] = {"fifo", "agreed", "safe", "mixed", "causal", "unordered"};

    for (unsigned i = 0; i < sizeof(names) / sizeof(*names); i++) {
        if (strcmp(text, names[i]) == 0) {
            *service = (enum world_service)i;
            return true;
        }
    }
    return false;
}

bool world_parse_order(const char *text, enum gcs_order *order)
{
    bool lamport = strcmp(text, "lamport") == 0;

    *order = lamport ? GCS_ORDER_LAMPORT : GCS_ORDER_SEQUENCER;
    return lamport || strcmp(text, "sequencer") == 0;
}

static bool parse_fault(const char *text, size_t length, uint32_t *faults)
{
    static const char *const names[] = {
#define WORLD_FAULT_NAME(id, name, text) name,
        WORLD_FAULT_TABLE(WORLD_FAULT_NAME)
#undef WORLD_FAULT_NAME
    };

    for (unsigned i = 0; i < WORLD_FAULTS; i++) {
        if (strlen(names[i]) == length && memcmp(names[i], text, length) == 0) {
            *faults |= 1U << i;
            return true;
        }
    }
    return false;
}

bool world_parse_faults(const char *text, uint32_t *faults)
{
    uint32_t set = 0;

    if (strcmp(text, "all") == 0 || strcmp(text, "none") == 0) {
        *faults = strcmp(text, "all") == 0 ? WORLD_FAULTS_ALL : 0;
        return true;
    }
    for (;;) {
        size_t length = strcspn(text, ",");

        if (!parse_fault(text, length, &set))
            return false;
        if (text[length] == '\0')
            break;
        text += length + 1;
    }
    *faults = set;
    return true;
}

void world_stats_add(struct world_stats *sum, const struct world_stats *stats)
{
#define WORLD_STAT_ADD(name, text) sum->name += stats->name;
    WORLD_STAT_TABLE(WORLD_STAT_ADD)
#undef WORLD_STAT_ADD
}

void world_counters_add(struct gcs_counters *sum, const struct gcs_counters *counters)
{
#define GCS_COUNTER_ADD(name, text) sum->name += counters->name;
    GCS_COUNTER_TABLE(GCS_COUNTER_ADD)
#undef GCS_COUNTER_ADD
}
