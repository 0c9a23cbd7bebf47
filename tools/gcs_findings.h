/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What `gcs doctor` finds, said in words: a line for each, and below one that asks for a change
 * what to do.
 */
#ifndef TOOLS_GCS_FINDINGS_H
#define TOOLS_GCS_FINDINGS_H

#include "gcs_probe.h"

struct findings {
    unsigned good;
    unsigned bad;
};

void findings_good(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The text may have more lines: the first is what was found, the others say what to change. */
void findings_bad(struct findings *findings, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void findings_note(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* This host by itself: socket buffers, clock, interfaces, verbs devices. */
void doctor_host(struct findings *findings);
/* The network to another one, options->peer, at that address. An exit code, or TOOL_GO. */
int doctor_peer(struct findings *findings, const struct tool_options *options,
                const struct probe_address *peer);

#endif
