/* SPDX-License-Identifier: BSD-3-Clause */
/* The replicas: gcs-kv processes, and what is done to them. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static pid_t pids[REPLICAS];

static bool start(const struct options *options, unsigned index, bool first)
{
    char listen[32], url[128], log[512];

    snprintf(listen, sizeof(listen), "%u", options->tcp + index);
    snprintf(url, sizeof(url), "udp://127.0.0.1:%u?seeds=127.0.0.1:%u-%u", options->udp + index,
             options->udp, options->udp + REPLICAS - 1);
    snprintf(log, sizeof(log), "%s/replica.%u", options->folder, index);
    pids[index] = fork();
    if (pids[index] < 0)
        return false;
    if (pids[index] > 0)
        return true;
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0666);
    if (fd >= 0)
        (void)dup2(fd, STDERR_FILENO);
    if (first)
        execl(options->server, options->server, "--listen", listen, "--expect", "3", url,
              (char *)NULL);
    else
        execl(options->server, options->server, "--listen", listen, "--join", url, (char *)NULL);
    fprintf(stderr, "%s: %s\n", options->server, strerror(errno));
    _exit(127);
}

bool replicas_start(const struct options *options)
{
    for (unsigned i = 0; i < REPLICAS; i++)
        if (!start(options, i, true))
            return false;
    return true;
}

bool replica_ready(const struct options *options, unsigned index)
{
    char info[4096];
    int fd = connect_to(options, index);
    bool ready = fd >= 0 && converse(fd, info, sizeof(info), 1, "INFO") &&
                 strstr(info, "gcs_ready:1") && strstr(info, "gcs_primary:1") &&
                 strstr(info, "gcs_members:3");

    if (fd >= 0)
        (void)close(fd);
    return ready;
}

bool replicas_wait(const struct options *options, unsigned seconds)
{
    uint64_t end = now_ns() + seconds * UINT64_C(1000000000);

    for (unsigned ready = 0; ready < REPLICAS;) {
        if (replica_ready(options, ready)) {
            ready++;
            continue;
        }
        if (now_ns() > end)
            return false;
        pause_ms(20);
    }
    return true;
}

void replica_kill(unsigned index)
{
    (void)kill(pids[index], SIGKILL);
    (void)waitpid(pids[index], NULL, 0);
    pids[index] = 0;
}

bool replica_restart(const struct options *options, unsigned index)
{
    return start(options, index, false);
}

void replica_stop(unsigned index, bool stop)
{
    (void)kill(pids[index], stop ? SIGSTOP : SIGCONT);
}

/* ---- Cutting off: by nftables, in the network namespace that the caller has made for us -------
 */

static bool nft(const char *rules)
{
    FILE *pipe = popen("nft -f - 2>/dev/null", "w");

    if (!pipe)
        return false;
    fputs(rules, pipe);
    return pclose(pipe) == 0;
}

#define TABLE "table inet gcs_kv_check {\n chain in { type filter hook input priority 0;\n"

bool partitions_possible(void)
{
    return nft(TABLE " }\n}\nflush table inet gcs_kv_check\n");
}

void replica_cut(const struct options *options, unsigned index, bool cut)
{
    char rules[512] = "flush table inet gcs_kv_check\n";

    if (cut)
        snprintf(rules, sizeof(rules),
                 "flush table inet gcs_kv_check\n" TABLE
                 " udp sport %u drop\n udp dport %u drop\n }\n}\n",
                 options->udp + index, options->udp + index);
    if (!nft(rules))
        fprintf(stderr, "gcs-kv-check: nft fails\n");
}

void replicas_end(void)
{
    for (unsigned i = 0; i < REPLICAS; i++)
        if (pids[i] > 0)
            replica_kill(i);
}
