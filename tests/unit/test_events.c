/* SPDX-License-Identifier: BSD-3-Clause */
/* The queue of events: first in, first out, growing as needed, whole without memory. */
#include "gcs/base/prng.h"
#include "gcs/events.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

static struct scarce memory;
static struct gcs_events events;
static uint64_t in, out;

static void setup(void)
{
    scarce_init(&memory);
    gcs_events_init(&events, &memory.allocator);
    in = out = 0;
}

static void teardown(void)
{
    gcs_events_fini(&events);
    ck_assert_uint_eq(memory.live, 0);
}

static bool push(void)
{
    struct gcs_core_event event = {.type = GCS_EVENT_WRITABLE, .number = in + 1};
    bool pushed = gcs_events_push(&events, &event);
    in += pushed;
    return pushed;
}

static bool pop(void)
{
    struct gcs_core_event event;
    if (!gcs_events_pop(&events, &event))
        return false;
    ck_assert_int_eq(event.type, GCS_EVENT_WRITABLE);
    ck_assert_uint_eq(event.number, ++out);
    return true;
}

START_TEST(an_empty_queue_is_empty)
{
    setup();
    ck_assert(!pop());
    ck_assert(push());
    ck_assert(pop());
    ck_assert(!pop());
    teardown();
}
END_TEST

START_TEST(events_come_out_as_they_went_in)
{
    struct gcs_prng prng;
    setup();
    gcs_prng_init(&prng, 9);
    while (in < 20000) {
        uint64_t pushes = gcs_prng_below(&prng, 300), pops = gcs_prng_below(&prng, 300);
        while (pushes--)
            ck_assert(push());
        while (pops-- && pop())
            ;
    }
    while (pop())
        ;
    ck_assert_uint_eq(in, out);
    teardown();
}
END_TEST

START_TEST(a_queue_of_bounded_length_allocates_no_more)
{
    setup();
    for (unsigned round = 0; round < 1000; round++) {
        for (unsigned i = 0; i < 60; i++)
            push();
        while (pop())
            ;
        if (round == 0)
            scarce_fail(&memory, 1, true);
    }
    ck_assert_uint_eq(memory.asked, 0);
    ck_assert_uint_eq(in, 60000);
    teardown();
}
END_TEST

START_TEST(without_memory_nothing_changes)
{
    setup();
    scarce_fail(&memory, 1, true);
    ck_assert(!push());
    ck_assert(!pop());
    scarce_fail(&memory, 0, false);
    while (push() && events.tail - events.head < events.capacity)
        ;
    scarce_fail(&memory, 1, true);
    uint64_t before = in;
    ck_assert(!push());
    ck_assert(!push());
    ck_assert_uint_eq(in, before);
    ck_assert(pop());
    ck_assert(push()); /* in the room that this made */
    ck_assert(!push());
    while (pop())
        ;
    ck_assert_uint_eq(in, out);
    teardown();
}
END_TEST

START_TEST(room_that_was_reserved_is_there)
{
    setup();
    push();
    pop();
    push();
    ck_assert(gcs_events_reserve(&events, 500));
    scarce_fail(&memory, 1, true);
    for (unsigned i = 0; i < 500; i++)
        ck_assert(push());
    ck_assert(gcs_events_reserve(&events, 0));
    ck_assert(!gcs_events_reserve(&events, 100000));
    while (pop())
        ;
    ck_assert_uint_eq(in, out);
    teardown();
}
END_TEST

/* However full the queue is, the last events of memberships find their places. */
START_TEST(places_that_are_kept_are_there)
{
    enum { KEPT = 3 };
    struct gcs_core_event last = {.type = GCS_EVENT_LEFT};
    setup();
    for (unsigned i = 0; i < KEPT; i++)
        ck_assert(gcs_events_keep(&events));
    scarce_fail(&memory, 1, true);
    while (push())
        ck_assert_uint_lt(in, 10000);
    for (unsigned i = 0; i < KEPT; i++)
        gcs_events_push_kept(&events, &last);
    for (uint64_t i = 0; i < in; i++)
        ck_assert(pop());
    for (unsigned i = 0; i < KEPT; i++) {
        struct gcs_core_event event;
        ck_assert(gcs_events_pop(&events, &event));
        ck_assert_int_eq(event.type, GCS_EVENT_LEFT);
    }
    ck_assert(!pop());
    teardown();
}
END_TEST

START_TEST(without_memory_no_place_is_kept)
{
    setup();
    scarce_fail(&memory, 1, true);
    ck_assert(!gcs_events_keep(&events));
    ck_assert_uint_eq(events.kept, 0);
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_empty_queue_is_empty,
        events_come_out_as_they_went_in,
        a_queue_of_bounded_length_allocates_no_more,
        without_memory_nothing_changes,
        room_that_was_reserved_is_there,
        places_that_are_kept_are_there,
        without_memory_no_place_is_kept,
    };
    return suite_run("events", tests, SUITE_SIZE(tests));
}
