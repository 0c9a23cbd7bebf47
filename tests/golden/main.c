/* SPDX-License-Identifier: BSD-3-Clause */
/* Runs all golden tests; exit status 1 if any byte or value is not as it must be. */
#include "tests/golden/golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned checks, failures;

void golden_expect(bool good, const char *what, const char *file, int line)
{
    checks++;
    if (good)
        return;
    failures++;
    printf("%s:%d: not so: %s\n", file, line, what);
}

static void print_bytes(const char *name, const uint8_t *bytes, size_t size)
{
    printf("%s (%u bytes)", name, (unsigned)size);
    for (size_t i = 0; i < size; i++)
        printf("%s0x%02x,", i % 16 ? " " : "\n    ", bytes[i]);
    printf("\n");
}

void golden_bytes(const void *got, size_t got_size, const void *expected, size_t expected_size,
                  const char *file, int line)
{
    checks++;
    if (got_size == expected_size && memcmp(got, expected, got_size) == 0)
        return;
    failures++;
    printf("%s:%d: other bytes than expected\n", file, line);
    print_bytes("got", got, got_size);
    print_bytes("expected", expected, expected_size);
}

int main(void)
{
    golden_packet();
    golden_frames();
    golden_joining();
    golden_founding();
    golden_ballots();
    golden_proposal();
    golden_state();
    golden_payloads();
    printf("golden: %s: %u checks, %u failures\n", failures ? "failed" : "ok", checks, failures);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
