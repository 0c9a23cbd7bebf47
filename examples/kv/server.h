/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Clients: connections, what they have asked for, and their replies in that order.
 *
 *   server.c      the loop: accepting, reading, writing, cutting off
 *   session.c     what a client may say, and what becomes of it
 *   answers.c     commands about the server: INFO, CONFIG, CLIENT, ...
 *   slots.c       replies that come later, in the order of the requests
 */
#ifndef KV_SERVER_H
#define KV_SERVER_H

#include "kv_replica.h"

#include <netinet/in.h>

struct server;

/* One request whose reply may come later. */
struct slot {
    struct slot *next; /* of the same client, in order */
    struct client *client;
    bool done, reads;
    struct reply reply; /* done, and others are before it */
};

struct client {
    struct server *server;
    struct client *next, *previous;
    struct client *dirty_next; /* has something to do */
    bool dirty;
    int fd; /* -1: gone; waits for what is under way */
    uint64_t id;
    char address[64], name[64];
    uint32_t interest; /* of epoll */

    char *in; /* what was read and not parsed yet */
    size_t in_size, in_capacity;
    struct resp_request request;
    struct reply out;
    size_t out_sent;
    bool flooded;   /* it has not read so much that a reply was thrown away */
    bool closing;   /* once everything is written */
    bool lingering; /* and until it has closed its end: it may have to read why first */
    size_t ignored; /* bytes that it sent meanwhile */

    struct slot *slots, **slots_end;
    uint32_t slots_count, reading, writing; /* under way */
    size_t expected; /* bytes of one more reply, going by the latest; 0: there was none */
    bool stalled;    /* the next request waits for these, or for room */

    bool in_multi, spoilt; /* MULTI: a command was refused */
    struct reply queue;    /* the transaction's commands */
    uint32_t queued;
    struct reply watched; /* keys with versions */
    uint32_t watched_count;
    struct reply scratch;

    enum gcs_replica_read read;
    uint64_t number; /* of its last command */
};

struct server {
    struct kv kv;
    int epoll, listener;
    uint16_t port;
    uint64_t next_id;
    struct client *clients, *dirty;
    uint32_t clients_count, clients_max;
    size_t output_max; /* bytes of replies that a client may leave unread */
    size_t request_max;
    struct slot *spare; /* slots to be used again */
    uint64_t accepted, cut_off, commands;
    const char *group;
    bool stop, out_of_room;
};

/* ---- slots.c ------------------------------------------------------------------------------ */

/* A slot at the end of the client's; NULL: out of memory. */
struct slot *slot_add(struct client *client, bool reads);
/* It has its reply; the client's out gets all that are in turn. */
void slot_done(struct slot *slot, const void *data, size_t size);
/* A reply that is there at once: into out, or behind those that wait. */
struct reply *reply_begin(struct client *client);
void reply_end(struct client *client);
void slots_free(struct server *server);

/* ---- session.c ---------------------------------------------------------------------------- */

/* Takes requests out of what was read. */
void client_process(struct client *client);
/* What its socket takes at once. */
void client_write(struct client *client);

/* ---- answers.c ---------------------------------------------------------------------------- */

/* A command about the connection or the server; false: there is none of that name. */
bool answer_command(struct client *client, const struct text *args, size_t count,
                    struct reply *reply);
bool answer_knows(struct text name); /* there is one */

/* ---- server.c ----------------------------------------------------------------------------- */

/* [ADDRESS:]PORT. False: it is neither, which has been said on stderr. */
bool server_address(const char *text, struct sockaddr_in *address);
int server_open(struct server *server, const struct sockaddr_in *address);
/* Until it is told to stop. */
int server_run(struct server *server);
void server_close(struct server *server);
void client_mark(struct client *client); /* has something to do */
void server_room(void *server);          /* clients that were stalled may go on */

#endif
