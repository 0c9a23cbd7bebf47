/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Giving a new member the state: the call is carried out by the loop, which from
 * then on reads the application's source as the new member asks for more. A file is
 * a source like any other.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

static int run_offer(struct gcs_endpoint *endpoint, struct gcs_command *command)
{
    struct gcs_group *group = command->item.group;

    if (atomic_load(&group->state) & GCS_HANDLE_LEFT)
        return GCS_ENOTMEMBER;
    endpoint->again = true;
    return gcs_core_state_offer(group->core, command->member, command->source);
}

int gcs_state_offer(struct gcs_group *group, const struct gcs_member_id *joiner,
                    const struct gcs_state_source *source)
{
    char text[GCS_MEMBER_TEXT_MAX];

    if (!group || !joiner)
        return gcs_fail(GCS_EINVAL, "%s is NULL", group ? "joiner" : "group");
    if (source && !source->read)
        return gcs_fail(GCS_EINVAL, "source has no read");
    struct gcs_command command = {
        .item = {.group = group}, .run = run_offer, .member = joiner, .source = source};
    int error = gcs_command_call(group->endpoint, &command);
    if (error == 0 || error == GCS_ECLOSED || error == GCS_EFORKED)
        return error;
    gcs_member_format(joiner, text, sizeof(text));
    return gcs_fail(error, "group \"%s\": %s %s", group->name, text,
                    error == GCS_EALREADY ? "has been offered the state already"
                                          : "does not wait for this member's state");
}

/* ---- Files ------------------------------------------------------------------------------ */

struct file_source {
    const struct gcs_allocator *allocator;
    int fd;
};

static int64_t read_file(void *ctx, uint64_t offset, void *data, size_t size)
{
    const struct file_source *file = ctx;
    ssize_t got;

    do {
        got = pread(file->fd, data, size, (off_t)offset);
    } while (got < 0 && errno == EINTR);
    return got < 0 ? GCS_ESYSTEM : got;
}

static void close_file(void *ctx)
{
    struct file_source *file = ctx;

    (void)close(file->fd);
    gcs_release(file->allocator, file);
}

int gcs_state_offer_fd(struct gcs_group *group, const struct gcs_member_id *joiner, int fd)
{
    struct stat status;

    if (!group)
        return gcs_fail(GCS_EINVAL, "group is NULL");
    if (fstat(fd, &status) < 0)
        return gcs_fail_system("fstat", errno);
    if (lseek(fd, 0, SEEK_CUR) < 0) /* it is read from any place */
        return gcs_fail_system("lseek", errno);
    const struct gcs_allocator *allocator = group->endpoint->allocator;
    struct file_source *file = gcs_allocate(allocator, 1, sizeof(*file));
    if (!file)
        return gcs_fail(GCS_ENOMEM, "out of memory for a state");
    *file = (struct file_source){allocator, fd};
    struct gcs_state_source source = {file, read_file, close_file,
                                      S_ISREG(status.st_mode) ? (uint64_t)status.st_size : 0};
    int error = gcs_state_offer(group, joiner, &source);
    if (error)
        gcs_release(allocator, file);
    return error;
}
