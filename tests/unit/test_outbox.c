/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets on their way out: they leave in order, with their bytes and addresses
 * intact whatever happens to view and windows meanwhile; without memory one is
 * lost, as on a network.
 */
#include "gcs/outbox.h"
#include "tests/unit/scarce.h"
#include "tests/unit/suite.h"

static struct scarce memory;
static struct gcs_counters counters;
static struct gcs_pool pool;
static struct gcs_outbox outbox;

static void setup(void)
{
    scarce_init(&memory);
    counters = (struct gcs_counters){0};
    gcs_pool_init(&pool, &memory.allocator, 4096, &counters);
    gcs_outbox_init(&outbox, &memory.allocator, &counters);
}

static void teardown(void)
{
    gcs_outbox_fini(&outbox);
    gcs_pool_fini(&pool);
    ck_assert_uint_eq(memory.live, 0);
}

static struct gcs_address address(uint8_t n)
{
    return (struct gcs_address){2, {7, n}};
}

static struct gcs_route *route_of(uint16_t count)
{
    struct gcs_route *route = gcs_route_new(&memory.allocator, count);
    for (uint16_t i = 0; i < count; i++)
        route->to[i] = address((uint8_t)i);
    return route;
}

/* A packet of size bytes n that only the outbox refers to afterwards. */
static void multicast(struct gcs_route *route, uint8_t n, size_t size)
{
    struct gcs_buffer *buffer = gcs_pool_get(&pool, size);
    memset(buffer->data, n, size);
    gcs_outbox_multicast(&outbox, route, buffer, buffer->data, size);
    gcs_buffer_unref(buffer);
}

static void unicast(uint8_t n, size_t size)
{
    struct gcs_buffer *buffer = gcs_pool_get(&pool, size);
    struct gcs_address to = address(n);
    memset(buffer->data, n, size);
    gcs_outbox_unicast(&outbox, &to, buffer, buffer->data, size);
    gcs_buffer_unref(buffer);
}

static void urgent(uint8_t n, size_t size)
{
    struct gcs_buffer *buffer = gcs_pool_get(&pool, size);
    struct gcs_address to = address(n);
    memset(buffer->data, n, size);
    gcs_outbox_urgent(&outbox, &to, buffer, buffer->data, size);
    gcs_buffer_unref(buffer);
}

START_TEST(packets_leave_in_order_with_their_addresses)
{
    size_t count;
    setup();
    gcs_outbox_packets(&outbox, &count);
    ck_assert_uint_eq(count, 0);
    struct gcs_route *route = route_of(3);
    multicast(route, 1, 100);
    unicast(2, 50);
    multicast(route, 3, 70);
    gcs_route_unref(route); /* the view is over */
    const struct gcs_core_packet *packets = gcs_outbox_packets(&outbox, &count);
    ck_assert_uint_eq(count, 3);
    static const size_t sizes[3] = {100, 50, 70};
    for (size_t i = 0; i < 3; i++) {
        ck_assert_uint_eq(packets[i].size, sizes[i]);
        ck_assert_uint_eq(packets[i].data[sizes[i] - 1], i + 1);
        ck_assert_int_eq(packets[i].multicast, i != 1);
        ck_assert_uint_eq(packets[i].to_count, i == 1 ? 1 : 3);
        ck_assert_uint_eq(packets[i].to[0].bytes[1], i == 1 ? 2 : 0);
        ck_assert_uint_eq(packets[i].to[packets[i].to_count - 1].bytes[1], 2);
        ck_assert_uint_eq(packets[i].buffer->refs, 1);
    }
    ck_assert_uint_eq(counters.packets_sent, 3);
    ck_assert_uint_eq(counters.bytes_sent, 220);
    gcs_outbox_clear(&outbox);
    ck_assert_uint_eq(pool.outstanding, 0);
    gcs_outbox_packets(&outbox, &count);
    ck_assert_uint_eq(count, 0);
    teardown();
}
END_TEST

START_TEST(urgent_packets_go_first_and_the_others_keep_their_order)
{
    setup();
    struct gcs_route *route = route_of(2);
    for (unsigned round = 0; round < 2; round++) {
        for (uint8_t i = 10; i < 60; i++) {
            i % 2 ? multicast(route, i, 9) : unicast(i, 9);
            if (i % 10 == 0)
                urgent(i / 10, 9);
        }
        size_t count;
        const struct gcs_core_packet *packets = gcs_outbox_packets(&outbox, &count);
        ck_assert_uint_eq(count, 55);
        for (uint8_t i = 0; i < count; i++) {
            uint8_t tag = i < 5 ? i + 1 : i + 5;
            ck_assert_uint_eq(packets[i].data[0], tag);
            ck_assert(packets[i].multicast == (i >= 5 && tag % 2 == 1));
        }
        gcs_outbox_clear(&outbox);
        ck_assert_uint_eq(pool.outstanding, 0);
    }
    gcs_route_unref(route);
    teardown();
}
END_TEST

START_TEST(a_group_of_one_sends_nothing)
{
    size_t count;
    setup();
    struct gcs_route *route = route_of(0);
    multicast(route, 1, 10);
    gcs_route_unref(route);
    gcs_outbox_packets(&outbox, &count);
    ck_assert_uint_eq(count, 0);
    ck_assert_uint_eq(counters.packets_sent, 0);
    teardown();
}
END_TEST

START_TEST(many_packets_and_no_more_memory_than_the_first_time)
{
    setup();
    struct gcs_route *route = route_of(2);
    for (unsigned round = 0; round < 4; round++) {
        if (round == 1)
            scarce_fail(&memory, 0, false);
        pool.spare_max = 2000 * GCS_POOL_SMALL;
        for (unsigned i = 0; i < 1000; i++)
            i % 3 ? multicast(route, (uint8_t)i, 9) : unicast((uint8_t)i, 9);
        size_t count;
        const struct gcs_core_packet *packets = gcs_outbox_packets(&outbox, &count);
        ck_assert_uint_eq(count, 1000);
        for (size_t i = 0; i < count; i++)
            ck_assert_uint_eq(packets[i].data[0], (uint8_t)i);
        gcs_outbox_clear(&outbox);
    }
    ck_assert_uint_eq(memory.asked, 0);
    gcs_route_unref(route);
    teardown();
}
END_TEST

START_TEST(what_is_left_is_freed)
{
    setup();
    struct gcs_route *route = route_of(2);
    multicast(route, 1, 10);
    unicast(2, 10);
    gcs_route_unref(route);
    gcs_route_unref(NULL);
    teardown();
}
END_TEST

START_TEST(without_memory_a_packet_is_lost_and_counted)
{
    setup();
    struct gcs_route *route = route_of(2);
    struct gcs_buffer *buffer = gcs_pool_get(&pool, 10);
    for (uint64_t nth = 1; nth <= 2; nth++) { /* entries; what the caller sees of them */
        scarce_fail(&memory, nth, false);
        gcs_outbox_multicast(&outbox, route, buffer, buffer->data, 10);
        ck_assert_uint_eq(counters.dropped_memory, nth);
        ck_assert_uint_eq(counters.packets_sent, 0);
        ck_assert_uint_eq(buffer->refs, 1);
        ck_assert_uint_eq(route->refs, 1);
        ck_assert_uint_eq(outbox.count, 0);
    }
    scarce_fail(&memory, 0, false);
    gcs_outbox_multicast(&outbox, route, buffer, buffer->data, 10);
    ck_assert_uint_eq(outbox.count, 1);
    while (outbox.count < outbox.capacity)
        gcs_outbox_multicast(&outbox, route, buffer, buffer->data, 10);
    scarce_fail(&memory, 1, true);
    size_t count = outbox.count;
    gcs_outbox_multicast(&outbox, route, buffer, buffer->data, 10);
    ck_assert_uint_eq(outbox.count, count);
    ck_assert_uint_eq(buffer->refs, 1 + count);
    gcs_buffer_unref(buffer);
    gcs_route_unref(route);
    teardown();
}
END_TEST

START_TEST(without_memory_there_is_no_route)
{
    setup();
    scarce_fail(&memory, 1, false);
    ck_assert_ptr_null(gcs_route_new(&memory.allocator, 5));
    teardown();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        packets_leave_in_order_with_their_addresses,
        urgent_packets_go_first_and_the_others_keep_their_order,
        a_group_of_one_sends_nothing,
        many_packets_and_no_more_memory_than_the_first_time,
        what_is_left_is_freed,
        without_memory_a_packet_is_lost_and_counted,
        without_memory_there_is_no_route,
    };
    return suite_run("outbox", tests, SUITE_SIZE(tests));
}
