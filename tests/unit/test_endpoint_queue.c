/* SPDX-License-Identifier: BSD-3-Clause */
/* The queue from application threads to the loop: complete, in order per thread, and what was
 * written before a push is seen by who pops. */
/* ctest-labels: thread */
#include "gcs/endpoint_queue.h"

#include "suite.h"

#include <pthread.h>
#include <sched.h>
#include <stdint.h>

enum { PRODUCERS = 4, ITEMS = 20000 };

struct item {
    struct gcs_queue_node node;
    uint32_t producer, number;
    uint64_t check;
};

struct producer {
    struct gcs_queue *queue;
    struct item *items;
    uint32_t index;
};

static void *produce(void *arg)
{
    struct producer *producer = arg;

    for (uint32_t i = 0; i < ITEMS; i++) {
        struct item *item = &producer->items[i];
        item->producer = producer->index;
        item->number = i;
        item->check = ((uint64_t)producer->index << 32) + i * 7u;
        gcs_queue_push(producer->queue, &item->node);
    }
    return NULL;
}

START_TEST(everything_comes_out_in_order_per_producer)
{
    struct gcs_queue queue;
    struct producer producers[PRODUCERS];
    pthread_t threads[PRODUCERS];
    uint32_t next[PRODUCERS] = {0}, count = 0;

    gcs_queue_init(&queue);
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        producers[i] = (struct producer){&queue, calloc(ITEMS, sizeof(struct item)), i};
        pthread_create(&threads[i], NULL, produce, &producers[i]);
    }
    while (count < PRODUCERS * ITEMS) {
        struct item *item = (struct item *)gcs_queue_pop(&queue);
        if (!item) {
            sched_yield();
            continue;
        }
        if (item->producer >= PRODUCERS || item->number != next[item->producer]++ ||
            item->check != ((uint64_t)item->producer << 32) + item->number * 7u)
            ck_abort_msg("item %u of producer %u", item->number, item->producer);
        item->check = 0; /* it is the consumer's now */
        count++;
    }
    ck_assert(gcs_queue_empty(&queue));
    for (uint32_t i = 0; i < PRODUCERS; i++) {
        pthread_join(threads[i], NULL);
        free(producers[i].items);
    }
}
END_TEST

START_TEST(an_empty_queue_gives_nothing)
{
    struct gcs_queue queue;
    struct item items[2];

    gcs_queue_init(&queue);
    for (int round = 0; round < 3; round++) {
        ck_assert(gcs_queue_empty(&queue));
        ck_assert_ptr_null(gcs_queue_pop(&queue));
        gcs_queue_push(&queue, &items[0].node);
        ck_assert(!gcs_queue_empty(&queue));
        gcs_queue_push(&queue, &items[1].node);
        ck_assert_ptr_eq(gcs_queue_pop(&queue), &items[0].node);
        ck_assert_ptr_eq(gcs_queue_pop(&queue), &items[1].node);
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        everything_comes_out_in_order_per_producer,
        an_empty_queue_gives_nothing,
    };
    return suite_run("endpoint_queue", tests, SUITE_SIZE(tests));
}
