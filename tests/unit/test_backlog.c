/* SPDX-License-Identifier: BSD-3-Clause */
/* What waits for the state: kept in order, copied, counted; what the state covers is told apart. */
#include "gcs/backlog.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_backlog backlog;

static void setup(void)
{
    scarce_init(&memory);
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    gcs_backlog_init(&backlog);
}

static void teardown(void)
{
    struct gcs_backlog_entry *entry;
    while ((entry = gcs_backlog_take(&backlog)) != NULL)
        gcs_backlog_free(&memory.allocator, entry);
    ck_assert_uint_eq(backlog.bytes, 0);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

/* A delivery whose memory is gone right after. */
static bool add(uint64_t place, uint8_t fill, size_t size)
{
    uint8_t payload[3000];
    struct gcs_member_id sender = {.incarnation = place};
    struct gcs_core_event event = {.type = GCS_EVENT_DELIVER,
                                   .service = GCS_AGREED,
                                   .sender = &sender,
                                   .packet = 77,
                                   .payload = payload,
                                   .payload_size = size};
    memset(payload, fill, sizeof(payload));
    bool kept = gcs_backlog_add(&backlog, &memory.allocator, &event, 3, place);
    memset(payload, 0, sizeof(payload));
    memset(&sender, 0, sizeof(sender));
    return kept;
}

START_TEST(what_is_kept_comes_out_in_order_and_unchanged)
{
    struct gcs_backlog_entry *entry;
    setup();
    for (uint8_t n = 1; n <= 50; n++)
        ck_assert(add(n, n, n * 40u));
    ck_assert_uint_eq(backlog.bytes, 50 * 51 / 2 * 40 + 50 * sizeof(struct gcs_backlog_entry));
    for (uint8_t n = 1; (entry = gcs_backlog_take(&backlog)) != NULL; n++) {
        ck_assert_uint_eq(entry->place, n);
        ck_assert_uint_eq(entry->epoch, 3);
        ck_assert_uint_eq(entry->event.sender->incarnation, n);
        ck_assert_uint_eq(entry->event.payload_size, n * 40u);
        ck_assert_uint_eq(entry->event.packet, 0);
        ck_assert_ptr_eq(entry->event.token, entry);
        for (size_t i = 0; i < entry->event.payload_size; i++)
            if (entry->event.payload[i] != n)
                ck_abort_msg("another byte");
        gcs_backlog_free(&memory.allocator, entry);
    }
    ck_assert(add(1, 1, 0)); /* empty once, and in use again */
    teardown();
}
END_TEST

START_TEST(without_memory_nothing_has_changed)
{
    setup();
    ck_assert(add(1, 1, 2500));
    uint64_t bytes = backlog.bytes;
    uint64_t live = memory.live;
    scarce_fail(&memory, 1, false);
    ck_assert(!add(2, 2, 2500));
    ck_assert_uint_eq(memory.live, live);
    ck_assert_uint_eq(backlog.bytes, bytes);
    scarce_fail(&memory, 0, false);
    ck_assert(add(2, 2, 2500));
    teardown();
}
END_TEST

START_TEST(only_copies_are_counted)
{
    struct gcs_core_event view = {.type = GCS_EVENT_VIEW};
    struct gcs_buffer *buffer;
    setup();
    buffer = gcs_pool_get(&pool, 100);
    struct gcs_core_event alone = {
        .type = GCS_EVENT_PRIVATE, .buffer = buffer, .token = &view, .packet = 5};
    ck_assert(gcs_backlog_add(&backlog, &memory.allocator, &view, 3, 0));
    ck_assert(gcs_backlog_add(&backlog, &memory.allocator, &alone, 3, 0));
    ck_assert_uint_eq(backlog.bytes, 0);
    gcs_backlog_free(&memory.allocator, gcs_backlog_take(&backlog));
    ck_assert_ptr_eq(backlog.first->event.token, &view); /* as it was */
    ck_assert_uint_eq(backlog.first->event.packet, 5);
    teardown(); /* and its buffer goes with it */
}
END_TEST

START_TEST(a_state_covers_what_was_delivered_before_it)
{
    struct gcs_mark mark = {7, 2, 10, (uint64_t[]){9, 2, 4, 0, 0, 0}};
    struct gcs_core_event event = {.type = GCS_EVENT_DELIVER, .service = GCS_SAFE};
    ck_assert(gcs_mark_covers(&mark, &event, 7, 10) && !gcs_mark_covers(&mark, &event, 7, 11));
    ck_assert(gcs_mark_covers(&mark, &event, 6, 99) && !gcs_mark_covers(&mark, &event, 8, 1));
    event.service = GCS_FIFO;
    ck_assert(gcs_mark_covers(&mark, &event, 7, 4) && !gcs_mark_covers(&mark, &event, 7, 5));
    event.service = GCS_CAUSAL;
    ck_assert(gcs_mark_covers(&mark, &event, 7, 9) && !gcs_mark_covers(&mark, &event, 7, 10));
    event.rank = 1;
    ck_assert(!gcs_mark_covers(&mark, &event, 7, 1));
    event.rank = 2; /* not of that view */
    ck_assert(!gcs_mark_covers(&mark, &event, 7, 0));
    event = (struct gcs_core_event){.type = GCS_EVENT_VIEW};
    ck_assert(!gcs_mark_covers(&mark, &event, 6, 0) && !gcs_mark_covers(&mark, &event, 7, 0));
    event.type = GCS_EVENT_PRIVATE; /* not a part of anything that is shared */
    ck_assert(!gcs_mark_covers(&mark, &event, 6, 0) && !gcs_mark_covers(&mark, &event, 7, 0));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_is_kept_comes_out_in_order_and_unchanged,
        without_memory_nothing_has_changed,
        only_copies_are_counted,
        a_state_covers_what_was_delivered_before_it,
    };
    return suite_run("backlog", tests, SUITE_SIZE(tests));
}
