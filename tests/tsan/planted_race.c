/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shows that what gcs/endpoint_queue.h tells ThreadSanitizer is true and no more than the truth: a
 * correct program is not reported, and a race beside the queue still is.
 *
 *   planted_race none              two producers, one consumer, as the endpoint uses the queue
 *   planted_race write-after-push  a producer changes an item that it has given away
 *   planted_race two-producers     two producers share a variable, as if pushing ordered them
 *
 * Compiled and judged by tests/unit/test_planted_race.sh.
 */
#include "gcs/endpoint_queue.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PRODUCERS = 2, ITEMS = 2000 };

struct item {
    struct gcs_queue_node node;
    int value;
};

static struct gcs_queue queue;
static struct item items[PRODUCERS][ITEMS];
static int write_after_push, two_producers;
static int shared;

static void *produce(void *arg)
{
    struct item *mine = arg;

    for (int i = 0; i < ITEMS; i++) {
        mine[i].value = i;
        if (two_producers)
            shared++;
        gcs_queue_push(&queue, &mine[i].node);
        if (write_after_push)
            mine[i].value = -1;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    pthread_t threads[PRODUCERS];
    long sum = 0;
    int count = 0;

    write_after_push = argc > 1 && strcmp(argv[1], "write-after-push") == 0;
    two_producers = argc > 1 && strcmp(argv[1], "two-producers") == 0;
    gcs_queue_init(&queue);
    for (int i = 0; i < PRODUCERS; i++) {
        if (pthread_create(&threads[i], NULL, produce, items[i]) != 0)
            return EXIT_FAILURE;
    }
    while (count < PRODUCERS * ITEMS) {
        struct item *item = (struct item *)gcs_queue_pop(&queue);
        if (item) {
            sum += item->value;
            item->value = 0;
            count++;
        } else {
            sched_yield();
        }
    }
    for (int i = 0; i < PRODUCERS; i++)
        (void)pthread_join(threads[i], NULL);
    printf("sum %ld, shared %d\n", sum, shared);
    return EXIT_SUCCESS;
}
