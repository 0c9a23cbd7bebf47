/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hiredis, unmodified, against gcs-kv: use PORT PORT... Counts in a session through one replica
 * and, when that is gone, through the next, and says what it got.
 */
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int ports, next;
static char **port;

static redisContext *connect_next(void)
{
    struct timeval patience = {.tv_sec = 3};

    for (int tries = 0; tries < 100; tries++) {
        redisContext *context =
            redisConnectWithTimeout("127.0.0.1", atoi(port[next++ % ports]), patience);
        if (context && !context->err && redisSetTimeout(context, patience) == REDIS_OK)
            return context;
        if (context)
            redisFree(context);
    }
    fprintf(stderr, "no replica answers\n");
    exit(1);
}

int main(int argc, char **argv)
{
    long long session, retries = 0;
    redisReply *reply;

    ports = argc - 1;
    port = argv + 1;
    redisContext *context = connect_next();
    for (int i = 0; i < 1000; i++) /* one pipeline */
        redisAppendCommand(context, "SET hi:%d %b", i, "a\0b", (size_t)3);
    for (int i = 0; i < 1000; i++) {
        if (redisGetReply(context, (void **)&reply) != REDIS_OK || strcmp(reply->str, "OK") != 0)
            return 1;
        freeReplyObject(reply);
    }
    reply = redisCommand(context, "GET hi:999");
    if (!reply || reply->len != 3 || memcmp(reply->str, "a\0b", 3) != 0)
        return 1;
    freeReplyObject(reply);
    reply = redisCommand(context, "GCS.SESSION NEW");
    if (!reply || reply->type != REDIS_REPLY_INTEGER)
        return 1;
    session = reply->integer;
    freeReplyObject(reply);
    for (long long serial = 1; serial <= 20000;) {
        reply = redisCommand(context, "GCS.SESSION %lld %lld INCR hi:count", session, serial);
        if (reply && reply->type == REDIS_REPLY_INTEGER && reply->integer != serial) {
            fprintf(stderr, "%lld was told %lld\n", serial, reply->integer);
            return 1;
        }
        if (reply && reply->type == REDIS_REPLY_INTEGER) {
            serial++;
        } else {
            retries++;
            redisFree(context);
            context = connect_next();
        }
        freeReplyObject(reply);
        if (serial % 1000 == 0) {
            printf("%lld\n", serial);
            fflush(stdout);
        }
    }
    printf("ok: %lld retries\n", retries);
    redisFree(context);
    return 0;
}
