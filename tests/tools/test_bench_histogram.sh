#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# The histogram and the digest of gcs-bench against what sorting and counting say:
# quantiles to one part in 128, never too small; a digest that does not depend on how
# deliveries are grouped, and does on their order; deliveries that are wrong in each
# way that there is.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"
source=${GCS_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
command -v "${CC:-cc}" >/dev/null || { echo "no compiler"; exit 77; }

cat >"$tmp/test.c" <<'C'
#include "check.h"
#include "histogram.h"
#include <stdio.h>
#include <stdlib.h>

#define VALUES 20000

static int failures;

static void expect(bool good, const char *words)
{
    failures += !good;
    if (!good)
        printf("WRONG: %s\n", words);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static uint64_t draw(uint64_t *state, unsigned bits)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (*state >> 11) >> (53 - bits);
}

static void test_quantiles(unsigned bits)
{
    static const double shares[] = {0.0001, 0.1, 0.5, 0.9, 0.99, 0.999, 1};
    struct bench_histogram *h = calloc(1, sizeof(*h));
    uint64_t *values = calloc(VALUES, sizeof(*values)), state = bits;

    expect(bench_histogram_quantile(h, 0.5) == 0, "an empty histogram");
    for (size_t i = 0; i < VALUES; i++) {
        values[i] = draw(&state, bits);
        bench_histogram_add(h, values[i]);
    }
    qsort(values, VALUES, sizeof(*values), compare);
    expect(h->max == values[VALUES - 1] && h->count == VALUES, "max and count");
    for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
        size_t rank = (size_t)(shares[i] * VALUES + 0.999999);
        uint64_t exact = values[rank ? rank - 1 : 0];
        uint64_t got = bench_histogram_quantile(h, shares[i]);
        expect(got >= exact && got <= exact + exact / 127, "a quantile");
    }
    free(values);
    free(h);
}

static void test_extremes(void)
{
    struct bench_histogram *h = calloc(1, sizeof(*h));

    bench_histogram_add(h, 0);
    expect(bench_histogram_quantile(h, 1) == 0, "zero");
    bench_histogram_add(h, UINT64_MAX);
    expect(bench_histogram_quantile(h, 1) == UINT64_MAX, "the largest value");
    expect(bench_histogram_quantile(h, 0.5) == 0, "the smaller of two");
    free(h);
}

/* Deliveries "sender:first+count", in words, all messages of 24 bytes. */
static struct bench_check deliver(const char *words, bool *good)
{
    struct bench_check check;
    unsigned sender, first, count;
    int used;
    char error[256];

    bench_check_init(&check, 24, false);
    for (*good = true; sscanf(words, "%u:%u+%u %n", &sender, &first, &count, &used) == 3; words += used) {
        uint64_t bytes[64][3];
        struct gcs_message messages[64];
        for (unsigned i = 0; i < count; i++) {
            bytes[i][0] = bytes[i][2] = bench_stamp(sender, first + i);
            messages[i] = (struct gcs_message){bytes[i], 24};
        }
        struct gcs_event event = {.messages = messages, .count = count};
        *good = *good && bench_check_deliver(&check, sender, &event, error, sizeof(error));
    }
    bench_check_end(&check);
    return check;
}

static void test_digest(void)
{
    bool good;
    struct bench_check one = deliver("0:1+4 1:1+2 0:5+1", &good);
    expect(good && one.messages == 7 && one.bytes == 7 * 24, "deliveries that are right");
    expect(deliver("0:1+1 0:2+3 1:1+1 1:2+1 0:5+1", &good).digest == one.digest && good, "other groups");
    expect(deliver("0:1+5 1:1+2", &good).digest != one.digest && good, "another order");
    expect(deliver("0:1+4 1:1+1 0:5+1 1:2+1", &good).digest != one.digest && good, "another order at the end");
    expect(deliver("0:1+4 1:1+2", &good).digest != one.digest && good, "one message less");
    deliver("0:1+4 0:6+1", &good);
    expect(!good, "a message that is missing");
    deliver("0:1+4 0:4+1", &good);
    expect(!good, "a message that comes twice");
    deliver("0:2+1", &good);
    expect(!good, "a first message that is missing");
}

static bool spoiled(size_t size, size_t byte)
{
    struct bench_check check;
    uint64_t bytes[3] = {bench_stamp(0, 1), 0, bench_stamp(0, 1)};
    struct gcs_message message = {bytes, size};
    struct gcs_event event = {.messages = &message, .count = 1};
    char error[256] = "";

    if (byte < sizeof(bytes))
        ((uint8_t *)bytes)[byte] ^= 1;
    bench_check_init(&check, 24, false);
    bool good = bench_check_deliver(&check, 0, &event, error, sizeof(error));
    return !good && error[0];
}

int main(void)
{
    for (unsigned bits = 1; bits <= 53; bits += 4)
        test_quantiles(bits);
    test_extremes();
    test_digest();
    expect(!spoiled(24, 24), "a message that is right");
    expect(spoiled(24, 0) && spoiled(24, 7) && spoiled(24, 16) && spoiled(24, 23), "a byte that is wrong");
    expect(spoiled(23, 24) && spoiled(4, 24) && spoiled(0, 24), "a length that is wrong");
    return failures > 0;
}
C
check "compiles" "${CC:-cc}" -std=c11 -D_GNU_SOURCE -O1 -g -Wall -Wextra -Werror -I"$source/gcs/include" \
    -I"$source/bench" -o "$tmp/test" "$tmp/test.c" "$source/bench/histogram.c" "$source/bench/check.c"
check "all is as sorting and counting say" "$tmp/test"
exit
