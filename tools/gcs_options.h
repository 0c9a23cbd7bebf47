/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The command line of `gcs`: what the commands share. A bad value is refused
 * with a sentence on standard error that names it, before anything is done.
 */
#ifndef TOOLS_GCS_OPTIONS_H
#define TOOLS_GCS_OPTIONS_H

#include <gcs/gcs.h>

/* The exit codes of `gcs`, as gcs(1) lists them. */
enum tool_exit {
    TOOL_OK = 0,
    TOOL_FAILED = 1,  /* the system failed: open, read, write */
    TOOL_USAGE = 2,   /* the command line: nothing was done */
    TOOL_OUTSIDE = 3, /* refused by the group, excluded, or the leave was not confirmed */
    TOOL_GO = -1,     /* no exit at all: the command line is good */
};

/* Above every character, so that getopt_long(3) keeps them apart from short options. */
enum tool_option {
    TOOL_CREATE = 1 << 8,
    TOOL_JOIN = 1 << 9,
    TOOL_SERVICE = 1 << 10,
    TOOL_VIEWS = 1 << 11,
    TOOL_EXPECT = 1 << 12,
    TOOL_UNTIL_ALL = 1 << 13,
    TOOL_PACE = 1 << 14,
    TOOL_OUTPUT = 1 << 15,
    TOOL_JSON = 1 << 16,
    TOOL_HELP = 1 << 17,
    TOOL_BOOTSTRAP = 1 << 18,
    TOOL_METRICS = 1 << 19,
    TOOL_INTERVAL = 1 << 20,
    TOOL_COUNT = 1 << 21,
    TOOL_STATUS = 1 << 22,
    TOOL_LISTEN = 1 << 23,
    TOOL_SECONDS = 1 << 24,
    TOOL_ORDER = 1 << 25,
    TOOL_TRANSPORT = 1 << 26,
    TOOL_LABEL = 1 << 27,
};

/* What a command works on. */
enum tool_operands {
    TOOL_OPERAND_GROUP,  /* GROUP [URL] */
    TOOL_OPERAND_SOCKET, /* SOCKET */
    TOOL_OPERAND_PEER,   /* [ADDRESS:PORT] */
};

struct tool_options {
    const char *command; /* "cat" */
    unsigned given;      /* enum tool_option */
    const char *group;
    const char *url;
    const char *normal_url; /* of the transport, when there is none on the command line */
    enum gcs_bootstrap bootstrap;
    uint32_t founders; /* with GCS_EXPECT */
    enum gcs_service service;
    enum gcs_order order;
    uint32_t expect;    /* members; 0: not asked for */
    uint32_t pace;      /* lines per second; 0: as fast as they come */
    const char *output; /* NULL: standard output */
    const char *status; /* a status socket for the endpoint; NULL: none */
    const char *label;  /* where the endpoint is; NULL: not said */
    const char *path;   /* TOOL_OPERAND_SOCKET */
    uint32_t interval;  /* seconds; 0: not asked for */
    uint32_t count;     /* pictures; 0: no end */
    const char *peer;   /* TOOL_OPERAND_PEER; NULL: none */
    const char *listen; /* an address; NULL: not asked for */
    uint32_t seconds;   /* 0: not asked for */
};

struct tool_command {
    const char *name;
    const char *summary; /* one line for `gcs --help` */
    const char *help;    /* the whole of `gcs NAME --help` */
    enum tool_operands operands;
    unsigned options; /* enum tool_option: those that it takes */
    int (*run)(const struct tool_options *options);
};

extern const struct tool_command tool_cat;
extern const struct tool_command tool_views;
extern const struct tool_command tool_status;
extern const struct tool_command tool_top;
extern const struct tool_command tool_doctor;

/*
 * Reads the command line behind `gcs NAME` (argv[0] is NAME). TOOL_GO, or how to exit:
 * TOOL_OK after --help, TOOL_USAGE after a complaint.
 */
int tool_options_parse(struct tool_options *options, const struct tool_command *command, int argc,
                       char **argv);

/* "fifo", "agreed", "safe". */
const char *tool_service_name(enum gcs_service service);

/* Says "gcs NAME: ..." on standard error. */
void tool_complain(const struct tool_options *options, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
