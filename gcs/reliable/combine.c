/* SPDX-License-Identifier: BSD-3-Clause */
/* Combined acknowledgements: see combine.h. */
#include "gcs/reliable/combine.h"

#include "gcs/base/memory.h"
#include "gcs/base/mutant.h"

bool gcs_combine_init(struct gcs_combine *combine, const struct gcs_allocator *allocator,
                      uint16_t children, uint16_t self, uint16_t senders)
{
    size_t steps = (size_t)children * GCS_REPORT_STEPS_MAX + 1;
    *combine = (struct gcs_combine){
        .allocator = allocator, .children = children, .senders = senders, .self = self};
    combine->taken = gcs_allocate(allocator, children + 1u, sizeof(*combine->taken));
    combine->stairs = gcs_allocate(allocator, children + 1u, sizeof(*combine->stairs));
    combine->sorted = gcs_allocate(allocator, steps, sizeof(*combine->sorted));
    return combine->taken && combine->stairs && combine->sorted;
}

void gcs_combine_fini(struct gcs_combine *combine)
{
    for (uint16_t child = 0; combine->taken && child < combine->children; child++)
        gcs_release(combine->allocator, combine->taken[child]);
    gcs_release(combine->allocator, combine->taken);
    gcs_release(combine->allocator, combine->stairs);
    gcs_release(combine->allocator, combine->sorted);
    *combine = (struct gcs_combine){.allocator = combine->allocator};
}

bool gcs_combine_taken(struct gcs_combine *combine, uint16_t child, uint16_t sender, uint64_t taken)
{
    uint64_t **vector = &combine->taken[child];
    if (!*vector)
        *vector = gcs_allocate(combine->allocator, combine->senders, sizeof(**vector));
    if (*vector && taken > (*vector)[sender])
        (*vector)[sender] = taken;
    return *vector != NULL;
}

uint64_t gcs_combine_least(const struct gcs_combine *combine, uint16_t sender, uint64_t own)
{
    uint64_t least = own;
    for (uint16_t child = 0; child < combine->children; child++) {
        uint64_t taken = combine->taken[child] ? combine->taken[child][sender] : 0;
        if (child != combine->self && taken < least && !GCS_MUTANT(wrong_minimum))
            least = taken;
    }
    return least;
}

/* ---- Stairs ----------------------------------------------------------------------------- */

/* The last step stands for all votes, so it is the one before it that gives way. */
static void push(struct gcs_stair *stair, uint64_t position, uint32_t votes)
{
    if (votes == 0 || (stair->count > 0 && votes <= stair->step[stair->count - 1].votes))
        return;
    if (stair->count == GCS_REPORT_STEPS_MAX)
        stair->count--;
    stair->step[stair->count++] = (struct gcs_step){position, votes};
}

/* What was true of a child is true still: of both stairs the higher one at each position. */
void gcs_combine_stair(struct gcs_combine *combine, uint16_t child, const struct gcs_step *step,
                       uint16_t count)
{
    const struct gcs_stair old = combine->stairs[child];
    struct gcs_stair *stair = &combine->stairs[child];
    uint16_t i = 0, j = 0;
    stair->count = 0;
    while (i < old.count || j < count) {
        bool first = j == count || (i < old.count && old.step[i].position >= step[j].position);
        const struct gcs_step *next = first ? &old.step[i++] : &step[j++];
        push(stair, next->position, next->votes);
    }
}

/* So many more votes hold up to the position: into the sorted list. */
static size_t add(struct gcs_step *sorted, size_t count, uint64_t position, uint32_t votes)
{
    size_t place = count;
    while (place > 0 && sorted[place - 1].position < position)
        place--;
    if (place > 0 && sorted[place - 1].position == position) {
        sorted[place - 1].votes += votes;
        return count;
    }
    memmove(sorted + place + 1, sorted + place, (count - place) * sizeof(*sorted));
    sorted[place] = (struct gcs_step){position, votes};
    return count + 1;
}

/* All steps, positions descending; votes are what each adds to those before it. */
static size_t sort(struct gcs_combine *combine, struct gcs_step own)
{
    size_t count = add(combine->sorted, 0, own.position, own.votes);
    for (uint16_t child = 0; child < combine->children; child++) {
        const struct gcs_stair *stair = &combine->stairs[child];
        if (child == combine->self)
            continue;
        for (uint16_t i = 0; i < stair->count; i++)
            count = add(combine->sorted, count, stair->step[i].position,
                        stair->step[i].votes - (i > 0 ? stair->step[i - 1].votes : 0));
    }
    return count;
}

void gcs_combine_merge(struct gcs_combine *combine, struct gcs_step own, struct gcs_stair *merged)
{
    size_t count = sort(combine, own),
           every = (count + GCS_REPORT_STEPS_MAX - 1) / GCS_REPORT_STEPS_MAX;
    uint32_t votes = 0;
    merged->count = 0;
    for (size_t i = 0; i < count; i++) {
        uint32_t before = merged->count ? merged->step[merged->count - 1].votes : 0;
        votes += combine->sorted[i].votes;
        bool more = votes > before || merged->count == 0;
        if ((count - 1 - i) % every == 0 && more && combine->sorted[i].position > 0)
            merged->step[merged->count++] = (struct gcs_step){combine->sorted[i].position, votes};
    }
}

uint64_t gcs_combine_reach(struct gcs_combine *combine, struct gcs_step own, uint32_t votes)
{
    size_t count = sort(combine, own);
    uint64_t so_far = 0;
    for (size_t i = 0; i < count; i++) {
        so_far += combine->sorted[i].votes;
        if (so_far >= votes)
            return combine->sorted[i].position;
    }
    return 0;
}
