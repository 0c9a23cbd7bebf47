/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of another major version of the protocol. Nothing of them can be
 * understood but the version. The first one is remembered, so that somebody can be told why
 * two processes do not find each other; and it is answered, so that the other side,
 * which is mostly the newer one and only waits, can tell as well. The answer is bounded in number:
 * two strangers must not talk for ever.
 */
#include "gcs/group.h"

#include <string.h>

_Static_assert(GCS_PROTOCOL_MAJOR == GCS_VERSION_MAJOR_WIRE &&
                   GCS_PROTOCOL_MINOR == GCS_VERSION_MINOR_WIRE,
               "what is promised is what is spoken");

#define VERSION_AT   3
#define ANSWERS_MAX  8
#define ANSWER_EVERY 1000000000u /* ns */

/* What every version of the protocol begins with. */
static bool is_ours(const uint8_t *data, size_t size)
{
    return size > VERSION_AT && memcmp(data, "gcs", VERSION_AT) == 0 && data[VERSION_AT] != 0;
}

/* A single packet may be a damaged one of ours; the same twice is not. */
static bool is_sure(struct gcs_stranger *stranger, const struct gcs_address *from, uint8_t version)
{
    bool again =
        stranger->suspect_version == version && gcs_address_equal(&stranger->suspect_address, from);
    stranger->suspect_version = version;
    stranger->suspect_address = *from;
    return again;
}

void gcs_core_meet_stranger(struct gcs_core *core, uint64_t now, const struct gcs_address *from,
                            const uint8_t *data, size_t size)
{
    const struct gcs_envelope envelope = {.group = core->endpoint_tag, .rank = GCS_RANK_NONE};
    const uint8_t nothing[1] = {0}; /* of a frame that whoever speaks another version skips */
    struct gcs_stranger *stranger = &core->stranger;
    if (!is_ours(data, size) || !is_sure(stranger, from, data[VERSION_AT]))
        return;
    if (stranger->version == 0) {
        stranger->version = data[VERSION_AT];
        stranger->address = *from;
    }
    if (now < stranger->silent_until || stranger->answers == ANSWERS_MAX)
        return;
    stranger->silent_until = now + ANSWER_EVERY;
    stranger->answers++;
    gcs_core_send_frame(core, &envelope, from, GCS_FRAME_HEARTBEAT, nothing, sizeof(nothing));
}

int gcs_core_stranger(const struct gcs_core *core, struct gcs_address *from)
{
    if (core->stranger.version && from)
        *from = core->stranger.address;
    return core->stranger.version;
}
