/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The status socket's file. A socket that a dead process has left behind is replaced; one that
 * somebody listens at is not, nor is any other kind of file. The permissions hold from the
 * first moment: they are the socket's own before it gets a name, so that there is no gap for
 * somebody to slip in, and the umask cannot take away what was asked for.
 */
#include "gcs/endpoint_status.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fail(const struct gcs_status_server *server, int error)
{
    char what[sizeof(server->path) + 32];

    (void)snprintf(what, sizeof(what), "status socket \"%s\"", server->path);
    return gcs_fail_system(what, error);
}

/* Is the path a socket at which nobody listens? */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat status;

    if (lstat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode))
        return false;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return false;
    bool refused = connect(fd, (const struct sockaddr *)address, sizeof(*address)) != 0 &&
                   errno == ECONNREFUSED;
    (void)close(fd);
    return refused;
}

static int bind_to(int fd, const struct sockaddr_un *address)
{
    if (bind(fd, (const struct sockaddr *)address, sizeof(*address)) == 0)
        return 0;
    if (errno != EADDRINUSE || !is_left_over(address))
        return -1;
    (void)unlink(address->sun_path);
    return bind(fd, (const struct sockaddr *)address, sizeof(*address));
}

int gcs_status_listen(struct gcs_status_server *server, uint32_t mode)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};

    memcpy(address.sun_path, server->path, sizeof(server->path));
    server->listen_fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (server->listen_fd < 0)
        return fail(server, errno);
    if (fchmod(server->listen_fd, mode) != 0 || bind_to(server->listen_fd, &address) != 0)
        return fail(server, errno);
    if (lstat(server->path, &server->made) != 0)
        return fail(server, errno);
    if (chmod(server->path, mode) != 0 || listen(server->listen_fd, GCS_STATUS_CLIENTS) != 0)
        return fail(server, errno);
    return 0;
}

void gcs_status_unlink(const struct gcs_status_server *server)
{
    struct stat status;

    if (lstat(server->path, &status) == 0 && status.st_dev == server->made.st_dev &&
        status.st_ino == server->made.st_ino)
        (void)unlink(server->path);
}
