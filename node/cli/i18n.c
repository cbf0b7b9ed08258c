/* i18n.c - finds the catalogue and makes gettext use it.
 *
 * glibc ignores LANGUAGE in the locale "C", but not in "C.UTF-8", which Debian 12 always has: no generated locale is needed. Only LC_CTYPE and
 * LC_MESSAGES are set, so numbers in JSON and in files keep their point whatever the language. */
#include "node/cli/i18n.h"

#include <limits.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DOMAIN "griot"

const char *const languages[] = {"fr", "en", "pt", NULL};

static const char *language_in_use = "en";

/* Where a catalogue may be, from the executable's folder: beside it (build folder), beside its parent (tests in the build folder), installed. */
static const char *const places[] = {"locale", "../locale", "../share/locale", NULL};

/* Any of these makes glibc translate; only the first is on every Debian. */
static const char *const locales[] = {"C.UTF-8", "fr_FR.UTF-8", "pt_PT.UTF-8", "pt_BR.UTF-8", "en_US.UTF-8", "en_GB.UTF-8", NULL};

static const char *language_find(const char *text, size_t n)
{
    for (size_t i = 0; languages[i] != NULL; i++) {
        if (strlen(languages[i]) == n && memcmp(languages[i], text, n) == 0) {
            return languages[i];
        }
    }
    return NULL;
}

bool language_is_known(const char *language)
{
    return language_find(language, strlen(language)) != NULL;
}

const char *language_choose(const char *asked, const char *configured)
{
    static const char *const variables[] = {"LC_ALL", "LC_MESSAGES", "LANG", NULL};
    const char *const wishes[] = {asked, configured, NULL};

    for (size_t i = 0; i < 2; i++) {
        if (wishes[i] != NULL && wishes[i][0] != '\0') {
            const char *found = language_find(wishes[i], strlen(wishes[i]));
            if (found != NULL) {
                return found;
            }
        }
    }
    for (size_t i = 0; variables[i] != NULL; i++) {
        const char *value = getenv(variables[i]);
        if (value != NULL && value[0] != '\0') {
            /* pt_BR.UTF-8@abc: the part before '_', '.' and '@' is the language. "C" and "POSIX" name none. */
            const char *found = language_find(value, strcspn(value, "_.@"));
            if (found != NULL) {
                return found;
            }
        }
    }
    return languages[0];
}

const char *executable_folder(void)
{
    static char folder[PATH_MAX];

    if (folder[0] == '\0') {
        ssize_t n = readlink("/proc/self/exe", folder, sizeof folder - 1);
        char *slash = NULL;
        if (n > 0) {
            folder[n] = '\0';
            slash = strrchr(folder, '/');
        }
        if (slash == NULL) {
            strcpy(folder, ".");
        } else {
            *slash = '\0';
        }
    }
    return folder;
}

/* Does gettext translate the header entry, which every catalogue has? */
static bool is_translating(void)
{
    return gettext("")[0] != '\0';
}

bool language_use(const char *language)
{
    const char *found = language_find(language, strlen(language));
    char path[PATH_MAX];
    char file[PATH_MAX];

    language_in_use = "en";
    (void)setlocale(LC_CTYPE, "C.UTF-8");
    if (found == NULL) {
        return false;
    }
    (void)setenv("LANGUAGE", found, 1);
    if (strcmp(found, "en") == 0) {
        /* The msgids are English; a French system locale must not translate them. */
        (void)setlocale(LC_MESSAGES, "C");
        return true;
    }
    for (size_t i = 0; places[i] != NULL; i++) {
        int n = snprintf(path, sizeof path, "%s/%s", executable_folder(), places[i]);
        int m = snprintf(file, sizeof file, "%s/%s/%s/LC_MESSAGES/%s.mo", executable_folder(), places[i], found, DOMAIN);
        if (n < 0 || (size_t)n >= sizeof path || m < 0 || (size_t)m >= sizeof file || access(file, R_OK) != 0) {
            continue;
        }
        (void)bindtextdomain(DOMAIN, path);
        (void)bind_textdomain_codeset(DOMAIN, "UTF-8");
        (void)textdomain(DOMAIN);
        for (size_t l = 0; locales[l] != NULL; l++) {
            if (setlocale(LC_MESSAGES, locales[l]) != NULL && is_translating()) {
                language_in_use = found;
                return true;
            }
        }
    }
    (void)setlocale(LC_MESSAGES, "C");
    return false;
}

const char *language_now(void)
{
    return language_in_use;
}
