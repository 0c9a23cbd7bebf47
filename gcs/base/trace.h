/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Trace events as JSON Lines, the same from the simulator and from real
 * processes, for checkers that know nothing of the library. Pure formatting:
 * no I/O, no allocation, no locale; the caller writes the line in one piece.
 *
 *     {"t":1,"m":"n0#2a","g":"demo@7","e":"send","v":"3.2a","id":"n0#2a:1","s":"agreed",
 *      "h":"ef46db3751d8e999"}
 *
 * (one line each). A member is its address's text, '#' and its incarnation in
 * hexadecimal digits; a view is "<epoch>.<proposer>", a message "<sender>:<n>", a group
 * "<name>@<lineage>". "h" is the XXH64 of the payload with seed 0.
 */
#ifndef GCS_BASE_TRACE_H
#define GCS_BASE_TRACE_H

#include <gcs/core.h>

/* Writes the text of an address, as gcs_address_format does: always terminated. */
typedef void gcs_trace_address_fn(const struct gcs_address *address, char *text, size_t size);

/* Long enough for a member's name with its terminating NUL; longer ones are cut off. */
#define GCS_TRACE_MEMBER_MAX 112

/* The member's name; always terminated. Returns its length. */
size_t gcs_trace_member(const struct gcs_member_id *member, gcs_trace_address_fn *address,
                        char name[GCS_TRACE_MEMBER_MAX]);

/*
 * Formats one event as a line with its newline, not NUL-terminated. Writes at most size
 * bytes and returns the length of the whole line, so a result larger than size says how
 * much room is needed.
 */
size_t gcs_trace_format(const struct gcs_trace_event *event, gcs_trace_address_fn *address,
                        char *line, size_t size);

/*
 * The same for what a core cannot trace itself: "crash" (the process is gone) and "leaving"
 * (it was asked to leave: its "leave" will be a graceful one). lineage 0: not known yet.
 */
size_t gcs_trace_format_note(const char *note, uint64_t now, const struct gcs_member_id *self,
                             const char *group, uint64_t lineage, gcs_trace_address_fn *address,
                             char *line, size_t size);

/* The hash that stands for a payload: XXH64 with seed 0. */
uint64_t gcs_trace_hash(const void *data, size_t size);

#endif
