/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is this the process that opened the endpoint, or a child that fork() gave a
 * copy? Asked by every call, so it must not cost a system call: the mark is a page
 * that the kernel wipes in the child (MADV_WIPEONFORK, Linux 4.14). Where there is
 * no such thing the process id is compared instead. No fork handler, no global.
 */
#include "gcs/endpoint.h"

#include "gcs/base/memory.h"

#include <sys/mman.h>
#include <unistd.h>

struct gcs_fork_mark {
    const struct gcs_allocator *allocator;
    atomic_uint *page; /* 1 here, 0 in the child; NULL: compare pid */
    size_t page_size;
    pid_t pid;
};

static void *map_wiped_page(size_t size)
{
    void *page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (page == MAP_FAILED)
        return NULL;
#ifdef MADV_WIPEONFORK
    if (madvise(page, size, MADV_WIPEONFORK) == 0)
        return page;
#endif
    (void)munmap(page, size);
    return NULL;
}

int gcs_fork_mark_new(const struct gcs_allocator *allocator, struct gcs_fork_mark **out)
{
    struct gcs_fork_mark *mark = gcs_allocate(allocator, 1, sizeof(*mark));

    if (!mark)
        return gcs_fail(GCS_ENOMEM, "out of memory for an endpoint");
    mark->allocator = allocator;
    mark->pid = getpid();
    mark->page_size = (size_t)sysconf(_SC_PAGESIZE);
    mark->page = map_wiped_page(mark->page_size);
    if (mark->page)
        atomic_store_explicit(mark->page, 1, memory_order_relaxed);
    *out = mark;
    return 0;
}

void gcs_fork_mark_free(struct gcs_fork_mark *mark)
{
    if (!mark)
        return;
    if (mark->page)
        (void)munmap(mark->page, mark->page_size);
    gcs_release(mark->allocator, mark);
}

bool gcs_fork_mark_child(const struct gcs_fork_mark *mark)
{
    if (mark->page)
        return atomic_load_explicit(mark->page, memory_order_relaxed) == 0;
    return getpid() != mark->pid;
}
