/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The judge of gcs-kv-check (tests/kv/history.c) against one that tries every order: the same
 * verdict on many small histories, of which some are linearizable and some are not.
 */
#include "suite.h"
#include "tests/kv/check.h"

#include "tests/kv/history.c"

#include <string.h>

enum { OPERATIONS = 7, HISTORIES = 20000, WRITES = 4 };

static uint64_t state = 1;

static uint64_t below(uint64_t limit) /* splitmix64 */
{
    uint64_t z = (state += 0x9e3779b97f4a7c15U);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % limit;
}

/* Some order of what is left explains it, the register having that value. A write without an end
 * may be left out. */
static bool explains(const struct operation *all, size_t count, unsigned left, uint64_t value)
{
    uint64_t first_end = UINT64_MAX;
    bool must = false;

    for (size_t i = 0; i < count; i++)
        if (left & 1u << i) {
            must |= all[i].end != UINT64_MAX;
            first_end = all[i].end < first_end ? all[i].end : first_end;
        }
    if (!must)
        return true;
    for (size_t i = 0; i < count; i++)
        if ((left & 1u << i) && all[i].begin <= first_end &&
            (all[i].writes || all[i].value == value) &&
            explains(all, count, left & ~(1u << i), all[i].value))
            return true;
    return false;
}

/* No two operations begin or end at the same moment; each write has a value of its own. */
static size_t invent(struct operation *all)
{
    size_t count = 2 + below(OPERATIONS - 1);
    unsigned times[2 * OPERATIONS];
    uint64_t written = 0;

    for (unsigned i = 0; i < 2 * count; i++) {
        unsigned k = (unsigned)below(i + 1);
        times[i] = times[k];
        times[k] = 10 * (i + 1);
    }
    for (size_t i = 0; i < count; i++) {
        unsigned a = times[2 * i], b = times[2 * i + 1];
        if (below(3) > 0) /* short ones, or nearly everything would be linearizable */
            b = a + 1 + (unsigned)below(8);
        all[i] = (struct operation){.begin = a < b ? a : b, .end = a < b ? b : a};
        all[i].writes = written < WRITES && below(2) == 0;
        all[i].value = all[i].writes ? ++written : below(WRITES);
        if (all[i].writes && below(4) == 0)
            all[i].end = UINT64_MAX;
    }
    return count;
}

START_TEST(it_says_what_trying_every_order_says)
{
    size_t good = 0, bad = 0;

    for (unsigned i = 0; i < HISTORIES; i++) {
        struct operation all[OPERATIONS];
        size_t count = invent(all);
        struct history history = {0};
        char why[256];
        for (size_t k = 0; k < count; k++)
            history_add(&history, &all[k]);
        bool expected = explains(all, count, (1u << count) - 1, 0);
        bool got = history_is_linearizable(&history, why, sizeof(why));
        free(history.operations);
        if (got != expected) {
            for (size_t k = 0; k < count; k++)
                fprintf(stderr, "%s %d: %d to %d\n", all[k].writes ? "write" : "read ",
                        (int)all[k].value, (int)all[k].begin, (int)all[k].end);
            ck_abort_msg("history %u: %s, and it was said: %s", i, expected ? "good" : "bad", why);
        }
        good += expected;
        bad += !expected;
    }
    ck_assert_uint_gt(good, HISTORIES / 10);
    ck_assert_uint_gt(bad, HISTORIES / 10);
}
END_TEST

START_TEST(keys_have_nothing_to_do_with_each_other)
{
    struct history history = {0};
    char why[256];
    /* Each alone is good: 1 was there from 2 to 8. */
    for (uint32_t key = 0; key < 2; key++) {
        history_add(&history, &(struct operation){key, true, key + 1, 1, 2});
        history_add(&history, &(struct operation){key, false, key + 1, 8, 9});
    }
    ck_assert(history_is_linearizable(&history, why, sizeof(why)));
    history_add(&history, &(struct operation){1, false, 0, 5, 6});
    ck_assert(!history_is_linearizable(&history, why, sizeof(why)));
    ck_assert_ptr_nonnull(strstr(why, "key 1"));
    free(history.operations);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_says_what_trying_every_order_says,
        keys_have_nothing_to_do_with_each_other,
    };
    return suite_run("kv_history", tests, SUITE_SIZE(tests));
}
