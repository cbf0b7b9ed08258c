/* bundle.c - griot bundle: replication by hand; and what its subcommands share. */
#include "node/cli/bundle.h"

#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "store/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PERCENT_STEP = 10, NAMES_MAX = 6 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    is_interrupted = 1;
}

/* ---- sources ---- */

enum err bundle_source_look(const char *path, struct bundle_source *ret)
{
    struct stat st;

    *ret = (struct bundle_source){.path = path, .is_stream = true};
    if (strcmp(path, "-") == 0) {
        return ERR_OK;
    }
    if (stat(path, &st) != 0) {
        return folder_errno(errno);
    }
    ret->is_stream = !S_ISREG(st.st_mode);
    ret->bytes = S_ISREG(st.st_mode) && st.st_size > 0 ? (uint64_t)st.st_size : 0;
    return S_ISREG(st.st_mode) || S_ISFIFO(st.st_mode) || S_ISBLK(st.st_mode) ? ERR_OK : ERR_INVALID;
}

static void show_progress(const struct invocation *invocation, const struct bundle_source *source, const char *what)
{
    bool is_taking = strcmp(what, "bundle_in") == 0;
    uint32_t percent = source->bytes > 0 ? (uint32_t)(source->done * 100 / source->bytes) : 0;
    char size[TEXT_NUMBER_BYTES];

    if (source->bytes >= BUNDLE_READ_BYTES) {
        progress(invocation, percent / PERCENT_STEP, is_taking ? _("%s: %u %% taken in") : _("%s: %u %% read"), source->path, percent);
    } else if (source->bytes == 0) {
        progress(invocation, (uint32_t)(source->done >> 24), _("%s: %s read"), source->path, text_bytes(size, source->done));
    }
}

static enum err send_all(const struct invocation *invocation, struct client *client, struct bundle_source *source, const char *what, int fd, uint8_t *buffer, json_t **ret)
{
    for (;;) {
        ssize_t n = read(fd, buffer, BUNDLE_READ_BYTES);
        json_t *answer = NULL;
        enum err err;

        if (is_interrupted != 0) {
            return ERR_BUSY;
        }
        if (n < 0 && errno == EINTR) {
            continue;
        }
        if (n < 0) {
            return ERR_IO;
        }
        if (n == 0) {
            return client_bundle_end(client, ret);
        }
        err = client_bundle_feed(client, span_of(buffer, (size_t)n), &answer);
        if (err != ERR_OK) {
            *ret = answer;
            return err;
        }
        json_decref(answer);
        source->done += (uint64_t)n;
        show_progress(invocation, source, what);
    }
}

enum err bundle_source_send(const struct invocation *invocation, struct client *client, struct bundle_source *source, const char *what, json_t **ret)
{
    struct sigaction action = {.sa_handler = on_interrupt};
    uint8_t *buffer = malloc(BUNDLE_READ_BYTES);
    bool is_standard = strcmp(source->path, "-") == 0;
    int fd = is_standard ? STDIN_FILENO : open(source->path, O_RDONLY | O_NOCTTY | O_CLOEXEC);
    enum err err = buffer == NULL ? ERR_MEMORY : fd < 0 ? folder_errno(errno) : ERR_OK;

    *ret = NULL;
    source->done = 0;
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    if (err == ERR_OK) {
        (void)posix_fadvise(fd, 0, 0, POSIX_FADV_SEQUENTIAL);
        err = client_bundle_begin(client, what, ret);
    }
    if (err == ERR_OK) {
        json_decref(*ret);
        *ret = NULL;
        err = send_all(invocation, client, source, what, fd, buffer, ret);
    }
    progress_end(invocation);
    if (fd >= 0 && !is_standard) {
        (void)close(fd);
    }
    free(buffer);
    return err;
}

/* ---- refusals ---- */

static int fail_elsewhere(const struct invocation *invocation, const char *what, const json_t *error)
{
    char names[512], why[768];

    (void)snprintf(why, sizeof why, _("it is sealed for %s"), reply_names(names, sizeof names, json_object_get(error, "sealed_for"), NAMES_MAX));
    return fail_because(invocation, ERR_PERMISSION, what, why, _("take it to the office for which it is sealed, or ask its writer for one for this node"));
}

int bundle_fail(const struct invocation *invocation, enum err err, const char *path, const json_t *error)
{
    const char *why = reply_string(error, "why"), *advice = reply_string(error, "do");
    bool has_changed = strcmp(reply_string(error, "what"), "the bundle is not taken in to its end; what came before stays") == 0;
    char what[512];

    (void)snprintf(what, sizeof what,
                   err == ERR_BUSY && error == NULL ? _("%s: stopped; what was taken in before stays, and the same again goes on from there")
                   : has_changed                    ? _("%s is not taken in to its end; what came before stays")
                                                    : _("%s is not taken in; nothing was changed"),
                   path);
    if (err == ERR_PERMISSION && json_is_array(json_object_get(error, "sealed_for"))) {
        return fail_elsewhere(invocation, what, error);
    }
    return fail_because(invocation, err, what, why[0] != '\0' ? _(why) : NULL, advice[0] != '\0' ? _(advice) : NULL);
}

/* ---- the command ---- */

extern const struct command command_bundle_out, command_bundle_in, command_bundle_show;
static const struct command *const subcommands[] = {&command_bundle_out, &command_bundle_in, &command_bundle_show, NULL};
static const struct example_row examples[] = {
    {"griot bundle out --for tg --out /media/usb/tg.bundle", N_("everything that tg lacks, on a stick")},
    {"griot bundle in /media/usb/tg.bundle", N_("take it in, at tg")},
    {NULL, NULL},
};

const struct command command_bundle = {
    .name = "bundle",
    .usage = "out|in|show ...",
    .summary = N_("replicate by hand: a file for a stick or a mail"),
    .examples = examples,
    .subcommands = subcommands,
};
