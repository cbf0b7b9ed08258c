#include "store/folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum err folder_errno(int number)
{
    switch (number) {
    case 0:
        return ERR_OK;
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERR_FULL;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERMISSION;
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
    case ENOTEMPTY:
        return ERR_EXISTS;
    case ENOMEM:
        return ERR_MEMORY;
    case ENAMETOOLONG:
    case ELOOP:
        return ERR_INVALID;
    default:
        return ERR_IO;
    }
}

static enum err name_new(const char *path, char ret[FOLDER_PATH_BYTES_MAX])
{
    int n = snprintf(ret, FOLDER_PATH_BYTES_MAX, "%s.new", path);
    return n > 4 && n < FOLDER_PATH_BYTES_MAX ? ERR_OK : ERR_INVALID;
}

enum err folder_begin(const char *path, char ret[FOLDER_PATH_BYTES_MAX])
{
    struct stat st;
    if (lstat(path, &st) == 0) {
        return ERR_EXISTS;
    }
    return errno != ENOENT ? folder_errno(errno) : folder_begin_beside(path, ret);
}

enum err folder_begin_beside(const char *path, char ret[FOLDER_PATH_BYTES_MAX])
{
    enum err err = name_new(path, ret);
    if (err == ERR_OK) {
        err = folder_remove(ret);
    }
    if (err != ERR_OK) {
        return err;
    }
    return mkdir(ret, 0700) == 0 ? ERR_OK : folder_errno(errno);
}

/* Sync one file or folder by name, below the open folder `at`. */
static enum err sync_at(int at, const char *name, int flags)
{
    int fd = openat(at, name, flags | O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return folder_errno(errno);
    }
    enum err err = fsync(fd) == 0 ? ERR_OK : folder_errno(errno);
    (void)close(fd);
    return err;
}

/* Sync each file in `path`, then the folder. */
static enum err sync_all(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return folder_errno(errno);
    }
    enum err err = ERR_OK;
    for (struct dirent *e = readdir(dir); e != NULL && err == ERR_OK; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
            err = sync_at(dirfd(dir), e->d_name, 0);
        }
    }
    if (err == ERR_OK && fsync(dirfd(dir)) != 0) {
        err = folder_errno(errno);
    }
    (void)closedir(dir);
    return err;
}

static enum err sync_parent(const char *path)
{
    char parent[FOLDER_PATH_BYTES_MAX];
    const char *slash = strrchr(path, '/');
    size_t n = slash == NULL ? 0 : (size_t)(slash - path);
    if (slash == NULL) {
        strcpy(parent, ".");
    } else if (n == 0) {
        strcpy(parent, "/");
    } else {
        memcpy(parent, path, n);
        parent[n] = '\0';
    }
    return sync_at(AT_FDCWD, parent, O_DIRECTORY);
}

enum err folder_publish(const char *path)
{
    char temporary[FOLDER_PATH_BYTES_MAX];
    enum err err = name_new(path, temporary);
    if (err == ERR_OK) {
        err = sync_all(temporary);
    }
    if (err == ERR_OK && renameat2(AT_FDCWD, temporary, AT_FDCWD, path, RENAME_NOREPLACE) != 0) {
        /* A file system without that flag: folder_begin has looked, and a folder that is not empty is never replaced. */
        if (errno != EINVAL || rename(temporary, path) != 0) {
            err = folder_errno(errno);
        }
    }
    if (err == ERR_OK) {
        err = sync_parent(path);
    }
    return err;
}

enum err folder_replace(const char *path, const char *name)
{
    char temporary[FOLDER_PATH_BYTES_MAX];
    enum err err = name_new(path, temporary);
    int from = err == ERR_OK ? open(temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1, to = err == ERR_OK ? open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
    if (err == ERR_OK && (from < 0 || to < 0)) {
        err = folder_errno(errno);
    }
    if (err == ERR_OK) {
        err = sync_at(from, name, 0);
    }
    if (err == ERR_OK && renameat(from, name, to, name) != 0) {
        err = folder_errno(errno);
    }
    if (err == ERR_OK && fsync(to) != 0) {
        err = folder_errno(errno);
    }
    if (from >= 0) {
        (void)close(from);
    }
    if (to >= 0) {
        (void)close(to);
    }
    if (err == ERR_OK) {
        folder_abandon(path);
    }
    return err;
}

enum err folder_remove(const char *path)
{
    DIR *dir = opendir(path);
    if (dir == NULL) {
        return errno == ENOENT ? ERR_OK : folder_errno(errno);
    }
    enum err err = ERR_OK;
    for (struct dirent *e = readdir(dir); e != NULL && err == ERR_OK; e = readdir(dir)) {
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlinkat(dirfd(dir), e->d_name, 0) != 0) {
            err = errno == EISDIR ? ERR_IO : folder_errno(errno);
        }
    }
    (void)closedir(dir);
    if (err == ERR_OK && rmdir(path) != 0) {
        err = folder_errno(errno);
    }
    return err;
}

void folder_abandon(const char *path)
{
    char temporary[FOLDER_PATH_BYTES_MAX];
    if (name_new(path, temporary) == ERR_OK && folder_remove(temporary) != ERR_OK) {
        return; /* the next folder_begin tries again */
    }
}
