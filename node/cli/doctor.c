/* doctor.c - griot doctor: every check with its verdict, and what to do where it is not good. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/reply.h"

#include <string.h>

static void print_check(const json_t *check, bool is_color)
{
    static const struct {
        const char *state, *word, *paint;
    } states[] = {{"ok", "ok", "\033[32m"}, {"warn", N_("warn"), "\033[33m"}, {"fail", N_("FAIL"), "\033[31m"}};
    const char *state = reply_string(check, "state"), *todo = reply_string(check, "do"), *code = reply_string(check, "code"), *value = reply_string(check, "value");
    char text[512], shown[256], word[64];
    size_t i = 0;

    while (i + 1 < sizeof states / sizeof *states && strcmp(states[i].state, state) != 0) {
        i++;
    }
    text_clean(text, sizeof text, _(reply_string(check, "text")));
    text_clean(shown, sizeof shown, value);
    (void)snprintf(word, sizeof word, "%s", i == 0 ? states[i].word : _(states[i].word));
    size_t width = text_width(word);
    (void)printf("%s%s%s%*s %-10s %s%s%s%s%s%s\n", is_color ? states[i].paint : "", word, is_color ? "\033[0m" : "", width < 6 ? (int)(6 - width) : 0, "", reply_string(check, "name"), text,
                 shown[0] != '\0' ? " " : "", shown, code[0] != '\0' ? " [" : "", code, code[0] != '\0' ? "]" : "");
    if (todo[0] != '\0') {
        text_clean(text, sizeof text, _(todo));
        (void)printf("                  → %s\n", text);
    }
}

static int run_doctor(struct invocation *invocation)
{
    const char *peer = option_text(invocation, "peer");
    json_t *request = json_pack("{s:s}", "do", "doctor"), *answer = NULL;
    const json_t *check;
    size_t i;
    uint64_t failed = 0, warned = 0;

    if (peer != NULL) {
        json_object_set_new(request, "peer", json_string(peer));
    }
    int outcome = ask(invocation, request, &answer);
    if (outcome != OUTCOME_DONE) {
        return outcome;
    }
    (void)reply_number(answer, "failed", &failed);
    (void)reply_number(answer, "warned", &warned);
    if (invocation->is_json) {
        outcome = output_json(answer);
    } else {
        json_array_foreach(json_object_get(answer, "checks"), i, check)
        {
            print_check(check, invocation->is_color);
        }
        (void)printf(ngettext("%llu problem", "%llu problems", (unsigned long)failed), (unsigned long long)failed);
        (void)printf(", ");
        (void)printf(ngettext("%llu warning", "%llu warnings", (unsigned long)warned), (unsigned long long)warned);
        (void)printf("\n");
    }
    json_decref(answer);
    bool is_ill = failed > 0 || (warned > 0 && option_given(invocation, "strict"));
    return outcome == OUTCOME_DONE && is_ill ? OUTCOME_FAILED : outcome;
}

static const struct option_row options[] = {
    {"peer", 0, "NAME", N_("of the links only this one"), COMPLETES_NOTHING},
    {"strict", 0, NULL, N_("exit with 1 also for warnings"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot doctor", N_("what is wrong with this node, and what to do")},
    {"griot doctor --peer rilo-dakar", N_("and with the link to one peer")},
    {NULL, NULL},
};

const struct command command_doctor = {
    .name = "doctor",
    .usage = "[--peer NAME] [--strict]",
    .summary = N_("look for what is wrong, and say what to do"),
    .details = N_("It looks at store, disk, keys, configuration, clock and links, also while the node is stopped. What only follows from a cause that was found is not listed. The exit code is 1 "
                  "when something is wrong."),
    .options = options,
    .examples = examples,
    .run = run_doctor,
};
