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
};
const size_t bench_works_count = sizeof(bench_works) / sizeof(bench_works[0]);
