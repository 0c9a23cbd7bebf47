/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a client has asked for as one piece of bytes: what replicas agree on. One command, or all
 * of a transaction with the keys that it watches and their versions, or a question for versions.
 * Built up while the client speaks; run against a store, where every length is checked again.
 */
#ifndef KV_REQUEST_H
#define KV_REQUEST_H

#include "commands.h"

enum request_kind { REQUEST_SINGLE, REQUEST_TRANSACTION, REQUEST_VERSIONS, REQUEST_TICK };

/* Bytes of a request: a header, then commands. The header's counts are set at the end. */
void request_begin(struct reply *request, enum request_kind kind);
void request_watch(struct reply *request, struct text key, uint64_t version); /* before commands */
void request_command(struct reply *request, const struct text *args, size_t count);
void request_end(struct reply *request, uint32_t watches, uint32_t commands);

/*
 * Runs it: the reply as the client gets it, or versions, 8 bytes each. writes: commands that write
 * are allowed. A request that makes no sense gives an error reply, the same everywhere.
 */
void request_run(struct store *store, const char *data, size_t size, bool writes, uint64_t seed,
                 struct reply *reply);

#endif
