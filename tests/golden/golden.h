/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Golden bytes: the wire format as committed bytes. Encoding must give exactly
 * them, decoding must give back the values, on every machine: big-endian and
 * 32-bit ones run this program too. No test framework, for their sake.
 */
#ifndef GCS_TESTS_GOLDEN_H
#define GCS_TESTS_GOLDEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A failed expectation is printed and counted. */
void golden_expect(bool good, const char *what, const char *file, int line);
void golden_bytes(const void *got, size_t got_size, const void *expected, size_t expected_size,
                  const char *file, int line);

#define EXPECT(condition) golden_expect((condition), #condition, __FILE__, __LINE__)
#define EXPECT_BYTES(got, size, expected) \
    golden_bytes(got, size, expected, sizeof(expected), __FILE__, __LINE__)

void golden_packet(void);   /* header, checksum, tags, numbers */
void golden_frames(void);   /* STATUS, NACK, RUNS, PRIVATE, PIECE, HEARTBEAT */
void golden_joining(void);  /* JOIN, LOOK, REFUSE, EXCLUDED, GONE, WISH */
void golden_founding(void); /* FOUND, and its value */
void golden_ballots(void);  /* POLL, VOTE, PREPARE, INVITE, PROMISE, PROPOSE, ACCEPT, CONFIRM */
void golden_proposal(void); /* the value of a ballot, INSTALL */
void golden_state(void);    /* STATE ASK, OFFER, PULL, CHUNK */
void golden_payloads(void); /* what packer and assembly make */

#endif
