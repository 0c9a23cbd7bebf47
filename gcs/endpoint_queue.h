/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The queue from application threads to the loop: liburcu's wait-free queue
 * (any number of producers, one consumer) behind four small calls, the only
 * place that knows of it.
 *
 * Guarantees: what one thread pushes comes out in that order; everything that
 * a thread wrote before a push is visible to whoever pops that node; a push is
 * a full memory barrier, so that a producer may look afterwards whether the
 * loop sleeps (see gcs_loop_wake).
 *
 * ThreadSanitizer does not see this by itself: the queue's code is in
 * liburcu-common, which is not instrumented, and its barriers are inline
 * assembler. So push and pop say it, per node: a release when the node is given
 * away, an acquire when it is taken. Nothing more is claimed than the queue
 * gives: two threads that merely push are not ordered with each other, and a
 * write after the push is still reported (tests/tsan/planted_race.c).
 *
 * liburcu is LGPL: its functions are called, its inline implementation (what
 * _LGPL_SOURCE selects) is not compiled in.
 */
#ifndef GCS_ENDPOINT_QUEUE_H
#define GCS_ENDPOINT_QUEUE_H

#include <stdbool.h>
#include <stddef.h>
#include <urcu/wfcqueue.h>

#if defined(__SANITIZE_THREAD__)
#define GCS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define GCS_TSAN 1
#endif
#endif

#ifdef GCS_TSAN
#include <sanitizer/tsan_interface.h>
#define GCS_TSAN_RELEASE(address) __tsan_release(address)
#define GCS_TSAN_ACQUIRE(address) __tsan_acquire(address)
#else
#define GCS_TSAN_RELEASE(address) ((void)(address))
#define GCS_TSAN_ACQUIRE(address) ((void)(address))
#endif

#define GCS_CACHE_LINE 64

struct gcs_queue_node {
    struct cds_wfcq_node node;
};

/* Producers and the consumer each have a cache line of their own. */
struct gcs_queue {
    struct cds_wfcq_tail tail;
    char pad[GCS_CACHE_LINE - sizeof(struct cds_wfcq_tail)];
    struct __cds_wfcq_head head;
};

static inline void gcs_queue_init(struct gcs_queue *queue)
{
    __cds_wfcq_init(&queue->head, &queue->tail);
}

/* From any thread; wait-free. The node belongs to the queue until it is popped. */
static inline void gcs_queue_push(struct gcs_queue *queue, struct gcs_queue_node *node)
{
    cds_wfcq_node_init(&node->node);
    GCS_TSAN_RELEASE(node);
    cds_wfcq_enqueue(&queue->head, &queue->tail, &node->node);
}

/*
 * By the consumer only. NULL: empty, or a push is in the middle (its thread was interrupted
 * between two instructions): gcs_queue_empty tells which.
 */
static inline struct gcs_queue_node *gcs_queue_pop(struct gcs_queue *queue)
{
    struct cds_wfcq_node *node = __cds_wfcq_dequeue_nonblocking(&queue->head, &queue->tail);

    if (!node || node == CDS_WFCQ_WOULDBLOCK)
        return NULL;
    GCS_TSAN_ACQUIRE(node);
    return (struct gcs_queue_node *)node;
}

/* By the consumer only. False also while a push is in the middle. */
static inline bool gcs_queue_empty(struct gcs_queue *queue)
{
    return cds_wfcq_empty(&queue->head, &queue->tail);
}

#endif
