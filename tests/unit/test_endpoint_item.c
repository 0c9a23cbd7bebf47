/* SPDX-License-Identifier: BSD-3-Clause */
/* Memory for messages on their way to the loop: no two share a byte, in whatever order they are
 * done with; in a stream nothing is allocated; what finds no place in the ring is. */
/* ctest-labels: thread */
#include "gcs/base/prng.h"
#include "gcs/endpoint.h"

#include "scarce.h"
#include "suite.h"

#include <sched.h>

#ifdef __SANITIZE_ADDRESS__
enum { RED_ZONE = GCS_CACHE_LINE, RING_TIMES = 3 };
#else
enum { RED_ZONE = 0, RING_TIMES = 2 };
#endif

enum { ROOM = 64 << 10, RING = RING_TIMES * ROOM, MOST = 2000 };
/* So large a message takes 1024 bytes of the ring. */
enum { KIB = 1024 - sizeof(struct gcs_item) - RED_ZONE };

static struct scarce scarce;
static struct gcs_endpoint endpoint;

static void begin(void)
{
    scarce_init(&scarce);
    memset(&endpoint, 0, sizeof(endpoint));
    endpoint.allocator = &scarce.allocator;
    endpoint.submit_bytes = ROOM;
    gcs_items_init(&endpoint);
}

static void end(void)
{
    gcs_items_fini(&endpoint, false);
    ck_assert_uint_eq(scarce.live, 0);
}

/* An item whose bytes are all of one kind. */
static struct gcs_item *make(size_t size, uint8_t kind)
{
    struct gcs_item *item = gcs_item_new(&endpoint, size, false);
    if (!item || item->size != size || (uintptr_t)(item + 1) % _Alignof(max_align_t) != 0)
        ck_abort_msg("not an item of %zu bytes", size);
    memset(item + 1, kind, size);
    return item;
}

static void drop(struct gcs_item *item, uint8_t kind)
{
    const uint8_t *bytes = (const uint8_t *)(item + 1);
    for (size_t i = 0; i < item->size; i++)
        if (bytes[i] != kind) /* an assertion for each would take minutes */
            ck_abort_msg("byte %zu is %u, not %u", i, bytes[i], kind);
    gcs_item_free(&endpoint, item);
}

START_TEST(a_stream_allocates_nothing)
{
    enum { WAITING = 20, COUNT = 20000 };
    struct gcs_item *items[WAITING] = {NULL};
    struct gcs_prng prng;

    gcs_prng_init(&prng, 1);
    begin();
    for (unsigned i = 0; i < COUNT + WAITING; i++) {
        if (items[i % WAITING])
            drop(items[i % WAITING], (uint8_t)(i - WAITING));
        items[i % WAITING] = i < COUNT ? make(gcs_prng_below(&prng, MOST), (uint8_t)i) : NULL;
    }
    ck_assert_uint_eq(scarce.asked, 1); /* the ring */
    end();
}
END_TEST

START_TEST(items_may_be_done_with_in_any_order)
{
    enum { WAITING = 60, COUNT = 20000 };
    struct gcs_item *items[WAITING] = {NULL};
    uint8_t kinds[WAITING];
    struct gcs_prng prng;

    gcs_prng_init(&prng, 2);
    begin();
    for (unsigned i = 0; i < COUNT; i++) {
        uint64_t which = gcs_prng_below(&prng, WAITING);
        if (items[which])
            drop(items[which], kinds[which]);
        kinds[which] = (uint8_t)i;
        items[which] = make(gcs_prng_below(&prng, MOST), kinds[which]);
    }
    ck_assert_uint_gt(scarce.asked, 1); /* one that is kept for long makes the ring short */
    ck_assert_uint_lt(scarce.asked, COUNT * 9 / 10);
    for (unsigned i = 0; i < WAITING; i++)
        if (items[i])
            drop(items[i], kinds[i]);
    end();
}
END_TEST

START_TEST(what_finds_no_place_is_allocated_by_itself)
{
    struct gcs_item *items[RING / 1024 + 1];

    begin();
    for (unsigned i = 0; i < RING / 1024; i++)
        items[i] = make(KIB, (uint8_t)i);
    ck_assert_uint_eq(scarce.live, 1);
    items[RING / 1024] = make(1, 7);
    ck_assert_uint_eq(scarce.live, 2);
    drop(items[RING / 1024], 7);
    ck_assert_uint_eq(scarce.live, 1);
    for (unsigned i = 0; i < RING / 1024; i++)
        drop(items[i], (uint8_t)i);
    for (unsigned i = 0; i < RING / 1024; i++) /* all of it is there again */
        items[i] = make(KIB, (uint8_t)i);
    ck_assert_uint_eq(scarce.live, 1);
    for (unsigned i = 0; i < RING / 1024; i++)
        drop(items[i], (uint8_t)i);
    end();
}
END_TEST

/* However short the messages are: so many as a group may have on its way find room. */
START_TEST(the_shortest_find_room)
{
    static struct gcs_item *items[ROOM / (sizeof(struct gcs_item) + 1) + 1];

    begin();
    for (unsigned i = 0; i < SUITE_SIZE(items); i++)
        items[i] = make(1, (uint8_t)i);
    ck_assert_uint_eq(scarce.live, 1);
    for (unsigned i = 0; i < SUITE_SIZE(items); i++)
        drop(items[i], (uint8_t)i);
    end();
}
END_TEST

START_TEST(a_large_one_is_allocated_by_itself)
{
    begin();
    struct gcs_item *item = make(RING / 2, 1);
    ck_assert_uint_eq(item->block, 0);
    drop(item, 1);
    ck_assert_uint_eq(scarce.live, 0);
    end();
}
END_TEST

START_TEST(one_that_waits_is_allocated_by_itself)
{
    begin();
    struct gcs_item *item = gcs_item_new(&endpoint, 100, true);
    ck_assert_uint_eq(item->block, 0);
    gcs_item_free(&endpoint, item);
    end();
}
END_TEST

/* Nobody waits for who has the ring. */
START_TEST(a_busy_ring_is_not_waited_for)
{
    begin();
    pthread_mutex_lock(&endpoint.items.mutex);
    struct gcs_item *item = make(100, 3);
    ck_assert_uint_eq(item->block, 0);
    pthread_mutex_unlock(&endpoint.items.mutex);
    drop(item, 3);
    end();
}
END_TEST

START_TEST(memory_runs_out)
{
    begin();
    scarce.most = RING - 1;
    struct gcs_item *item = make(100, 1); /* without a ring */
    ck_assert_uint_eq(item->block, 0);
    drop(item, 1);
    scarce.most = 0;
    item = make(100, 2);
    ck_assert_uint_gt(item->block, 0);
    drop(item, 2);
    end();
    begin();
    scarce_fail(&scarce, 1, true);
    ck_assert_ptr_null(gcs_item_new(&endpoint, 100, false));
    end();
}
END_TEST

/* ---- Several threads -------------------------------------------------------------------- */

enum { THREADS = 3, EACH = 20000 };

static void *produce(void *arg)
{
    const uint8_t *kind = arg;
    struct gcs_prng prng;

    gcs_prng_init(&prng, *kind);
    for (unsigned i = 0; i < EACH; i++) {
        struct gcs_item *item = gcs_item_new(&endpoint, 1 + gcs_prng_below(&prng, 500), false);
        memset(item + 1, *kind, item->size);
        gcs_queue_push(&endpoint.queue, &item->node);
    }
    return NULL;
}

static void consume(unsigned count)
{
    while (count > 0) {
        struct gcs_item *item = (struct gcs_item *)gcs_queue_pop(&endpoint.queue);
        if (item) {
            drop(item, *(const uint8_t *)(item + 1));
            count--;
        } else {
            sched_yield();
        }
    }
}

static pthread_mutex_t heap = PTHREAD_MUTEX_INITIALIZER;

static void *allocate(void *ctx, size_t size)
{
    pthread_mutex_lock(&heap);
    void *memory = scarce_allocate(ctx, size);
    pthread_mutex_unlock(&heap);
    return memory;
}

static void release(void *ctx, void *memory)
{
    pthread_mutex_lock(&heap);
    scarce_release(ctx, memory);
    pthread_mutex_unlock(&heap);
}

START_TEST(threads_share_the_ring)
{
    pthread_t threads[THREADS];
    uint8_t kinds[THREADS] = {1, 2, 3};

    begin();
    scarce.allocator.allocate = allocate;
    scarce.allocator.release = release;
    gcs_queue_init(&endpoint.queue);
    for (unsigned i = 0; i < THREADS; i++)
        ck_assert_int_eq(pthread_create(&threads[i], NULL, produce, &kinds[i]), 0);
    consume(THREADS * EACH);
    for (unsigned i = 0; i < THREADS; i++)
        pthread_join(threads[i], NULL);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_stream_allocates_nothing,
        items_may_be_done_with_in_any_order,
        what_finds_no_place_is_allocated_by_itself,
        the_shortest_find_room,
        a_large_one_is_allocated_by_itself,
        one_that_waits_is_allocated_by_itself,
        a_busy_ring_is_not_waited_for,
        memory_runs_out,
        threads_share_the_ring,
    };
    return suite_run("endpoint_item", tests, SUITE_SIZE(tests));
}
