/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status socket: what it tells, to whom, and that no client of it, however ill it
 * behaves, keeps the endpoint from its work or the next client from an answer.
 */
/* ctest-labels: thread */
#include "crew.h"
#include "gcs/endpoint.h"
#include "suite.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define REPLY_MAX (1 << 20)

static char folder[64], path[96];
static char reply[REPLY_MAX];

static void begin(void)
{
    (void)snprintf(folder, sizeof(folder), "/tmp/gcs-status-test.XXXXXX");
    ck_assert_ptr_nonnull(mkdtemp(folder));
    (void)snprintf(path, sizeof(path), "%s/socket", folder);
}

static void end(void)
{
    (void)unlink(path);
    ck_assert_int_eq(rmdir(folder), 0);
}

static void choose(struct gcs_endpoint_options *options)
{
    gcs_endpoint_options_init(options);
    options->status = path;
}

static int knock(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    ck_assert_int_ge(fd, 0);
    memcpy(address.sun_path, path, strlen(path) + 1);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == 0)
        return fd;
    close(fd);
    return -1;
}

/* Sends the bytes and reads until the other side hangs up; what came is in reply. */
static size_t ask(const char *bytes, size_t size)
{
    int fd = knock();
    size_t got = 0;
    ssize_t more;
    ck_assert_int_ge(fd, 0);
    ck_assert_int_eq(send(fd, bytes, size, MSG_NOSIGNAL), (ssize_t)size);
    while ((more = recv(fd, reply + got, sizeof(reply) - 1 - got, 0)) > 0)
        got += (size_t)more;
    reply[got] = '\0';
    close(fd);
    return got;
}

static void ask_for(const char *request)
{
    (void)ask(request, strlen(request));
}

/* Two members that have delivered a few messages; the second one's socket is ours. */
static void form(struct crew *crew, uint32_t flags)
{
    struct gcs_endpoint_options options;
    struct gcs_event event;
    memset(crew, 0, sizeof(*crew));
    choose(&options);
    options.flags = flags;
    crew_open(crew, NULL);
    crew_join(crew, 0, NULL);
    crew_await_members(crew->endpoint[0], 1);
    crew_open(crew, &options);
    crew_join(crew, 1, NULL);
    crew_await_members(crew->endpoint[1], 2);
    for (int i = 0; i < 5; i++) {
        crew_ok(gcs_multicast(crew->group[1], GCS_SAFE, "x", 1, 0));
        crew_await(crew->endpoint[1], GCS_EVENT_DELIVER, &event);
    }
}

START_TEST(it_tells_counters_groups_members_and_latency)
{
    struct crew crew;
    char text[GCS_MEMBER_TEXT_MAX + 64], member[GCS_MEMBER_TEXT_MAX];
    begin();
    form(&crew, 0);
    ask_for("json\n");
    ck_assert_ptr_nonnull(strstr(reply, "\"name\":\"crew\""));
    ck_assert_ptr_nonnull(strstr(reply, "\"members\":2"));
    ck_assert_ptr_nonnull(strstr(reply, "\"safe\":{\"count\":"));
#define EXPECT_COUNTER(name, words) ck_assert_ptr_nonnull(strstr(reply, "\"" #name "\":"));
    GCS_COUNTER_TABLE(EXPECT_COUNTER)
    GCS_GROUP_STATUS_TABLE(EXPECT_COUNTER)
    GCS_MEMBER_STATUS_TABLE(EXPECT_COUNTER)
    const struct gcs_view *view = gcs_view_acquire(crew.group[1]);
    for (size_t i = 0; i < 2; i++) {
        gcs_member_format(&view->members[i].id, member, sizeof(member));
        (void)snprintf(text, sizeof(text), "\"rank\":%zu,\"member\":\"%s\"", i, member);
        ck_assert_ptr_nonnull(strstr(reply, text));
    }
    gcs_view_release(view);
    ask_for("metrics\n");
#define EXPECT_METRIC(name, words) ck_assert_ptr_nonnull(strstr(reply, "\ngcs_" #name "_total "));
    GCS_COUNTER_TABLE(EXPECT_METRIC)
    ck_assert_ptr_nonnull(strstr(reply, "\ngcs_connections_total 0\n")); /* UDP has none */
    ck_assert_ptr_nonnull(strstr(reply, "\ngcs_group_members{group=\"crew\"} 2\n"));
    ck_assert_ptr_nonnull(strstr(reply, "\ngcs_member_rtt_seconds{"));
    ck_assert_ptr_nonnull(strstr(reply, "service=\"safe\",le=\"+Inf\"}"));
    ck_assert_int_eq(reply[strlen(reply) - 1], '\n');
    crew_close(&crew);
    end();
}
END_TEST

/* Whatever services there are, each has its latency. */
START_TEST(each_service_is_measured)
{
    struct crew crew;
    struct gcs_event event;
    char text[64];
    unsigned services = 0;
    begin();
    form(&crew, 0);
    for (uint8_t service = 0; service < GCS_SERVICES; service++) {
        if (gcs_multicast(crew.group[1], (enum gcs_service)service, "z", 1, 0) != 0)
            continue; /* there is none of that number */
        crew_await(crew.endpoint[1], GCS_EVENT_DELIVER, &event);
        while (event.service != (enum gcs_service)service)
            crew_await(crew.endpoint[1], GCS_EVENT_DELIVER, &event);
        ck_assert_str_ne(gcs_service_name(service), "");
        crew_pause_ms(60); /* until there is another snapshot */
        ask_for("json\n");
        (void)snprintf(text, sizeof(text), "\"%s\":{\"count\":", gcs_service_name(service));
        ck_assert_ptr_nonnull(strstr(reply, text));
        services++;
    }
    ck_assert_uint_ge(services, 3);
    crew_close(&crew);
    end();
}
END_TEST

START_TEST(it_tells_in_the_own_loop_too)
{
    struct crew crew;
    begin();
    form(&crew, GCS_OWN_LOOP);
    ask_for("json\n");
    ck_assert_ptr_nonnull(strstr(reply, "\"members\":2"));
    crew_close(&crew);
    end();
}
END_TEST

START_TEST(it_has_the_permissions_asked_for_whatever_the_umask)
{
    static const uint32_t modes[] = {0600, 0660, 0666, 0};
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    struct stat status;
    begin();
    for (size_t i = 0; i < SUITE_SIZE(modes); i++) {
        mode_t mask = umask(i % 2 ? 0077 : 0);
        choose(&options);
        ck_assert_uint_eq(options.status_mode, 0600);
        options.status_mode = modes[i];
        crew_ok(gcs_open("udp://127.0.0.1:0", &options, &endpoint));
        ck_assert_int_eq(stat(path, &status), 0);
        ck_assert_uint_eq(status.st_mode & 07777, modes[i]);
        gcs_close(endpoint);
        ck_assert_int_ne(stat(path, &status), 0); /* it goes with its endpoint */
        umask(mask);
    }
    end();
}
END_TEST

START_TEST(what_is_wrong_with_the_path_is_said)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint = NULL, *other = NULL;
    char longest[200];
    begin();
    choose(&options);
    options.status_mode = 01000;
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", &options, &endpoint), GCS_EOPTION);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "status_mode"));
    choose(&options);
    memset(longest, 'x', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    options.status = longest;
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", &options, &endpoint), GCS_EOPTION);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "status"));
    choose(&options);
    options.status = "/nowhere/at/all";
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", &options, &endpoint), GCS_ESYSTEM);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), "/nowhere/at/all"));
    choose(&options);
    crew_ok(gcs_open("udp://127.0.0.1:0", &options, &endpoint));
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", &options, &other), GCS_ESYSTEM);
    ck_assert_ptr_nonnull(strstr(gcs_detail(), path));
    ask_for("json\n"); /* of the first one, which is as it was */
    ck_assert_ptr_nonnull(strstr(reply, gcs_endpoint_address(endpoint)));
    gcs_close(endpoint);
    ck_assert_ptr_null(other);
    end();
}
END_TEST

START_TEST(what_a_dead_process_left_is_replaced_and_nothing_else)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    struct stat status;
    begin();
    choose(&options);
    pid_t child = fork();
    if (child == 0) {
        if (gcs_open("udp://127.0.0.1:0", &options, &endpoint) != 0)
            _exit(1);
        (void)raise(SIGKILL);
    }
    int how;
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFSIGNALED(how));
    ck_assert_int_eq(stat(path, &status), 0); /* left over */
    crew_ok(gcs_open("udp://127.0.0.1:0", &options, &endpoint));
    ask_for("json\n");
    ck_assert_int_eq(reply[0], '{');
    gcs_close(endpoint);
    int file = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600); /* not a socket at all */
    ck_assert_int_eq(write(file, "mine", 4), 4);
    close(file);
    ck_assert_int_eq(gcs_open("udp://127.0.0.1:0", &options, &endpoint), GCS_ESYSTEM);
    ck_assert_int_eq(stat(path, &status), 0);
    ck_assert_int_eq(status.st_size, 4);
    end();
}
END_TEST

START_TEST(a_path_that_has_become_somebody_elses_stays)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *first, *second;
    begin();
    choose(&options);
    crew_ok(gcs_open("udp://127.0.0.1:0", &options, &first));
    ck_assert_int_eq(unlink(path), 0);
    crew_ok(gcs_open("udp://127.0.0.1:0", &options, &second));
    gcs_close(first);
    ask_for("json\n");
    ck_assert_ptr_nonnull(strstr(reply, gcs_endpoint_address(second)));
    gcs_close(second);
    end();
}
END_TEST

START_TEST(a_child_that_closes_takes_nothing_away)
{
    struct gcs_endpoint_options options;
    struct gcs_endpoint *endpoint;
    int how;
    begin();
    choose(&options);
    crew_ok(gcs_open("udp://127.0.0.1:0", &options, &endpoint));
    pid_t child = fork();
    if (child == 0) {
        gcs_close(endpoint);
        _exit(0);
    }
    ck_assert_int_eq(waitpid(child, &how, 0), child);
    ck_assert(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    ask_for("json\n");
    ck_assert_int_eq(reply[0], '{');
    gcs_close(endpoint);
    end();
}
END_TEST

START_TEST(nonsense_gets_a_word_or_is_hung_up_on)
{
    static const char zeros[64];
    struct crew crew;
    begin();
    form(&crew, 0);
    ask_for("please\n");
    ck_assert_ptr_nonnull(strstr(reply, "error: unknown request"));
    ask_for("JSON\n");
    ck_assert_ptr_nonnull(strstr(reply, "error: unknown request"));
    ask_for("\n");
    ck_assert_ptr_nonnull(strstr(reply, "error: unknown request"));
    /* No line at all: hung up on as soon as it is too long for one. */
    ck_assert_uint_eq(ask(zeros, 32), 0);
    ask_for("json\n");
    ck_assert_int_eq(reply[0], '{');
    crew_close(&crew);
    end();
}
END_TEST

/* Clients that say nothing, that say half a line, that ask and never read, that ask and go: many
 * more than there are places. Those who ask get their answer all the same, and the group works. */
START_TEST(ill_behaved_clients_harm_nobody)
{
    struct crew crew;
    struct gcs_event event;
    int clients[64];
    begin();
    form(&crew, 0);
    for (size_t i = 0; i < SUITE_SIZE(clients); i++) {
        clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        struct sockaddr_un address = {.sun_family = AF_UNIX};
        memcpy(address.sun_path, path, strlen(path) + 1);
        /* The listener's queue may be full: then it is one client fewer. */
        if (connect(clients[i], (const struct sockaddr *)&address, sizeof(address)) != 0)
            continue;
        static const char *const words[] = {"", "jso", "metrics\n", "json\n"};
        const char *word = words[i % 4];
        (void)send(clients[i], word, strlen(word), MSG_NOSIGNAL);
        if (i % 8 == 7) {
            close(clients[i]);
            clients[i] = -1;
        }
    }
    for (int i = 0; i < 200; i++) {
        crew_ok(gcs_multicast(crew.group[1], GCS_AGREED, "y", 1, GCS_FOREVER));
        crew_await(crew.endpoint[1], GCS_EVENT_DELIVER, &event);
    }
    ask_for("json\n");
    ck_assert_int_eq(reply[0], '{');
    ck_assert_ptr_nonnull(strstr(reply, "\"members\":2"));
    for (size_t i = 0; i < SUITE_SIZE(clients); i++)
        if (clients[i] >= 0)
            close(clients[i]);
    crew_close(&crew);
    end();
}
END_TEST

/* However often it is asked, the loop is asked for few snapshots: counters stand still between. */
START_TEST(askers_share_a_snapshot)
{
    struct crew crew;
    static char first[REPLY_MAX];
    unsigned same = 0;
    begin();
    form(&crew, 0);
    for (int i = 0; i < 20; i++) {
        ask_for("metrics\n");
        same += strcmp(first, reply) == 0;
        memcpy(first, reply, sizeof(first));
    }
    /* Two that were answered within 50 ms are alike to the last nanosecond of silence. */
    ck_assert_uint_gt(same, 0);
    crew_close(&crew);
    end();
}
END_TEST

START_TEST(closing_waits_for_no_client)
{
    struct crew crew;
    begin();
    form(&crew, 0);
    int silent = knock();
    ck_assert_int_ge(silent, 0);
    crew_close(&crew);
    struct pollfd fd = {.fd = silent, .events = POLLIN};
    ck_assert_int_eq(poll(&fd, 1, CREW_PATIENCE_MS), 1);
    close(silent);
    end();
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_tells_counters_groups_members_and_latency,
        each_service_is_measured,
        it_tells_in_the_own_loop_too,
        it_has_the_permissions_asked_for_whatever_the_umask,
        what_is_wrong_with_the_path_is_said,
        what_a_dead_process_left_is_replaced_and_nothing_else,
        a_path_that_has_become_somebody_elses_stays,
        a_child_that_closes_takes_nothing_away,
        nonsense_gets_a_word_or_is_hung_up_on,
        ill_behaved_clients_harm_nobody,
        askers_share_a_snapshot,
        closing_waits_for_no_client,
    };
    return suite_run("endpoint_status", tests, SUITE_SIZE(tests));
}
