/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Congestion: who cannot take all that comes tells the senders, and they send less at
 * a time (reliable/pace.h). Overflow of a socket buffer is told to everybody, since
 * nobody knows whose packets it were; much loss on one path to the sender at its other
 * end. A packet lost now and then is told to nobody but by the request for it.
 *
 * In a large view each member speaks the more rarely the more there are, so that
 * nobody hears more of it than in a small one.
 */
#include "gcs/base/mutant.h"
#include "gcs/group.h"
#include "gcs/wire/pressure.h"

#define TELL_EVERY_NS 20000000u
#define TELL_MEMBERS  16u     /* that speak so often */
#define LOSS_MUCH     150000u /* parts in a million: more than chance */

static uint64_t tell_every(const struct gcs_era *era)
{
    return TELL_EVERY_NS * (uint64_t)(1 + era->view.count / TELL_MEMBERS);
}

/* ---- Answering -------------------------------------------------------------------------- */

/* full: it is known what there is room for. */
static void slow_down(struct gcs_era *era, uint64_t now, const struct gcs_peer *peer, bool full)
{
    if (GCS_MUTANT(deaf_to_congestion))
        return;
    if (gcs_pace_sign(&era->pace, now, peer ? gcs_peer_rtt(peer) : 0, full))
        era->group->core->counters.window_cuts++;
}

/* ---- Telling ---------------------------------------------------------------------------- */

static void tell_all(struct gcs_era *era, uint64_t overflowed)
{
    uint8_t body[GCS_PRESSURE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    struct gcs_pressure pressure = {.overflowed = overflowed};
    struct gcs_envelope envelope = {era->group->tag, era->view.lineage, era->view.epoch,
                                    era->view.self};
    gcs_pressure_write(&w, &pressure);
    gcs_core_multicast_frame(era->group->core, &envelope, era->others, GCS_FRAME_PRESSURE, body,
                             gcs_writer_size(&w));
    era->group->core->counters.congestion_told++;
}

static void tell_one(struct gcs_era *era, uint16_t rank)
{
    uint8_t body[GCS_PRESSURE_BYTES_MAX];
    struct gcs_writer w = gcs_writer_over(body, sizeof(body));
    struct gcs_pressure pressure = {.loss = era->fellows[rank].loss.ppm / 1000};
    gcs_pressure_write(&w, &pressure);
    gcs_era_send_frame(era, &era->members[rank].id.address, GCS_FRAME_PRESSURE, body,
                       gcs_writer_size(&w));
    era->group->core->counters.congestion_told++;
}

void gcs_era_pressure(struct gcs_era *era, uint64_t now)
{
    uint64_t overflowed = era->group->core->overflowed - era->overflow_told;
    if ((overflowed == 0 && !era->lossy) || era->closed || era->frozen) {
        era->pressure_due = GCS_NEVER;
        return;
    }
    if (now < era->pressure_at) {
        era->pressure_due = era->pressure_at;
        return;
    }
    if (overflowed > 0) {
        tell_all(era, overflowed);
        slow_down(era, now, NULL, true); /* like everybody, so that all stay equal */
    }
    for (uint16_t rank = 0; era->lossy && rank < era->view.count; rank++) {
        struct gcs_fellow *fellow = &era->fellows[rank];
        if (fellow->lossy)
            tell_one(era, rank);
        fellow->lossy = false;
    }
    era->lossy = false;
    era->overflow_told = era->group->core->overflowed;
    era->pressure_at = now + tell_every(era);
    era->pressure_due = GCS_NEVER;
}

void gcs_era_note_loss(struct gcs_era *era, uint16_t rank, bool repaired)
{
    struct gcs_fellow *fellow = &era->fellows[rank];
    gcs_loss_count(&fellow->loss, repaired);
    uint32_t much = GCS_MUTANT(loss_is_congestion) ? 1000 : LOSS_MUCH;
    if (fellow->loss.packets == 0 && fellow->loss.ppm >= much)
        fellow->lossy = era->lossy = true;
}

/* ---- Hearing ---------------------------------------------------------------------------- */

bool gcs_era_hear_pressure(struct gcs_era *era, uint64_t now, uint16_t rank, const uint8_t *body,
                           size_t size)
{
    struct gcs_pressure pressure;
    if (!gcs_pressure_read(body, size, &pressure))
        return false;
    era->group->core->counters.congestion_heard++;
    if (pressure.overflowed > 0 || pressure.loss > 0)
        slow_down(era, now, era->fellows[rank].peer, pressure.overflowed > 0);
    return true;
}

/* ---- In flight -------------------------------------------------------------------------- */

void gcs_era_note_flight(struct gcs_era *era, uint64_t now, uint64_t number, uint32_t size)
{
    if (era->tree || era->view.count == 1)
        return;
    era->flight += size;
    gcs_pace_sent(&era->pace, now, number);
}

static void land(struct gcs_era *era, uint64_t number)
{
    const struct gcs_window *own = &era->fellows[era->view.self].window;
    while (era->landed < number) {
        const struct gcs_held *packet = gcs_window_get(own, ++era->landed);
        if (packet)
            era->flight -= packet->size;
    }
}

void gcs_era_note_seen(struct gcs_era *era, uint64_t now, uint16_t rank, uint64_t number)
{
    if (era->tree || number <= era->fellows[rank].seen)
        return;
    era->fellows[rank].seen = number;
    for (uint16_t other = 0; other < era->view.count; other++)
        if (era->fellows[other].peer && era->fellows[other].seen < number)
            number = era->fellows[other].seen;
    if (number <= era->landed)
        return;
    land(era, number);
    const struct gcs_peer *last = era->fellows[rank].peer;
    if (gcs_pace_seen(&era->pace, now, number, last ? gcs_peer_rtt(last) : 0))
        slow_down(era, now, last, true);
}

/* Where there is a tree nobody hears from all what has come to them: what not all have taken counts
 * as in flight. */
bool gcs_era_may_fly(struct gcs_era *era, uint64_t now, uint32_t bytes)
{
    uint64_t flight = era->fellows[era->view.self].window.bytes;
    if (!era->tree && era->flight < flight)
        flight = era->flight;
    return flight == 0 || flight + bytes <= gcs_pace_window(&era->pace, now);
}
