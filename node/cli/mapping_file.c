/* mapping_file.c */
#include "node/cli/mapping_file.h"

#include "node/cli/output.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES_MAX = 64 };

/* From the executable's folder; the last one from the working folder. */
static const char *const places[] = {"/../share/griot/mappings", "/../../deploy/mappings", "/../deploy/mappings", NULL};

static bool place_path(size_t place, char *ret, size_t cap)
{
    int n = places[place] != NULL ? snprintf(ret, cap, "%s%s", executable_folder(), places[place]) : snprintf(ret, cap, "deploy/mappings");

    return n > 0 && (size_t)n < cap;
}

enum { PLACES = sizeof places / sizeof places[0] };

static bool is_path(const char *name)
{
    size_t n = strlen(name);

    return strchr(name, '/') != NULL || (n > 4 && strcmp(name + n - 4, ".ini") == 0);
}

static FILE *open_mapping(const char *name, char *path, size_t cap)
{
    char folder[PATH_MAX];

    if (is_path(name)) {
        (void)snprintf(path, cap, "%s", name);
        return fopen(path, "re");
    }
    for (size_t place = 0; place < PLACES; place++) {
        int n = place_path(place, folder, sizeof folder) ? snprintf(path, cap, "%s/%s.ini", folder, name) : -1;
        FILE *file = n > 0 && (size_t)n < cap ? fopen(path, "re") : NULL;
        if (file != NULL) {
            return file;
        }
    }
    (void)snprintf(path, cap, "%s", name);
    errno = ENOENT;
    return NULL;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

const char *mapping_file_names(char *ret, size_t cap)
{
    char *names[NAMES_MAX];
    size_t count = 0;
    size_t at = 0;
    char folder[PATH_MAX];

    for (size_t place = 0; place < PLACES && count == 0; place++) {
        DIR *dir = place_path(place, folder, sizeof folder) ? opendir(folder) : NULL;
        const struct dirent *entry;
        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            size_t n = strlen(entry->d_name);
            char *name = n > 4 && strcmp(entry->d_name + n - 4, ".ini") == 0 && count < NAMES_MAX ? strndup(entry->d_name, n - 4) : NULL;
            if (name != NULL) {
                names[count++] = name;
            }
        }
        if (dir != NULL) {
            (void)closedir(dir);
        }
    }
    qsort(names, count, sizeof names[0], by_text);
    ret[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        int n = snprintf(ret + at, cap - at, "%s%s", i > 0 ? ", " : "", names[i]);
        at += n > 0 && (size_t)n < cap - at ? (size_t)n : 0;
        free(names[i]);
    }
    return ret;
}

static int explain_fault(const struct invocation *invocation, const char *path, const struct mapping_fault *fault)
{
    char why[512];
    char place[64] = "";
    const char *text = fault->why != NULL ? _(fault->why) : "";
    const char *mark = strstr(text, "%s");

    /* By hand: the text is a translator's, and a slip in a format must not crash a program. */
    if (mark != NULL) {
        (void)snprintf(why, sizeof why, "%.*s%s%s", (int)(mark - text), text, fault->what, mark + 2);
    } else {
        (void)snprintf(why, sizeof why, "%s", text);
    }
    if (fault->line > 0) {
        (void)snprintf(place, sizeof place, ":%u", fault->line);
    }
    char what[PATH_MAX + 128];
    (void)snprintf(what, sizeof what, _("the mapping %s%s is not valid"), path, place);
    return fail_because(invocation, ERR_CONFIG, what, why, _("correct the line named; deploy/mappings/README.md is the manual of mappings"));
}

int mapping_file_read(const struct invocation *invocation, const char *name, struct mapping **ret)
{
    char path[PATH_MAX];
    char names[1024];
    char why[1280];
    struct mapping_fault fault = {0};
    FILE *file = open_mapping(name, path, sizeof path);
    enum err err;

    if (file == NULL && errno == ENOENT) {
        (void)snprintf(why, sizeof why, _("there are: %s"), mapping_file_names(names, sizeof names));
        (void)fail_because(invocation, ERR_USAGE, _("there is no mapping of this name"), name, why);
        return OUTCOME_USAGE;
    }
    if (file == NULL) {
        return fail_because(invocation, errno == EACCES ? ERR_PERMISSION : ERR_IO, _("the mapping cannot be read"), path, NULL);
    }
    err = mapping_read(file, ret, &fault);
    (void)fclose(file);
    if (err == ERR_CONFIG) {
        return explain_fault(invocation, path, &fault);
    }
    if (err != ERR_OK) {
        return fail_because(invocation, err, _("the mapping cannot be read"), path, NULL);
    }
    return OUTCOME_DONE;
}
