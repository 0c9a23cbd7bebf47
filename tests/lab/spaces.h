/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Network namespaces: the calling thread moves into one that holds a bridge, br0, with
 * a port pN for each slot N; the port's other end is eth0 in a namespace of the
 * slot's own. Nothing has a name in the file system.
 */
#ifndef TESTS_LAB_SPACES_H
#define TESTS_LAB_SPACES_H

#include "tests/lab/network.h"

/* NULL: network->failure says why, and nothing is left. */
struct lab_spaces *lab_spaces_open(struct lab_network *network, uint32_t mtu, const char *dir);
void lab_spaces_close(struct lab_spaces *spaces);

/* Makes all links what they shall be. */
void lab_spaces_update(struct lab_network *network);
bool lab_spaces_enter(const struct lab_spaces *spaces, unsigned slot);

/* Whether they can be made here: root, and the tools. */
bool lab_spaces_possible(char *why, size_t size);

#endif
