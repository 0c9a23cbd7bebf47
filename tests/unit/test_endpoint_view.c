/* SPDX-License-Identifier: BSD-3-Clause */
/* Views read by any thread without locks while they change: each is whole, none goes backwards, and
 * one that is held stays as it is, also when the group and the endpoint are gone. */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

enum { READERS = 4, CHANGES = 30 };

struct watcher {
    struct gcs_group *group;
    atomic_bool *stop;
    uint64_t looks;
};

/* One look: the view must be consistent in itself. Returns its epoch, 0 for none. */
static uint32_t look(struct gcs_group *group, const struct gcs_view **kept)
{
    const struct gcs_view *view = gcs_view_acquire(group);

    if (!view)
        return 0;
    if (view->count == 0 || view->self >= view->count || !view->members)
        ck_abort_msg("a view of %u members with self %u", view->count, view->self);
    for (uint16_t rank = 0; rank < view->count; rank++) {
        if (view->members[rank].id.address.length == 0 || view->members[rank].id.incarnation == 0)
            ck_abort_msg("member %u has no identity", rank);
    }
    uint32_t epoch = view->epoch;
    if (*kept)
        gcs_view_release(*kept);
    *kept = view;
    return epoch;
}

static void *watch(void *arg)
{
    struct watcher *watcher = arg;
    const struct gcs_view *kept = NULL;
    uint32_t last = 0;

    while (!atomic_load(watcher->stop)) {
        uint32_t epoch = look(watcher->group, &kept);
        if (epoch < last)
            ck_abort_msg("view %u after view %u", epoch, last);
        last = epoch;
        watcher->looks++;
    }
    gcs_view_release(kept);
    return NULL;
}

static void *take_all(void *arg)
{
    struct gcs_event event;

    while (gcs_next(arg, &event, GCS_FOREVER) == 1)
        ;
    return NULL;
}

START_TEST(readers_see_whole_views_while_they_change)
{
    struct watcher watchers[READERS] = {{0}};
    pthread_t threads[READERS], taking;
    atomic_bool stop = false;
    struct crew crew;

    crew_form(&crew, 1, NULL, NULL);
    pthread_create(&taking, NULL, take_all, crew.endpoint[0]);
    for (int i = 0; i < READERS; i++) {
        watchers[i] = (struct watcher){crew.group[0], &stop, 0};
        pthread_create(&threads[i], NULL, watch, &watchers[i]);
    }
    crew_open(&crew, NULL);
    for (int i = 0; i < CHANGES; i++) {
        struct gcs_event event;
        crew_join(&crew, 1, NULL);
        crew_await_members(crew.endpoint[1], 2);
        crew_ok(gcs_leave(crew.group[1]));
        crew_await(crew.endpoint[1], GCS_EVENT_LEFT, &event);
        gcs_group_free(crew.group[1]);
    }
    atomic_store(&stop, true);
    for (int i = 0; i < READERS; i++) {
        pthread_join(threads[i], NULL);
        ck_assert_uint_gt(watchers[i].looks, 0);
    }
    crew_close(&crew);
    pthread_join(taking, NULL);
}
END_TEST

START_TEST(there_is_none_before_the_first_and_after_the_last)
{
    struct gcs_group_config config;
    struct gcs_event event;
    struct crew crew = {.count = 0};

    crew_open(&crew, NULL);
    gcs_group_config_init(&config);
    config.bootstrap = GCS_JOIN;
    crew_ok(gcs_join(crew.endpoint[0], "crew", &config, &crew.group[0]));
    ck_assert_ptr_null(gcs_view_acquire(crew.group[0]));
    crew_ok(gcs_leave(crew.group[0]));
    crew_await(crew.endpoint[0], GCS_EVENT_LEFT, &event);
    gcs_group_free(crew.group[0]);
    crew_join(&crew, 0, NULL);
    crew_await(crew.endpoint[0], GCS_EVENT_VIEW, &event);
    const struct gcs_view *view = gcs_view_acquire(crew.group[0]);
    ck_assert_ptr_nonnull(view);
    ck_assert_uint_eq(view->epoch, event.change->view.epoch);
    ck_assert_uint_eq(view->lineage, event.change->view.lineage);
    gcs_view_release(view);
    crew_ok(gcs_leave(crew.group[0]));
    crew_await(crew.endpoint[0], GCS_EVENT_LEFT, &event);
    ck_assert_ptr_null(gcs_view_acquire(crew.group[0]));
    crew_close(&crew);
}
END_TEST

START_TEST(a_held_view_outlives_everything)
{
    char text[GCS_VIEW_ID_TEXT_MAX], before[GCS_VIEW_ID_TEXT_MAX];
    struct crew crew;

    crew_form(&crew, 2, NULL, NULL);
    const struct gcs_view *view = gcs_view_acquire(crew.group[0]);
    const struct gcs_view *again = gcs_view_acquire(crew.group[0]);
    ck_assert_ptr_eq(view, again);
    gcs_view_release(again);
    gcs_view_id_format(view, before, sizeof(before));
    crew_close(&crew);
    gcs_view_id_format(view, text, sizeof(text));
    ck_assert_str_eq(text, before);
    ck_assert_uint_eq(view->count, 2);
    ck_assert_uint_gt(view->members[1].id.address.length, 0);
    gcs_view_release(view);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        readers_see_whole_views_while_they_change,
        there_is_none_before_the_first_and_after_the_last,
        a_held_view_outlives_everything,
    };
    return suite_run("endpoint_view", tests, SUITE_SIZE(tests));
}
