/* bundle_in.c - griot bundle in: files from other offices, checked as if they had come over the line. */
#include "node/cli/bundle.h"

#include "node/cli/explain.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

#include <stdlib.h>
#include <string.h>

enum { PASSES_MAX = 64, REASONS_SHOWN_MAX = 12 };

struct taking {
    struct bundle_source source;
    bool is_refused;
    json_t *answer; /* of the last time it was taken in, with what is new added up; NULL: not yet */
};

static const char *const sums[] = {"notices", "commits", "entries", "own_again"}; /* new each time */

static uint64_t count_of(const json_t *answer, const char *key)
{
    uint64_t count = 0;

    (void)reply_number(answer, key, &count);
    return count;
}

/* What is new adds up over the times that a file is taken in; the rest is as it was last. Takes `answer`. */
static void add_up(struct taking *taking, json_t *answer)
{
    for (size_t i = 0; i < sizeof sums / sizeof sums[0] && taking->answer != NULL; i++) {
        (void)json_object_set_new(answer, sums[i], json_integer((json_int_t)(count_of(answer, sums[i]) + count_of(taking->answer, sums[i]))));
    }
    json_decref(taking->answer);
    taking->answer = answer;
}

/* Once through: one file, checked to its end before anything of it is taken in, unless it can be read only once. */
static int take_once(struct invocation *invocation, struct client *client, struct taking *taking, bool is_first, bool *ret_moved)
{
    json_t *answer = NULL;
    enum err err = ERR_OK;

    if (is_first && !taking->source.is_stream) {
        err = bundle_source_send(invocation, client, &taking->source, "bundle_check", &answer);
    }
    if (err == ERR_OK) {
        json_decref(answer);
        err = bundle_source_send(invocation, client, &taking->source, "bundle_in", &answer);
    }
    if (err != ERR_OK) {
        int outcome = bundle_fail(invocation, err, taking->source.path, answer);

        json_decref(answer);
        taking->is_refused = true;
        return outcome;
    }
    *ret_moved = *ret_moved || count_of(answer, "notices") + count_of(answer, "commits") > 0;
    (void)json_object_set_new(answer, "file", json_string(taking->source.path));
    add_up(taking, answer);
    return OUTCOME_DONE;
}

/* All of them, again and again while something waits and something else has come in that may be what it waited for. */
static int take_all(struct invocation *invocation, struct client *client, struct taking *takings, size_t count)
{
    int outcome = OUTCOME_DONE;
    bool is_waiting = true, has_moved = true;

    for (int pass = 0; pass < PASSES_MAX && is_waiting && has_moved; pass++) {
        is_waiting = has_moved = false;
        for (size_t i = 0; i < count; i++) {
            bool is_due = !takings[i].is_refused && (pass == 0 || (!takings[i].source.is_stream && count_of(takings[i].answer, "waiting") > 0));
            int got = is_due ? take_once(invocation, client, &takings[i], pass == 0, &has_moved) : OUTCOME_DONE;

            outcome = outcome == OUTCOME_DONE ? got : outcome;
            if (got == OUTCOME_UNREACHABLE) {
                return got;
            }
            is_waiting = is_waiting || (!takings[i].is_refused && count_of(takings[i].answer, "waiting") > 0);
        }
    }
    return outcome;
}

/* ---- what is said ---- */

/* Which parts of this file's bundle were not among the files? As numbers, in the answer. */
static void put_missing(const struct taking *takings, size_t count, size_t index)
{
    json_t *answer = takings[index].answer, *missing = json_array();
    const char *bundle = reply_string(answer, "bundle");
    uint64_t parts = count_of(answer, "parts");

    for (uint64_t part = 1; part <= parts; part++) {
        bool is_here = false;

        for (size_t i = 0; i < count; i++) {
            is_here = is_here || (takings[i].answer != NULL && strcmp(reply_string(takings[i].answer, "bundle"), bundle) == 0 && count_of(takings[i].answer, "part") == part);
        }
        if (!is_here) {
            (void)json_array_append_new(missing, json_integer((json_int_t)part));
        }
    }
    (void)json_object_set_new(answer, "parts_not_given", missing);
}

static void say_reasons(const json_t *answer)
{
    const json_t *reason;
    char number[TEXT_NUMBER_BYTES];
    size_t i;

    json_array_foreach(json_object_get(answer, "reasons"), i, reason)
    {
        const char *fate = reply_string(reason, "fate"), *origin = json_is_string(json_object_get(reason, "origin")) ? reply_string(reason, "origin") : "";
        enum err err = err_of_name(reply_string(reason, "code"), strlen(reply_string(reason, "code")));

        if (i == REASONS_SHOWN_MAX) {
            break;
        }
        (void)printf("    ");
        (void)printf(strcmp(fate, "waiting") == 0 ? _("%s wait") : strcmp(fate, "aside") == 0 ? _("%s left aside") : _("%s refused"), reply_count(number, reason, "count"));
        (void)printf("%s%s: %s (%s)\n", origin[0] != '\0' ? ", " : "", origin, err < ERR_COUNT ? _(explain(err)->why) : "", reply_string(reason, "code"));
    }
}

static void say_waiting(const struct invocation *invocation, const json_t *answer)
{
    const json_t *missing = json_object_get(answer, "parts_not_given");
    uint64_t part = count_of(answer, "part");

    if (count_of(answer, "waiting") == 0) {
        return;
    }
    if (json_array_size(missing) > 0 && (uint64_t)json_integer_value(json_array_get(missing, 0)) < part) {
        tell(invocation, _("Take in part %llu first, then this one again: nothing is lost, and nothing is doubled."), (unsigned long long)json_integer_value(json_array_get(missing, 0)));
    } else {
        tell(invocation, _("What waits builds on something that is not here. Ask %s for another: griot bundle out --for NODE --since nothing."), reply_string(answer, "writer"));
    }
}

static void print_one(const struct invocation *invocation, const json_t *answer)
{
    char a[TEXT_NUMBER_BYTES], b[TEXT_NUMBER_BYTES], c[TEXT_NUMBER_BYTES], name[256];

    text_clean(name, sizeof name, reply_string(answer, "file"));
    if (count_of(answer, "parts") > 1) {
        (void)printf(_("%s: from %s, part %llu of %llu"), name, reply_string(answer, "writer"), (unsigned long long)count_of(answer, "part"), (unsigned long long)count_of(answer, "parts"));
    } else {
        (void)printf(_("%s: from %s"), name, reply_string(answer, "writer"));
    }
    (void)fputc('\n', stdout);
    (void)printf(_("  new: %s entries in %s commits, %s notices"), reply_count(a, answer, "entries"), reply_count(b, answer, "commits"), reply_count(c, answer, "notices"));
    (void)fputc('\n', stdout);
    (void)printf(_("  held already: %s commits, %s notices"), reply_count(a, answer, "commits_held"), reply_count(b, answer, "notices_held"));
    (void)fputc('\n', stdout);
    say_reasons(answer);
    say_waiting(invocation, answer);
    if (json_is_true(json_object_get(answer, "own_ahead"))) {
        tell(invocation, "%s", _("It holds more of this node's own records than this node did: it was restored from an old copy, or a clone runs. New records go into new logs."));
    }
}

static int print_all(struct invocation *invocation, const struct taking *takings, size_t count, int outcome)
{
    json_t *whole = output_new("griot.bundle-in/1", NULL), *files = json_array();
    uint64_t refused = 0, waiting = 0, taken = 0;

    for (size_t i = 0; i < count; i++) {
        if (takings[i].answer == NULL) {
            continue;
        }
        put_missing(takings, count, i);
        if (!invocation->is_json) {
            print_one(invocation, takings[i].answer);
        }
        (void)json_array_append(files, takings[i].answer);
        refused += count_of(takings[i].answer, "refused");
        waiting += count_of(takings[i].answer, "waiting");
        taken++;
    }
    (void)json_object_set_new(whole, "files", files);
    if (invocation->is_json && taken > 0 && output_json(whole) != OUTCOME_DONE) {
        outcome = OUTCOME_FAILED;
    }
    json_decref(whole);
    if (outcome != OUTCOME_DONE || refused > 0) {
        return outcome != OUTCOME_DONE ? outcome : OUTCOME_FAILED;
    }
    return waiting > 0 && option_given(invocation, "strict") ? OUTCOME_INCOMPLETE : OUTCOME_DONE;
}

static int run_bundle_in(struct invocation *invocation)
{
    size_t count = invocation->operand_count;
    struct taking *takings = calloc(count, sizeof *takings);
    struct client *client = NULL;
    int outcome = OUTCOME_DONE;

    if (takings == NULL) {
        return fail(invocation, ERR_MEMORY, "%s", invocation->operands[0]);
    }
    for (size_t i = 0; i < count; i++) {
        enum err err = bundle_source_look(invocation->operands[i], &takings[i].source);

        if (err != ERR_OK) {
            int failed = fail(invocation, err, "%s", invocation->operands[i]);

            takings[i].is_refused = true;
            outcome = outcome == OUTCOME_DONE ? failed : outcome;
        }
    }
    if (outcome == OUTCOME_DONE || count > 1) {
        int opened = ask_open(invocation, &client);
        int got = opened == OUTCOME_DONE ? take_all(invocation, client, takings, count) : opened;

        outcome = outcome == OUTCOME_DONE ? got : outcome;
    }
    if (client != NULL) {
        client_close(&client);
    }
    outcome = print_all(invocation, takings, count, outcome);
    for (size_t i = 0; i < count; i++) {
        json_decref(takings[i].answer);
    }
    free(takings);
    return outcome;
}

static const struct option_row options[] = {
    {"strict", 0, NULL, N_("exit code 6 when something waits for what is not here"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};
static const struct example_row examples[] = {
    {"griot bundle in /media/usb/tg.bundle", N_("take in what a stick has brought")},
    {"griot bundle in part-2.bundle part-1.bundle", N_("in any order")},
    {NULL, NULL},
};

const struct command command_bundle_in = {
    .name = "in",
    .usage = "FILE... [--strict]",
    .summary = N_("take in bundles from other offices"),
    .details = N_("Each file is read to its end and checked before anything of it is taken in; a damaged one changes nothing. Then every commit and every notice is verified as if it had come over the line. What is held "
                  "already is passed over: a file may be taken in twice, and again after a power cut. What cannot be used yet is counted and tried again while other files bring something new.\n\n"
                  "A bundle that is sealed for another office is refused by its name. FILE - is standard input, which is taken in as it comes."),
    .options = options,
    .examples = examples,
    .operands_min = 1,
    .operands_max = UINT32_MAX,
    .completes = COMPLETES_FILE,
    .flags = COMMAND_LONG,
    .run = run_bundle_in,
};
