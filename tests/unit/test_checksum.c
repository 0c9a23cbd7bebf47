/* SPDX-License-Identifier: BSD-3-Clause */
/* One value whatever the registers: members with different processors are in one group. */
#include "gcs/wire/checksum.h"
#include "tests/unit/suite.h"

enum { ROOM = 70000 };

static uint8_t bytes[ROOM];

static void fill(void)
{
    for (size_t i = 0; i < ROOM; i++)
        bytes[i] = (uint8_t)(i * 31 + i / 251);
}

START_TEST(a_known_value)
{
    static const uint8_t text[] = "the quick brown fox";
    ck_assert_uint_eq(gcs_checksum(text, 0, 0), UINT64_C(0x2d06800538d394c2)); /* as published */
    ck_assert_uint_ne(gcs_checksum(text, 19, 0), gcs_checksum(text, 19, 1));
    ck_assert_uint_ne(gcs_checksum(text, 19, 0), gcs_checksum(text, 18, 0));
}
END_TEST

START_TEST(any_registers_give_the_same_value)
{
    fill();
    for (size_t size = 0; size <= 2100; size++)
        ck_assert_uint_eq(gcs_checksum(bytes + size % 64, size, size * 7919),
                          gcs_checksum_plain(bytes + size % 64, size, size * 7919));
    for (size_t size = 3000; size <= 65000; size += 1021)
        ck_assert_uint_eq(gcs_checksum(bytes + size % 64, size, 1),
                          gcs_checksum_plain(bytes + size % 64, size, 1));
}
END_TEST

START_TEST(every_byte_counts)
{
    static const size_t sizes[] = {1, 48, 200, 1090, 9000, 60000};
    fill();
    for (size_t i = 0; i < SUITE_SIZE(sizes); i++) {
        uint64_t before = gcs_checksum(bytes, sizes[i], 0);
        for (size_t at = 0; at < sizes[i]; at += 1 + sizes[i] / 97) {
            bytes[at] ^= 1;
            ck_assert_uint_ne(gcs_checksum(bytes, sizes[i], 0), before);
            bytes[at] ^= 1;
        }
    }
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_known_value,
        any_registers_give_the_same_value,
        every_byte_counts,
    };
    return suite_run("checksum", tests, SUITE_SIZE(tests));
}
