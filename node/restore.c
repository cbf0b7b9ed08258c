#include "node/restore.h"

#include "node/file.h"
#include "proto/pack.h"
#include "proto/unpack.h"
#include "store/folder.h"
#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    ESCROW_ITEMS = 6,
    SEALED_BYTES_MAX = 4096,
    ESCROW_BYTES_MAX = 3 * SEALED_BYTES_MAX,
    SMALL_BYTES_MAX = 65536,
    COPY_BYTES = 1 << 20,
};

static const char *const escrow_keys[] = {"identity", "transport"}; /* what no backup holds and a node cannot be without */

static enum err path_of(const char *folder, const char *name, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);

    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_INVALID;
}

/* ---- the identity file ---- */

enum err home_escrow(const struct home *home, const char *path)
{
    uint8_t bytes[ESCROW_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    enum err err = ERR_OK;

    pack_array(&out, ESCROW_ITEMS);
    pack_uint(&out, FORMAT_VERSION);
    pack_bin(&out, span_of(home->region.b, sizeof home->region.b));
    pack_bin(&out, span_of(home->node.b, sizeof home->node.b));
    pack_text(&out, span_text(home->name));
    for (size_t i = 0; i < sizeof escrow_keys / sizeof escrow_keys[0] && err == ERR_OK; i++) {
        char name[32], file[PATH_MAX];
        uint8_t *sealed = NULL;
        size_t n = 0;

        (void)snprintf(name, sizeof name, "keys/%s", escrow_keys[i]);
        err = path_of(home->path, name, file);
        if (err == ERR_OK) {
            err = file_read(file, SEALED_BYTES_MAX, &sealed, &n);
        }
        if (err == ERR_OK) {
            pack_bin(&out, span_of(sealed, n));
        }
        free(sealed);
    }
    if (err == ERR_OK && out.is_full) {
        err = ERR_CORRUPT; /* a name or a key longer than any */
    }
    return err != ERR_OK ? err : file_write(path, out_written(&out), 0600, false);
}

struct escrow {
    uint8_t *bytes;
    struct region_id region;
    struct node_id node;
    struct span keys[2]; /* sealed, into `bytes` */
};

static enum err escrow_read(const char *path, struct escrow *ret)
{
    struct unpack *unpack = unpack_new();
    struct cursor c;
    size_t n = 0;
    enum err err = unpack == NULL ? ERR_MEMORY : file_read(path, ESCROW_BYTES_MAX, &ret->bytes, &n);

    if (err == ERR_OVERSIZE) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        err = unpack_begin(unpack, span_of(ret->bytes, n), NULL);
        if (err == ERR_OK) {
            err = unpack_versioned(unpack, ESCROW_ITEMS, &c, NULL);
        }
        if (err == ERR_OK) {
            cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
            cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
            (void)cursor_text(&c, 1, NAME_BYTES_MAX);
            ret->keys[0] = cursor_bin(&c, 1, SEALED_BYTES_MAX);
            ret->keys[1] = cursor_bin(&c, 1, SEALED_BYTES_MAX);
            err = cursor_end(&c);
        }
        err = err == ERR_OK || err == ERR_MEMORY ? err : err == ERR_VERSION ? ERR_LAYOUT : ERR_CORRUPT;
    }
    unpack_destroy(&unpack);
    return err;
}

/* ---- copying ---- */

static enum err copy_small(const char *backup, const char *folder, const char *name, mode_t mode)
{
    char from[PATH_MAX], to[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err = path_of(backup, name, from);

    if (err == ERR_OK) {
        err = path_of(folder, name, to);
    }
    if (err == ERR_OK) {
        err = file_read(from, SMALL_BYTES_MAX, &bytes, &n);
    }
    if (err == ERR_OK) {
        err = file_write(to, span_of(bytes, n), mode, false);
    }
    free(bytes);
    return err;
}

static enum err copy_bytes(int in, int out, uint8_t *buffer)
{
    for (;;) {
        ssize_t n = read(in, buffer, COPY_BYTES);

        if (n == 0) {
            return fsync(out) == 0 ? ERR_OK : folder_errno(errno);
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return folder_errno(errno);
        }
        for (ssize_t done = 0; done < n;) {
            ssize_t written = write(out, buffer + done, (size_t)(n - done));

            if (written < 0 && errno != EINTR) {
                return folder_errno(errno);
            }
            done += written > 0 ? written : 0;
        }
    }
}

/* The store may be larger than memory. */
static enum err copy_large(const char *backup, const char *folder, const char *name)
{
    char from[PATH_MAX], to[PATH_MAX];
    uint8_t *buffer = malloc(COPY_BYTES);
    int in = -1, out = -1;
    enum err err = buffer == NULL ? ERR_MEMORY : path_of(backup, name, from);

    if (err == ERR_OK) {
        err = path_of(folder, name, to);
    }
    if (err == ERR_OK) {
        in = open(from, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
        err = in < 0 ? folder_errno(errno) : ERR_OK;
    }
    if (err == ERR_OK) {
        out = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        err = out < 0 ? folder_errno(errno) : copy_bytes(in, out, buffer);
    }
    if (in >= 0) {
        (void)close(in);
    }
    if (out >= 0 && close(out) != 0 && err == ERR_OK) {
        err = folder_errno(errno);
    }
    free(buffer);
    return err;
}

static enum err folder_make(const char *folder, const char *name)
{
    char path[PATH_MAX];
    enum err err = path_of(folder, name, path);

    return err != ERR_OK || mkdir(path, 0700) == 0 ? err : folder_errno(errno);
}

/* The seal, and only keys that belong in a backup: whatever else somebody has put there stays where it is, log keys above all. */
static enum err copy_keys(const char *backup, const char *folder)
{
    char path[PATH_MAX], name[KEY_NAME_BYTES_MAX + 8];
    enum err err = folder_make(folder, "keys");
    DIR *keys = NULL;

    if (err == ERR_OK) {
        err = copy_small(backup, folder, "keys/seal", 0600);
    }
    if (err == ERR_OK) {
        err = path_of(backup, "keys", path);
    }
    if (err == ERR_OK) {
        keys = opendir(path);
        err = keys == NULL ? folder_errno(errno) : ERR_OK;
    }
    for (struct dirent *file = err == ERR_OK ? readdir(keys) : NULL; err == ERR_OK && file != NULL; file = readdir(keys)) {
        if (strlen(file->d_name) <= KEY_NAME_BYTES_MAX && key_is_backed_up(file->d_name)) {
            (void)snprintf(name, sizeof name, "keys/%.*s", KEY_NAME_BYTES_MAX, file->d_name);
            err = copy_small(backup, folder, name, 0600);
        }
    }
    if (keys != NULL) {
        (void)closedir(keys);
    }
    return err;
}

static enum err copy_backup(const char *backup, const char *folder)
{
    enum err err = copy_small(backup, folder, "node", 0640);

    if (err == ERR_OK) {
        err = copy_small(backup, folder, "griot.ini", 0640);
    }
    if (err == ERR_OK) {
        err = copy_keys(backup, folder);
    }
    if (err == ERR_OK) {
        err = folder_make(folder, "log");
    }
    return err == ERR_OK ? copy_large(backup, folder, "log/data.mdb") : err;
}

static enum err put_escrow(const struct escrow *escrow, const char *folder)
{
    enum err err = ERR_OK;

    for (size_t i = 0; i < sizeof escrow_keys / sizeof escrow_keys[0] && err == ERR_OK; i++) {
        char name[32], path[PATH_MAX];

        (void)snprintf(name, sizeof name, "keys/%s", escrow_keys[i]);
        err = path_of(folder, name, path);
        if (err == ERR_OK) {
            err = file_write(path, escrow->keys[i], 0600, false);
        }
    }
    return err;
}

/* ---- restoring ---- */

/* What the store is, and the highest card it holds of us. */
static enum err look_at_store(const struct home *home, struct home_restore *restore, uint64_t *ret_card)
{
    struct store *store = NULL;
    struct store_read *read = NULL;
    struct store_size size;
    struct card card;
    enum err err = store_open(home->path, &store);

    *ret_card = 0;
    if (err != ERR_OK) {
        return err;
    }
    if (!node_id_equal(store_self(store), &home->node) || !region_id_equal(store_region(store), &home->region)) {
        err = ERR_CORRUPT;
    }
    if (err == ERR_OK) {
        err = store_read_begin(store, &read);
    }
    if (err == ERR_OK) {
        err = store_size(read, &size);
    }
    if (err == ERR_OK) {
        restore->commits = size.commits;
        restore->entries = size.entries;
        err = store_card(read, &home->node, &card);
        *ret_card = err == ERR_OK ? card.counter : 0;
        err = err == ERR_NOT_FOUND ? ERR_OK : err;
    }
    if (read != NULL) {
        store_read_end(&read);
    }
    store_close(&store);
    return err;
}

static enum err build(const char *folder, struct home_restore *restore, struct escrow *escrow, struct home *home)
{
    uint64_t card = 0;
    enum err err;

    restore->part = RESTORE_BACKUP;
    err = copy_backup(restore->backup, folder);
    if (err == ERR_OK) {
        err = put_escrow(escrow, folder);
    }
    if (err != ERR_OK) {
        return err;
    }
    restore->part = RESTORE_HOME;
    err = home_open(folder, home);
    if (err != ERR_OK) {
        restore->fault = home->fault;
        return err;
    }
    (void)snprintf(restore->name, sizeof restore->name, "%s", home->name);
    if (!node_id_equal(&escrow->node, &home->node) || !region_id_equal(&escrow->region, &home->region)) {
        restore->part = RESTORE_OTHER_NODE;
        return ERR_INVALID;
    }
    err = home_unlock(home, restore->unlock);
    if (err != ERR_OK) {
        restore->fault = home->fault;
        return err;
    }
    restore->part = RESTORE_STORE;
    err = look_at_store(home, restore, &card);
    if (err == ERR_OK) {
        restore->part = RESTORE_TARGET;
        err = home_begin_again(home, card + 1, restore->now);
    }
    return err == ERR_OK ? file_sync_folder(folder) : err;
}

static enum err put_in_place(const char *folder, const char *target)
{
    char parent[PATH_MAX];
    char *slash;

    if (rename(folder, target) != 0) {
        return errno == ENOTDIR || errno == ENOTEMPTY ? ERR_EXISTS : folder_errno(errno);
    }
    (void)snprintf(parent, sizeof parent, "%s", target);
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        return file_sync_folder(".");
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return file_sync_folder(parent);
}

enum err home_restore(const char *path, struct home_restore *restore)
{
    char target[PATH_MAX], folder[PATH_MAX + 16];
    struct escrow escrow = {0};
    struct home *home;
    size_t n = strlen(path);
    enum err err;

    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    restore->part = RESTORE_TARGET;
    if (n == 0 || n >= PATH_MAX - 64) {
        return ERR_INVALID;
    }
    (void)snprintf(target, sizeof target, "%.*s", (int)n, path);
    if (access(target, F_OK) == 0 && rmdir(target) != 0) {
        return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_EXISTS;
    }
    restore->part = RESTORE_IDENTITY;
    err = crypto_start();
    if (err == ERR_OK) {
        err = escrow_read(restore->identity, &escrow);
    }
    if (err != ERR_OK) {
        free(escrow.bytes);
        return err;
    }
    restore->part = RESTORE_TARGET;
    home = calloc(1, sizeof *home);
    (void)snprintf(folder, sizeof folder, "%s.XXXXXX", target);
    if (home == NULL || mkdtemp(folder) == NULL) {
        err = home == NULL ? ERR_MEMORY : folder_errno(errno);
        free(home);
        free(escrow.bytes);
        return err;
    }
    err = build(folder, restore, &escrow, home);
    home_fini(home);
    if (err == ERR_OK) {
        err = put_in_place(folder, target);
    }
    if (err != ERR_OK) {
        file_remove_tree(folder);
    }
    free(home);
    free(escrow.bytes);
    return err;
}
