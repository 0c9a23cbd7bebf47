/* SPDX-License-Identifier: BSD-3-Clause */
/* Bad input to the API: each value is refused with the right code and a sentence that names it, and
 * nothing has changed. */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include <dirent.h>
#include <stddef.h>
#include <string.h>

static int open_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    int count = 0;

    ck_assert_ptr_nonnull(dir);
    while (readdir(dir))
        count++;
    (void)closedir(dir);
    return count;
}

static void must_name(const char *value)
{
    ck_assert_msg(strstr(gcs_detail(), value) != NULL, "\"%s\" is not in \"%s\"", value,
                  gcs_detail());
}

/* ---- gcs_open ------------------------------------------------------------------------- */

START_TEST(a_bad_url_is_refused_by_name)
{
    static const struct {
        const char *url, *named;
        int error;
    } cases[] = {
        {NULL, "NULL", GCS_EADDRESS},
        {"", "", GCS_EADDRESS},
        {"127.0.0.1:7400", "127.0.0.1:7400", GCS_EADDRESS},
        {"carrier-pigeon://127.0.0.1:7400", "carrier-pigeon", GCS_ETRANSPORT},
        {"udp://127.0.0.1:99999", "99999", GCS_EADDRESS},
        {"udp://127.0.0.1:0?colour=blue", "colour", GCS_EOPTION},
        {"udp://192.0.2.1:0", "192.0.2.1", GCS_EADDRESS},
        {"udp://127.0.0.1:0?seeds=nonsense", "nonsense", GCS_EADDRESS},
    };
    char place;
    struct gcs_endpoint *const untouched = (struct gcs_endpoint *)&place; /* any pointer */
    int before = open_descriptors();

    for (size_t i = 0; i < SUITE_SIZE(cases); i++) {
        struct gcs_endpoint *endpoint = untouched;
        int error = gcs_open(cases[i].url, NULL, &endpoint);
        ck_assert_msg(error == cases[i].error, "%s: %s: %s", cases[i].url, gcs_strerror(error),
                      gcs_detail());
        must_name(cases[i].named);
        ck_assert_ptr_eq(endpoint, untouched);
    }
    ck_assert_int_eq(open_descriptors(), before);
}
END_TEST

START_TEST(without_a_place_for_the_endpoint_nothing_is_opened)
{
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", NULL, NULL), GCS_EINVAL);
}
END_TEST

static void refuse_options(const struct gcs_endpoint_options *options, const char *named)
{
    struct gcs_endpoint *endpoint = NULL;

    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", options, &endpoint), GCS_EOPTION);
    must_name(named);
    ck_assert_ptr_null(endpoint);
}

START_TEST(bad_options_are_refused_by_name)
{
    static const struct {
        size_t offset;
        uint32_t value;
        const char *named;
    } cases[] = {
#define FIELD(name) offsetof(struct gcs_endpoint_options, name)
        {FIELD(flags), 2, "0x2"},
        {FIELD(flags), 0x80000001u, "0x80000001"},
        {FIELD(heartbeat_ms), 0, "heartbeat_ms is 0"},
        {FIELD(heartbeat_ms), 60001, "heartbeat_ms is 60001"},
        {FIELD(suspect_ms), 0, "suspect_ms is 0"},
        {FIELD(suspect_ms), 149, "suspect_ms is 149"},
        {FIELD(suspect_ms), 600001, "suspect_ms is 600001"},
        {FIELD(suspect_max_ms), 499, "suspect_max_ms is 499"},
        {FIELD(suspect_max_ms), 1200001, "suspect_max_ms is 1200001"},
        {FIELD(heartbeat_max_ms), 49, "heartbeat_max_ms is 49: must be from 50 to 166"},
        {FIELD(heartbeat_max_ms), 167, "heartbeat_max_ms is 167: must be from 50 to 166"},
        {FIELD(probes), 65, "probes is 65"},
        {FIELD(submit_bytes), 1023, "submit_bytes is 1023"},
        {FIELD(submit_bytes), 0xffffffffu, "submit_bytes is 4294967295"},
        {FIELD(events), 0, "events is 0"},
        {FIELD(events), (1u << 20) + 1, "events is 1048577"},
        {FIELD(assembly_bytes), 1023, "assembly_bytes is 1023"}, /* the low half of it */
#undef FIELD
    };

    for (size_t i = 0; i < SUITE_SIZE(cases); i++) {
        struct gcs_endpoint_options options;
        gcs_endpoint_options_init(&options);
        memcpy((char *)&options + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
        refuse_options(&options, cases[i].named);
    }
}
END_TEST

START_TEST(a_bad_cluster_is_refused)
{
    struct gcs_endpoint_options options;
    char name[300];

    memset(name, 'c', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    gcs_endpoint_options_init(&options);
    options.cluster = name;
    refuse_options(&options, "cluster \"cccc");
    options.cluster = NULL;
    refuse_options(&options, "cluster is NULL");
}
END_TEST

START_TEST(a_bad_label_is_refused)
{
    static const struct {
        const char *label, *named;
    } cases[] = {
        {NULL, "label is NULL"},
        {"ams/r12/h3/a", "label \"ams/r12/h3/a\" has more than 3 parts"},
        {"ams//h3", "label \"ams//h3\" has an empty part at 4"},
        {"/r12", "label \"/r12\" has an empty part at 0"},
        {"am\ns", "label \"am...\" has the byte 0x0a at 2"},
        {"am s", "label \"am...\" has the byte 0x20 at 2"},
        {"0123456789012345678901234567890123456789012345678901234567890123",
         "label \"01234567890123456789012345678901...\" is longer than 63 bytes"},
    };
    struct gcs_endpoint_options options;

    for (size_t i = 0; i < SUITE_SIZE(cases); i++) {
        gcs_endpoint_options_init(&options);
        options.label = cases[i].label;
        refuse_options(&options, cases[i].named);
    }
}
END_TEST

START_TEST(options_of_other_versions_are_understood)
{
    struct {
        struct gcs_endpoint_options options;
        uint32_t future[4];
    } newer = {.future = {0}};
    struct gcs_endpoint *endpoint;

    gcs_endpoint_options_init(&newer.options);
    newer.options.size = sizeof(newer);
    crew_ok(gcs_open("udp://127.0.0.1:0", &newer.options, &endpoint));
    gcs_close(endpoint);
    newer.future[3] = 7;
    refuse_options(&newer.options, "a value beyond");

    struct gcs_endpoint_options older = {.size = offsetof(struct gcs_endpoint_options, cluster)};
    crew_ok(gcs_open("udp://127.0.0.1:0", &older, &endpoint));
    gcs_close(endpoint);
    struct gcs_endpoint_options forgotten = {.size = 0};
    refuse_options(&forgotten, "size is 0");
}
END_TEST

/* ---- gcs_join -------------------------------------------------------------------------- */

START_TEST(bad_group_settings_are_refused_by_name)
{
    static const struct {
        size_t offset;
        uint32_t value;
        const char *named;
    } cases[] = {
#define FIELD(name) offsetof(struct gcs_group_config, name)
        {FIELD(bootstrap), 0, "bootstrap is 0"},
        {FIELD(bootstrap), 9, "bootstrap is 9"},
        {FIELD(order), 0, "order is 0"},
        {FIELD(order), 77, "order is 77"},
        {FIELD(window_packets), 0, "window_packets is 0"},
        {FIELD(window_packets), 8, "window_packets is 8"},
        {FIELD(window_packets), 1000, "window_packets is 1000"},
        {FIELD(window_packets), 1u << 17, "window_packets is 131072"},
        {FIELD(window_bytes), 4095, "window_bytes is 4095"},
        {FIELD(queue_bytes), 1, "queue_bytes is 1"},
        {FIELD(message_bytes), 0, "message_bytes is 0"},
        {FIELD(message_bytes), 0x40000001u, "at most the endpoint's assembly_bytes"},
#undef FIELD
    };
    struct crew crew = {.count = 0};
    struct gcs_event event;

    crew_open(&crew, NULL);
    for (size_t i = 0; i < SUITE_SIZE(cases); i++) {
        struct gcs_group_config config;
        struct gcs_group *group = NULL;
        gcs_group_config_init(&config);
        memcpy((char *)&config + cases[i].offset, &cases[i].value, sizeof(cases[i].value));
        ck_assert_int_eq(gcs_join(crew.endpoint[0], "g", &config, &group), GCS_EOPTION);
        must_name(cases[i].named);
        ck_assert_ptr_null(group);
    }
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 0), 0);
    crew_close(&crew);
}
END_TEST

START_TEST(bad_seeds_are_refused)
{
    struct gcs_address seeds[2] = {{.length = 7}, {.length = 0}};
    struct crew crew = {.count = 0};
    struct gcs_group_config config;
    struct gcs_group *group = NULL;

    crew_open(&crew, NULL);
    gcs_group_config_init(&config);
    config.seeds_count = 2;
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "g", &config, &group), GCS_EOPTION);
    must_name("seeds is NULL");
    config.seeds = seeds;
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "g", &config, &group), GCS_EOPTION);
    must_name("seeds[1]");
    seeds[1].length = GCS_ADDRESS_MAX + 1;
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "g", &config, &group), GCS_EOPTION);
    must_name("length of 32");
    ck_assert_ptr_null(group);
    crew_close(&crew);
}
END_TEST

START_TEST(a_group_is_joined_once)
{
    struct crew crew = {.count = 0};
    struct gcs_group *second = NULL;

    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "crew", NULL, &second), GCS_EALREADY);
    must_name("crew");
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "bad name", NULL, &second), GCS_ENAME);
    must_name("bad name");
    ck_assert_int_eq(gcs_join(crew.endpoint[0], "g", NULL, NULL), GCS_EINVAL);
    ck_assert_int_eq(gcs_join(NULL, "g", NULL, &second), GCS_EINVAL);
    ck_assert_ptr_null(second);
    crew_close(&crew);
}
END_TEST

/* ---- gcs_multicast and the rest ------------------------------------------------------------ */

START_TEST(bad_messages_are_refused_and_nothing_is_sent)
{
    struct gcs_group_config config;
    struct gcs_event event;
    struct crew crew;
    static char bytes[2000];

    gcs_group_config_init(&config);
    config.message_bytes = 1000;
    crew_form(&crew, 1, NULL, &config);
    ck_assert_int_eq(gcs_multicast(NULL, GCS_AGREED, "x", 1, 0), GCS_EINVAL);
    for (int service = -1; service < 8; service++) {
        if (service >= GCS_UNORDERED && service <= GCS_SAFE)
            continue;
        char named[32];
        (void)snprintf(named, sizeof(named), "service is %d", service);
        ck_assert_int_eq(gcs_multicast(crew.group[0], (enum gcs_service)service, "x", 1, 0),
                         GCS_EINVAL);
        must_name(named);
    }
    ck_assert_int_eq(gcs_multicast(crew.group[0], GCS_AGREED, NULL, 5, 0), GCS_EINVAL);
    must_name("5 bytes");
    ck_assert_int_eq(gcs_multicast(crew.group[0], GCS_AGREED, bytes, 1001, GCS_FOREVER),
                     GCS_EMSGSIZE);
    must_name("1001");
    ck_assert_int_eq(gcs_multicast(crew.group[0], GCS_AGREED, bytes, (size_t)-1, GCS_FOREVER),
                     GCS_EMSGSIZE);
    ck_assert_int_eq(gcs_next(crew.endpoint[0], &event, 50), 0);
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, bytes, 1000, 0));
    crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, NULL, 0, 0));
    crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    ck_assert_uint_eq(event.number, 1);
    ck_assert_uint_eq(event.messages[0].size, 1000);
    crew_close(&crew);
}
END_TEST

START_TEST(null_is_refused_where_it_means_nothing)
{
    struct crew crew = {.count = 0};
    struct gcs_counters counters;
    struct gcs_event event;

    crew_open(&crew, NULL);
    ck_assert_int_eq(gcs_next(NULL, &event, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_next(crew.endpoint[0], NULL, 0), GCS_EINVAL);
    ck_assert_int_eq(gcs_dispatch(NULL), GCS_EINVAL);
    ck_assert_int_eq(gcs_leave(NULL), GCS_EINVAL);
    ck_assert_int_eq(gcs_counters_get(NULL, &counters), GCS_EINVAL);
    ck_assert_int_eq(gcs_counters_get(crew.endpoint[0], NULL), GCS_EINVAL);
    ck_assert_ptr_null(gcs_view_acquire(NULL));
    gcs_view_release(NULL);
    gcs_group_free(NULL);
    gcs_close(NULL);
    crew_close(&crew);
}
END_TEST

START_TEST(dispatch_is_for_own_loops_only)
{
    struct crew crew = {.count = 0};

    crew_open(&crew, NULL);
    ck_assert_int_eq(gcs_dispatch(crew.endpoint[0]), GCS_EINVAL);
    must_name("GCS_OWN_LOOP");
    ck_assert_int_eq(gcs_expiry(crew.endpoint[0]), GCS_FOREVER);
    crew_close(&crew);
}
END_TEST

static void *fail_once(void *arg)
{
    *(bool *)arg = gcs_detail()[0] == '\0';
    (void)gcs_open(NULL, NULL, NULL);
    return NULL;
}

START_TEST(the_sentence_belongs_to_the_thread)
{
    struct gcs_endpoint *endpoint;
    pthread_t thread;
    bool was_empty = false;

    ck_assert_int_eq(gcs_open(NULL, NULL, &endpoint), GCS_EADDRESS);
    must_name("URL");
    pthread_create(&thread, NULL, fail_once, &was_empty);
    pthread_join(thread, NULL);
    ck_assert(was_empty);
    must_name("URL");
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        a_bad_url_is_refused_by_name,
        without_a_place_for_the_endpoint_nothing_is_opened,
        bad_options_are_refused_by_name,
        a_bad_cluster_is_refused,
        a_bad_label_is_refused,
        options_of_other_versions_are_understood,
        bad_group_settings_are_refused_by_name,
        bad_seeds_are_refused,
        a_group_is_joined_once,
        bad_messages_are_refused_and_nothing_is_sent,
        null_is_refused_where_it_means_nothing,
        dispatch_is_for_own_loops_only,
        the_sentence_belongs_to_the_thread,
    };
    return suite_run("endpoint_input", tests, SUITE_SIZE(tests));
}
