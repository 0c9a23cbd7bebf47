/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-sim --flow: five members that all send as fast as they may, on paths that lose
 * packets and into buffers that overflow. Each row is one case. A bound that is missed
 * is named, and makes the exit status 1.
 */
#include "tools/gcs-sim-flow.h"

#include "tests/sim/flow.h"

#include <inttypes.h>

static const char *const names[FLOW_CASES] = {
    [FLOW_QUIET] = "nothing is lost",
    [FLOW_LOSS_1] = "1 % loss at every receiver",
    [FLOW_LOSS_5] = "5 % loss at every receiver",
    [FLOW_TIGHT] = "small socket buffers",
    [FLOW_BURST] = "after a burst of 30 % loss",
    [FLOW_SLOW] = "a slow link",
};

static void print_table(const struct flow_table *table)
{
    double whole = table->results[FLOW_QUIET].rate;

    printf("5 members, all send messages of 1000 bytes as fast as they may\n\n"
           "                           | messages    part of |           | repairs per | cuts of | "
           "packets wait\n"
           "                           | per second  lossless | fairness | lost packet | windows | "
           "ms  overflow\n");
    for (int i = 0; i < FLOW_CASES; i++) {
        const struct flow_result *r = &table->results[i];
        printf("%-26s | %8.0f  %8.1f %%  | %8.4f | %11.3f | %7" PRIu64 " | %6.1f  %.2f %%\n",
               names[i], r->rate, whole > 0 ? 100 * r->rate / whole : 0, r->jain, r->repeated,
               r->cuts, r->queue_ms, 100 * r->overflow);
    }
    printf("\n90 %% of the rate are back %.0f ms after the burst\n",
           table->results[FLOW_BURST].recovered_ms);
}

static void print_json(const struct flow_table *table, bool good)
{
    printf("{\"rows\":[");
    for (int i = 0; i < FLOW_CASES; i++) {
        const struct flow_result *r = &table->results[i];
        printf("%s{\"case\":\"%s\",\"messages_per_second\":%.0f,\"jain\":%.4f,\"repeated\":%.4f,"
               "\"cuts\":%" PRIu64 ",\"overflow\":%.5f,\"queue_ms\":%.2f,\"recovered_ms\":%.0f}",
               i ? "," : "", names[i], r->rate, r->jain, r->repeated, r->cuts, r->overflow,
               r->queue_ms, r->recovered_ms);
    }
    printf("],\"ok\":%s}\n", good ? "true" : "false");
}

int flow_show(uint64_t seed, bool json)
{
    struct flow_table table;

    flow_table_run(seed, &table);
    if (!json && table.complete)
        print_table(&table);
    bool good = flow_table_judge(&table, stderr);
    if (json)
        print_json(&table, good);
    else
        printf("\ngcs-sim: %s\n", good ? "ok: all bounds hold" : "a bound is missed");
    return good ? 0 : 1;
}
