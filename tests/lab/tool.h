/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Runs the system's network tools, in a network namespace, with a script as
 * their standard input.
 */
#ifndef TESTS_LAB_TOOL_H
#define TESTS_LAB_TOOL_H

#include <stdbool.h>
#include <stddef.h>

enum lab_tool { LAB_IP, LAB_TC, LAB_NFT };

/* A script that grows by lines. */
struct lab_script {
    char *text;
    size_t length, capacity;
};

void lab_script_add(struct lab_script *script, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Runs it, unless it is empty, and empties it. space: descriptor of a namespace, -1: this one. log:
 * where output goes. False: something in it failed. */
bool lab_script_run(struct lab_script *script, enum lab_tool tool, int space, int log);

#endif
