/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Versions that come later, as far as they can be known: what one member sends is changed on
 * its way out, in place of a library that does not exist yet. A higher minor
 * version with frames that nobody knows is a member like any other; another major
 * version is refused, and both sides can tell which two they are.
 */
/* ctest-labels: thread */
#include "gcs/base/trace.h"
#include "gcs/wire/bytes.h"
#include "gcs/wire/packet.h"
#include "integration/readers.h"
#include "unit/suite.h"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

enum { MEMBERS = 3, MESSAGES = 400, UNKNOWN_FRAME = 201, UNKNOWN_BYTES = 12 };

static atomic_uint later_port; /* whose packets are changed; 0: nobody's */
static atomic_uint later_major, later_minor;
static atomic_uint changed;

/* ---- A later version ------------------------------------------------------------------- */

static unsigned port_of(int fd)
{
    struct sockaddr_in name;
    socklen_t size = sizeof(name);

    return getsockname(fd, (struct sockaddr *)&name, &size) == 0 ? ntohs(name.sin_port) : 0;
}

/* A frame of a type that is not known, behind all others but in front of the payload. */
static size_t add_frame(uint8_t *data, size_t size)
{
    size_t control = (size_t)gcs_load_le(data + 6, 2), end = GCS_PACKET_HEADER + control;
    const uint8_t frame[UNKNOWN_BYTES] = {UNKNOWN_FRAME, 0, UNKNOWN_BYTES - GCS_FRAME_HEADER, 0, 1};

    if (control > 0 && data[GCS_PACKET_HEADER] == GCS_FRAME_PIECE) /* is alone by its nature */
        return size;
    memmove(data + end + UNKNOWN_BYTES, data + end, size - end);
    memcpy(data + end, frame, sizeof(frame));
    gcs_store_le(data + 6, control + UNKNOWN_BYTES, 2);
    return size + UNKNOWN_BYTES;
}

static size_t make_later(uint8_t *data, size_t size)
{
    uint64_t cluster = gcs_trace_hash("", 0);

    data[3] = (uint8_t)atomic_load(&later_major);
    data[4] = (uint8_t)atomic_load(&later_minor);
    size = add_frame(data, size);
    gcs_store_le(data + 8, 0, 8);
    gcs_store_le(data + 8,
                 XXH3_64bits_withSeed(data + 16, size - 16, cluster ^ gcs_load_le(data, 8)), 8);
    atomic_fetch_add(&changed, 1);
    return size;
}

/* In place of the C library's, for the transport in this program: each packet by itself, some of
 * them changed. */
int sendmmsg(int fd, struct mmsghdr *headers, unsigned count, int flags)
{
    bool later = port_of(fd) == atomic_load(&later_port);

    for (unsigned i = 0; i < count; i++) {
        const struct msghdr *h = &headers[i].msg_hdr;

        for (size_t k = 0; k < h->msg_iovlen; k++) {
            static _Thread_local uint8_t data[GCS_FRAME_HEADER + 70000];
            size_t size = h->msg_iov[k].iov_len;

            memcpy(data, h->msg_iov[k].iov_base, size);
            if (later && size >= GCS_PACKET_HEADER && data[3] == GCS_PROTOCOL_MAJOR)
                size = make_later(data, size);
            if (sendto(fd, data, size, flags, h->msg_name, h->msg_namelen) < 0) {
                /* lost */
            }
        }
        headers[i].msg_len = 1;
    }
    return (int)count;
}

static void let_be_later(const struct gcs_endpoint *endpoint, unsigned major, unsigned minor)
{
    atomic_store(&later_major, major);
    atomic_store(&later_minor, minor);
    atomic_store(&later_port, (unsigned)atoi(strrchr(gcs_endpoint_address(endpoint), ':') + 1));
}

/* ---- Tests ----------------------------------------------------------------------------- */

static uint64_t unknown_frames(unsigned i)
{
    struct gcs_counters counters;

    crew_ok(gcs_counters_get(readers[i].endpoint, &counters));
    ck_assert_uint_eq(counters.dropped_malformed, 0);
    ck_assert_uint_eq(counters.dropped_corrupt, 0);
    ck_assert_uint_eq(counters.dropped_version, 0);
    return counters.frames_unknown;
}

static void send_from_all(uint32_t first, uint32_t count)
{
    for (uint32_t i = first; i < first + count; i++) {
        for (unsigned sender = 0; sender < MEMBERS; sender++)
            crew_ok(readers_send(sender, i, sizeof(struct numbered), GCS_FOREVER));
    }
}

/* _i: who is of the later version: the coordinator, or one that joined. */
START_TEST(a_higher_minor_version_with_unknown_frames_is_a_member_like_any_other)
{
    atomic_store(&later_port, 0);
    readers_open(MEMBERS, "&packet=1400", 5000, false);
    send_from_all(1, 10);
    let_be_later(readers[_i].endpoint, GCS_PROTOCOL_MAJOR, GCS_PROTOCOL_MINOR + 7);
    send_from_all(11, MESSAGES);
    readers_expect(MEMBERS, MEMBERS * (10 + MESSAGES));
    ck_assert(readers_together(MEMBERS));
    ck_assert_uint_gt(atomic_load(&changed), MESSAGES / 10);
    for (unsigned i = 0; i < MEMBERS; i++)
        ck_assert(i == (unsigned)_i || unknown_frames(i) > 0);
    readers_close(MEMBERS);
}
END_TEST

/* ... also while it joins, and changes views. */
START_TEST(a_higher_minor_version_joins_and_leaves)
{
    struct gcs_group *group;
    struct gcs_event event;
    struct crew crew;

    memset(&crew, 0, sizeof(crew));
    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    crew_await_members(crew.endpoint[0], 1);
    crew_open(&crew, NULL);
    let_be_later(crew.endpoint[1], GCS_PROTOCOL_MAJOR, UINT8_MAX);
    group = crew_join(&crew, 1, NULL);
    crew_await_members(crew.endpoint[0], 2);
    crew_await_members(crew.endpoint[1], 2);
    crew_ok(gcs_leave(group));
    crew_await(crew.endpoint[1], GCS_EVENT_LEFT, &event);
    ck_assert_int_eq(event.error, 0);
    crew_await_members(crew.endpoint[0], 1);
    crew_close(&crew);
}
END_TEST

static bool is_said(const struct gcs_endpoint *endpoint, const struct gcs_endpoint *other,
                    unsigned theirs, unsigned ours)
{
    char text[256];

    (void)snprintf(text, sizeof(text),
                   "%s speaks version %u of the protocol, this endpoint version %u",
                   gcs_endpoint_address(other), theirs, ours);
    return strstr(gcs_endpoint_note(endpoint), text) != NULL;
}

START_TEST(another_major_version_is_refused_and_both_are_named)
{
    struct gcs_counters counters;
    struct crew crew;

    memset(&crew, 0, sizeof(crew));
    crew_open(&crew, NULL);
    crew_join(&crew, 0, NULL);
    crew_await_members(crew.endpoint[0], 1);
    ck_assert_str_eq(gcs_endpoint_note(crew.endpoint[0]), "");
    crew_open(&crew, NULL);
    let_be_later(crew.endpoint[1], 2, 0);
    crew_join(&crew, 1, NULL);
    readers_await(is_said(crew.endpoint[0], crew.endpoint[1], 2, GCS_PROTOCOL_MAJOR));
    crew_ok(gcs_counters_get(crew.endpoint[0], &counters));
    ck_assert_uint_gt(counters.dropped_version, 0);
    ck_assert_uint_eq(counters.views_installed, 1);
    /* It was answered, in a version that it would refuse in its turn. */
    crew_ok(gcs_counters_get(crew.endpoint[1], &counters));
    readers_await(
        (crew_ok(gcs_counters_get(crew.endpoint[1], &counters)), counters.packets_received > 0));
    crew_close(&crew);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("upgrade");
    TCase *tcase = tcase_create("upgrade");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(
        tcase, a_higher_minor_version_with_unknown_frames_is_a_member_like_any_other, 0, MEMBERS);
    tcase_add_test(tcase, a_higher_minor_version_joins_and_leaves);
    tcase_add_test(tcase, another_major_version_is_refused_and_both_are_named);
    suite_add_tcase(suite, tcase);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
