/* SPDX-License-Identifier: BSD-3-Clause */
/* GCS_TRACE: where the file is, what is in it, and what happens when there can be none. */
/* ctest-labels: thread */
#include "crew.h"
#include "suite.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

static char directory[] = "/tmp/gcs-trace-XXXXXX";

static void in_directory(void)
{
    ck_assert_ptr_nonnull(mkdtemp(directory));
    ck_assert_int_eq(chdir(directory), 0);
}

static void out_of_directory(void)
{
    DIR *dir = opendir(".");
    struct dirent *entry;

    ck_assert_ptr_nonnull(dir);
    while ((entry = readdir(dir))) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
            ck_assert_int_eq(unlink(entry->d_name), 0);
    }
    (void)closedir(dir);
    ck_assert_int_eq(rmdir(directory), 0);
}

/* The whole file, terminated. */
static char *contents(const char *path)
{
    static char text[1 << 20];
    int fd = open(path, O_RDONLY);

    ck_assert_msg(fd >= 0, "there is no %s", path);
    ssize_t size = read(fd, text, sizeof(text) - 1);
    ck_assert_int_ge(size, 0);
    text[size] = '\0';
    (void)close(fd);
    return text;
}

static int count(const char *text, const char *what)
{
    int found = 0;

    while ((text = strstr(text, what))) {
        found++;
        text++;
    }
    return found;
}

static void live(const char *setting)
{
    struct gcs_event event;
    struct crew crew;

    ck_assert_int_eq(setenv("GCS_TRACE", setting, 1), 0);
    crew_form(&crew, 2, NULL, NULL);
    for (int i = 0; i < 3; i++)
        crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "abc", 3, 0));
    for (size_t m = 0; m < 2; m++) {
        for (size_t got = 0; got < 3; got += event.count)
            crew_await(crew.endpoint[m], GCS_EVENT_DELIVER, &event);
        ck_assert_int_eq(gcs_next(crew.endpoint[m], &event, 0), 0);
    }
    crew_ok(gcs_leave(crew.group[1]));
    crew_await(crew.endpoint[1], GCS_EVENT_LEFT, &event);
    crew_await_members(crew.endpoint[0], 1);
    crew_close(&crew);
}

START_TEST(what_happens_is_written_line_by_line)
{
    in_directory();
    live("trace.jsonl");
    const char *text = contents("trace.jsonl");
    ck_assert_int_eq(count(text, "\"e\":\"send\""), 3);
    ck_assert_int_eq(count(text, "\"e\":\"deliver\""), 6);
    ck_assert_int_eq(count(text, "\"e\":\"leaving\""), 1);
    ck_assert_int_eq(count(text, "\"e\":\"leave\""), 1);
    ck_assert_int_ge(count(text, "\"e\":\"view\""), 4);
    ck_assert_int_eq(count(text, "\"h\":\"44bc2cf5ad770999\""), 9); /* XXH64 of "abc", seed 0 */
    ck_assert_int_eq(count(text, "\n"), count(text, "{\"t\":"));
    ck_assert_int_eq(text[strlen(text) - 1], '\n');
    out_of_directory();
}
END_TEST

START_TEST(the_process_id_can_be_part_of_the_name)
{
    char path[64];

    in_directory();
    live("%p.a.%p");
    (void)snprintf(path, sizeof(path), "%ld.a.%ld", (long)getpid(), (long)getpid());
    ck_assert_int_gt(count(contents(path), "\n"), 5);
    out_of_directory();
}
END_TEST

START_TEST(a_file_is_continued)
{
    in_directory();
    live("trace.jsonl");
    int before = count(contents("trace.jsonl"), "\n");
    live("trace.jsonl");
    ck_assert_int_gt(count(contents("trace.jsonl"), "\n"), before + 5);
    out_of_directory();
}
END_TEST

START_TEST(a_reader_that_goes_away_ends_the_trace_only)
{
    struct gcs_endpoint_options options;
    char setting[64];
    struct gcs_event event;
    struct crew crew;
    int pipe_fds[2];

    in_directory();
    gcs_endpoint_options_init(&options);
    options.flags = GCS_OWN_LOOP; /* in this thread, which takes SIGPIPE */
    ck_assert_int_eq(pipe(pipe_fds), 0);
    (void)snprintf(setting, sizeof(setting), "/proc/self/fd/%d", pipe_fds[1]);
    ck_assert_int_eq(setenv("GCS_TRACE", setting, 1), 0);
    crew_form(&crew, 1, &options, NULL);
    (void)close(pipe_fds[0]);
    for (int i = 0; i < 3; i++) {
        crew_ok(gcs_multicast(crew.group[0], GCS_AGREED, "abc", 3, 0));
        crew_await(crew.endpoint[0], GCS_EVENT_DELIVER, &event);
    }
    crew_close(&crew);
    (void)close(pipe_fds[1]);
    out_of_directory();
}
END_TEST

START_TEST(nothing_is_written_unless_asked_for)
{
    struct crew crew;

    in_directory();
    ck_assert_int_eq(setenv("GCS_TRACE", "", 1), 0);
    crew_form(&crew, 1, NULL, NULL);
    crew_close(&crew);
    ck_assert_int_eq(unsetenv("GCS_TRACE"), 0);
    crew_form(&crew, 1, NULL, NULL);
    crew_close(&crew);
    ck_assert_int_eq(rmdir(directory), 0); /* it is empty */
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_an_error_that_names_it)
{
    struct gcs_endpoint *endpoint = NULL;
    char name[5000];

    ck_assert_int_eq(setenv("GCS_TRACE", "/nonexistent/%p/trace", 1), 0);
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", NULL, &endpoint), GCS_ESYSTEM);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "/nonexistent/"));
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    ck_assert_int_eq(setenv("GCS_TRACE", name, 1), 0);
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", NULL, &endpoint), GCS_ESYSTEM);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "too long"));
    ck_assert_ptr_null(endpoint);
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        what_happens_is_written_line_by_line,
        the_process_id_can_be_part_of_the_name,
        a_file_is_continued,
        a_reader_that_goes_away_ends_the_trace_only,
        nothing_is_written_unless_asked_for,
        a_file_that_cannot_be_written_is_an_error_that_names_it,
    };
    return suite_run("endpoint_trace", tests, SUITE_SIZE(tests));
}
