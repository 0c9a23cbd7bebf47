/* SPDX-License-Identifier: BSD-3-Clause */
/* Are the deliveries what they must be? See check.h. */
#include "check.h"

#include <inttypes.h>
#include <stdio.h>

#define DIGEST_START UINT64_C(0x9ae16a3b2f90404f)

/* ---- The order ---------------------------------------------------------------------- */

/* One step of a hash: the finalizer of MurmurHash3 over what is there and what comes. */
static uint64_t mix(uint64_t digest, uint64_t value)
{
    digest = (digest ^ value) * UINT64_C(0xff51afd7ed558ccd);
    digest ^= digest >> 33;
    digest *= UINT64_C(0xc4ceb9fe1a85ec53);
    return digest ^ digest >> 33;
}

static void close_run(struct bench_check *check)
{
    uint64_t stamp = bench_stamp(check->run_sender, check->run_first);

    if (check->run_count == 0)
        return;
    check->digest = mix(mix(check->digest, stamp), check->run_count);
    check->view_digest = mix(mix(check->view_digest, stamp), check->run_count);
    check->run_count = 0;
}

static void add_to_run(struct bench_check *check, unsigned sender, uint64_t first, uint64_t count)
{
    if (check->run_sender != sender || check->run_first + check->run_count != first)
        close_run(check);
    if (check->run_count == 0) {
        check->run_sender = sender;
        check->run_first = first;
    }
    check->run_count += count;
}

void bench_check_view(struct bench_check *check)
{
    close_run(check);
    check->view_digest = DIGEST_START;
}

void bench_check_end(struct bench_check *check)
{
    close_run(check);
}

void bench_check_init(struct bench_check *check, uint32_t size, bool late)
{
    *check = (struct bench_check){
        .size = size,
        .digest = DIGEST_START,
        .view_digest = DIGEST_START,
    };
    for (unsigned i = 0; i < BENCH_MEMBERS_MAX; i++)
        check->next[i] = late ? 0 : 1;
}

/* ---- The messages ---------------------------------------------------------------------- */

static bool is_wrong(const struct gcs_message *message, uint32_t size, uint64_t stamp)
{
    const uint8_t *data = message->data;

    if (message->size != size || bench_load64(data) != stamp)
        return true;
    return size >= BENCH_TAIL_BYTES && bench_load64(data + size - sizeof(stamp)) != stamp;
}

static void describe(const struct gcs_message *message, uint32_t size, uint64_t stamp, char *error,
                     size_t error_size)
{
    const uint64_t low = (UINT64_C(1) << 48) - 1;
    uint64_t got = message->size >= BENCH_STAMP_BYTES ? bench_load64(message->data) : 0;

    snprintf(error, error_size,
             "wrong delivery: expected message %" PRIu64 " of member %" PRIu64 ", %" PRIu32
             " bytes; got message %" PRIu64 " of member %" PRIu64 ", %zu bytes",
             stamp & low, (stamp >> 48) + 1, size, got & low, (got >> 48) + 1, message->size);
}

bool bench_check_deliver(struct bench_check *check, unsigned sender, const struct gcs_event *event,
                         char *error, size_t error_size)
{
    const struct gcs_message *messages = event->messages;

    if (event->count == 0)
        return true;
    if (check->next[sender] == 0 && messages[0].size >= BENCH_STAMP_BYTES)
        check->next[sender] = bench_load64(messages[0].data) & ((UINT64_C(1) << 48) - 1);
    uint64_t stamp = bench_stamp(sender, check->next[sender]);
    for (size_t i = 0; i < event->count; i++) {
        if (is_wrong(&messages[i], check->size, stamp + i)) {
            describe(&messages[i], check->size, stamp + i, error, error_size);
            return false;
        }
    }
    add_to_run(check, sender, check->next[sender], event->count);
    check->next[sender] += event->count;
    check->messages += event->count;
    check->bytes += (uint64_t)event->count * check->size;
    return true;
}
