/* SPDX-License-Identifier: BSD-3-Clause */
/* The main function of a Check program: one suite out of tests in one list. */
#ifndef GCS_TESTS_UNIT_SUITE_H
#define GCS_TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Seconds after which a test hangs. Never a measure of speed: machines are slow, or have more to
 * do. */
#define SUITE_TIMEOUT 60

#define SUITE_SIZE(tests) (sizeof(tests) / sizeof((tests)[0]))

static inline int suite_run(const char *name, const TTest *const *tests, size_t count)
{
    Suite *suite = suite_create(name);
    TCase *tcase = tcase_create(name);
    tcase_set_timeout(tcase, SUITE_TIMEOUT);
    for (size_t i = 0; i < count; i++)
        tcase_add_test(tcase, tests[i]);
    suite_add_tcase(suite, tcase);
    SRunner *runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

#endif
