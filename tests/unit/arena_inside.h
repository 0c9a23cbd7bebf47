/* SPDX-License-Identifier: BSD-3-Clause */
/* What the arena's files share. */
#ifndef TESTS_UNIT_ARENA_INSIDE_H
#define TESTS_UNIT_ARENA_INSIDE_H

#include "tests/unit/arena.h"
#include "views/machine.h" /* to copy values, and to see what was accepted */

#include <stddef.h>
#include <string.h>

#define ARENA_LINEAGE   UINT64_C(77)
#define ARENA_WINDOW    64
#define ARENA_STATUS_NS (15 * ARENA_MS)

/* Keeps the first violation. */
void arena_violate(struct arena *arena, const char *what, uint32_t epoch, int process);

/* ---- arena_network.c -------------------------------------------------------------------- */

struct arena_message *arena_pop(struct arena *arena);
void arena_transmit(struct arena *arena, const struct arena_message *message);
int arena_process_at(const struct gcs_address *address);
struct arena_message arena_message_of(struct arena_process *p, const struct arena_member *member,
                                      enum arena_kind kind, int to);
void arena_transmit_frame(struct arena_process *p, const struct arena_member *member, int to,
                          uint8_t type, const uint8_t *body, size_t size);

/* ---- arena_packets.c -------------------------------------------------------------------- */

/* How many packets from the first on the mask has; the mask of so many. */
uint64_t arena_prefix(uint64_t mask);
uint64_t arena_first_bits(uint64_t count);
/* A packet of a sender has become safe somewhere: is it in the cut? */
void arena_check_safe(struct arena_member *member, uint16_t sender, uint64_t count);
void arena_deliver_safe(struct arena_member *member);
void arena_send_status(struct arena_member *member);
void arena_ask_packets(struct arena_member *member, uint16_t rank, uint16_t sender, uint64_t mask);
void arena_hear_status(struct arena_member *member, const struct arena_message *message);
void arena_hear_nack(struct arena_member *member, const struct arena_message *message);
void arena_hear_data(struct arena_member *member, const struct arena_message *message);

/* ---- arena_member.c --------------------------------------------------------------------- */

struct arena_member *arena_member_new(struct arena_process *p, uint32_t epoch,
                                      const struct gcs_member *members, uint16_t count,
                                      const struct gcs_proposal *came_from);
void arena_member_free(struct arena_member *member);
/* After each input: whoever has installed moves on. */
void arena_move_on(struct arena_process *p);
/* This incarnation is over; its last machine may go on to serve. */
void arena_go_out(struct arena_process *p);
void arena_suspect_members(struct arena_process *p, struct arena_member *member);

/* ---- arena_process.c -------------------------------------------------------------------- */

void arena_set_identity(struct arena_process *p);
void arena_deliver(struct arena *arena, const struct arena_message *message);
uint64_t arena_deadline_of(const struct arena_process *p);
void arena_tick(struct arena *arena, struct arena_process *p);

#endif
