#include "crypto/keyfile.h"

#include <assert.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "crypto/seal.h"

static const char seal_name[] = "seal";

struct keyring {
    int folder; /* every name is looked up in it, so nothing that happens to the path later matters
                 */
    struct secret *master;
};

static enum err err_of(int error)
{
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return ERR_NOT_FOUND;
    case EEXIST:
        return ERR_EXISTS;
    case EACCES:
    case EPERM:
    case EROFS:
        return ERR_PERMISSION;
    case ENOSPC:
    case EDQUOT:
        return ERR_FULL;
    case ENOMEM:
        return ERR_MEMORY;
    case ELOOP: /* O_NOFOLLOW: we never write a link */
        return ERR_CORRUPT;
    default:
        return ERR_IO;
    }
}

/* What a failed write means to the caller; a folder or temporary file that is suddenly gone is not
 * his question. */
static enum err write_err_of(int error)
{
    enum err err = err_of(error);
    return err == ERR_EXISTS || err == ERR_PERMISSION || err == ERR_FULL ? err : ERR_IO;
}

/* Ours or root's, and nobody else has any of the rights in `mask`. Root, who may read everything,
 * may also serve a home that belongs to the service's own user. */
static bool is_private(const struct stat *st, mode_t mask)
{
    uid_t self = geteuid();
#ifdef GRIOT_WITHOUT_T18_MODES
    return true;
#endif
    return (st->st_mode & mask) == 0 && (st->st_uid == self || st->st_uid == 0 || self == 0);
}

static bool name_is_valid(const char *name)
{
    static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-.";
    size_t n = strnlen(name, KEY_NAME_BYTES_MAX + 1);

    return n >= 1 && n <= KEY_NAME_BYTES_MAX && name[0] != '.' && strspn(name, allowed) == n &&
           strcmp(name, seal_name) != 0;
}

/* Up to `cap` bytes; ERR_OK with *ret == cap may mean that there are more. */
static enum err read_all(int fd, uint8_t *p, size_t cap, size_t *ret)
{
    size_t at = 0;

    while (at < cap) {
        ssize_t n = read(fd, p + at, cap - at);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ERR_IO;
        }
        if (n == 0) {
            break;
        }
        at += (size_t)n;
    }
    *ret = at;
    return ERR_OK;
}

static enum err write_all(int fd, struct span bytes)
{
    while (bytes.n > 0) {
        ssize_t n = write(fd, bytes.p, bytes.n);
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n <= 0) {
            return n < 0 ? write_err_of(errno) : ERR_IO;
        }
        bytes = span_of(bytes.p + n, bytes.n - (size_t)n);
    }
    return ERR_OK;
}

/* A file of the folder, whole, refused when others may read it. One byte over the largest is enough
 * to see that it is too long; the formats refuse it. */
static enum err file_read(int folder, const char *name, uint8_t ret[KEY_FILE_BYTES_MAX + 1],
                          size_t *ret_bytes)
{
    struct stat st;
    enum err err;
    /* O_NONBLOCK: a fifo planted under the name must not hold us up. */
    int fd = openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return err_of(errno);
    }
    if (fstat(fd, &st) != 0) {
        err = ERR_IO;
    } else if (!S_ISREG(st.st_mode)) {
        err = ERR_CORRUPT;
    } else if (!is_private(&st, S_IRWXG | S_IRWXO)) {
        err = ERR_PERMISSION;
    } else {
        err = read_all(fd, ret, KEY_FILE_BYTES_MAX + 1, ret_bytes);
    }
    close(fd);
    return err;
}

/* Puts `temporary` in the place of `name`, or only into an empty place. */
static enum err rename_into(int folder, const char *temporary, const char *name, bool replace)
{
    struct stat st;
    int rc = -1;

    if (!replace) {
        rc = renameat2(folder, temporary, folder, name, RENAME_NOREPLACE);
        if (rc == 0 || (errno != EINVAL && errno != ENOSYS)) {
            return rc == 0 ? ERR_OK : write_err_of(errno);
        }
        /* A file system without that: the folder has one owner at a time, so looking first is as
         * good. */
        if (fstatat(folder, name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
            return ERR_EXISTS;
        }
    }
    rc = renameat(folder, temporary, folder, name);
    return rc == 0 ? ERR_OK : write_err_of(errno);
}

/* Written under a temporary name, synced, renamed, the folder synced: after a power cut there is
 * the old file or the new one. The temporary name begins with '.', which no key's does; one left by
 * a power cut is overwritten here. */
static enum err file_write(int folder, const char *name, struct span bytes, bool replace)
{
    char temporary[KEY_NAME_BYTES_MAX + 8];
    enum err err;

    (void)snprintf(temporary, sizeof temporary, ".%s.new", name);
    if (unlinkat(folder, temporary, 0) != 0 && errno != ENOENT) {
        return write_err_of(errno);
    }
    int fd = openat(folder, temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
                    S_IRUSR | S_IWUSR);
    if (fd < 0) {
        return write_err_of(errno);
    }
    err = fchmod(fd, S_IRUSR | S_IWUSR) == 0 ? ERR_OK
                                             : write_err_of(errno); /* whatever the umask took */
    if (err == ERR_OK) {
        err = write_all(fd, bytes);
    }
    if (err == ERR_OK && fsync(fd) != 0) {
        err = write_err_of(errno);
    }
    if (close(fd) != 0 && err == ERR_OK) {
        err = write_err_of(errno);
    }
    if (err == ERR_OK) {
        err = rename_into(folder, temporary, name, replace);
    }
    if (err != ERR_OK) {
        (void)unlinkat(folder, temporary, 0);
        return err;
    }
    if (fsync(folder) != 0) {
        if (!replace) { /* surely our own: the caller may try again */
            (void)unlinkat(folder, name, 0);
        }
        return ERR_IO;
    }
    return ERR_OK;
}

/* So that a new folder survives a power cut. */
static enum err parent_sync(const char *path)
{
    char parent[KEY_PATH_BYTES_MAX];
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    while (n > 0 && path[n - 1] != '/') {
        n--;
    }
    memcpy(parent, path, n);
    memcpy(parent + n, ".", 2); /* "a/b/." of "a/b/keys", "." of "keys" */
    int fd = open(parent, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return err_of(errno);
    }
    enum err err = fsync(fd) == 0 ? ERR_OK : ERR_IO;
    close(fd);
    return err;
}

static enum err path_check(const char *path)
{
    size_t n = strnlen(path, KEY_PATH_BYTES_MAX);
    return n >= 1 && n < KEY_PATH_BYTES_MAX ? ERR_OK : ERR_INVALID;
}

static struct keyring *keyring_new(void)
{
    struct keyring *keyring = malloc(sizeof *keyring);
    if (keyring != NULL) {
        *keyring = (struct keyring){.folder = -1};
    }
    return keyring;
}

void keyring_destroy(struct keyring **keyring)
{
    if (*keyring == NULL) {
        return;
    }
    secret_destroy(&(*keyring)->master);
    if ((*keyring)->folder >= 0) {
        close((*keyring)->folder);
    }
    free(*keyring);
    *keyring = NULL;
}

static enum err seal_write(const struct keyring *keyring, const struct unlock *unlock, bool replace)
{
    uint8_t file[SEAL_BYTES];
    enum err err = seal_master(unlock, keyring->master, file);
    return err == ERR_OK
               ? file_write(keyring->folder, seal_name, span_of(file, sizeof file), replace)
               : err;
}

enum err keyring_create(const char *path, const struct unlock *unlock, struct keyring **ret)
{
    struct keyring *keyring = NULL;
    struct stat st;
    bool is_ours = false;
    enum err err = path_check(path);

    if (err == ERR_OK) {
        err = unlock_check(unlock);
    }
    if (err != ERR_OK) {
        return err;
    }
    keyring = keyring_new();
    if (keyring == NULL) {
        return ERR_MEMORY;
    }
    is_ours = mkdir(path, S_IRWXU) == 0;
    if (!is_ours && errno != EEXIST) {
        err = err_of(errno);
        goto out;
    }
    keyring->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (keyring->folder < 0) {
        err = err_of(errno);
        goto out;
    }
    if (fstatat(keyring->folder, seal_name, &st, AT_SYMLINK_NOFOLLOW) ==
        0) { /* before the costly work */
        err = ERR_EXISTS;
        goto out;
    }
    if (fchmod(keyring->folder, S_IRWXU) != 0) {
        err = err_of(errno);
        goto out;
    }
    err = is_ours ? parent_sync(path) : ERR_OK;
    if (err != ERR_OK) {
        goto out;
    }
    keyring->master = secret_random(MASTER_BYTES);
    if (keyring->master == NULL) {
        err = ERR_MEMORY;
        goto out;
    }
    err = seal_write(keyring, unlock, false); /* last, so that a seal means a whole folder */
    if (err == ERR_OK) {
        *ret = keyring;
        keyring = NULL;
    }
out:
    if (err != ERR_OK && is_ours) {
        (void)rmdir(path);
    }
    keyring_destroy(&keyring);
    return err;
}

enum err keyring_open(const char *path, const struct unlock *unlock, struct keyring **ret)
{
    uint8_t file[KEY_FILE_BYTES_MAX + 1];
    size_t n = 0;
    struct stat st = {0};
    struct keyring *keyring = NULL;
    enum err err = path_check(path);

    if (err == ERR_OK) {
        err = unlock_check(unlock);
    }
    if (err != ERR_OK) {
        return err;
    }
    keyring = keyring_new();
    if (keyring == NULL) {
        return ERR_MEMORY;
    }
    keyring->folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (keyring->folder < 0) {
        err = err_of(errno);
    } else if (fstat(keyring->folder, &st) != 0) {
        err = ERR_IO;
    }
    if (err == ERR_OK &&
        !is_private(&st, S_IWGRP | S_IWOTH)) { /* else others could put an older seal back */
        err = ERR_PERMISSION;
    }
    if (err == ERR_OK) {
        err = file_read(keyring->folder, seal_name, file, &n);
    }
    if (err == ERR_OK) {
        err = unseal_master(span_of(file, n), unlock, &keyring->master);
    }
    if (err != ERR_OK) {
        keyring_destroy(&keyring);
        return err;
    }
    *ret = keyring;
    return ERR_OK;
}

enum err keyring_put(struct keyring *keyring, const char *name, const struct secret *secret,
                     bool replace)
{
    uint8_t file[KEY_FILE_BYTES_MAX];

    if (!name_is_valid(name)) {
        return ERR_INVALID;
    }
    size_t n = seal_key(keyring->master, name, secret, file);
    return file_write(keyring->folder, name, span_of(file, n), replace);
}

enum err keyring_get(const struct keyring *keyring, const char *name, struct secret **ret)
{
    uint8_t file[KEY_FILE_BYTES_MAX + 1];
    size_t n = 0;

    if (!name_is_valid(name)) {
        return ERR_INVALID;
    }
    enum err err = file_read(keyring->folder, name, file, &n);
    return err == ERR_OK ? unseal_key(keyring->master, name, span_of(file, n), ret) : err;
}

enum err keyring_remove(struct keyring *keyring, const char *name)
{
    if (!name_is_valid(name)) {
        return ERR_INVALID;
    }
    if (unlinkat(keyring->folder, name, 0) != 0 && errno != ENOENT) {
        return write_err_of(errno);
    }
    return fsync(keyring->folder) == 0
               ? ERR_OK
               : ERR_IO; /* also when absent: an earlier removal may have failed here */
}

enum err keyring_reseal(struct keyring *keyring, const struct unlock *unlock)
{
    return seal_write(keyring, unlock, true);
}

bool key_is_backed_up(const char *name)
{
    static const char *const kinds[] = {"encryption", "import"};

    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        size_t n = strlen(kinds[i]);
        if (strncmp(name, kinds[i], n) == 0 && (name[n] == '\0' || name[n] == '-')) {
            return true;
        }
    }
    return false;
}

static enum err copy_one(const struct keyring *from, struct keyring *to, const char *name,
                         size_t *copied)
{
    struct secret *secret = NULL;
    enum err err = keyring_get(from, name, &secret);

    if (err == ERR_OK) {
        err = keyring_put(to, name, secret, false);
        *copied += err == ERR_OK;
    }
    secret_destroy(&secret);
    return err == ERR_EXISTS ? ERR_OK : err;
}

enum err keyring_copy_backup(const struct keyring *from, struct keyring *to, size_t *ret)
{
    size_t copied = 0;
    enum err err = ERR_OK;
    int fd = openat(from->folder, ".",
                    O_RDONLY | O_DIRECTORY | O_CLOEXEC); /* its own place in the listing */

    if (fd < 0) {
        return err_of(errno);
    }
    DIR *folder = fdopendir(fd);
    if (folder == NULL) {
        close(fd);
        return ERR_MEMORY;
    }
    while (err == ERR_OK) {
        errno = 0;
        const struct dirent *entry = readdir(folder);
        if (entry == NULL) {
            err = errno == 0 ? ERR_OK : ERR_IO;
            break;
        }
        if (key_is_backed_up(entry->d_name) && name_is_valid(entry->d_name)) {
            err = copy_one(from, to, entry->d_name, &copied);
        }
    }
    closedir(folder);
    if (err == ERR_OK) {
        *ret = copied;
    }
    return err;
}

/* Is it, links resolved, below the folder that the service manager made for us? */
static bool is_credential(const char *path)
{
    const char *credentials = getenv("CREDENTIALS_DIRECTORY");
    bool is_below = false;

    if (credentials == NULL || credentials[0] != '/') {
        return false;
    }
    char *folder = realpath(credentials, NULL);
    char *file = realpath(path, NULL);
    if (folder != NULL && file != NULL) {
        size_t n = strlen(folder);
        is_below = n > 1 && strncmp(file, folder, n) == 0 && file[n] == '/';
    }
    free(folder);
    free(file);
    return is_below;
}

/* The bytes go straight into guarded memory. */
static enum err key_read(int fd, struct secret **ret)
{
    uint8_t more[1];
    size_t n = 0;
    size_t more_bytes = 0;
    struct secret *key = NULL;
    struct secret *buffer = secret_new(SECRET_BYTES_MAX);

    if (buffer == NULL) {
        return ERR_MEMORY;
    }
    enum err err = read_all(fd, secret_write(buffer), SECRET_BYTES_MAX, &n);
    if (err == ERR_OK) {
        err = read_all(fd, more, sizeof more, &more_bytes);
    }
    if (err == ERR_OK && (n < UNLOCK_KEY_BYTES_MIN || more_bytes > 0)) {
        err = ERR_INVALID;
    }
    if (err == ERR_OK) {
        key = secret_new(n);
        err = key != NULL ? ERR_OK : ERR_MEMORY;
    }
    if (err == ERR_OK) {
        memcpy(secret_write(key), secret_read(buffer), n);
        *ret = key;
    }
    secret_destroy(&buffer);
    return err;
}

enum err unlock_key_read(const char *path, struct secret **ret)
{
    struct stat st;
    enum err err;
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);

    if (fd < 0) {
        return err_of(errno);
    }
    if (fstat(fd, &st) != 0) {
        err = ERR_IO;
    } else if (!S_ISREG(st.st_mode)) {
        err = ERR_INVALID;
    } else if (!is_private(&st, S_IRWXG | S_IRWXO) && !is_credential(path)) {
        err = ERR_PERMISSION;
    } else {
        err = key_read(fd, ret);
    }
    close(fd);
    return err;
}
