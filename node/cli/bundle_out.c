/* bundle_out.c - griot bundle out: what another office lacks, sealed for it, as files on a medium. */
#include "node/cli/bundle.h"

#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "node/home.h"
#include "node/medium.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SIZE_MIN = 1 << 16 /* beside the notices there must be room for something */, WHY_BYTES_MAX = 512, PATHS_SHOWN = PATH_MAX + 64 };

static volatile sig_atomic_t is_interrupted;

static void on_interrupt(int signal)
{
    (void)signal;
    is_interrupted = 1;
}

struct writing {
    const struct invocation *invocation;
    const char *path; /* as asked for; "-": standard output */
    uint64_t part, parts;
    struct medium medium;
    json_t *paths; /* of the files that are whole */
    enum err failed; /* of the medium */
};

/* ---- arguments ---- */

/* "650M", "4G", "1048576". */
static bool size_read(const char *text, uint64_t *ret)
{
    static const char units[] = "KMG";
    char *end = NULL;
    unsigned long long number;
    const char *unit;

    errno = 0;
    number = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || end == text) {
        return false;
    }
    unit = *end == '\0' ? NULL : strchr(units, *end);
    if (*end != '\0' && (unit == NULL || end[1] != '\0')) {
        return false;
    }
    for (int i = 0; unit != NULL && i <= unit - units; i++) {
        if (number > UINT64_MAX / 1024) {
            return false;
        }
        number *= 1024;
    }
    *ret = number;
    return number >= SIZE_MIN && number <= NUMBER_MAX;
}

static bool since_read(const char *text, uint64_t *ret)
{
    char *end = NULL;

    *ret = 0;
    if (strcmp(text, "nothing") == 0) {
        return true;
    }
    errno = 0;
    *ret = strtoull(text, &end, 10);
    return text[0] >= '1' && text[0] <= '9' && errno == 0 && *end == '\0' && *ret <= NUMBER_MAX;
}

/* ---- files ---- */

/* "DIR/stick.bundle" and part 2 of 3: "DIR/stick-2-of-3.bundle". */
static bool part_path(const struct writing *w, char ret[PATH_MAX])
{
    const char *slash = strrchr(w->path, '/'), *name = slash == NULL ? w->path : slash + 1, *dot = strrchr(name, '.');
    size_t stem = dot == NULL || dot == name ? strlen(w->path) : (size_t)(dot - w->path);
    int n = w->parts == 1 ? snprintf(ret, PATH_MAX, "%s", w->path)
                          : snprintf(ret, PATH_MAX, "%.*s-%llu-of-%llu%s", (int)stem, w->path, (unsigned long long)w->part, (unsigned long long)w->parts, w->path + stem);

    return n > 0 && n < PATH_MAX;
}

static bool is_standard(const struct writing *w) { return strcmp(w->path, "-") == 0; }

static enum err file_end(struct writing *w)
{
    enum err err;

    if (is_standard(w) || w->medium.fd < 0) {
        return ERR_OK;
    }
    err = medium_end(&w->medium);
    if (err == ERR_OK) {
        (void)json_array_append_new(w->paths, json_string(w->medium.path));
    }
    return err;
}

static enum err file_begin(struct writing *w)
{
    char path[PATH_MAX];

    return is_standard(w) ? ERR_OK : part_path(w, path) ? medium_begin(path, &w->medium) : ERR_INVALID;
}

static void on_progress(void *arg, const json_t *progress_told)
{
    struct writing *w = arg;
    uint64_t part = 0, entries = 0;
    char number[TEXT_NUMBER_BYTES];

    if (reply_number(progress_told, "part", &part) && w->failed == ERR_OK) {
        w->failed = file_end(w);
        w->part = part;
        (void)reply_number(progress_told, "parts", &w->parts);
        w->failed = w->failed == ERR_OK ? file_begin(w) : w->failed;
    } else if (reply_number(progress_told, "entries", &entries)) {
        progress(w->invocation, (uint32_t)(entries / 100000), _("%s entries written"), text_count(number, entries));
    }
}

static enum err on_bytes(void *arg, struct span bytes)
{
    struct writing *w = arg;

    if (is_interrupted != 0 && w->failed == ERR_OK) {
        w->failed = ERR_BUSY;
    }
    if (w->failed == ERR_OK && is_standard(w)) {
        w->failed = fwrite(bytes.p, 1, bytes.n, stdout) == bytes.n ? ERR_OK : ERR_IO;
    } else if (w->failed == ERR_OK) {
        w->failed = medium_write(&w->medium, bytes);
    }
    return w->failed;
}

/* ---- what is said ---- */

static int explain_medium(const struct writing *w)
{
    const struct invocation *invocation = w->invocation;
    char what[PATHS_SHOWN], path[PATH_MAX], why[WHY_BYTES_MAX], size[TEXT_NUMBER_BYTES];

    (void)snprintf(what, sizeof what, _("%s was not written"), part_path(w, path) ? path : w->path);
    if (w->failed == ERR_FULL) {
        (void)snprintf(why, sizeof why, _("the medium is full after %s"), text_bytes(size, w->medium.bytes));
        return fail_because(invocation, ERR_FULL, what, why, _("make room, or split it over several media: --size"));
    }
    if (w->failed == ERR_BADHASH) {
        return fail_because(invocation, ERR_BADHASH, what, _("what the medium gives back is not what was written to it"), _("take another medium; do not trust this one"));
    }
    if (w->failed == ERR_BUSY) {
        return fail_because(invocation, ERR_BUSY, what, _("it was stopped; nothing of this file is left"), _("write it again: griot bundle out"));
    }
    if (w->failed == ERR_EXISTS) {
        return fail_because(invocation, ERR_EXISTS, what, _("something is there already"), _("name another file: --out"));
    }
    return fail_because(invocation, w->failed, what, NULL, NULL);
}

static void say_base(const struct invocation *invocation, const json_t *answer)
{
    const json_t *base;
    size_t i;

    json_array_foreach(json_object_get(answer, "base"), i, base)
    {
        if (json_is_null(json_object_get(base, "frontier"))) {
            tell(invocation, _("What %s holds is not known here, or was not asked for: everything is in it."), reply_string(base, "node"));
        }
    }
}

static int print_answer(const struct writing *w, const json_t *answer)
{
    const struct invocation *invocation = w->invocation;
    uint64_t number = 0;
    const json_t *path;
    char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES], c[TEXT_NUMBER_BYTES];
    size_t i;

    json_array_foreach(w->paths, i, path)
    {
        (void)printf("%s\n", json_string_value(path));
    }
    tell(invocation, _("%s entries in %s commits, %s; for %s"), reply_count(a, answer, "entries"), reply_count(b, answer, "commits"),
         reply_number(answer, "bytes", &number) ? text_bytes(c, number) : "?", reply_string(answer, "for"));
    say_base(invocation, answer);
    if (reply_number(answer, "without_card", &number) && number > 0) {
        tell(invocation, ngettext("%s member cannot open it: no card of that member is known here yet.", "%s members cannot open it: no cards of theirs are known here yet.", (unsigned long)number),
             text_count(a, number));
    }
    if (reply_number(answer, "issued_again", &number) && number > 0) {
        tell(invocation, _("%s entries that had not left yet stand in new logs now, unchanged: nobody has shown this node since its start what others hold of its logs."), text_count(a, number));
    }
    if (reply_number(answer, "damaged", &number) && number > 0) {
        tell(invocation, ngettext("%s log is damaged here and is not in it to its end: griot fsck.", "%s logs are damaged here and are not in it to their ends: griot fsck.", (unsigned long)number),
             text_count(a, number));
        return OUTCOME_INCOMPLETE;
    }
    if (!is_standard(w)) {
        tell(invocation, "%s", _("Written, synced and read back. Take it to them: griot bundle in FILE. What comes back from there acknowledges it."));
    }
    return OUTCOME_DONE;
}

static int print_json(const struct writing *w, json_t *answer)
{
    json_t *file;
    size_t i;

    json_array_foreach(json_object_get(answer, "files"), i, file)
    {
        (void)json_object_set(file, "file", json_array_size(w->paths) > i ? json_array_get(w->paths, i) : json_null());
    }
    return output_json(answer);
}

static int write_all(struct writing *w, json_t *request)
{
    const struct invocation *invocation = w->invocation;
    struct sigaction action = {.sa_handler = on_interrupt};
    struct client *client = NULL;
    json_t *answer = NULL;
    int outcome = ask_open(invocation, &client);
    enum err err = ERR_OK;

    if (outcome != OUTCOME_DONE) {
        json_decref(request);
        return outcome;
    }
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    err = client_bundle_out(client, request, on_bytes, on_progress, w, &answer);
    client_close(&client);
    if (err == ERR_OK && w->failed == ERR_OK) {
        w->failed = is_standard(w) ? (fflush(stdout) == 0 ? ERR_OK : ERR_IO) : file_end(w);
    }
    medium_abandon(&w->medium);
    progress_end(invocation);
    if (w->failed != ERR_OK) {
        outcome = explain_medium(w);
    } else if (err != ERR_OK) {
        outcome = fail_answer(invocation, err, answer);
    } else if (is_standard(w)) {
        outcome = invocation->is_json ? OUTCOME_DONE : print_answer(w, answer);
    } else {
        outcome = invocation->is_json ? print_json(w, answer) : print_answer(w, answer);
    }
    json_decref(answer);
    return outcome;
}

static int run_bundle_out(struct invocation *invocation)
{
    const char *name = option_text(invocation, "for"), *since = option_text(invocation, "since"), *size = option_text(invocation, "size"), *out = option_text(invocation, "out");
    char path[PATH_MAX], today[TEXT_TIME_BYTES];
    struct writing w = {.invocation = invocation, .path = out, .part = 1, .parts = 1, .medium = {.fd = -1}, .paths = json_array()};
    uint64_t number = 0;
    json_t *request;
    int outcome = OUTCOME_DONE;

    if (name == NULL) {
        outcome = fail(invocation, ERR_USAGE, "%s", _("for whom is it? --for NODE, or --for region"));
    } else if (!home_name_is_valid(name)) {
        outcome = fail(invocation, ERR_USAGE, _("that is no name of a node: %s"), name);
    } else if (since != NULL && !since_read(since, &number)) {
        outcome = fail(invocation, ERR_USAGE, _("--since takes the number of a frontier, or nothing: %s"), since);
    }
    request = outcome == OUTCOME_DONE ? json_pack("{s:s, s:s}", "do", "bundle_out", "for", name) : NULL;
    if (request != NULL && since != NULL) {
        (void)json_object_set_new(request, "since", json_integer((json_int_t)number));
    }
    if (outcome == OUTCOME_DONE && size != NULL) {
        if (!size_read(size, &number)) {
            outcome = fail(invocation, ERR_USAGE, _("--size takes bytes, or K, M or G of them, at least 64K: %s"), size);
        } else if (out != NULL && strcmp(out, "-") == 0) {
            outcome = fail(invocation, ERR_USAGE, "%s", _("several files do not go to standard output"));
        } else {
            (void)json_object_set_new(request, "bytes", json_integer((json_int_t)number));
        }
    }
    if (outcome == OUTCOME_DONE && out == NULL) {
        (void)snprintf(path, sizeof path, "griot-for-%s-%.10s.bundle", name, text_rfc3339(today, time(NULL)));
        w.path = path;
    }
    if (outcome == OUTCOME_DONE) {
        outcome = write_all(&w, request);
    } else {
        json_decref(request);
    }
    json_decref(w.paths);
    return outcome;
}

static const struct option_row options[] = {
    {"for", 'f', "NODE|region", N_("for whom: one member, or all of them"), COMPLETES_NOTHING},
    {"since", 's', "FRONTIER", N_("put in what that member lacked by an older frontier of its, or everything: nothing"), COMPLETES_NOTHING},
    {"out", 'o', "FILE", N_("where to write it; - is standard output"), COMPLETES_FILE},
    {"size", 'S', "SIZE", N_("split into files of at most so much: 650M"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot bundle out --for tg --out /media/usb/tg.bundle", N_("everything that tg lacks by its last frontier, on a stick")},
    {"griot bundle out --for region --size 20M --out region.bundle", N_("what not everybody has, in pieces for mails")},
    {NULL, NULL},
};

const struct command command_bundle_out = {
    .name = "out",
    .usage = "--for NODE|region [--since FRONTIER|nothing] [--out FILE] [--size SIZE]",
    .summary = N_("write what another office lacks into a file, sealed for it"),
    .details = N_("What is in it follows from the last frontier that the other office has signed and that has come here; without one, everything is in it. Who is in, acts, cards and frontiers come with it, this "
                  "node's own among them: so what was received is acknowledged by whatever is sent back.\n\n"
                  "Nobody but the receivers can open the file, and nothing in it is believed for having come by hand: it is checked as if it had come over the line. It may be taken in twice, late, and its parts "
                  "in any order."),
    .options = options,
    .examples = examples,
    .flags = COMMAND_LONG,
    .run = run_bundle_out,
};
