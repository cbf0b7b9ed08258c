#include "node/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/folder.h"

static enum err fd_read(int fd, size_t max, uint8_t **ret, size_t *ret_bytes)
{
    size_t cap = 4096, at = 0;
    uint8_t *p = malloc(cap);

    for (;;) {
        ssize_t n;

        if (p == NULL) {
            return ERR_MEMORY;
        }
        n = read(fd, p + at, cap - 1 - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0 || at + (size_t)n > max) {
            free(p);
            return n < 0 ? ERR_IO : ERR_OVERSIZE;
        }
        if (n == 0) {
            break;
        }
        at += (size_t)n;
        if (at + 1 == cap) {
            uint8_t *more = realloc(p, cap * 2);

            if (more == NULL) {
                free(p);
                return ERR_MEMORY;
            }
            p = more;
            cap *= 2;
        }
    }
    p[at] = 0;
    *ret = p;
    *ret_bytes = at;
    return ERR_OK;
}

enum err file_read(const char *path, size_t max, uint8_t **ret, size_t *ret_bytes)
{
    struct stat st;
    enum err err;
    int fd;

    if (strcmp(path, "-") == 0) {
        return fd_read(STDIN_FILENO, max, ret, ret_bytes);
    }
    /* O_NONBLOCK: a fifo must not hold us up. */
    fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0) {
        return folder_errno(errno);
    }
    if (fstat(fd, &st) != 0) {
        err = ERR_IO;
    } else {
        err = S_ISREG(st.st_mode) ? fd_read(fd, max, ret, ret_bytes) : ERR_INVALID;
    }
    close(fd);
    return err;
}

enum err file_sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err;

    if (fd < 0) {
        return folder_errno(errno);
    }
    err = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    close(fd);
    return err;
}

static enum err fd_write(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);

        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? folder_errno(errno) : ERR_IO;
        }
        bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
    }
    return fsync(fd) == 0 ? ERR_OK : folder_errno(errno);
}

static enum err parent_sync(const char *path)
{
    char parent[PATH_MAX];
    const char *slash = strrchr(path, '/');

    if (slash == NULL) {
        return file_sync_folder(".");
    }
    snprintf(parent, sizeof parent, "%.*s", slash == path ? 1 : (int)(slash - path), path);
    return file_sync_folder(parent);
}

enum err file_write(const char *path, struct span bytes, mode_t mode, bool replace)
{
    char temporary[PATH_MAX];
    enum err err;
    int fd;

    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary) {
        return ERR_INVALID;
    }
    /* Left by a power cut: its mode or content may be anything. */
    if (unlink(temporary) != 0 && errno != ENOENT) {
        return folder_errno(errno);
    }
    fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode);
    if (fd < 0) {
        return folder_errno(errno);
    }
    err = fchmod(fd, mode) == 0 ? fd_write(fd, bytes) : folder_errno(errno);
    if (close(fd) != 0 && err == ERR_OK) {
        err = folder_errno(errno);
    }
    if (err == ERR_OK &&
        renameat2(AT_FDCWD, temporary, AT_FDCWD, path, replace ? 0 : RENAME_NOREPLACE) != 0) {
        err = folder_errno(errno);
    }
    if (err != ERR_OK) {
        unlink(temporary);
        return err;
    }
    return parent_sync(path);
}

enum { TREE_DEPTH_MAX = 16 };

static void tree_remove_at(int parent, const char *name, int depth)
{
    int fd = depth < TREE_DEPTH_MAX ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
    DIR *folder = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (folder == NULL) {
        if (fd >= 0) {
            close(fd);
        }
        (void)unlinkat(parent, name, 0);
        return;
    }
    while ((entry = readdir(folder)) != NULL) {
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
            tree_remove_at(dirfd(folder), entry->d_name, depth + 1);
        }
    }
    closedir(folder);
    (void)unlinkat(parent, name, AT_REMOVEDIR);
}

void file_remove_tree(const char *path) { tree_remove_at(AT_FDCWD, path, 0); }
