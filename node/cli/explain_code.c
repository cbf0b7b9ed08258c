/* explain_code.c - griot explain: what a code of a warning or an error means, and what to do. It needs no node. */
#include "node/cli/explain.h"
#include "node/cli/output.h"
#include "node/cli/text.h"
#include "node/warning.h"

#include <ctype.h>
#include <string.h>

enum { CODE_BYTES = 64 };

static json_t *row_of(const char *code, const char *meaning, const char *advice)
{
    return json_pack("{s:s, s:s, s:s}", "code", code, "meaning", meaning, "do", advice);
}

static json_t *rows_all(void)
{
    json_t *rows = json_array();

    for (size_t i = 0; warning_at(i) != NULL; i++) {
        json_array_append_new(rows, row_of(warning_at(i)->code, _(warning_at(i)->meaning), _(warning_at(i)->advice)));
    }
    for (int err = 1; err < ERR_COUNT; err++) {
        const struct explanation *explanation = explain((enum err)err);
        json_array_append_new(rows, row_of(err_name((enum err)err), _(explanation->why), _(explanation->advice)));
    }
    return rows;
}

/* Codes are written in capitals; people type them as they like, and with or without the brackets around them. */
static void code_clean(const char *text, char ret[CODE_BYTES])
{
    size_t n = 0;

    for (; *text != '\0' && n + 1 < CODE_BYTES; text++) {
        if (*text != '[' && *text != ']') {
            ret[n++] = (char)toupper((unsigned char)*text);
        }
    }
    ret[n] = '\0';
}

static json_t *row_find(const json_t *rows, const char *code)
{
    size_t i;
    json_t *row;

    json_array_foreach((json_t *)(uintptr_t)rows, i, row)
    {
        if (strcmp(json_string_value(json_object_get(row, "code")), code) == 0) {
            return row;
        }
    }
    return NULL;
}

static void row_print(const json_t *row)
{
    (void)printf("%s\n  %s\n  → %s\n", json_string_value(json_object_get(row, "code")), json_string_value(json_object_get(row, "meaning")), json_string_value(json_object_get(row, "do")));
}

static int run_explain(struct invocation *invocation)
{
    json_t *rows = rows_all(), *found = json_array();
    char code[CODE_BYTES];
    int outcome = OUTCOME_DONE;
    size_t i;
    json_t *row;

    for (uint32_t j = 0; j < invocation->operand_count && outcome == OUTCOME_DONE; j++) {
        code_clean(invocation->operands[j], code);
        row = row_find(rows, code);
        if (row == NULL) {
            outcome = fail_because(invocation, ERR_NOT_FOUND, _("no warning and no error has this code"), code, _("griot explain lists all codes"));
        } else {
            json_array_append(found, row);
        }
    }
    const json_t *shown = invocation->operand_count == 0 ? rows : found;
    if (outcome == OUTCOME_DONE && invocation->is_json) {
        json_t *answer = output_new("griot.explain/1", NULL);
        json_object_set(answer, "codes", (json_t *)(uintptr_t)shown);
        outcome = output_json(answer);
        json_decref(answer);
    } else if (outcome == OUTCOME_DONE) {
        json_array_foreach((json_t *)(uintptr_t)shown, i, row)
        {
            row_print(row);
        }
    }
    json_decref(found);
    json_decref(rows);
    return outcome;
}

static const struct example_row examples[] = {
    {"griot explain CLOCK-SKEW", N_("what the warning means and what to do")},
    {"griot explain ERR_FULL", N_("an error")},
    {"griot explain", N_("all codes")},
    {NULL, NULL},
};

const struct command command_explain = {
    .name = "explain",
    .usage = "[CODE ...]",
    .summary = N_("say what a code means and what to do"),
    .details = N_("Every warning and every error bears a code that stays the same in every release and language."),
    .examples = examples,
    .operands_max = UINT32_MAX,
    .flags = COMMAND_HOMELESS,
    .run = run_explain,
};
