/* config_check.c - griot config check, griot config show: griot.ini with line numbers in what is wrong. */
#include "node/cli/output.h"
#include "node/cli/text.h"
#include "node/config.h"

#include <limits.h>
#include <string.h>

enum { FAULTS_MAX = 32 };

static int print_json(const char *path, const struct config_fault *faults, size_t count)
{
    json_t *answer = output_new("griot.config/1", NULL);
    json_t *list = json_array();
    char what[sizeof faults[0].what];
    int outcome;

    for (size_t i = 0; i < count; i++) {
        text_clean(what, sizeof what, faults[i].what);
        (void)json_array_append_new(list, json_pack("{s:i, s:s}", "line", (int)faults[i].line, "what", what));
    }
    (void)json_object_set_new(answer, "file", json_string(path));
    (void)json_object_set_new(answer, "faults", list);
    (void)json_object_set_new(answer, "ok", json_boolean(count == 0));
    outcome = output_json(answer);
    json_decref(answer);
    return outcome;
}

static int run_check(struct invocation *invocation)
{
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    char path[PATH_MAX];
    enum err err;
    int outcome = OUTCOME_DONE;

    (void)snprintf(path, sizeof path, invocation->operand_count > 0 ? "%s" : "%s/griot.ini",
                   invocation->operand_count > 0 ? invocation->operands[0] : invocation->home);
    err = config_read(path, &config, faults, FAULTS_MAX, &count);
    if (err != ERR_OK && err != ERR_CONFIG) {
        return fail_because(invocation, err, _("the configuration cannot be read"), path, NULL);
    }
    if (invocation->is_json) {
        outcome = print_json(path, faults, count);
    } else if (count == 0) {
        (void)printf(_("%s: no fault"), path);
        (void)putchar('\n');
    }
    for (size_t i = 0; !invocation->is_json && i < count; i++) {
        char what[sizeof faults[0].what];
        text_clean(what, sizeof what, faults[i].what);
        (void)printf("%s:%u: %s\n", path, faults[i].line, what);
    }
    return outcome == OUTCOME_DONE && count > 0 ? OUTCOME_FAILED : outcome;
}

static int run_reference(struct invocation *invocation)
{
    (void)invocation;
    config_reference(stdout);
    return OUTCOME_DONE;
}

static const struct example_row check_examples[] = {
    {"griot -H /var/lib/griot/dakar config check", N_("the configuration of a node")},
    {"griot config check /tmp/griot.ini", N_("a file before it is put in place")},
    {NULL, NULL},
};

static const struct command check = {
    .name = "check",
    .usage = "[FILE]",
    .summary = N_("check griot.ini: unknown, doubled and impossible keys, with their lines"),
    .examples = check_examples,
    .operands_max = 1,
    .completes = COMPLETES_FILE,
    .run = run_check,
};

static const struct example_row reference_examples[] = {
    {"griot config reference", N_("every key with its default, its range and what it does")},
    {NULL, NULL},
};

static const struct command reference = {
    .name = "reference",
    .usage = "",
    .summary = N_("print a griot.ini with all keys and their defaults"),
    .examples = reference_examples,
    .flags = COMMAND_HOMELESS,
    .run = run_reference,
};

static const struct command *const subcommands[] = {&check, &reference, NULL};

const struct command command_config = {
    .name = "config",
    .usage = "check|reference",
    .summary = N_("check or explain the configuration"),
    .examples = check_examples,
    .subcommands = subcommands,
};
