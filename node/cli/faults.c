/* faults.c */
#include "node/cli/faults.h"

#include "node/cli/explain.h"
#include "node/cli/output.h"
#include "node/cli/text.h"

#include <string.h>

enum { VALUE_BYTES_SHOWN = 120 };

static void put(char *ret, size_t cap, size_t *at, const char *text, size_t n)
{
    if (*at + n + 1 <= cap) {
        memcpy(ret + *at, text, n);
        *at += n;
        ret[*at] = '\0';
    }
}

static void value_text(char *ret, size_t cap, struct span value)
{
    char raw[VALUE_BYTES_SHOWN + 1];
    size_t n = value.n < VALUE_BYTES_SHOWN ? value.n : VALUE_BYTES_SHOWN;

    if (n > 0) {
        memcpy(raw, value.p, n);
    }
    raw[n] = '\0';
    text_clean(ret, cap, raw);
}

void fault_sentence(char *ret, size_t cap, const struct record_fault *fault)
{
    const char *text = fault->text != NULL && fault->text[0] != '\0' ? _(fault->text) : "";
    char value[VALUE_BYTES_SHOWN + 8];
    const char *label;
    size_t at = 0;
    uint32_t used = 0;

    value_text(value, sizeof value, fault->value);
    /* Without a field the sentence speaks of the value only: "'%s' is not a field". */
    label = fault->field == NULL ? value : fault->field->label != NULL ? _(fault->field->label) : fault->field->name;
    if (cap == 0) {
        return;
    }
    ret[0] = '\0';
    /* By hand: a translator's slip in a format must not crash a program. */
    while (*text != '\0') {
        const char *argument = NULL;
        size_t n = 1;
        if (strncmp(text, "%s", 2) == 0) {
            argument = used++ == 0 ? label : value;
            n = 2;
        } else if (strncmp(text, "%1$s", 4) == 0 || strncmp(text, "%2$s", 4) == 0) {
            argument = text[1] == '1' ? label : value;
            n = 4;
        } else if (strncmp(text, "%%", 2) == 0) {
            argument = "%";
            n = 2;
        }
        if (argument != NULL) {
            put(ret, cap, &at, argument, strlen(argument));
        } else {
            put(ret, cap, &at, text, 1);
        }
        text += n;
    }
}

static const char *level_name(enum fault_level level)
{
    return level == FAULT_ERROR ? "error" : "warning";
}

json_t *faults_json(const struct record_faults *faults, int level)
{
    json_t *list = json_array();

    for (size_t i = 0; i < faults->count && i < RECORD_FAULTS_MAX; i++) {
        const struct record_fault *fault = &faults->faults[i];
        char sentence[512];
        char value[VALUE_BYTES_SHOWN + 8];
        if (level >= 0 && (int)fault->level != level) {
            continue;
        }
        fault_sentence(sentence, sizeof sentence, fault);
        value_text(value, sizeof value, fault->value);
        json_t *object =
            json_pack("{s:s?, s:i, s:s, s:s, s:s, s:s}", "field", fault->field != NULL ? fault->field->name : NULL, "item", (int)fault->item, "value",
                      value, "rule", fault->rule != NULL ? fault->rule : "", "level", level_name(fault->level), "text", sentence);
        if (object != NULL) {
            (void)json_array_append_new(list, object);
        }
    }
    return list;
}

/* A field that was given but refused is not missing too: a known cause hides its consequence. */
static bool is_consequence(const struct record_faults *faults, const struct record_fault *fault)
{
    for (size_t i = 0; fault->rule != NULL && strcmp(fault->rule, "mandatory") == 0 && i < faults->count && i < RECORD_FAULTS_MAX; i++) {
        const struct record_fault *other = &faults->faults[i];
        if (other != fault && other->level == FAULT_ERROR && other->field == fault->field && other->item == fault->item &&
            strcmp(other->rule, "mandatory") != 0) {
            return true;
        }
    }
    return false;
}

static void print_one(const struct invocation *invocation, const struct record_fault *fault)
{
    char sentence[512];
    char value[VALUE_BYTES_SHOWN + 8];

    fault_sentence(sentence, sizeof sentence, fault);
    value_text(value, sizeof value, fault->value);
    (void)fputs(fault->level == FAULT_ERROR ? "  ✗ " : "  ! ", stderr);
    if (fault->field != NULL) {
        (void)fputs(fault->field->name, stderr);
        if (fault->item > 0) {
            (void)fprintf(stderr, " (%s %u)", _("line"), fault->item);
        }
        (void)fprintf(stderr, value[0] != '\0' ? " = %s" : "%s", value);
    } else {
        (void)fputs(value, stderr);
    }
    (void)fprintf(stderr, "  [%s]\n      %s\n", fault->rule != NULL ? fault->rule : "", sentence);
    if (fault->rule != NULL && fault->field != NULL && strcmp(fault->rule, "code.unknown") == 0 && invocation->operand_count > 0) {
        (void)fprintf(stderr, "      → griot record %s --codes %s\n", invocation->operands[0], fault->field->name); /* i18n-ok: a command */
    }
}

int faults_refuse(const struct invocation *invocation, const struct record_faults *all)
{
    struct record_faults causes = {0};
    const struct record_faults *faults = &causes;
    char what[160];

    for (size_t i = 0; i < all->count && i < RECORD_FAULTS_MAX; i++) {
        if (!is_consequence(all, &all->faults[i])) {
            causes.faults[causes.count++] = all->faults[i];
            causes.errors += all->faults[i].level == FAULT_ERROR;
        }
    }
    (void)snprintf(what, sizeof what, ngettext("%zu value is not right", "%zu values are not right", (unsigned long)faults->errors), faults->errors);
    if (invocation->is_json) {
        return fail_faults(invocation, ERR_INVALID, what, faults_json(faults, -1));
    }
    (void)fail(invocation, ERR_INVALID, "%s", what);
    for (size_t i = 0; i < faults->count && i < RECORD_FAULTS_MAX; i++) {
        print_one(invocation, &faults->faults[i]);
    }
    return OUTCOME_FAILED;
}

void faults_warn(const struct invocation *invocation, const struct record_faults *faults)
{
    for (size_t i = 0; !invocation->is_json && i < faults->count && i < RECORD_FAULTS_MAX; i++) {
        if (faults->faults[i].level == FAULT_WARNING) {
            print_one(invocation, &faults->faults[i]);
        }
    }
}
