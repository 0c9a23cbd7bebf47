/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a member knows of its group and of the others at one moment, for those who operate
 * it. The tables below are the only place where these values are defined: the structs, the status
 * socket's JSON and metrics, and the tools all come from them (as the counters come from
 * GCS_COUNTER_TABLE in gcs/core.h). A name that ends in _ns counts nanoseconds.
 */
#ifndef GCS_STATUS_H
#define GCS_STATUS_H

#include <gcs/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/* X(name, text): of one group */
#define GCS_GROUP_STATUS_TABLE(X)                                                        \
    X(epoch, "number of the current view, 0 before the first")                           \
    X(members, "members in the current view")                                            \
    X(rank, "own rank in the current view")                                              \
    X(primary, "1 in the primary, 0 cut off or not a member yet")                        \
    X(changing, "1 while the next view is being agreed on and nothing new is delivered") \
    X(window_packets, "own packets that not every member has taken yet")                 \
    X(window_packets_max, "the most that there may be of them")                          \
    X(window_bytes, "bytes of own packets that not every member has taken yet")          \
    X(window_bytes_max, "the most that there may be of them")                            \
    X(window_bytes_now, "... while there is congestion")                                 \
    X(queue_bytes, "bytes of own messages that wait for room in the window")             \
    X(queue_bytes_max, "beyond it multicasting waits")                                   \
    X(held_bytes, "bytes of packets of all senders that are held here")                  \
    X(assembly_bytes,                                                                    \
      "bytes reserved for long messages that come in, or that the application has")      \
    X(state_bytes, "bytes of the state that have come here, while this member gets it")  \
    X(state_bytes_max, "how many there are in all, 0 if not known")                      \
    X(state_queue_bytes, "bytes of what was delivered and waits here for the state")     \
    X(state_queue_bytes_max, "beyond it the transfer begins anew")

/* X(name, text): of one member, as this one sees it */
#define GCS_MEMBER_STATUS_TABLE(X)                                                         \
    X(weight, "votes")                                                                     \
    X(syncing, "1 while it has not got the state of the group yet")                        \
    X(region, "number of its region in the tree of regions, from 1; 0: there is no tree")  \
    X(suspected, "1 while this member takes it for dead")                                  \
    X(silence_ns, "time since its last sign of life")                                      \
    X(rtt_ns, "smoothed round trip to it, 0 if not known")                                 \
    X(loss_ppm, "parts in a million of its packets that get lost on their way here")       \
    X(behind_packets, "packets of this member that it has not taken yet")                  \
    X(missing_packets, "packets of it that are known of and not here")                     \
    X(waiting_packets, "packets of it that are here and not taken by the application yet") \
    X(state_bytes, "bytes of the state that this member has given it, while it does")      \
    X(state_bytes_max, "how many there are in all, 0 if not known")                        \
    X(faults, "what came from it in this view and cannot be right")

/*
 * How long own messages took from the core to their delivery here, of one service. Bucket i counts
 * those of at most 2^i us that are in no bucket before; the last one all others. One message after
 * another is followed, not each.
 */
#define GCS_LATENCY_BUCKETS 26
struct gcs_latency {
    uint64_t sum_ns;
    uint64_t buckets[GCS_LATENCY_BUCKETS];
};

/* Services are numbered below this. */
#define GCS_SERVICES 8

#define GCS_STATUS_FIELD(name, text) uint64_t name;

struct gcs_group_status {
    GCS_GROUP_STATUS_TABLE(GCS_STATUS_FIELD)
    struct gcs_latency latency[GCS_SERVICES]; /* by enum gcs_service */
};

struct gcs_member_status {
    struct gcs_member_id id;
    char label[GCS_LABEL_MAX + 1]; /* where it is; "": it did not say */
    GCS_MEMBER_STATUS_TABLE(GCS_STATUS_FIELD)
};

#undef GCS_STATUS_FIELD

#ifdef __cplusplus
}
#endif

#endif
