/* SPDX-License-Identifier: BSD-3-Clause */
/* The damper: the first strike is free, the next ones double, all are forgotten. */
#include "tests/unit/suite.h"
#include "views/damper.h"

#define SECOND UINT64_C(1000000000)

static struct gcs_damper damper;

static struct gcs_address address(uint8_t n)
{
    return (struct gcs_address){2, {'a', n}};
}

/* How long it is kept out from now on. */
static uint64_t hold(uint64_t now, const struct gcs_address *whom)
{
    uint64_t ns = 0;
    while (!gcs_damper_admits(&damper, now + ns, whom))
        ns += SECOND / 4;
    return ns;
}

START_TEST(holds_double_up_to_a_bound)
{
    struct gcs_address whom = address(1), other = address(2);
    static const uint64_t holds[] = {0, 1, 2, 4, 8, 16, 32, 32, 32};
    uint64_t now = 100 * SECOND;
    gcs_damper_init(&damper, SECOND);
    ck_assert(gcs_damper_admits(&damper, now, &whom));
    for (size_t i = 0; i < SUITE_SIZE(holds); i++) {
        gcs_damper_strike(&damper, now, &whom);
        ck_assert_uint_eq(hold(now, &whom), holds[i] * SECOND);
        ck_assert_uint_eq(hold(now, &other), 0);
        now += holds[i] * SECOND + SECOND;
    }
}
END_TEST

START_TEST(strikes_are_forgotten)
{
    struct gcs_address whom = address(1);
    uint64_t now = 100 * SECOND;
    gcs_damper_init(&damper, SECOND);
    for (int i = 0; i < 4; i++)
        gcs_damper_strike(&damper, now, &whom);
    ck_assert_uint_eq(hold(now, &whom), 4 * SECOND);
    now += 4 * SECOND + 2 * 32 * SECOND; /* two of them */
    gcs_damper_strike(&damper, now, &whom);
    ck_assert_uint_eq(hold(now, &whom), 2 * SECOND);
    now += 1000 * SECOND;
    gcs_damper_strike(&damper, now, &whom);
    ck_assert_uint_eq(hold(now, &whom), 0);
}
END_TEST

START_TEST(who_waits_longest_is_remembered)
{
    uint64_t now = 100 * SECOND;
    struct gcs_address worst = address(0);
    gcs_damper_init(&damper, SECOND);
    for (int i = 0; i < 6; i++)
        gcs_damper_strike(&damper, now, &worst);
    for (uint8_t n = 1; n < 200; n++) {
        struct gcs_address whom = address(n);
        gcs_damper_strike(&damper, now + n, &whom);
    }
    ck_assert(!gcs_damper_admits(&damper, now + SECOND, &worst));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        holds_double_up_to_a_bound,
        strikes_are_forgotten,
        who_waits_longest_is_remembered,
    };
    return suite_run("damper", tests, SUITE_SIZE(tests));
}
