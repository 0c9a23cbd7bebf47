/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the tests of the RDMA transport share: ends, which are transports on the machine's devices,
 * and calls of libibverbs that fail when a test says so.
 */
#ifndef GCS_TESTS_RDMA_ENDS_H
#define GCS_TESTS_RDMA_ENDS_H

#include "transport/rdma.h"

#include "tests/unit/suite.h"

enum { ENDS = 5, PATIENCE_MS = 10000 };

/* Those that are open and do their work whenever one of them takes something in. */
extern struct gcs_transport *ends[ENDS];
extern unsigned ends_count;

/* So many calls succeed before one fails; -1: none does. */
extern int posts_until_failure, registrations_until_failure;

/* On the device of that number, the first is 1. NULL: error has a sentence. */
struct gcs_transport *try_open(unsigned device, const char *options, char *error, size_t size);
struct gcs_transport *open_end(unsigned device, const char *options);
void close_end(struct gcs_transport *t);
void close_all(void);

const struct gcs_transport_counters *counters(const struct gcs_transport *t);
const struct gcs_address *address(const struct gcs_transport *t);
struct gcs_rdma_link *link_to(struct gcs_transport *t, struct gcs_transport *peer);

/* Takes everything in at t, while all the others do their work; how many packets there were. */
size_t take(struct gcs_transport *t);
size_t take_until(struct gcs_transport *t, size_t wanted);
/* A notice of that peer comes in time. */
bool told_of(struct gcs_transport *t, const struct gcs_address *peer);
/* The note says that in time; "": there is none any more. */
bool notes(struct gcs_transport *t, const char *text);

/* So many packets of that size, to each of count addresses. */
void send_to(struct gcs_transport *t, const struct gcs_address *to, size_t count, size_t size,
             size_t packets);
void connect_ends(struct gcs_transport *a, struct gcs_transport *b);

/* A number from the environment. */
int times(const char *variable, int normal);
/* The main function: all tests, or those that the arguments name; 77 where there is no device. */
int run_tests(const TTest *const *tests, size_t count, int argc, char **argv);

#endif
