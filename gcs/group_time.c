/* SPDX-License-Identifier: BSD-3-Clause */
/* Group time: see group_time.h. */
#include "gcs/group_time.h"

#include "gcs/base/mutant.h"
#include "gcs/base/times.h"
#include "gcs/wire/time.h"

static uint64_t add(uint64_t time, uint64_t elapsed)
{
    return elapsed > GCS_GROUP_TIME_MAX - time ? GCS_GROUP_TIME_MAX : time + elapsed;
}

uint64_t gcs_group_time_wall(uint64_t now, int64_t offset)
{
    if (now > GCS_GROUP_TIME_MAX)
        now = GCS_GROUP_TIME_MAX;
    if (offset >= 0)
        return add(now, (uint64_t)offset);
    uint64_t back = (uint64_t)0 - (uint64_t)offset;
    return back > now ? 0 : now - back;
}

static uint64_t elapsed_since(const struct gcs_group_time *clock, uint64_t now)
{
    return now > clock->at ? now - clock->at : 0;
}

void gcs_group_time_begin(struct gcs_group_time *clock, uint64_t now, uint64_t time, bool fresh)
{
    if (fresh)
        *clock = (struct gcs_group_time){.at = now, .time = time};
    if (add(clock->time, elapsed_since(clock, now)) < time) {
        clock->at = now;
        clock->time = time;
    }
    clock->word = 0; /* the coordinator may be another one */
    clock->known = clock->agreed = gcs_later(clock->agreed, time);
}

uint64_t gcs_group_time_propose(struct gcs_group_time *clock, uint64_t now, bool steers,
                                uint64_t wall)
{
    uint64_t elapsed = elapsed_since(clock, now);
    uint64_t time = add(clock->time, elapsed);
    if (steers) {
        uint64_t least = add(clock->time, elapsed / 2);
        uint64_t most = add(time, elapsed);
        time = wall < least ? least : wall > most ? most : wall;
        clock->at += elapsed;
        clock->time = time;
    }
    clock->known = gcs_later(clock->known, time);
    return time;
}

void gcs_group_time_hear(struct gcs_group_time *clock, uint64_t now, uint64_t time,
                         bool coordinator)
{
    clock->known = gcs_later(clock->known, time);
    if (!coordinator || time <= clock->word)
        return;
    clock->word = clock->time = time;
    clock->at = now;
}

uint64_t gcs_group_time_deliver(struct gcs_group_time *clock, uint64_t time)
{
    if (time > clock->agreed || GCS_MUTANT(time_goes_back))
        clock->agreed = time;
    return clock->agreed;
}

uint64_t gcs_group_time_report(const struct gcs_group_time *clock, uint64_t now)
{
    if (GCS_MUTANT(time_forgotten))
        return 0;
    return gcs_later(clock->known, add(clock->time, elapsed_since(clock, now)));
}
