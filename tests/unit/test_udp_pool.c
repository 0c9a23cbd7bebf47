/* SPDX-License-Identifier: BSD-3-Clause */
/* Receive buffers (transport/udp_pool.c): bounded, reused, a reserve for small ones, and alive
 * for as long as somebody holds one. */
#include "transport/udp.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#define BOUND ((size_t)4 << 20)

START_TEST(a_buffer_holds_what_was_asked_for)
{
    const size_t sizes[] = {1, 512, 513, 2048, 2049, 8192, 16384, 16385, GCS_UDP_SLOT_BYTES};
    struct gcs_udp_pool *pool = gcs_udp_pool_new(BOUND);

    for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
        struct gcs_buffer *b = gcs_udp_pool_get(pool, sizes[i]);
        ck_assert_ptr_nonnull(b);
        ck_assert_uint_ge(b->size, sizes[i]);
        ck_assert_uint_eq(b->refs, 1);
        memset(b->data, 0x55, b->size);
        gcs_buffer_unref(b);
    }
    ck_assert_ptr_null(gcs_udp_pool_get(pool, GCS_UDP_SLOT_BYTES + 1));
    gcs_udp_pool_release(pool);
}
END_TEST

START_TEST(a_free_buffer_is_used_again)
{
    struct gcs_udp_pool *pool = gcs_udp_pool_new(BOUND);
    struct gcs_buffer *a = gcs_udp_pool_get(pool, 1000);

    gcs_buffer_unref(a);
    ck_assert_ptr_eq(gcs_udp_pool_get(pool, 2000), a);
    gcs_buffer_unref(a);
    gcs_udp_pool_release(pool);
}
END_TEST

START_TEST(the_last_eighth_is_for_small_packets)
{
    enum { MOST = 10000 };
    static struct gcs_buffer *held[MOST];
    struct gcs_udp_pool *pool = gcs_udp_pool_new(BOUND);
    size_t n = 0, large;

    while ((held[n] = gcs_udp_pool_get(pool, GCS_UDP_SLOT_BYTES)))
        n++;
    large = n;
    ck_assert_uint_eq(large, BOUND / 8 * 7 / GCS_UDP_SLOT_BYTES);
    ck_assert_ptr_null(gcs_udp_pool_get(pool, 8192));
    while ((held[n] = gcs_udp_pool_get(pool, 512)))
        n++;
    ck_assert_uint_eq(n - large, BOUND / 8 / 512);
    while (n > 0)
        gcs_buffer_unref(held[--n]);
    gcs_udp_pool_release(pool);
}
END_TEST

START_TEST(free_buffers_of_one_size_make_room_for_another)
{
    enum { MOST = 10000 };
    static struct gcs_buffer *held[MOST];
    struct gcs_udp_pool *pool = gcs_udp_pool_new(BOUND);
    size_t n = 0;

    while ((held[n] = gcs_udp_pool_get(pool, 512)))
        n++;
    ck_assert_uint_eq(n, BOUND / 512);
    while (n > 0)
        gcs_buffer_unref(held[--n]);
    while ((held[n] = gcs_udp_pool_get(pool, GCS_UDP_SLOT_BYTES)))
        n++;
    ck_assert_uint_eq(n, BOUND / 8 * 7 / GCS_UDP_SLOT_BYTES);
    while (n > 0)
        gcs_buffer_unref(held[--n]);
    gcs_udp_pool_release(pool);
}
END_TEST

START_TEST(buffers_outlive_the_pool)
{
    struct gcs_udp_pool *pool = gcs_udp_pool_new(BOUND);
    struct gcs_buffer *a = gcs_udp_pool_get(pool, 100);
    struct gcs_buffer *b = gcs_udp_pool_get(pool, 60000);

    gcs_buffer_ref(a);
    gcs_udp_pool_release(pool);
    memset(a->data, 1, 100);
    gcs_buffer_unref(a);
    memset(b->data, 2, 60000);
    gcs_buffer_unref(b);
    memset(a->data, 3, 100);
    gcs_buffer_unref(a); /* the last: a leak checker sees the rest */
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("udp_pool");
    TCase *tcase = tcase_create("udp_pool");
    SRunner *runner = srunner_create(suite);
    int failed;

    tcase_add_test(tcase, a_buffer_holds_what_was_asked_for);
    tcase_add_test(tcase, a_free_buffer_is_used_again);
    tcase_add_test(tcase, the_last_eighth_is_for_small_packets);
    tcase_add_test(tcase, free_buffers_of_one_size_make_room_for_another);
    tcase_add_test(tcase, buffers_outlive_the_pool);
    suite_add_tcase(suite, tcase);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
