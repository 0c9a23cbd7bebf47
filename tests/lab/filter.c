/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Finds the sockets of this process in /proc/self/fd, since they belong to the
 * library, which shall not have to know of this. On a UDP socket a filter
 * sees the packet from its UDP header on, so the sender's port is at 0.
 */
#include "tests/lab/filter.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <stdlib.h>
#include <sys/socket.h>

#define INSTRUCTIONS_MAX (LAB_FILTER_PORTS_MAX + 5)
#define PASS             0xffffffffu

static unsigned short make_program(const uint16_t *ports, size_t count, uint32_t loss,
                                   struct sock_filter *code)
{
    uint32_t threshold = (uint32_t)((uint64_t)loss * UINT32_MAX / 1000000);
    unsigned short end = (unsigned short)(1 + count + 2 * (loss > 0));
    unsigned short n = 0;

    code[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0);
    for (size_t i = 0; i < count; i++, n++)
        code[n] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ports[i],
                                               (unsigned char)(end - n), 0);
    if (loss > 0) {
        code[n++] =
            (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, SKF_AD_OFF + SKF_AD_RANDOM);
        code[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, threshold, 0, 1);
    }
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, PASS);
    code[n++] = (struct sock_filter)BPF_STMT(BPF_RET | BPF_K, 0);
    return n;
}

static int set_on(int fd, const struct sock_fprog *program)
{
    int type, zero = 0;
    socklen_t size = sizeof(type);

    if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) != 0 || type != SOCK_DGRAM)
        return 0;
    if (program->len > 2)
        return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, program, sizeof(*program)) ? errno : 0;
    if (setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &zero, sizeof(zero)) == 0 || errno == ENOENT)
        return 0;
    return errno;
}

int lab_filter_set(const uint16_t *ports, size_t count, uint32_t loss)
{
    struct sock_filter code[INSTRUCTIONS_MAX];
    struct sock_fprog program = {0, code};
    DIR *folder = opendir("/proc/self/fd");
    struct dirent *entry;
    int error = 0;

    if (!folder)
        return errno;
    if (count > LAB_FILTER_PORTS_MAX)
        count = LAB_FILTER_PORTS_MAX;
    if (count > 0 || loss > 0)
        program.len = make_program(ports, count, loss, code);
    while ((entry = readdir(folder)) && !error) {
        if (entry->d_name[0] != '.' && atoi(entry->d_name) != dirfd(folder))
            error = set_on(atoi(entry->d_name), &program);
    }
    closedir(folder);
    return error;
}
