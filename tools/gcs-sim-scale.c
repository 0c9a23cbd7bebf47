/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * gcs-sim --scale: large groups under load, and whether one member's work stays
 * within its bounds. Each row is one size of group. A bound that is missed is named,
 * and makes the exit status 1.
 */
#include "tools/gcs-sim-scale.h"

#include "tests/sim/scale_bounds.h"

#include <inttypes.h>

static const unsigned sizes[] = {SCALE_MEMBERS_LEAST, 64, 256, SCALE_MEMBERS_MOST};

static void print_head(const struct scale_arguments *arguments)
{
    printf("regions of %u, %u data packets of 4 senders, IP multicast\n\n", arguments->region_size,
           arguments->packets);
    printf("        | each member loses 1 %% by itself             | one of 50 packets   |\n");
    printf("regions | repairs requests control packets per 1000   | is lost by all:     | "
           "        memory  one member stuck\n");
    printf("members | from    at the   of data received by one    | requests repairs to | stable  "
           "of one  KiB held,\n");
    printf("(depth) | region  sender   member: most       mean    | sender   one region | after   "
           "KiB     of at most\n");
}

static void print_row(const struct scale_row *row)
{
    printf("%3u %4u | %5.1f %%  %6.3f  %12.0f %13.0f     | %6.2f %10.2f    | %4.1f ms %6" PRIu64
           " %6" PRIu64 " %6" PRIu64 "  (depth %u)\n",
           row->each.regions, row->options.members, 100 * scale_near_share(row),
           scale_source_each(row), scale_control_most(row), scale_control_mean(row),
           scale_source_all(row), scale_region_sends(row), row->each.stable_ms,
           row->each.memory_most / 1024, row->stuck.held_most / 1024, row->stuck.held_bound / 1024,
           row->each.depth);
    fflush(stdout);
}

static void print_json(const struct scale_row *row, bool first)
{
    printf("%s{\"members\":%u,\"regions\":%u,\"depth\":%u,\"near_share\":%.4f,"
           "\"source_nacks\":%.4f,\"control_most\":%.1f,\"control_mean\":%.1f,"
           "\"source_nacks_all\":%.3f,\"region_repairs_all\":%.3f,\"stable_ms\":%.3f,"
           "\"memory_bytes\":%" PRIu64 ",\"held_bytes\":%" PRIu64 ",\"held_bound\":%" PRIu64 "}",
           first ? "" : ",", row->options.members, row->each.regions, row->each.depth,
           scale_near_share(row), scale_source_each(row), scale_control_most(row),
           scale_control_mean(row), scale_source_all(row), scale_region_sends(row),
           row->each.stable_ms, row->each.memory_most, row->stuck.held_most, row->stuck.held_bound);
}

static void print_overlay_head(void)
{
    printf("\nwithout IP multicast: data goes down the tree\n\n");
    printf("        | copies of one packet  | each member loses 1 %% by itself\n");
    printf("regions | sent by:              | repairs  control   stable\n");
    printf("members | its sender  any  most | from     packets   after\n");
    printf("        | at most          (may)| region   at most\n");
}

static void print_overlay(const struct scale_row *row)
{
    printf("%3u %4u | %10" PRIu64 " %4" PRIu64 " %5u  | %5.1f %%  %7.0f   %4.1f ms\n",
           row->each.regions, row->options.members, row->each.copies_most, row->each.copies_inner,
           scale_copies_bound(row), 100 * scale_near_share(row), scale_control_most(row),
           row->each.stable_ms);
    fflush(stdout);
}

static void json_overlay(const struct scale_row *row, bool first)
{
    printf("%s{\"members\":%u,\"regions\":%u,\"copies_sender\":%" PRIu64 ",\"copies_most\":%" PRIu64
           ",\"copies_bound\":%u,\"near_share\":%.4f,"
           "\"control_most\":%.1f,\"stable_ms\":%.3f}",
           first ? "" : ",", row->options.members, row->each.regions, row->each.copies_most,
           row->each.copies_inner, scale_copies_bound(row), scale_near_share(row),
           scale_control_most(row), row->each.stable_ms);
}

static bool multicast_row(const struct scale_options *options, bool json, bool first)
{
    struct scale_row row;

    scale_row_run(options, &row);
    if (json)
        print_json(&row, first);
    else
        print_row(&row);
    return scale_row_judge(&row, stderr);
}

static bool overlay_row(const struct scale_options *options, bool json, bool first)
{
    struct scale_row row;

    scale_overlay_run(options, &row);
    if (json)
        json_overlay(&row, first);
    else
        print_overlay(&row);
    return scale_overlay_judge(&row, stderr);
}

/* One row for each size of group. */
static bool rows(const struct scale_arguments *arguments,
                 bool (*row)(const struct scale_options *, bool, bool))
{
    struct scale_options options;
    bool good = true;

    scale_options_init(&options);
    options.seed = arguments->seed;
    options.region_size = arguments->region_size;
    options.packets = arguments->packets;
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        options.members = sizes[i];
        if (sizes[i] > arguments->members)
            break;
        good &= row(&options, arguments->json, i == 0);
    }
    return good;
}

int scale_table(const struct scale_arguments *arguments)
{
    bool good;

    if (arguments->json)
        printf("{\"region_size\":%u,\"packets\":%u,\"rows\":[", arguments->region_size,
               arguments->packets);
    else
        print_head(arguments);
    good = rows(arguments, multicast_row);
    if (arguments->json)
        printf("],\"overlay\":[");
    else
        print_overlay_head();
    good &= rows(arguments, overlay_row);
    if (arguments->json)
        printf("],\"ok\":%s}\n", good ? "true" : "false");
    else
        printf("\ngcs-sim: %s\n", good ? "ok: all bounds hold" : "a bound is missed");
    return good ? 0 : 1;
}
