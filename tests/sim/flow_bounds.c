/* SPDX-License-Identifier: BSD-3-Clause */
/* The bounds on flow and congestion control: see flow.h. */
#include "tests/sim/flow.h"

#define LOSS_1_LEAST   0.85 /* of the rate without loss */
#define LOSS_5_LEAST   0.60
#define TIGHT_LEAST    0.60
#define JAIN_LEAST     0.95
#define OVERFLOW_MOST  0.01
#define CHANCE_MOST    5.0  /* cuts: now and then a path loses much for a moment */
#define REPEATED_MOST  1.15 /* repairs for each lost packet: some repairs are lost too */
#define RECOVERED_MOST 2000.0
#define QUEUE_MOST     1000.0 /* milliseconds; what all windows hold would take it longer */

void flow_table_run(uint64_t seed, struct flow_table *table)
{
    table->complete = true;
    for (int i = 0; i < FLOW_CASES; i++)
        table->complete &= flow_run(seed, (enum flow_case)i, &table->results[i]);
}

struct judge {
    FILE *out;
    bool good;
};

static void check(struct judge *judge, const char *what, double value, double bound, bool at_least)
{
    if (at_least ? value >= bound : value <= bound)
        return;
    judge->good = false;
    if (judge->out)
        fprintf(judge->out, "gcs-sim: %s: %.4f, must be at %s %.4f\n", what, value,
                at_least ? "least" : "most", bound);
}

bool flow_table_judge(const struct flow_table *table, FILE *out)
{
    const struct flow_result *r = table->results;
    const struct flow_result *quiet = &r[FLOW_QUIET], *tight = &r[FLOW_TIGHT];
    struct judge judge = {out, true};

    check(&judge, "cases in which a group came to be", table->complete, 1, true);
    if (!table->complete)
        return false;
    check(&judge, "cuts of windows without congestion", (double)quiet->cuts, 0, false);
    check(&judge, "fairness", quiet->jain, JAIN_LEAST, true);
    check(&judge, "part of the rate at 1 % loss", r[FLOW_LOSS_1].rate / quiet->rate, LOSS_1_LEAST,
          true);
    check(&judge, "part of the rate at 5 % loss", r[FLOW_LOSS_5].rate / quiet->rate, LOSS_5_LEAST,
          true);
    check(&judge, "cuts of windows at 1 % loss", (double)r[FLOW_LOSS_1].cuts, CHANCE_MOST, false);
    check(&judge, "cuts of windows at 5 % loss", (double)r[FLOW_LOSS_5].cuts, CHANCE_MOST, false);
    check(&judge, "repairs for a packet lost at 1 %", r[FLOW_LOSS_1].repeated, REPEATED_MOST,
          false);
    check(&judge, "repairs for a packet lost at 5 %", r[FLOW_LOSS_5].repeated, REPEATED_MOST,
          false);
    check(&judge, "part of the rate with small socket buffers", tight->rate / quiet->rate,
          TIGHT_LEAST, true);
    check(&judge, "part of the datagrams that overflow", tight->overflow, OVERFLOW_MOST, false);
    check(&judge, "fairness with small socket buffers and one that came late", tight->jain,
          JAIN_LEAST, true);
    check(&judge, "milliseconds until 90 % of the rate are back after a burst",
          r[FLOW_BURST].recovered_ms, RECOVERED_MOST, false);
    check(&judge, "milliseconds that packets wait for a slow link", r[FLOW_SLOW].queue_ms,
          QUEUE_MOST, false);
    return judge.good;
}
