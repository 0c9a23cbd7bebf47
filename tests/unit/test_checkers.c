/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Every checker finds what it is there for, in the smallest story that shows
 * it, and nothing else; good stories pass all of them. A story is a text of
 * lines:
 *
 *     MEMBER view EPOCH.PROPOSER MEMBERS SURVIVORS|- [lost|TIME]
 *     MEMBER send VIEW NUMBER SERVICE
 *     MEMBER deliver VIEW SENDER:NUMBER SERVICE [HASH [TIME.SEED]]
 *     MEMBER stable VIEW SENDER:NUMBER
 *     MEMBER blocked|leaving|leave|crash
 *     MEMBER hold SENDER:NUMBER         its packet has come; no trace tells so
 *     all voters                        have to hold what is safe, in the views above
 *
 * The others go through the trace format, so that its reader is tested as well.
 */
#include "gcs/base/trace.h"
#include "tests/checkers/checkers.h"
#include "tests/checkers/trace_reader.h"
#include "transport/sim.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* "a,b" to "\"a\",\"b\"" */
static void quote_list(const char *names, char *out, size_t size)
{
    size_t length = 0;

    out[0] = '\0';
    while (*names && strcmp(names, "-") != 0) {
        size_t n = strcspn(names, ",");

        length += (size_t)snprintf(out + length, size - length, "%s\"%.*s\"", length ? "," : "",
                                   (int)n, names);
        names += n + (names[n] == ',');
    }
}

static void story_line(const char *line, unsigned time, char *out, size_t size)
{
    char who[32], what[32], a[64] = "", b[64] = "", c[64] = "", d[64] = "", e[64] = "";
    unsigned agreed_time = 0, seed = 0;
    char members[256], survivors[256];
    int count = sscanf(line, "%31s %31s %63s %63s %63s %63s %63s", who, what, a, b, c, d, e);

    ck_assert_msg(count >= 2, "bad line: %s", line);
    if (strcmp(what, "view") == 0) {
        quote_list(b, members, sizeof(members));
        quote_list(c, survivors, sizeof(survivors));
        snprintf(out, size,
                 "{\"t\":%u,\"m\":\"%s\",\"g\":\"g@1\",\"e\":\"view\",\"v\":\"%s\","
                 "\"members\":[%s],\"survivors\":[%s],\"primary\":%s,\"time\":%d}",
                 time, who, a, members, survivors, strcmp(d, "lost") == 0 ? "false" : "true",
                 atoi(d));
    } else if (strcmp(what, "send") == 0) {
        snprintf(out, size,
                 "{\"t\":%u,\"m\":\"%s\",\"g\":\"g@1\",\"e\":\"send\",\"v\":\"%s\","
                 "\"id\":\"%s:%s\",\"s\":\"%s\",\"h\":\"0000000000000001\"}",
                 time, who, a, who, b, c);
    } else if (strcmp(what, "deliver") == 0) {
        sscanf(e, "%u.%x", &agreed_time, &seed);
        snprintf(out, size,
                 "{\"t\":%u,\"m\":\"%s\",\"g\":\"g@1\",\"e\":\"deliver\",\"v\":\"%s\","
                 "\"id\":\"%s\",\"s\":\"%s\",\"h\":\"%s\",\"time\":%u,\"seed\":\"%x\"}",
                 time, who, a, b, c, *d ? d : "0000000000000001", agreed_time, seed);
    } else if (strcmp(what, "stable") == 0) {
        snprintf(
            out, size,
            "{\"t\":%u,\"m\":\"%s\",\"g\":\"g@1\",\"e\":\"stable\",\"v\":\"%s\",\"id\":\"%s\"}",
            time, who, a, b);
    } else {
        snprintf(out, size, "{\"t\":%u,\"m\":\"%s\",\"g\":\"g@1\",\"e\":\"%s\"}", time, who, what);
    }
}

/* What is in no trace; false: it is. */
static bool silent_line(const char *line, struct log *log)
{
    char who[32], what[32], sender[32];
    unsigned long number;
    struct hold hold;

    if (strcmp(line, "all voters") == 0) {
        for (size_t i = 0; i < log->count; i++)
            log->records[i].safe_all = true;
        return true;
    }
    if (sscanf(line, "%31s %31s %31[^:]:%lu", who, what, sender, &number) != 4 ||
        strcmp(what, "hold") != 0)
        return false;
    hold.member = names_number(&log->members, who);
    hold.group = names_number(&log->groups, "g@1");
    hold.sender = names_number(&log->members, sender);
    hold.number = number;
    hold.count = 1;
    log_add_hold(log, &hold);
    return true;
}

static void read_story(const char *story, struct log *log)
{
    struct trace_error error;
    char line[256], json[1024];
    unsigned time = 0;

    log_init(log);
    while (*story) {
        size_t length = strcspn(story, "\n");

        snprintf(line, sizeof(line), "%.*s", (int)length, story);
        story += length + (story[length] == '\n');
        if (silent_line(line, log))
            continue;
        story_line(line, ++time, json, sizeof(json));
        ck_assert_msg(trace_read_line(log, json, strlen(json), &error), "%s: %s", json, error.text);
    }
}

/* Exactly these properties are violated: "" or "a b c" in the order of the table. */
static void expect_of(const char *story, bool complete, const char *expected)
{
    struct verdict verdict;
    struct log log;
    char found[512] = "";

    read_story(story, &log);
    check_all(&log, complete, &verdict);
#define ADD_FOUND(function, name, text)                        \
    for (size_t i = 0; i < verdict.count; i++) {               \
        if (strcmp(verdict.violations[i].property, name) == 0) \
            strcat(strcat(found, *found ? " " : ""), name);    \
    }
    CHECKER_TABLE(ADD_FOUND)
#undef ADD_FOUND
    ck_assert_msg(strcmp(found, expected) == 0, "found \"%s\" instead of \"%s\" (%s) in\n%s", found,
                  expected, verdict.count ? verdict.violations[0].text : "", story);
    verdict_clear(&verdict);
    log_clear(&log);
}

static void expect(const char *story, const char *expected)
{
    expect_of(story, false, expected);
}

#define VIEW1              \
    "a view 1.1 a -\n"     \
    "a view 2.1 a,b,c a\n" \
    "b view 2.1 a,b,c -\n" \
    "c view 2.1 a,b,c -\n"

START_TEST(a_good_story_passes)
{
    expect_of(VIEW1 "a send 2.1 1 agreed\n"
                    "a deliver 2.1 a:1 agreed\n"
                    "b send 2.1 1 safe\n"
                    "c send 2.1 1 fifo\n"
                    "b deliver 2.1 a:1 agreed\n"
                    "b deliver 2.1 c:1 fifo\n"
                    "b deliver 2.1 b:1 safe\n"
                    "a deliver 2.1 b:1 safe\n"
                    "a deliver 2.1 c:1 fifo\n"
                    "a blocked\n"
                    "c crash\n"
                    "a view 3.1 a,b a,b\n"
                    "b view 3.1 a,b a,b\n"
                    "a send 3.1 2 agreed\n"
                    "b deliver 3.1 a:2 agreed\n"
                    "a deliver 3.1 a:2 agreed\n"
                    "b leaving\n"
                    "a view 4.2 a a\n"
                    "b leave\n",
              true, "");
    expect("", "");
}
END_TEST

START_TEST(losing_and_regaining_the_primary_passes)
{
    expect(VIEW1 "a view 2.1 a,b,c a,b,c lost\n"
                 "a view 2.1 a,b,c a,b,c\n"
                 "a view 2.1 a,b,c a,b,c lost\n"
                 "a view 3.1 a,b a,b\n"
                 "b view 3.1 a,b a,b\n",
           "");
}
END_TEST

START_TEST(self_inclusion_is_checked)
{
    expect("a view 1.1 b -\n", "self-inclusion");
    expect(VIEW1 "a view 3.1 a,b a,b,c\n", "self-inclusion");
    expect("a view 1.1 a -\nb view 1.1 a -\n", "self-inclusion");
}
END_TEST

START_TEST(local_monotonicity_is_checked)
{
    expect("a view 1.1 a -\na view 1.1 a a\n", "local-monotonicity");
    expect("a view 2.1 a -\na view 1.1 a a\n", "local-monotonicity");
    expect("a view 1.1 a -\na view 2.1 a a\na view 1.1 a a lost\n", "local-monotonicity");
    expect(VIEW1 "a view 2.1 a,b a,b lost\n", "local-monotonicity");
    expect("a view 1.1 a -\na crash\na send 1.1 1 agreed\n", "local-monotonicity");
    expect("a view 1.1 a -\na leave\na view 2.1 a a\n", "local-monotonicity");
    /* the same one comes back */
    expect(VIEW1 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n"
                 "a view 4.1 a,b,c a,b\nb view 4.1 a,b,c a,b\n",
           "local-monotonicity");
}
END_TEST

START_TEST(initial_view_is_checked)
{
    expect(VIEW1 "a send 2.1 1 agreed\nd deliver 2.1 a:1 agreed\n", "initial-view");
    expect("a send 1.1 1 fifo\na view 1.1 a -\n", "initial-view");
    expect("a view 1.1 a - lost\n", "initial-view");
}
END_TEST

START_TEST(primary_component_is_checked)
{
    /* two views with one epoch */
    expect(VIEW1 "a view 3.1 a,b a,b\nc view 3.3 b,c c\n", "primary-component");
    /* a minority goes on */
    expect(VIEW1 "a view 3.1 a a\n", "primary-component");
    /* half is not a majority */
    expect("a view 1.1 a,b -\nb view 1.1 a,b -\na view 2.1 a a\n", "primary-component");
    /* two members see different lists */
    expect(VIEW1 "a view 3.1 a,b a,b\nb view 3.1 b,a a,b\n", "primary-component");
    /* a member skips a view */
    expect(VIEW1 "a view 3.1 a,b,c a,b\nb view 3.1 a,b,c a,b\n"
                 "a view 4.1 a,b,c a,b\nb view 4.1 a,b,c a,b\nc view 4.1 a,b,c c\n",
           "primary-component");
    /* leavers do not count */
    expect(VIEW1 "b leaving\nc leaving\na view 3.1 a a\nb leave\nc leave\n", "");
    expect(VIEW1 "b leave\nc leave\na view 3.1 a a\n", "primary-component");
}
END_TEST

START_TEST(delivery_integrity_is_checked)
{
    expect(VIEW1 "b deliver 2.1 a:1 agreed\n", "delivery-integrity");
    expect(VIEW1 "a send 2.1 1 agreed\nb deliver 2.1 a:1 agreed 00000000000000ff\n",
           "delivery-integrity");
    expect(VIEW1 "a send 2.1 1 agreed\nb deliver 2.1 a:1 fifo\n", "delivery-integrity");
    expect(VIEW1 "a send 2.1 1 agreed\nb deliver 2.1 c:1 agreed\n", "delivery-integrity");
    expect(VIEW1 "a send 2.1 1 agreed\na send 2.1 1 agreed\n", "delivery-integrity");
}
END_TEST

START_TEST(no_duplication_is_checked)
{
    expect(VIEW1
           "a send 2.1 1 unordered\nb deliver 2.1 a:1 unordered\nb deliver 2.1 a:1 unordered\n",
           "no-duplication");
}
END_TEST

START_TEST(self_delivery_is_checked)
{
    expect(VIEW1 "a send 2.1 1 agreed\na view 3.1 a,b a,b\n", "self-delivery");
    /* too late is the same, and more */
    expect(VIEW1 "a send 2.1 1 fifo\na view 3.1 a,b a,b\na deliver 2.1 a:1 fifo\n",
           "self-delivery sending-view");
    /* who does not go on need not */
    expect(VIEW1 "a send 2.1 1 agreed\na crash\n", "");
    expect_of(VIEW1 "a send 2.1 1 fifo\n", false, "");
    expect_of(VIEW1 "a send 2.1 1 fifo\n", true, "self-delivery");
}
END_TEST

START_TEST(sending_view_is_checked)
{
    expect(VIEW1 "a send 2.1 1 fifo\na deliver 2.1 a:1 fifo\n"
                 "a view 3.1 a,b,d a\nd view 3.1 a,b,d -\nd deliver 3.1 a:1 fifo\n",
           "sending-view");
    /* the sender is no member */
    expect(VIEW1 "d view 1.1 a -\nd send 2.1 1 agreed\na deliver 2.1 d:1 agreed\n",
           "self-inclusion sending-view");
    /* the record names another view than the member is in */
    expect(VIEW1 "a send 3.1 1 fifo\n", "sending-view");
}
END_TEST

START_TEST(fifo_is_checked)
{
    const char *sent = VIEW1 "a send 2.1 1 fifo\na send 2.1 2 agreed\na send 2.1 3 fifo\n"
                             "a send 2.1 4 safe\n";
    char story[1024];

    snprintf(story, sizeof(story),
             "%sb deliver 2.1 a:1 fifo\nb deliver 2.1 a:3 fifo\nb deliver 2.1 a:2 agreed\n"
             "b deliver 2.1 a:4 safe\n",
             sent);
    expect(story, "");
    snprintf(story, sizeof(story), "%sb deliver 2.1 a:3 fifo\nb deliver 2.1 a:1 fifo\n", sent);
    expect(story, "fifo");
    snprintf(story, sizeof(story), "%sb deliver 2.1 a:4 safe\n", sent);
    expect(story, "fifo");
    snprintf(story, sizeof(story), "%sb deliver 2.1 a:3 fifo\n", sent);
    expect(story, "fifo");
}
END_TEST

START_TEST(virtual_synchrony_is_checked)
{
    /* b misses what a delivered */
    expect(VIEW1 "c send 2.1 1 fifo\na deliver 2.1 c:1 fifo\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "virtual-synchrony");
    /* the same, but b comes from nowhere and nobody says that it came along */
    expect("a view 1.1 a,c -\nc view 1.1 a,c -\nc send 1.1 1 fifo\na deliver 1.1 c:1 fifo\n"
           "c deliver 1.1 c:1 fifo\na view 2.1 a,b,c a,c\nc view 2.1 a,b,c a,c\n"
           "b view 2.1 a,b,c -\n",
           "");
    /* somebody is said to have come along who did not */
    expect("a view 1.1 a,c -\nc view 1.1 a,c -\na view 2.1 a,b,c a,b,c\nb view 2.1 a,b,c -\n",
           "virtual-synchrony");
    /* and the other way round */
    expect(VIEW1 "a view 3.1 a,b a\nb view 3.1 a,b a,b\n", "virtual-synchrony");
}
END_TEST

#define TWO_SENT VIEW1 "a send 2.1 1 agreed\nb send 2.1 1 agreed\n"
#define TWO_ORDERS                                         \
    "a deliver 2.1 a:1 agreed\na deliver 2.1 b:1 agreed\n" \
    "b deliver 2.1 b:1 agreed\nb deliver 2.1 a:1 agreed\n"

START_TEST(agreed_order_is_checked)
{
    expect(TWO_SENT TWO_ORDERS "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n", "agreed-order");
    /* whoever does not go on is free to differ */
    expect(TWO_SENT TWO_ORDERS "b crash\na view 3.1 a,c a,c\n", "");
    expect_of(TWO_SENT TWO_ORDERS, false, "");
    expect_of(TWO_SENT TWO_ORDERS "c deliver 2.1 a:1 agreed\nc deliver 2.1 b:1 agreed\n", true,
              "agreed-order");
    /* fifo messages have no common order */
    expect(VIEW1 "a send 2.1 1 fifo\nb send 2.1 1 fifo\n"
                 "a deliver 2.1 a:1 fifo\na deliver 2.1 b:1 fifo\n"
                 "b deliver 2.1 b:1 fifo\nb deliver 2.1 a:1 fifo\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "");
}
END_TEST

#define ONE "0000000000000001 "

START_TEST(agreed_time_is_checked)
{
    const char *good = TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na deliver 2.1 b:1 agreed " ONE
                                "7.2\na view 3.1 a,b a,b 8\nb deliver 2.1 a:1 agreed " ONE "7.1\n"
                                "b deliver 2.1 b:1 agreed " ONE "7.2\nb view 3.1 a,b a,b 8\n";

    expect(good, "");
    /* another time, another seed, for those who go together */
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na view 3.1 a,c a,c\n"
                    "c deliver 2.1 a:1 agreed " ONE "8.1\nc view 3.1 a,c a,c\n",
           "agreed-time");
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na view 3.1 a,c a,c\n"
                    "c deliver 2.1 a:1 agreed " ONE "7.2\nc view 3.1 a,c a,c\n",
           "agreed-time");
    /* who is gone may have had another order */
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na view 3.1 a,c a,c\n"
                    "c deliver 2.1 a:1 agreed " ONE "8.2\nc crash\n",
           "");
    /* but not of a safe message */
    expect(VIEW1 "a send 2.1 1 safe\na deliver 2.1 a:1 safe " ONE "7.1\na crash\n"
                 "b deliver 2.1 a:1 safe " ONE "8.1\n",
           "agreed-time");
    /* back, within a view and into the next */
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na deliver 2.1 b:1 agreed " ONE "6.2\n",
           "agreed-time");
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na view 3.1 a,b a,b 6\n", "agreed-time");
    /* a view begins at one time */
    expect(VIEW1 "a view 3.1 a,b a,b 6\nb view 3.1 a,b a,b 7\n", "agreed-time");
    /* two packets share a seed */
    expect(TWO_SENT "a deliver 2.1 a:1 agreed " ONE "7.1\na deliver 2.1 b:1 agreed " ONE "8.1\n",
           "agreed-time");
}
END_TEST

START_TEST(causality_is_checked)
{
    /* b answers a; c sees the answer only */
    expect(VIEW1 "a send 2.1 1 agreed\nb deliver 2.1 a:1 agreed\nb send 2.1 1 agreed\n"
                 "c deliver 2.1 b:1 agreed\n",
           "causality");
    /* c sees it too late */
    expect(VIEW1 "a send 2.1 1 agreed\nb deliver 2.1 a:1 agreed\nb send 2.1 1 agreed\n"
                 "c deliver 2.1 b:1 agreed\nc deliver 2.1 a:1 agreed\n",
           "causality");
    /* fifo messages stand outside */
    expect(VIEW1 "a send 2.1 1 fifo\nb deliver 2.1 a:1 fifo\nb send 2.1 1 agreed\n"
                 "c deliver 2.1 b:1 agreed\n",
           "");
}
END_TEST

START_TEST(uniformity_is_checked)
{
    /* c delivers and dies; the others go on without */
    expect(VIEW1 "c send 2.1 1 safe\nc deliver 2.1 c:1 safe\nc crash\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "uniformity");
    expect(VIEW1 "c send 2.1 1 agreed\nc deliver 2.1 c:1 agreed\nc crash\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "");
    /* the agreed message before a safe one is bound as well */
    expect(VIEW1 "c send 2.1 1 agreed\nb send 2.1 1 safe\n"
                 "c deliver 2.1 c:1 agreed\nc deliver 2.1 b:1 safe\nc crash\n"
                 "a deliver 2.1 b:1 safe\nb deliver 2.1 b:1 safe\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "uniformity");
    /* the one after it is not */
    expect(VIEW1 "c send 2.1 1 safe\nc send 2.1 2 agreed\n"
                 "c deliver 2.1 c:1 safe\nc deliver 2.1 c:2 agreed\nc crash\n"
                 "a deliver 2.1 c:1 safe\nb deliver 2.1 c:1 safe\n"
                 "a view 3.1 a,b a,b\nb view 3.1 a,b a,b\n",
           "");
    /* neither goes on, but both cannot be right */
    expect(VIEW1 "b send 2.1 1 safe\nc send 2.1 1 safe\n"
                 "b deliver 2.1 b:1 safe\nb crash\nc deliver 2.1 c:1 safe\nc crash\n",
           "uniformity");
}
END_TEST

START_TEST(safe_held_is_checked)
{
    /* one of three has it */
    expect(VIEW1 "b send 2.1 1 fifo\nc hold b:1\na send 2.1 1 safe\na deliver 2.1 a:1 safe\n",
           "safe-held");
    /* two of three */
    expect(VIEW1 "a send 2.1 1 safe\nb hold a:1\na deliver 2.1 a:1 safe\n", "");
    /* but not all */
    expect(VIEW1 "all voters\na send 2.1 1 safe\nb hold a:1\na deliver 2.1 a:1 safe\n",
           "safe-held");
    expect(VIEW1 "all voters\na send 2.1 1 safe\nb hold a:1\nc hold a:1\n"
                 "a deliver 2.1 a:1 safe\n",
           "");
    /* too late */
    expect(VIEW1 "a send 2.1 1 safe\na deliver 2.1 a:1 safe\nb hold a:1\n", "safe-held");
    /* what came before it in the order counts as well */
    expect(VIEW1 "c send 2.1 1 agreed\na send 2.1 1 safe\na hold c:1\nb hold a:1\nc hold a:1\n"
                 "a deliver 2.1 c:1 agreed\na deliver 2.1 a:1 safe\n",
           "");
    expect(VIEW1 "all voters\nc send 2.1 1 agreed\na send 2.1 1 safe\na hold c:1\nb hold a:1\n"
                 "c hold a:1\na deliver 2.1 c:1 agreed\na deliver 2.1 a:1 safe\n",
           "safe-held");
    /* agreed ones need nobody until they are said to be safe */
    expect(VIEW1 "a send 2.1 1 agreed\nc hold b:7\na deliver 2.1 a:1 agreed\n", "");
    expect(VIEW1 "a send 2.1 1 agreed\nc hold b:7\na deliver 2.1 a:1 agreed\na stable 2.1 a:1\n",
           "safe-held");
    expect(VIEW1 "a send 2.1 1 agreed\na deliver 2.1 a:1 agreed\nc hold a:1\na stable 2.1 a:1\n",
           "");
    /* where nobody looks nothing is known */
    expect(VIEW1 "a send 2.1 1 safe\na deliver 2.1 a:1 safe\n", "");
}
END_TEST

START_TEST(stability_is_checked)
{
    const char *sent = VIEW1 "a send 2.1 1 agreed\na send 2.1 2 agreed\na send 2.1 3 fifo\n"
                             "a deliver 2.1 a:1 agreed\na deliver 2.1 a:3 fifo\n";
    static const char *const words[][2] = {
        {"a stable 2.1 a:1\na deliver 2.1 a:2 agreed\na stable 2.1 a:2\n", ""},
        {"a stable 2.1 a:2\na deliver 2.1 a:2 agreed\n", "stability"}, /* not delivered yet */
        {"a stable 2.1 a:3\n", "stability"},                           /* of another service */
        {"b stable 2.1 a:1\n", "stability"},                           /* not by this member */
        {"a stable 2.1 a:1\na stable 2.1 a:1\n", "stability"},         /* once more */
        {"a deliver 2.1 a:2 agreed\na stable 2.1 a:2\na stable 2.1 a:1\n", "stability"},
        {"a blocked\na view 3.1 a,b a,b\na stable 3.1 a:1\n", "self-delivery stability"},
    };
    char story[1024];

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        snprintf(story, sizeof(story), "%s%s", sent, words[i][0]);
        expect(story, words[i][1]);
    }
}
END_TEST

START_TEST(a_window_shows_what_matters)
{
    struct verdict verdict;
    struct log log;
    uint32_t window[4];

    read_story(VIEW1 "a send 2.1 1 fifo\na send 2.1 2 fifo\na send 2.1 3 fifo\n"
                     "b deliver 2.1 a:1 fifo\nb deliver 2.1 a:2 fifo\nb deliver 2.1 a:1 fifo\n",
               &log);
    check_all(&log, false, &verdict);
    ck_assert_uint_eq(verdict.count, 2); /* duplicate, and out of order */
    ck_assert_str_eq(verdict.violations[1].property, "no-duplication");
    ck_assert_uint_eq(verdict.violations[1].record, 9);
    ck_assert_uint_eq(violation_window(&log, &verdict.violations[1], window, 4), 2);
    ck_assert_uint_eq(window[0], 7);
    ck_assert_uint_eq(window[1], 9);
    verdict_clear(&verdict);
    log_clear(&log);
}
END_TEST

/* ---- The format ------------------------------------------------------------------ */

START_TEST(bad_lines_are_refused)
{
    static const char *const lines[] = {
        "",
        "{",
        "[]",
        "{}",
        "{\"t\":1}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"send\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\"} x",
        "{\"t\":-1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\"}",
        "{\"t\":99999999999999999999,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\"}",
        "{\"t\":1,\"m\":\"a\\q\",\"g\":\"g\",\"e\":\"leave\"}",
        "{\"t\":1,\"m\":\"a,\"g\":\"g\",\"e\":\"leave\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\",\"v\":\"0.1\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\",\"v\":\"1\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"view\",\"v\":\"1.1\",\"members\":[\"a\"]}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"view\",\"v\":\"1.1\",\"members\":[\"a\",}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"send\",\"v\":\"1.1\",\"id\":\"a\","
        "\"s\":\"safe\",\"h\":\"0000000000000001\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"send\",\"v\":\"1.1\",\"id\":\"a:0\","
        "\"s\":\"safe\",\"h\":\"0000000000000001\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"send\",\"v\":\"1.1\",\"id\":\"a:1\","
        "\"s\":\"good\",\"h\":\"0000000000000001\"}",
        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"send\",\"v\":\"1.1\",\"id\":\"a:1\","
        "\"s\":\"safe\",\"h\":\"1\"}",
    };
    struct trace_error error;
    struct log log;

    log_init(&log);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        ck_assert_msg(!trace_read_line(&log, lines[i], strlen(lines[i]), &error), "%s", lines[i]);
    ck_assert_uint_eq(log.count, 0);
    log_clear(&log);
}
END_TEST

START_TEST(unknown_keys_kinds_and_spaces_are_tolerated)
{
    static const char line[] = " { \"e\" : \"blocked\" , \"x\" : [ 1, \"y\", null ] , \"z\":-1.5,"
                               "\"t\" : 7 ,\"g\":\"g\\u0040\\\"1\", \"m\" : \"a\\/b\" } ";
    static const char later[] = "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"merged\"}";
    struct trace_error error;
    struct log log;

    log_init(&log);
    ck_assert_msg(trace_read_line(&log, line, strlen(line), &error), "%s", error.text);
    ck_assert(trace_read_line(&log, later, strlen(later), &error));
    ck_assert_uint_eq(log.count, 1);
    ck_assert_int_eq(log.records[0].type, RECORD_BLOCKED);
    ck_assert_uint_eq(log.records[0].time, 7);
    ck_assert_str_eq(log.members.items[0], "a/b");
    ck_assert_str_eq(log.groups.items[0], "g@\"1");
    log_clear(&log);
}
END_TEST

static const struct gcs_member_id n0 = {{4, {'s', 'n', 0, 0}}, 0x2a};
static const struct gcs_member_id n1 = {{4, {'s', 'n', 0, 1}}, UINT64_MAX};

START_TEST(a_message_has_the_documented_form)
{
    struct gcs_trace_event event;
    char line[512];
    size_t length;

    memset(&event, 0, sizeof(event));
    event.type = GCS_TRACE_SEND;
    event.now = 12;
    event.group = "demo";
    event.self = event.sender = &n0;
    event.lineage = 0xabc;
    event.epoch = 10;
    event.proposer = 0xff;
    event.number = 3;
    event.service = GCS_SAFE;
    event.message = (struct gcs_message){"", 0};
    length = gcs_trace_format(&event, gcs_sim_address_format, line, sizeof(line));
    line[length] = '\0';
    ck_assert_str_eq(line, "{\"t\":12,\"m\":\"n0#2a\",\"g\":\"demo@abc\",\"e\":\"send\","
                           "\"v\":\"10.ff\",\"id\":\"n0#2a:3\",\"s\":\"safe\","
                           "\"h\":\"ef46db3751d8e999\"}\n");
    event.type = GCS_TRACE_LEAVE;
    event.epoch = 0;
    length = gcs_trace_format(&event, gcs_sim_address_format, line, sizeof(line));
    line[length] = '\0';
    ck_assert_str_eq(line, "{\"t\":12,\"m\":\"n0#2a\",\"g\":\"demo@abc\",\"e\":\"leave\"}\n");
    ck_assert_uint_eq(gcs_trace_hash("abc", 3), 0x44bc2cf5ad770999U);
}
END_TEST

START_TEST(a_view_has_the_documented_form_and_never_overflows)
{
    const struct gcs_member members[2] = {{.id = n0, .weight = 1}, {.id = n1, .weight = 1}};
    static const uint16_t survivors[1] = {1};
    struct gcs_view_change change;
    struct gcs_trace_event event;
    char line[512], shorter[512];
    size_t length;

    memset(&event, 0, sizeof(event));
    memset(&change, 0, sizeof(change));
    change.view.members = members;
    change.view.count = 2;
    change.primary = true;
    change.survivors = survivors;
    change.survivors_count = 1;
    event.type = GCS_TRACE_VIEW;
    event.group = "demo";
    event.self = &n1;
    event.epoch = 1;
    event.change = &change;
    length = gcs_trace_format(&event, gcs_sim_address_format, line, sizeof(line));
    line[length] = '\0';
    ck_assert_str_eq(line, "{\"t\":0,\"m\":\"n1#ffffffffffffffff\",\"g\":\"demo@0\","
                           "\"e\":\"view\",\"v\":\"1.0\","
                           "\"members\":[\"n0#2a\",\"n1#ffffffffffffffff\"],"
                           "\"survivors\":[\"n1#ffffffffffffffff\"],\"primary\":true}\n");
    for (size_t size = 0; size < length; size++) {
        memset(shorter, 'x', sizeof(shorter));
        ck_assert_uint_eq(gcs_trace_format(&event, gcs_sim_address_format, shorter, size), length);
        ck_assert_int_eq(memcmp(line, shorter, size), 0);
        ck_assert_int_eq(shorter[size], 'x');
    }
}
END_TEST

static void quoted_address(const struct gcs_address *address, char *text, size_t size)
{
    (void)address;
    snprintf(text, size, "a\"\\\n%0200d", 7);
}

START_TEST(names_are_escaped_and_bounded)
{
    char line[512], name[GCS_TRACE_MEMBER_MAX];
    struct trace_error error;
    struct log log;
    size_t length;

    length = gcs_trace_member(&n1, quoted_address, name);
    ck_assert_uint_eq(length, GCS_TRACE_MEMBER_MAX - 1);
    ck_assert_str_eq(name + length - 17, "#ffffffffffffffff");
    length = gcs_trace_format_note("crash", 5, &n0, "g", 1, quoted_address, line, sizeof(line));
    ck_assert_uint_lt(length, sizeof(line));
    log_init(&log);
    ck_assert_msg(trace_read_line(&log, line, length - 1, &error), "%s", error.text);
    gcs_trace_member(&n0, quoted_address, name);
    ck_assert_str_eq(log.members.items[0], name);
    ck_assert_int_eq(log.records[0].type, RECORD_CRASH);
    log_clear(&log);
}
END_TEST

static bool read_text(struct log *log, const char *text, struct trace_error *error)
{
    char path[] = "/tmp/gcs-test-XXXXXX";
    int fd = mkstemp(path);
    bool ok;

    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    ok = trace_read_file(log, path, error);
    unlink(path);
    return ok;
}

START_TEST(files_are_read_line_by_line)
{
    struct trace_error error;
    struct log log;

    log_init(&log);
    ck_assert(read_text(&log,
                        "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\"}\n\n"
                        "{\"t\":2,\"m\":\"b\",\"g\":\"g\",\"e\":\"crash\"}\n{\"t\":3,\"m\":",
                        &error));
    ck_assert_uint_eq(log.count, 2);
    ck_assert(
        !read_text(&log, "{\"t\":1,\"m\":\"a\",\"g\":\"g\",\"e\":\"leave\"}\nnonsense\n", &error));
    ck_assert_uint_eq(error.line, 2);
    ck_assert(!trace_read_file(&log, "/nonexistent/file", &error));
    ck_assert_uint_eq(error.line, 0);
    log_clear(&log);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("checkers");
    TCase *tcase = tcase_create("checkers");
    SRunner *runner = srunner_create(suite);
    int failed;

    suite_add_tcase(suite, tcase);
    tcase_add_test(tcase, a_good_story_passes);
    tcase_add_test(tcase, losing_and_regaining_the_primary_passes);
    tcase_add_test(tcase, self_inclusion_is_checked);
    tcase_add_test(tcase, local_monotonicity_is_checked);
    tcase_add_test(tcase, initial_view_is_checked);
    tcase_add_test(tcase, primary_component_is_checked);
    tcase_add_test(tcase, delivery_integrity_is_checked);
    tcase_add_test(tcase, no_duplication_is_checked);
    tcase_add_test(tcase, self_delivery_is_checked);
    tcase_add_test(tcase, sending_view_is_checked);
    tcase_add_test(tcase, fifo_is_checked);
    tcase_add_test(tcase, virtual_synchrony_is_checked);
    tcase_add_test(tcase, agreed_order_is_checked);
    tcase_add_test(tcase, agreed_time_is_checked);
    tcase_add_test(tcase, causality_is_checked);
    tcase_add_test(tcase, uniformity_is_checked);
    tcase_add_test(tcase, safe_held_is_checked);
    tcase_add_test(tcase, stability_is_checked);
    tcase_add_test(tcase, a_window_shows_what_matters);
    tcase_add_test(tcase, bad_lines_are_refused);
    tcase_add_test(tcase, unknown_keys_kinds_and_spaces_are_tolerated);
    tcase_add_test(tcase, a_message_has_the_documented_form);
    tcase_add_test(tcase, a_view_has_the_documented_form_and_never_overflows);
    tcase_add_test(tcase, names_are_escaped_and_bounded);
    tcase_add_test(tcase, files_are_read_line_by_line);
    srunner_run_all(runner, CK_NORMAL);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
