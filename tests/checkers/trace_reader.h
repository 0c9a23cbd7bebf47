/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reads trace files (JSON Lines, as gcs_trace(5) describes them) into the
 * stream that the checkers read. Guarantees that a line that is no such
 * record is reported with its number and leaves no half record behind;
 * unknown keys and unknown kinds of events are skipped; a last line without
 * its newline is what kill -9 leaves, and is ignored.
 */
#ifndef TESTS_TRACE_READER_H
#define TESTS_TRACE_READER_H

#include "tests/checkers/log.h"

#include <stdio.h>

struct trace_error {
    size_t line; /* 0: the file could not be read */
    char text[120];
};

/* Adds the records of one line (without its newline). False: error->text says why. */
bool trace_read_line(struct log *log, const char *line, size_t size, struct trace_error *error);

/* Adds the records of a whole file. False: error says where and why. */
bool trace_read_file(struct log *log, const char *path, struct trace_error *error);

#endif
