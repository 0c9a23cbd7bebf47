/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of gcs-bench, and what its commands share: each command has a
 * name, a help text, the options that it takes, and its own defaults.
 */
#ifndef GCS_BENCH_OPTIONS_H
#define GCS_BENCH_OPTIONS_H

#include <gcs/core.h>
#include <stdbool.h>
#include <stdint.h>

/* Most processes of one group on one machine. */
#define BENCH_MEMBERS_MAX 64

enum bench_exit {
    BENCH_OK = 0,
    BENCH_FAILED = 1, /* a wrong run, or the system failed: no figures */
    BENCH_USAGE = 2,  /* the command line: nothing was done */
    BENCH_GO = -1,    /* no exit at all: the command line is good */
};

/* Options, as getopt_long(3) finds them; a command has a set of them. */
enum bench_option {
    BENCH_MEMBERS = 256, /* beyond any character */
    BENCH_SENDERS,
    BENCH_SIZE,
    BENCH_SERVICE,
    BENCH_ORDER,
    BENCH_TRANSPORT,
    BENCH_URL,
    BENCH_NETNS,
    BENCH_SECONDS,
    BENCH_WARMUP,
    BENCH_RUNS,
    BENCH_RATE,
    BENCH_VICTIM,
    BENCH_HEARTBEAT,
    BENCH_SUSPECT,
    BENCH_WINDOW,
    BENCH_QUEUE,
    BENCH_PACKET,
    BENCH_FLOOR,
    BENCH_NO_FLOOR,
    BENCH_LATENCY,
    BENCH_JSON,
    BENCH_HELP,
    BENCH_BYTES,
    BENCH_FAULT,
    BENCH_PAUSE,
    BENCH_PEERS,
    BENCH_OUTPUT,
    BENCH_JOIN,
    BENCH_ELSEWHERE,
    BENCH_STATE_QUEUE,
    BENCH_LOOP,
};

#define BENCH_SET(option) (UINT64_C(1) << ((option)-BENCH_MEMBERS))

/* What every command that runs a group takes. */
#define BENCH_GROUP_OPTIONS                                                            \
    (BENCH_SET(BENCH_MEMBERS) | BENCH_SET(BENCH_SENDERS) | BENCH_SET(BENCH_SIZE) |     \
     BENCH_SET(BENCH_SERVICE) | BENCH_SET(BENCH_ORDER) | BENCH_SET(BENCH_TRANSPORT) |  \
     BENCH_SET(BENCH_URL) | BENCH_SET(BENCH_NETNS) | BENCH_SET(BENCH_SECONDS) |        \
     BENCH_SET(BENCH_WARMUP) | BENCH_SET(BENCH_RUNS) | BENCH_SET(BENCH_RATE) |         \
     BENCH_SET(BENCH_HEARTBEAT) | BENCH_SET(BENCH_SUSPECT) | BENCH_SET(BENCH_WINDOW) | \
     BENCH_SET(BENCH_QUEUE) | BENCH_SET(BENCH_LOOP) | BENCH_SET(BENCH_JSON) |          \
     BENCH_SET(BENCH_HELP))

#define BENCH_HELP_GROUP                                                              \
    "  --members N            processes of the group\n"                               \
    "  --service unordered|fifo|causal|agreed|safe\n"                                 \
    "                         what is promised about each message (agreed)\n"         \
    "  --order sequencer|lamport   how the total order is found (sequencer)\n"        \
    "  --transport udp|rdma   what carries the packets (udp)\n"                       \
    "  --url-template URL     where members are; {member} is their number\n"          \
    "                         (udp://127.0.0.1:0; rdma: a device after the other)\n"  \
    "  --netns-template NAME  network namespaces in which they are\n"                 \
    "  --seconds S            that count, after --warmup S (0.5)\n"                   \
    "  --runs N               of which medians are shown (5)\n"                       \
    "  --window-bytes N, --queue-bytes N, --heartbeat-ms N, --suspect-ms N\n"         \
    "                         as in gcs_join(3) and gcs_open(3)\n"                    \
    "  --loop own|library     whose thread does the work (own: that of the member)\n" \
    "  --json                 one JSON object as the last line\n"

#define BENCH_HELP_ELSEWHERE                                                        \
    "  --elsewhere N          of the members are started on other machines, with\n" \
    "                         gcs-bench member --join URL\n"

/* What becomes of a member of the group, of a sudden. */
enum bench_fault {
    BENCH_KILL,         /* its process is gone, and the others are told that nobody listens there */
    BENCH_SILENCE,      /* it says nothing more, as when its host has lost its power */
    BENCH_PAUSE_A_WHILE /* it is not scheduled for a while, and nothing is to come of it */
};

struct bench_options {
    const char *command; /* "throughput" */
    uint64_t given;      /* a set of enum bench_option */
    unsigned members;
    unsigned elsewhere; /* the last ones of them, which somebody starts on other machines */
    unsigned joiners;   /* the last ones of them, which come while the others are at work */
    unsigned listeners; /* the last ones of them, which only listen and are not measured */
    unsigned senders;   /* 0 on the command line: all that are there from the start */
    uint32_t size;      /* bytes of a message */
    enum gcs_service service;
    enum gcs_order order;
    const char *transport;
    const char *url;   /* {member} stands for the member's number, from 1 */
    const char *netns; /* likewise; NULL: the namespace that we are in */
    double seconds;
    double warmup;
    unsigned runs;
    double rate;     /* messages per second of all senders together; 0: no pace */
    unsigned victim; /* from 1 */
    enum bench_fault fault;
    uint32_t pause_ms;
    uint32_t heartbeat_ms, suspect_ms;  /* 0: the library's default */
    uint32_t window_bytes, queue_bytes; /* likewise */
    bool library_loop;                  /* the library has a thread, as it does by default */
    uint64_t bytes;                     /* state: of the state */
    uint32_t state_queue_bytes;         /* state: of what waits for it */
    const char *peers;  /* compare: where the scripts are; NULL: beside the program */
    const char *output; /* sweep: where data and pictures go */
    uint32_t packet;    /* floor: bytes of a datagram; 0: what the path carries */
    bool floor;
    bool latency;
    bool json;
};

struct bench_command {
    const char *name;
    const char *summary; /* one line for `gcs-bench --help` */
    const char *help;    /* `gcs-bench NAME --help`, without what all options mean */
    uint64_t options;    /* a set of enum bench_option: those that it takes */
    unsigned members_min;
    uint32_t size_min;
    struct bench_options defaults;
    int (*run)(const struct bench_options *options);
};

extern const struct bench_command bench_throughput;
extern const struct bench_command bench_latency;
extern const struct bench_command bench_failover;
extern const struct bench_command bench_join;
extern const struct bench_command bench_state;
extern const struct bench_command bench_idle;
extern const struct bench_command bench_floor;
extern const struct bench_command bench_compare;
extern const struct bench_command bench_sweep;
extern const struct bench_command bench_guest;
extern const struct bench_command bench_orders;

/*
 * Reads the command line behind `gcs-bench NAME` (argv[0] is NAME). BENCH_GO, or how to exit:
 * BENCH_OK after --help, BENCH_USAGE after a complaint.
 */
int bench_options_parse(struct bench_options *options, const struct bench_command *command,
                        int argc, char **argv);

/*
 * Whether the member (from 0) sends: the last ones of those that are there from the start, so
 * that few senders are not the coordinator, which has it easier.
 */
bool bench_is_sender(const struct bench_options *options, unsigned index);

/* Writes template with {member} replaced; false: it does not fit into size bytes. */
bool bench_expand(const char *pattern, unsigned index, char *text, size_t size);

/* "fifo", "agreed", "safe"; "sequencer". */
const char *bench_service_name(enum gcs_service service);
const char *bench_order_name(enum gcs_order order);
const char *bench_fault_name(enum bench_fault fault);

/* Says "gcs-bench NAME: ..." on standard error. */
void bench_complain(const struct bench_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
