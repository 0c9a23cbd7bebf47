/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs the conformance suite over all networks. */
#include "tests/conformance/conformance.h"

#include <stdlib.h>

int main(void)
{
    SRunner *runner;
    int failed;

    networks_probe();
    runner = srunner_create(delivery_suite());
    srunner_add_suite(runner, buffers_suite());
    srunner_add_suite(runner, evidence_suite());
    srunner_add_suite(runner, resources_suite());
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
