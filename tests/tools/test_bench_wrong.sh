#!/usr/bin/env bash
# SPDX-License-Identifier: BSD-3-Clause
#
# gcs-bench finds out when deliveries are wrong: a library that is loaded before
# libgcs loses, repeats, exchanges or damages one delivery at one member. Each must
# end the run without figures.
# shellcheck source=tests/tools/lib.sh
. "$(dirname "$0")/lib.sh"
bench=$1/bench/gcs-bench
[ -x "$bench" ] || { echo "no $bench"; exit 77; }
source=${GCS_SOURCE_DIR:-$(cd "$(dirname "$0")/../.." && pwd)}
command -v "${CC:-cc}" >/dev/null || { echo "no compiler"; exit 77; }

cat >"$tmp/wrong.c" <<'C'
/* gcs_next, which does what WRONG says to the 10th delivery in the first process that comes by. */
#include <dlfcn.h>
#include <fcntl.h>
#include <gcs/gcs.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AT 10
#define BYTES 64
#define MESSAGES 512

typedef int next_function(struct gcs_endpoint *, struct gcs_event *, int);

static next_function *next;
static int chosen = -1; /* this process; -1: not known yet */
static int count;

/* Deliveries that are kept beyond the next call, and how many of them are still to be given. */
static struct {
    struct gcs_event event;
    struct gcs_member_id sender;
    struct gcs_message messages[MESSAGES];
    char bytes[MESSAGES][BYTES];
} kept[2];
static int owed[2];
static int owed_count;

static void keep(int slot, const struct gcs_event *event)
{
    kept[slot].event = *event;
    kept[slot].sender = *event->sender;
    for (size_t i = 0; i < event->count && i < MESSAGES; i++) {
        kept[slot].messages[i].data = memcpy(kept[slot].bytes[i], event->messages[i].data, BYTES);
        kept[slot].messages[i].size = event->messages[i].size;
    }
    kept[slot].event.sender = &kept[slot].sender;
    kept[slot].event.messages = kept[slot].messages;
}

/* Two deliveries of different senders change places; of the same: try again later. */
static int exchange(struct gcs_endpoint *endpoint, struct gcs_event *event)
{
    int result;

    do
        result = next(endpoint, event, -1);
    while (result == 1 && event->type != GCS_EVENT_DELIVER);
    keep(1, event);
    int same = memcmp(&kept[0].sender, &kept[1].sender, sizeof(kept[0].sender)) == 0;
    owed[owed_count++] = same;
    *event = kept[!same].event;
    if (same)
        count = AT - 5;
    return result;
}

static int spoil(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout, const char *wrong)
{
    keep(0, event);
    if (strcmp(wrong, "lose") == 0)
        return next(endpoint, event, timeout);
    if (strcmp(wrong, "exchange") == 0)
        return exchange(endpoint, event);
    if (strcmp(wrong, "repeat") == 0)
        owed[owed_count++] = 0;
    if (strcmp(wrong, "damage") == 0)
        kept[0].bytes[0][BYTES - 1] ^= 1;
    *event = kept[0].event;
    return 1;
}

int gcs_next(struct gcs_endpoint *endpoint, struct gcs_event *event, int timeout)
{
    if (!next)
        *(void **)&next = dlsym(RTLD_NEXT, "gcs_next");
    if (chosen < 0)
        chosen = open(getenv("WRONG_FILE"), O_CREAT | O_EXCL, 0600) >= 0;
    if (owed_count > 0) {
        *event = kept[owed[--owed_count]].event;
        return 1;
    }
    int result = next(endpoint, event, timeout);
    if (chosen && result == 1 && event->type == GCS_EVENT_DELIVER && ++count == AT)
        return spoil(endpoint, event, timeout, getenv("WRONG"));
    return result;
}
C
"${CC:-cc}" -std=c11 -D_GNU_SOURCE -shared -fPIC -I"$source/gcs/include" -o "$tmp/wrong.so" "$tmp/wrong.c" -ldl ||
    { echo "no shared library"; exit 1; }
export WRONG WRONG_FILE=$tmp/chosen
run() {
    rm -f "$WRONG_FILE"
    LD_PRELOAD=$tmp/wrong.so timeout 60 "$bench" throughput --seconds 1 --warmup 0.2 --rate 2000 --size 64 \
        --runs 1 --json "$@" >"$tmp/out" 2>"$tmp/said.1"
}
WRONG=nothing
run || { echo "does not run with a library before it: a sanitizer?"; exit 77; }
check "right without a mistake" grep -q '^{.*}$' "$tmp/out"

# found WORDS OPTION...: exit 1, words, no figures.
found() {
    local words=$1 status=0
    shift
    run "$@" || status=$?
    check "$WRONG: exit 1" [ $status = 1 ]
    check "$WRONG: says so" grep -qE -e "$words" "$tmp/said.1"
    check "$WRONG: no figures" [ "$(grep -c 'median\|^{' "$tmp/out")" = 0 ]
}
WRONG=damage
found "wrong delivery"
WRONG=repeat
found "wrong delivery" --service safe
WRONG=lose
found "wrong delivery" --service fifo
WRONG=exchange
found "order digest"
exit
