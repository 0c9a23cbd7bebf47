/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A script goes through an unnamed file, so that neither side can wait for the other.
 */
#include "tests/lab/tool.h"

#include "tests/checkers/memory.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static int script_file(const char *script)
{
    size_t length = strlen(script);
    int fd = memfd_create("gcs-lab", MFD_CLOEXEC);

    if (fd >= 0 && (write(fd, script, length) != (ssize_t)length || lseek(fd, 0, SEEK_SET) != 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

/* In the child: only what is allowed between fork and exec. */
static void become_tool(int space, int log, int input, char *const argv[])
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if ((space >= 0 && setns(space, CLONE_NEWNET) != 0) || dup2(input, 0) < 0 || dup2(log, 1) < 0 ||
        dup2(log, 2) < 0)
        _exit(127);
    execvp(argv[0], argv);
    _exit(127);
}

static bool run(int space, int log, const char *script, char *const argv[])
{
    int input = script_file(script), status = -1;
    pid_t pid;

    if (input < 0)
        return false;
    fflush(NULL);
    pid = fork();
    if (pid == 0)
        become_tool(space, log, input, argv);
    close(input);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0)
        return true;
    dprintf(log, "%s ended with status 0x%x:\n%s\n", argv[0], (unsigned)status, script);
    return false;
}

void lab_script_add(struct lab_script *script, const char *format, ...)
{
    va_list arguments;
    size_t room;

    for (;;) {
        room = script->capacity - script->length;
        va_start(arguments, format);
        size_t wanted =
            (size_t)vsnprintf(room ? script->text + script->length : NULL, room, format, arguments);
        va_end(arguments);
        if (wanted < room) {
            script->length += wanted;
            return;
        }
        script->capacity = 2 * script->capacity + wanted + 1;
        script->text = realloc(script->text, script->capacity);
        if (!script->text)
            abort();
    }
}

bool lab_script_run(struct lab_script *script, enum lab_tool tool, int space, int log)
{
    char ip[] = "ip", tc[] = "tc", nft[] = "nft", batch[] = "-batch", file[] = "-f", in[] = "-";
    char *const argv[][4] = {
        [LAB_IP] = {ip, batch, in, NULL},
        [LAB_TC] = {tc, batch, in, NULL},
        [LAB_NFT] = {nft, file, in, NULL},
    };
    bool good = script->length == 0 || run(space, log, script->text, argv[tool]);

    free(script->text);
    *script = (struct lab_script){NULL, 0, 0};
    return good;
}
