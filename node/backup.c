#include "node/home.h"

#include "store/store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small files that say who the node is and how it is set up. */
static enum err copy_file(const char *home, const char *path, const char *name)
{
    char from[KEY_PATH_BYTES_MAX + 64], to[KEY_PATH_BYTES_MAX + 64], bytes[65536];
    snprintf(from, sizeof from, "%s/%s", home, name);
    snprintf(to, sizeof to, "%s/%s", path, name);
    FILE *in = fopen(from, "rb");
    if (in == NULL) {
        return errno == ENOENT ? ERR_OK : ERR_IO;
    }
    size_t n = fread(bytes, 1, sizeof bytes, in);
    bool is_whole = feof(in) && !ferror(in);
    fclose(in);
    int fd = is_whole ? open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600) : -1;
    if (fd < 0) {
        return ERR_IO;
    }
    bool is_good = write(fd, bytes, n) == (ssize_t)n && fsync(fd) == 0;
    return close(fd) == 0 && is_good ? ERR_OK : ERR_IO;
}

static enum err sync_folder(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        return ERR_IO;
    }
    bool is_good = fsync(fd) == 0;
    return close(fd) == 0 && is_good ? ERR_OK : ERR_IO;
}

/* The seal and the keys that belong in a backup, sealed as they are: whoever can open the home can open its backup. Log keys never (DESIGN 4). */
static enum err copy_keys(const char *home, const char *path)
{
    char folder[KEY_PATH_BYTES_MAX + 64], name[KEY_NAME_BYTES_MAX + 8];
    snprintf(folder, sizeof folder, "%s/keys", path);
    if (mkdir(folder, 0700) != 0) {
        return ERR_IO;
    }
    enum err err = copy_file(home, path, "keys/seal");
    snprintf(folder, sizeof folder, "%s/keys", home);
    DIR *keys = opendir(folder);
    if (keys == NULL) {
        return ERR_IO;
    }
    for (struct dirent *file = readdir(keys); err == ERR_OK && file != NULL; file = readdir(keys)) {
        if (key_is_backed_up(file->d_name)) {
            snprintf(name, sizeof name, "keys/%.*s", KEY_NAME_BYTES_MAX, file->d_name);
            err = copy_file(home, path, name);
        }
    }
    closedir(keys);
    snprintf(folder, sizeof folder, "%s/keys", path);
    return err == ERR_OK ? sync_folder(folder) : err;
}

enum err home_backup(const struct home *home, struct store *store, const char *path)
{
    char sub[KEY_PATH_BYTES_MAX + 64];
    if (mkdir(path, 0700) != 0) {
        return errno == EEXIST ? ERR_EXISTS : errno == ENOSPC ? ERR_FULL : ERR_IO;
    }
    snprintf(sub, sizeof sub, "%s/log", path);
    enum err err = store_backup(store, sub);
    if (err == ERR_OK) {
        err = copy_file(home->path, path, "node");
    }
    if (err == ERR_OK) {
        err = copy_file(home->path, path, "griot.ini");
    }
    if (err == ERR_OK) {
        err = copy_keys(home->path, path);
    }
    return err == ERR_OK ? sync_folder(path) : err;
}
