/* SPDX-License-Identifier: BSD-3-Clause */
/* The bounds on one member's work: see scale_bounds.h. */
#include "tests/sim/scale_bounds.h"

#define NEAR_LEAST        0.95
#define LARGE             1000
#define SOURCE_EACH_LARGE 0.1 /* from so many members on */
#define SOURCE_ALL_LARGE  3.0
#define SOURCE_ALL_MOST   4.0 /* fewer members are fewer senders, and the figure is less certain */
#define SENDS_MOST        1.25
#define SENDS_REGIONS                                                           \
    4u /* with fewer what the sender repeats for all, once more, counts as well \
        */
/* For each member of its region and each region below it a coordinator hears one report in two
 * milliseconds, in which there are eight packets of data here, and what is not bounded by that:
 * requests, and reports that are repeated. */
#define CONTROL_EACH 200.0
#define STUCK_FACTOR 8

static double per(uint64_t part, uint64_t whole)
{
    return whole ? (double)part / (double)whole : 0;
}

double scale_near_share(const struct scale_row *row)
{
    return per(row->each.repairs_near, row->each.repairs);
}

double scale_source_each(const struct scale_row *row)
{
    return per(row->each.nacks_at_source, row->each.lost);
}

double scale_source_all(const struct scale_row *row)
{
    return per(row->all.nacks_at_source, row->all.lost);
}

double scale_region_sends(const struct scale_row *row)
{
    return per(row->all.repair_sends, row->all.lost * row->all.regions);
}

double scale_control_most(const struct scale_row *row)
{
    return 1000 * per(row->each.control_most, row->each.data);
}

double scale_control_mean(const struct scale_row *row)
{
    return 1000 * per(row->each.control_sum, row->each.data) / row->options.members;
}

/* ---- Running -------------------------------------------------------------------------------- */

static bool run(const struct scale_row *row, enum scale_loss loss, struct scale_result *result)
{
    struct scale_options options = row->options;

    options.loss = loss;
    if (loss == SCALE_STUCK) /* more than the windows hold */
        options.packets *= STUCK_FACTOR;
    return scale_run(&options, result);
}

void scale_row_run(const struct scale_options *options, struct scale_row *row)
{
    *row = (struct scale_row){.options = *options};
    row->complete = run(row, SCALE_EACH, &row->each) && row->each.complete &&
                    run(row, SCALE_ALL, &row->all) && row->all.complete &&
                    run(row, SCALE_STUCK, &row->stuck);
}

/* ---- Judging -------------------------------------------------------------------------------- */

struct judge {
    const struct scale_row *row;
    FILE *out;
    bool good;
};

static void check(struct judge *judge, const char *what, double value, double bound, bool at_least)
{
    if (at_least ? value >= bound : value <= bound)
        return;
    judge->good = false;
    if (judge->out)
        fprintf(judge->out, "gcs-sim: %u members: %s: %.3f, must be at %s %.3f\n",
                judge->row->options.members, what, value, at_least ? "least" : "most", bound);
}

static void check_tree(struct judge *judge)
{
    const struct scale_row *row = judge->row;
    bool large = row->options.members >= LARGE;

    check(judge, "share of repairs from the own region", scale_near_share(row), NEAR_LEAST, true);
    check(judge, "requests at the sender of a packet that all lost", scale_source_all(row),
          large ? SOURCE_ALL_LARGE : SOURCE_ALL_MOST, false);
    check(judge, "repairs to a region for a packet that all lost", scale_region_sends(row),
          SENDS_MOST + (row->each.regions < SENDS_REGIONS ? 1.0 / row->each.regions : 0), false);
    check(judge, "control packets at the busiest member for 1000 of data", scale_control_most(row),
          CONTROL_EACH * (row->options.region_size + row->each.fan_out), false);
    if (large)
        check(judge, "requests at the sender of a packet that one lost", scale_source_each(row),
              SOURCE_EACH_LARGE, false);
}

bool scale_row_judge(const struct scale_row *row, FILE *out)
{
    struct judge judge = {row, out, true};

    check(&judge, "experiments in which everything was delivered", row->complete, 1, true);
    if (!row->complete)
        return false;
    check(&judge, "bytes of packets at one member", (double)row->stuck.held_most,
          (double)row->stuck.held_bound, false);
    if (row->each.regions > 1)
        check_tree(&judge);
    return judge.good;
}

/* ---- Without multicast ------------------------------------------------------------------------
 */

void scale_overlay_run(const struct scale_options *options, struct scale_row *row)
{
    *row = (struct scale_row){.options = *options};
    row->options.multicast = false;
    row->complete = run(row, SCALE_EACH, &row->each) && row->each.complete;
}

/* To the own region, the regions below it and the one above; without a tree of some size to all. */
unsigned scale_copies_bound(const struct scale_row *row)
{
    if (row->each.copies_inner + 1 >= row->options.members && row->each.regions <= 4)
        return row->options.members - 1;
    return row->options.region_size + row->each.fan_out;
}

bool scale_overlay_judge(const struct scale_row *row, FILE *out)
{
    struct judge judge = {row, out, true};

    check(&judge, "experiments without multicast in which everything was delivered", row->complete,
          1, true);
    if (!row->complete)
        return false;
    check(&judge, "copies of a packet that one member sends without multicast",
          (double)row->each.copies_inner, scale_copies_bound(row), false);
    if (row->each.regions > 1)
        check(&judge, "control packets at the busiest member without multicast",
              scale_control_most(row),
              CONTROL_EACH * (row->options.region_size + row->each.fan_out), false);
    return judge.good;
}
