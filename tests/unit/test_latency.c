/* SPDX-License-Identifier: BSD-3-Clause */
/* The latency meter: whom it follows, and into which bucket that falls. */
#include "gcs/latency.h"

#include "suite.h"

#include <string.h>

static uint64_t sum(const struct gcs_latency *latency)
{
    uint64_t count = 0;
    for (size_t i = 0; i < GCS_LATENCY_BUCKETS; i++)
        count += latency->buckets[i];
    return count;
}

START_TEST(one_message_at_a_time_is_followed)
{
    struct gcs_latency_meter meter;
    memset(&meter, 0, sizeof(meter));
    gcs_latency_begin(&meter, GCS_AGREED, 7, 1000);
    gcs_latency_begin(&meter, GCS_AGREED, 8, 2000);
    gcs_latency_end(&meter, GCS_AGREED, 6, 3000);
    ck_assert_uint_eq(sum(&meter.measured[GCS_AGREED]), 0);
    gcs_latency_end(&meter, GCS_AGREED, 9, 4000);
    ck_assert_uint_eq(sum(&meter.measured[GCS_AGREED]), 1);
    ck_assert_uint_eq(meter.measured[GCS_AGREED].sum_ns, 3000);
    gcs_latency_end(&meter, GCS_AGREED, 9, 5000); /* followed no more */
    ck_assert_uint_eq(sum(&meter.measured[GCS_AGREED]), 1);
}
END_TEST

START_TEST(services_are_measured_apart)
{
    struct gcs_latency_meter meter;
    memset(&meter, 0, sizeof(meter));
    gcs_latency_begin(&meter, GCS_FIFO, 1, 0);
    gcs_latency_begin(&meter, GCS_SAFE, 2, 0);
    gcs_latency_end(&meter, GCS_FIFO, 2, 10);
    ck_assert_uint_eq(sum(&meter.measured[GCS_FIFO]), 1);
    ck_assert_uint_eq(sum(&meter.measured[GCS_SAFE]), 0);
}
END_TEST

static unsigned bucket_of(uint64_t ns)
{
    struct gcs_latency_meter meter;
    memset(&meter, 0, sizeof(meter));
    gcs_latency_begin(&meter, GCS_FIFO, 1, 5);
    gcs_latency_end(&meter, GCS_FIFO, 1, 5 + ns);
    for (unsigned i = 0; i < GCS_LATENCY_BUCKETS; i++)
        if (meter.measured[GCS_FIFO].buckets[i] == 1)
            return i;
    return GCS_LATENCY_BUCKETS;
}

START_TEST(a_bucket_ends_with_its_power_of_two)
{
    ck_assert_uint_eq(bucket_of(0), 0);
    ck_assert_uint_eq(bucket_of(1000), 0);
    ck_assert_uint_eq(bucket_of(1001), 1);
    ck_assert_uint_eq(bucket_of(2000), 1);
    ck_assert_uint_eq(bucket_of(1024000), 10);
    ck_assert_uint_eq(bucket_of(1024001), 11);
    ck_assert_uint_eq(bucket_of(UINT64_C(1000) << 24), 24);
    ck_assert_uint_eq(bucket_of((UINT64_C(1000) << 24) + 1), GCS_LATENCY_BUCKETS - 1);
    ck_assert_uint_eq(bucket_of(UINT64_MAX - 5), GCS_LATENCY_BUCKETS - 1);
}
END_TEST

START_TEST(with_new_numbers_nothing_is_followed)
{
    struct gcs_latency_meter meter;
    memset(&meter, 0, sizeof(meter));
    gcs_latency_begin(&meter, GCS_FIFO, 100, 0);
    gcs_latency_forget(&meter);
    gcs_latency_begin(&meter, GCS_FIFO, 1, 50);
    gcs_latency_end(&meter, GCS_FIFO, 1, 60);
    ck_assert_uint_eq(meter.measured[GCS_FIFO].sum_ns, 10);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        one_message_at_a_time_is_followed,
        services_are_measured_apart,
        a_bucket_ends_with_its_power_of_two,
        with_new_numbers_nothing_is_followed,
    };
    return suite_run("latency", tests, SUITE_SIZE(tests));
}
