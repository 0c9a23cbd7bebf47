/* SPDX-License-Identifier: BSD-3-Clause */
/* gcs_primary: who gets a lease, who waits for one, and how waiting ends. */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

static uint64_t boottime(void)
{
    struct timespec time;
    (void)clock_gettime(CLOCK_BOOTTIME, &time);
    return (uint64_t)time.tv_sec * 1000000000U + (uint64_t)time.tv_nsec;
}

START_TEST(a_member_of_the_primary_gets_one)
{
    struct crew crew;
    uint64_t until = 0;
    crew_form(&crew, 3, NULL, NULL);
    for (size_t i = 0; i < 3; i++) {
        crew_ok(gcs_primary(crew.group[i], &until, CREW_PATIENCE_MS));
        /* It began before it was answered: so it ends within its length from now. */
        ck_assert_uint_le(until, boottime() + 60000000U);
        crew_ok(gcs_primary(crew.group[i], NULL, CREW_PATIENCE_MS));
    }
    crew_close(&crew);
}
END_TEST

START_TEST(without_others_there_is_none)
{
    struct crew crew;
    memset(&crew, 0, sizeof(crew));
    crew_open(&crew, NULL);
    struct gcs_group *group;
    struct gcs_group_config config;
    gcs_group_config_init(&config);
    config.bootstrap = GCS_JOIN; /* there is nobody */
    crew_ok(gcs_join(crew.endpoint[0], "lonely", &config, &group));
    ck_assert_int_eq(gcs_primary(group, NULL, 0), GCS_EAGAIN);
    ck_assert_int_eq(gcs_primary(group, NULL, 20), GCS_ETIMEDOUT);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "lonely"));
    crew_ok(gcs_leave(group));
    ck_assert_int_eq(gcs_primary(group, NULL, 20), GCS_ENOTMEMBER);
    ck_assert_int_eq(gcs_primary(NULL, NULL, 20), GCS_EINVAL);
    crew_close(&crew);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_member_of_the_primary_gets_one,
        without_others_there_is_none,
    };
    return suite_run("endpoint_primary", tests, SUITE_SIZE(tests));
}
