/* SPDX-License-Identifier: BSD-3-Clause */
/* The window under congestion: see pace.h. */
#include "gcs/reliable/pace.h"

void gcs_pace_init(struct gcs_pace *pace, uint64_t now, uint32_t most)
{
    *pace = (struct gcs_pace){
        .window = most, .least = most / GCS_PACE_LEAST_PART, .most = most, .grown_at = now};
}

/* Nanoseconds from nothing to everything, at this window. */
static uint64_t slowness(const struct gcs_pace *pace, uint64_t now)
{
    bool near = now < pace->known_until && pace->window >= pace->known - pace->known / 8;
    return near ? (uint64_t)GCS_PACE_CAREFUL * GCS_PACE_GROW_NS : GCS_PACE_GROW_NS;
}

uint32_t gcs_pace_at(const struct gcs_pace *pace, uint64_t now)
{
    if (pace->window == pace->most || now <= pace->grown_at)
        return pace->window;
    uint64_t time = now - pace->grown_at, room = pace->most - pace->window;
    uint64_t whole = slowness(pace, now);
    uint64_t more = time < whole ? pace->most * time / whole : pace->most;
    return pace->window + (uint32_t)(more < room ? more : room);
}

uint32_t gcs_pace_window(struct gcs_pace *pace, uint64_t now)
{
    uint32_t window = gcs_pace_at(pace, now);
    if (window != pace->window) /* what is left of a byte counts from here on */
        pace->grown_at +=
            ((window - pace->window) * slowness(pace, now) + pace->most - 1) / pace->most;
    pace->window = window;
    return window;
}

bool gcs_pace_sign(struct gcs_pace *pace, uint64_t now, uint64_t round_trip_ns, bool full)
{
    if (now < pace->deaf_until)
        return false;
    uint32_t window = gcs_pace_window(pace, now);
    uint64_t wait = round_trip_ns > GCS_PACE_CUT_EVERY_NS ? round_trip_ns : GCS_PACE_CUT_EVERY_NS;
    pace->deaf_until = now + (wait < GCS_PACE_CUT_MOST_NS ? wait : GCS_PACE_CUT_MOST_NS);
    pace->known = window;
    pace->known_until = full ? now + GCS_PACE_KNOWN_NS : 0;
    pace->window = window - window / 4;
    if (pace->window < pace->least)
        pace->window = pace->least;
    if (pace->grown_at < now)
        pace->grown_at = now;
    pace->cuts++;
    return true;
}

bool gcs_pace_seen(struct gcs_pace *pace, uint64_t now, uint64_t number, uint64_t round_trip_ns)
{
    if (pace->probe == 0 || number < pace->probe)
        return false;
    uint64_t took = now - pace->probe_at;
    uint64_t quick = round_trip_ns > 0 && round_trip_ns < took ? round_trip_ns : took;
    pace->probe = 0;
    pace->trip = pace->trip > 0 ? pace->trip - pace->trip / 8 + took / 8 : took;
    if (pace->quickest == 0 || quick < pace->quickest || now >= pace->quickest_until) {
        pace->quickest = quick > 0 ? quick : 1;
        pace->quickest_until = now + GCS_PACE_MEMORY_NS;
    }
    if (took <= GCS_PACE_DELAY_NS ||
        (took / GCS_PACE_DELAY_TIMES <= pace->quickest && took <= GCS_PACE_DELAY_MOST_NS))
        return false;
    uint32_t window = gcs_pace_window(pace, now);
    if (took > 2 * GCS_PACE_DELAY_NS && window > 2 * pace->least) /* far too long: a part more */
        pace->window = window - window / 4;
    pace->grown_at = now + took;
    return true;
}
