/* Runs every file of the given folders and every given file through the fuzz target that this is linked with, under any compiler;
 * prints how many there were. Fails when there were none. */
#include <dirent.h>
#include <stdio.h>
#include <sys/stat.h>

#include "tests/fuzz/fuzz.h"

enum { FILE_BYTES_MAX = 1 << 20 };

static unsigned files;

static bool replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = malloc(FILE_BYTES_MAX);
    uint8_t *exact;
    size_t n;

    if (file == NULL || bytes == NULL) {
        perror(path);
        free(bytes);
        return false;
    }
    n = fread(bytes, 1, FILE_BYTES_MAX, file);
    (void)fclose(file);
    exact = realloc(bytes, n > 0 ? n : 1); /* so that a sanitizer sees a read past the end */
    if (exact == NULL) {
        free(bytes);
        return false;
    }
    (void)LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    files++;
    return true;
}

static bool replay_folder(const char *path)
{
    DIR *folder = opendir(path);
    struct dirent *entry;
    char name[4096];
    bool is_good = folder != NULL;

    if (folder == NULL) {
        perror(path);
        return false;
    }
    while (is_good && (entry = readdir(folder)) != NULL) {
        if (entry->d_name[0] == '.') {
            continue;
        }
        if (snprintf(name, sizeof name, "%s/%s", path, entry->d_name) >= (int)sizeof name) {
            is_good = false;
        } else {
            is_good = replay_file(name);
        }
    }
    (void)closedir(folder);
    return is_good;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        struct stat status;

        if (stat(argv[i], &status) != 0) {
            perror(argv[i]);
            return 1;
        }
        if (!(S_ISDIR(status.st_mode) ? replay_folder(argv[i]) : replay_file(argv[i]))) {
            return 1;
        }
    }
    printf("%s: %u inputs replayed\n", argv[0], files);
    return files > 0 ? 0 : 1;
}
