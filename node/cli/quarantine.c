/* quarantine.c - griot quarantine: what is held beyond the cuts of nodes that were suspended or removed. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"
#include "crypto/hash.h"
#include "node/file.h"
#include "proto/extension.h"

#include <stdlib.h>
#include <string.h>

static void print_cause(const json_t *node)
{
    const char *cause = reply_string(node, "cause"), *name = reply_string(node, "name");
    char when[TEXT_TIME_BYTES], roster[TEXT_NUMBER_BYTES], reason[1024];

    name = name[0] != '\0' ? name : reply_string(node, "id");
    if (strcmp(cause, "suspended") == 0) {
        text_clean(reason, sizeof reason, reply_string(node, "reason"));
        (void)printf(_("%s, suspended by %s, %s. %s"), name, reply_string(node, "by"), reply_when(when, reply_string(node, "when")), reason);
    } else if (strcmp(cause, "removed") == 0) {
        (void)printf(_("%s, removed by the root (roster %s)"), name, reply_count(roster, node, "roster"));
    } else {
        (void)printf(_("%s, logs under a key that the root has replaced (roster %s)"), name, reply_count(roster, node, "roster"));
    }
    (void)fputc('\n', stdout);
}

static void print_node(const json_t *node)
{
    char entries[TEXT_NUMBER_BYTES], counts[TEXT_NUMBER_BYTES], held[TEXT_NUMBER_BYTES], first[TEXT_TIME_BYTES], last[TEXT_TIME_BYTES];
    const json_t *log;
    size_t i;

    print_cause(node);
    json_array_foreach(json_object_get(node, "logs"), i, log)
    {
        (void)printf(_("  log %.12s, %s: counts up to commit %s, held up to %s; entries beyond: %s, recorded %s to %s\n"), reply_string(log, "log"), reply_string(log, "channel"),
                     reply_count(counts, log, "counts"), reply_count(held, log, "held"), reply_count(entries, log, "entries"), reply_when(first, reply_string(log, "first")),
                     reply_when(last, reply_string(log, "last")));
    }
}

static void print_records(const json_t *answer)
{
    const json_t *row;
    uint64_t left_out = 0;
    size_t i;

    json_array_foreach(json_object_get(answer, "records"), i, row)
    {
        char when[TEXT_TIME_BYTES], clean[512];
        const json_t *value;
        const char *name, *unreadable = reply_string(row, "unreadable");

        (void)printf(_("quarantined: %s, recorded by %s, %s\n"), unreadable[0] != '\0' ? _(unreadable) : reply_string(row, "id"), reply_string(row, "origin"),
                     reply_when(when, reply_string(row, "recorded")));
        json_object_foreach((json_t *)json_object_get(row, "fields"), name, value)
        {
            if (json_is_string(value)) {
                text_clean(clean, sizeof clean, json_string_value(value));
                (void)printf("  %s  %s\n", name, clean);
            }
        }
    }
    if (reply_number(answer, "left_out", &left_out) && left_out > 0) {
        (void)printf(ngettext("... and %llu more\n", "... and %llu more\n", (unsigned long)left_out), (unsigned long long)left_out);
    }
}

static int write_extension(const struct invocation *invocation, const json_t *answer, const char *path)
{
    const char *hex = reply_string(answer, "extension");
    size_t n = strlen(hex) / 2;
    uint8_t *bytes = n > 0 && n <= EXTENSION_BYTES_MAX ? malloc(n) : NULL;
    enum err err = bytes != NULL && hex_decode(hex, bytes, n) ? file_write(path, span_of(bytes, n), 0644, false) : ERR_MALFORMED;

    free(bytes);
    if (err != ERR_OK) {
        return fail_because(invocation, err, _("the file was not written"), err == ERR_EXISTS ? _("a file of that name is there") : NULL, NULL);
    }
    tell(invocation, "%s  %s", path, reply_string(answer, "fingerprint"));
    tell(invocation, "%s", _("Carry the file to where the root signs, and read these letters out over the telephone: griot root roster DIR --extend NODE=FILE"));
    return OUTCOME_DONE;
}

static int run_quarantine(struct invocation *invocation)
{
    const char *name = invocation->operand_count > 0 ? invocation->operands[0] : NULL, *out = option_text(invocation, "out");
    json_t *request = json_pack("{s:s, s:b, s:b}", "do", "quarantine", "show", option_given(invocation, "show"), "extension", out != NULL), *answer = NULL;
    const json_t *node;
    size_t i;
    int outcome;

    if (out != NULL && name == NULL) {
        json_decref(request);
        return fail_because(invocation, ERR_USAGE, _("which node?"), _("a file for the root is of one node"), _("griot quarantine NODE --out FILE"));
    }
    if (name != NULL) {
        (void)json_object_set_new(request, "name", json_string(name));
    }
    outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    if (out != NULL) {
        outcome = write_extension(invocation, answer, out);
    }
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        outcome = output_json(answer);
    } else if (outcome == OUTCOME_DONE && json_array_size(json_object_get(answer, "nodes")) == 0) {
        tell(invocation, "%s", _("Nothing is held beyond a cut."));
        outcome = out != NULL ? OUTCOME_DONE : OUTCOME_NOTHING;
    } else if (outcome == OUTCOME_DONE) {
        json_array_foreach(json_object_get(answer, "nodes"), i, node)
        {
            print_node(node);
        }
        print_records(answer);
    }
    json_decref(answer);
    return outcome;
}

static const struct option_row options[] = {
    {"show", 's', NULL, N_("show the records in it, the first 1,000"), COMPLETES_NOTHING},
    {"out", 'o', "FILE", N_("write what the root needs to let all that is held of that node count"), COMPLETES_FILE},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot quarantine", N_("whose records came too late, how many, and by what they were cut")},
    {"griot quarantine tg-lome --show", N_("the records themselves")},
    {"griot quarantine tg-lome --out tg.extension", N_("for the root: griot root roster DIR --extend tg-lome=tg.extension")},
    {NULL, NULL},
};

const struct command command_quarantine = {
    .name = "quarantine",
    .usage = "[NODE] [--show] [--out FILE]",
    .summary = N_("show what nodes wrote after they were suspended or removed"),
    .details = N_("What a suspended or removed node wrote beyond its cut is kept as evidence where it is held: it is in no search, does not count, and is not passed on. How much is kept of one node "
                  "is limited. The root may extend the cut: then it counts everywhere, and nodes that lack it fetch it.\n\n"
                  "A file for the root (--out) can be made of a node that is still in as well: when it is to be removed in peace, all that the file names of it goes on counting."),
    .options = options,
    .examples = examples,
    .operands_max = 1,
    .run = run_quarantine,
};
