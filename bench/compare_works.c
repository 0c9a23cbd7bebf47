/* SPDX-License-Identifier: BSD-3-Clause */
/* Which works are compared: see compare.h. Each with those peers that can do it at all. */
#include "compare.h"

#include <stddef.h>

#define COROSYNC               \
    {                          \
        "corosync", NULL, NULL \
    }
#define AGREED                               \
    {                                        \
        "libgcs", NULL, "GCS_SERVICE=agreed" \
    }
#define FIFO                               \
    {                                      \
        "libgcs", NULL, "GCS_SERVICE=fifo" \
    }
#define SAFE                                                \
    {                                                       \
        "libgcs", NULL, "GCS_SERVICE=safe GCS_NET=loopback" \
    }

#define ORDERED(text, bytes)                                                        \
    {                                                                               \
        .title = "total order, 3 members, all send, " text, .mode = "throughput",   \
        .key = "messages_per_second", .unit = "messages per second", .size = bytes, \
        .contenders = {                                                             \
            AGREED,                                                                 \
            COROSYNC                                                                \
        }                                                                           \
    }

#define MULTICAST(text, bytes, percent)                                                    \
    {                                                                                      \
        .title = "reliable multicast, 1 sender, 3 receivers, " text, .mode = "throughput", \
        .key = "messages_per_second", .unit = "messages per second", .size = bytes,        \
        .loss = percent, .contenders = {                                                   \
            FIFO,                                                                          \
            {"openpgm", "OpenPGM", NULL},                                                  \
            {"norm", "NORM", NULL}                                                         \
        }                                                                                  \
    }

/* Nobody else is asked: what the figures of docs/performance.md say of libgcs alone. */
#define ALONE(text, what, answer, says, bytes, how)                                     \
    {                                                                                   \
        .title = text, .mode = what, .key = answer, .unit = says, .less_is_more = true, \
        .size = bytes, .contenders = {                                                  \
            {"libgcs", NULL, how}                                                       \
        }                                                                               \
    }

/* One setting of libgcs against another. */
#define PAIR(text, bytes, name, how, other_name, other_how)                \
    {                                                                      \
        .title = text, .mode = "throughput", .key = "messages_per_second", \
        .unit = "messages per second", .size = bytes, .contenders = {      \
            {"libgcs", name, how},                                         \
            {"libgcs", other_name, other_how}                              \
        }                                                                  \
    }

const struct bench_work bench_works[] = {
    ORDERED("64 bytes", 64),
    ORDERED("1 KiB", 1024),
    ORDERED("8 KiB", 8192),
    ORDERED("64 KiB", 65536),
    {.title = "total order, 3 members, one message of 64 bytes at a time",
     .mode = "latency",
     .key = "p50_us",
     .unit = "us until delivery (half are faster)",
     .less_is_more = true,
     .size = 64,
     .contenders = {AGREED, COROSYNC}},
    {.title = "total order, 3 members, all send, 1 KiB; one is killed",
     .mode = "failover",
     .key = "gap_ms",
     .unit = "ms without a delivery",
     .less_is_more = true,
     .size = 1024,
     .contenders = {AGREED, COROSYNC}},
    MULTICAST("1 KiB", 1024, NULL),
    MULTICAST("8 KiB", 8192, NULL),
    MULTICAST("1 KiB, 1 % lost", 1024, "1"),
    {.title = "commands that a majority has, 3 servers, 64 bytes",
     .mode = "throughput",
     .key = "messages_per_second",
     .unit = "commands per second",
     .size = 64,
     .contenders = {SAFE,
                    {"etcd", "etcd, in memory", "ETCD_DIR=/dev/shm"},
                    {"etcd", "etcd, fdatasync", "ETCD_DIR=/var/tmp"}}},
    {.title = "commands that a majority has, 3 servers, one of 64 bytes at a time",
     .mode = "latency",
     .key = "p50_us",
     .unit = "us until it is answered (half are faster)",
     .less_is_more = true,
     .size = 64,
     .contenders = {SAFE,
                    {"etcd", "etcd, in memory", "ETCD_DIR=/dev/shm"},
                    {"etcd", "etcd, fdatasync", "ETCD_DIR=/var/tmp"}}},
    {.title = "total order, 3 members, all send, 1 KiB, MTU 1500",
     .mode = "throughput",
     .key = "messages_per_second",
     .unit = "messages per second",
     .size = 1024,
     .contenders = {{"libgcs", NULL, "GCS_SERVICE=agreed GCS_MTU=1500"},
                    {"corosync", NULL, "COROSYNC_MTU=1500"}}},
    PAIR("total order, 3 members, all send, 1 MiB", 1048576, "libgcs, veth", "GCS_MTU=9000",
         "libgcs, loopback", "GCS_NET=loopback"),
    PAIR("total order, 1 KiB, all send: 5 members and 3, loopback", 1024, "libgcs, 5",
         "GCS_NET=loopback GCS_MEMBERS=5", "libgcs, 3", "GCS_NET=loopback"),
    PAIR("total order, 5 members, all send, 1 KiB, MTU 1500: 1 % lost and nothing", 1024,
         "libgcs, 1 %", "GCS_MEMBERS=5 GCS_MTU=1500 GCS_LOSS=1", "libgcs, 0 %",
         "GCS_MEMBERS=5 GCS_MTU=1500"),
    ALONE("latency, 3 members, all send 64 bytes, half of the most, loopback", "half", "p50_us",
          "us until delivery (half are faster)", 64, "GCS_NET=loopback"),
    ALONE("a member when nothing happens, group of 3", "idle", "wakeups_per_second",
          "wake-ups a second", 1024, "GCS_NET=loopback"),
    ALONE("memory of a member when nothing happens", "idle", "rss_mib", "MiB", 1024,
          "GCS_NET=loopback"),
    ALONE("memory of a member when all send as fast as they can", "idle", "loaded_rss_mib", "MiB",
          1024, "GCS_NET=loopback"),
};
const size_t bench_works_count = sizeof(bench_works) / sizeof(bench_works[0]);
