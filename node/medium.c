#include "node/medium.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "store/folder.h"

enum {
    SYNC_BYTES = 4 << 20, /* a stick is given what it can swallow: else one write would wait for minutes at the end */
    READ_BYTES = 1 << 18,
};

static bool is_there(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

enum err medium_begin(const char *path, struct medium *ret)
{
    int n = snprintf(ret->path, sizeof ret->path, "%s", path), m = snprintf(ret->fresh, sizeof ret->fresh, "%s.new", path);

    ret->fd = -1;
    ret->bytes = ret->unsynced = 0;
    if (n <= 0 || (size_t)m >= sizeof ret->fresh) {
        return ERR_INVALID;
    }
    if (is_there(path)) {
        return ERR_EXISTS;
    }
    ret->fd = open(ret->fresh, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0600);
    if (ret->fd < 0) {
        return folder_errno(errno);
    }
    hash_start(&ret->hash, HASH_BUNDLE);
    return ERR_OK;
}

enum err medium_write(struct medium *medium, struct span bytes)
{
    hash_add(&medium->hash, bytes);
    medium->bytes += bytes.n;
    medium->unsynced += bytes.n;
    while (bytes.n > 0) {
        ssize_t n = write(medium->fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? folder_errno(errno) : ERR_IO;
        }
        bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
    }
    if (medium->unsynced >= SYNC_BYTES) {
        medium->unsynced = 0;
        if (fdatasync(medium->fd) != 0) {
            return folder_errno(errno);
        }
    }
    return ERR_OK;
}

/* From the medium, not from the system's memory of what we have written. */
static enum err read_back(struct medium *medium)
{
    uint8_t *buffer = malloc(READ_BYTES);
    struct hash_state state;
    struct hash written, found;
    enum err err = buffer == NULL ? ERR_MEMORY : ERR_OK;

    (void)posix_fadvise(medium->fd, 0, 0, POSIX_FADV_DONTNEED);
    hash_start(&state, HASH_BUNDLE);
    for (uint64_t at = 0; err == ERR_OK;) {
        ssize_t n = pread(medium->fd, buffer, READ_BYTES, (off_t)at);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n == 0) {
            break;
        }
        if (n < 0) {
            err = ERR_IO;
        } else {
            hash_add(&state, span_of(buffer, (size_t)n));
            at += (uint64_t)n;
        }
    }
    free(buffer);
    hash_end(&state, &found);
    hash_end(&medium->hash, &written);
    return err != ERR_OK ? err : hash_equal(&written, &found) ? ERR_OK : ERR_BADHASH;
}

/* Never over another file; not every file system of sticks knows how to promise that. */
static enum err publish(const struct medium *medium)
{
    if (renameat2(AT_FDCWD, medium->fresh, AT_FDCWD, medium->path, RENAME_NOREPLACE) == 0) {
        return ERR_OK;
    }
    if (errno != EINVAL && errno != ENOSYS) {
        return folder_errno(errno);
    }
    if (is_there(medium->path)) {
        return ERR_EXISTS;
    }
    return rename(medium->fresh, medium->path) == 0 ? ERR_OK : folder_errno(errno);
}

static enum err sync_folder_of(const char *path)
{
    char folder[PATH_MAX];
    const char *slash = strrchr(path, '/');
    enum err err;

    (void)snprintf(folder, sizeof folder, "%.*s", slash == NULL ? 1 : slash == path ? 1 : (int)(slash - path), slash == NULL ? "." : path);
    err = file_sync_folder(folder);
    return err == ERR_PERMISSION ? ERR_OK : err; /* written to, but not to be read: then it cannot be told to sync */
}

enum err medium_end(struct medium *medium)
{
    enum err err = fsync(medium->fd) == 0 ? ERR_OK : folder_errno(errno);

    if (err == ERR_OK) {
        err = read_back(medium);
    }
    if (close(medium->fd) != 0 && err == ERR_OK) {
        err = folder_errno(errno);
    }
    medium->fd = -1;
    if (err == ERR_OK) {
        err = publish(medium);
    }
    if (err != ERR_OK) {
        (void)unlink(medium->fresh);
        return err;
    }
    return sync_folder_of(medium->path);
}

void medium_abandon(struct medium *medium)
{
    if (medium->fd >= 0) {
        (void)close(medium->fd);
        (void)unlink(medium->fresh);
        medium->fd = -1;
    }
}
