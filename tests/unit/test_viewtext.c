/* SPDX-License-Identifier: BSD-3-Clause */
/* Views as the gcs command writes them, for people and as JSON. */
#include "tests/unit/suite.h"

#include "tools/gcs_viewtext.c"

#include <string.h>

static struct gcs_member members[3];
static char *text;
static size_t text_size;

static struct gcs_view_change view_of(uint16_t count)
{
    for (uint16_t i = 0; i < 3; i++)
        members[i] = (struct gcs_member){
            .id = {{7, {4, 127, 0, 0, 1, 0x1c, (uint8_t)(0xe8 + i)}}, 0xa0u + i}, .weight = 1};
    return (struct gcs_view_change){
        .view = {.epoch = 7, .proposer = 0xa0, .count = count, .members = members},
        .primary = true,
        .quorum = count / 2u + 1};
}

static void expect_text(void (*put)(FILE *out, const struct gcs_view_change *change),
                        const struct gcs_view_change *change, const char *expected)
{
    FILE *out = open_memstream(&text, &text_size);
    put(out, change);
    fclose(out);
    ck_assert_str_eq(text, expected);
    free(text);
}

START_TEST(an_ordinary_view_says_no_more_than_it_must)
{
    struct gcs_view_change change = view_of(2);
    expect_text(tool_view_line, &change,
                "view 7.a0: 2 members: 127.0.0.1:7400#a0 127.0.0.1:7401#a1; quorum 2\n");
    expect_text(
        tool_view_json, &change,
        "{\"id\":\"7.a0\",\"epoch\":7,\"primary\":true,\"quorum\":2,\"members\":["
        "\"127.0.0.1:7400#a0\",\"127.0.0.1:7401#a1\"],\"weights\":[1,1],\"labels\":[\"\",\"\"],\"syncing\":[],"
        "\"joined\":[],\"left\":[],\"merged\":false,\"unknown_from\":0}");
}
END_TEST

START_TEST(weights_labels_and_who_has_no_state_yet_are_told)
{
    struct gcs_view_change change = view_of(3);
    members[0].weight = 3;
    members[1].syncing = true;
    memcpy(members[1].label, "ams/r1/h2", 10);
    memcpy(members[2].label, "fra", 4);
    members[2].weight = 0;
    members[2].syncing = true;
    expect_text(
        tool_view_line, &change,
        "view 7.a0: 3 members: 127.0.0.1:7400#a0 (weight 3) 127.0.0.1:7401#a1 (syncing, at ams/r1/h2) "
        "127.0.0.1:7402#a2 (weight 0, syncing, at fra); quorum 2\n");
    expect_text(
        tool_view_json, &change,
        "{\"id\":\"7.a0\",\"epoch\":7,\"primary\":true,\"quorum\":2,\"members\":["
        "\"127.0.0.1:7400#a0\",\"127.0.0.1:7401#a1\",\"127.0.0.1:7402#a2\"],"
        "\"weights\":[3,1,0],\"labels\":[\"\",\"ams/r1/h2\",\"fra\"],\"syncing\":[\"127.0.0.1:7401#a1\",\"127.0.0.1:7402#a2\"],"
        "\"joined\":[],\"left\":[],\"merged\":false,\"unknown_from\":0}");
}
END_TEST

START_TEST(who_came_back_says_from_where_on_nothing_is_known)
{
    struct gcs_view_change change = view_of(1);
    change.merged = true;
    expect_text(tool_view_line, &change,
                "view 7.a0: 1 member: 127.0.0.1:7400#a0; back after an exclusion; quorum 1\n");
    change.unknown_from = 12;
    expect_text(tool_view_line, &change,
                "view 7.a0: 1 member: 127.0.0.1:7400#a0; back after an exclusion, unknown from "
                "message 12; quorum 1\n");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        an_ordinary_view_says_no_more_than_it_must,
        weights_labels_and_who_has_no_state_yet_are_told,
        who_came_back_says_from_where_on_nothing_is_known,
    };
    return suite_run("viewtext", tests, SUITE_SIZE(tests));
}
