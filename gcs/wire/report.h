/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * REPORT: acknowledgement in a tree of regions, up and down. What goes up is a
 * minimum over a member, or over a region and all below it; what comes down is
 * what the root knows to hold for everybody. Only senders with something between
 * the two are named: who is quiet costs nothing. Every report stands for itself,
 * and all of its numbers only grow, so a lost one is made good by the next.
 *
 *     flags 1, top varint,
 *     steps varint, per step: position varint (the first; then how much lower),
 *         votes varint (how many more hold up to there)
 *     entries varint, per entry: ranks after the one before varint, taken varint
 *
 * Steps are a stair that goes down: so many votes hold the total order up to this
 * position, so many more up to that one. The first may have no votes: an observer
 * holds it, and has not heard of a quorum. On the way down there is one step, with
 * no votes: up to there a quorum holds it.
 */
#ifndef GCS_WIRE_REPORT_H
#define GCS_WIRE_REPORT_H

#include "gcs/wire/packet.h"

#define GCS_REPORT_STEPS_MAX 8

enum gcs_report_flag {
    GCS_REPORT_REPLY = 1,  /* answer with a report of your own */
    GCS_REPORT_REGION = 2, /* of the sender's region and all below it, not of itself alone */
    GCS_REPORT_STABLE = 4, /* down: of everybody */
};

struct gcs_step {
    uint64_t position;
    uint32_t votes;
};

struct gcs_report {
    uint8_t flags;
    uint64_t top; /* the sender has numbered its packets up to here */
    uint16_t steps;
    struct gcs_step step[GCS_REPORT_STEPS_MAX]; /* positions descending, each with more votes */
};

struct gcs_report_entry {
    uint16_t rank;
    uint64_t taken;
};

/* All but the entries. */
void gcs_report_write(struct gcs_writer *w, const struct gcs_report *report);

/* Reads all but the entries, which it checks: ranks ascending and below members, nothing behind
 * them. *entries is then at the first of *count. False: malformed. */
bool gcs_report_read(const uint8_t *body, size_t size, uint16_t members, struct gcs_report *report,
                     struct gcs_reader *entries, uint16_t *count);

/* The next entry, ranks from next on: begin with next 0. */
void gcs_report_write_entry(struct gcs_writer *w, uint16_t *next,
                            const struct gcs_report_entry *entry);
struct gcs_report_entry gcs_report_read_entry(struct gcs_reader *r, uint16_t *next);

#endif
