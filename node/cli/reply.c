/* reply.c */
#include "node/cli/reply.h"

#include "node/cli/i18n.h"
#include "proto/record/record.h"

#include <string.h>

static const struct {
    const char *state;
    const char *word;
    enum paint paint;
} states[] = {
    {"current", N_("current"), PAINT_GOOD},  {"catching up", N_("catching up"), PAINT_WARN}, {"paused", N_("paused"), PAINT_WARN},
    {"unknown", N_("unknown"), PAINT_FAINT}, {"behind", N_("behind"), PAINT_WARN},           {"silent", N_("silent"), PAINT_BAD},
    {"blocked", N_("blocked"), PAINT_BAD},
};
enum { STATES = sizeof states / sizeof states[0] };

const char *reply_string(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text != NULL ? text : "";
}

bool reply_number(const json_t *object, const char *key, uint64_t *ret)
{
    const json_t *value = json_object_get(object, key);

    if (!json_is_integer(value) || json_integer_value(value) < 0) {
        return false;
    }
    *ret = (uint64_t)json_integer_value(value);
    return true;
}

const char *reply_count(char *ret, const json_t *object, const char *key)
{
    uint64_t number = 0;

    if (reply_number(object, key, &number)) {
        return text_count(ret, number);
    }
    return strcpy(ret, "?");
}

const char *reply_age(char *ret, const json_t *object, const char *key)
{
    uint64_t ms = 0;

    if (reply_number(object, key, &ms)) {
        return text_age(ret, ms);
    }
    return strcpy(ret, "–");
}

const char *reply_silence(char *ret, size_t cap, const json_t *object)
{
    char age[TEXT_NUMBER_BYTES];
    uint64_t ms = 0;

    if (reply_number(object, "heard_ms", &ms)) {
        (void)snprintf(ret, cap, _("nothing heard from anybody for %s: what there is elsewhere is not known"), text_age(age, ms));
    } else {
        (void)snprintf(ret, cap, "%s", _("nobody is heard: what there is elsewhere is not known"));
    }
    return ret;
}

const char *reply_names(char *ret, size_t cap, const json_t *array, size_t max)
{
    size_t at = 0;
    size_t i;
    const json_t *item;

    ret[0] = '\0';
    json_array_foreach(array, i, item)
    {
        const char *name = json_is_object(item) ? reply_string(item, "name") : json_string_value(item);
        int n = snprintf(ret + at, cap - at, "%s%s", i > 0 ? ", " : "", i == max ? "…" : name != NULL ? name : "?");
        if (n < 0 || (size_t)n >= cap - at) {
            ret[at] = '\0';
            break;
        }
        at += (size_t)n;
        if (i == max) {
            break;
        }
    }
    return ret;
}

const char *reply_node(const json_t *answer)
{
    const json_t *node = json_object_get(answer, "node");

    return json_is_object(node) ? reply_string(node, "name") : reply_string(answer, "node");
}

const char *reply_seen(char *ret, size_t cap, const json_t *answer)
{
    char clock[TEXT_TIME_BYTES];

    text_clock(clock, time(NULL));
    if (strcmp(reply_string(answer, "from"), "store") == 0) {
        (void)snprintf(ret, cap, _("the node is stopped; read from its store, %s"), clock);
    } else {
        (void)snprintf(ret, cap, _("seen from here, %s"), clock);
    }
    return ret;
}

const char *state_word(const char *state)
{
    for (size_t i = 0; i < STATES; i++) {
        if (strcmp(states[i].state, state) == 0) {
            return _(states[i].word);
        }
    }
    return state[0] != '\0' ? state : _("unknown");
}

enum paint state_paint(const char *state)
{
    for (size_t i = 0; i < STATES; i++) {
        if (strcmp(states[i].state, state) == 0) {
            return states[i].paint;
        }
    }
    return PAINT_FAINT;
}

int state_rank(const char *state)
{
    for (int i = 0; i < STATES; i++) {
        if (strcmp(states[i].state, state) == 0) {
            return i;
        }
    }
    return STATES;
}

const char *reply_label(const char *list_name, const char *code_text)
{
    const struct code_list *list = code_list_by_name(list_name);
    const struct code *code = list != NULL && code_text[0] != '\0' ? code_find(list, span_text(code_text)) : NULL;
    size_t language = strcmp(language_now(), "fr") == 0 ? 1 : strcmp(language_now(), "pt") == 0 ? 2 : 0;

    return code != NULL && strcmp(code->code, code_text) == 0 && code->label[language] != NULL ? code->label[language] : code_text;
}

const char *role_word(const char *role)
{
    static const char *const words[][2] = {{"hub", N_("hub")}, {"edge", N_("edge")}, {"observer", N_("observer")}};

    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        if (strcmp(words[i][0], role) == 0) {
            return _(words[i][1]);
        }
    }
    return role;
}

const char *reply_when(char *ret, const char *rfc3339)
{
    struct tm tm;
    time_t seconds;
    const char *end;

    memset(&tm, 0, sizeof tm);
    end = strptime(rfc3339, "%Y-%m-%dT%H:%M:%S", &tm);
    if (end == NULL) {
        (void)snprintf(ret, TEXT_TIME_BYTES, "%.30s", rfc3339[0] != '\0' ? rfc3339 : "?");
        return ret;
    }
    seconds = timegm(&tm);
    if (localtime_r(&seconds, &tm) == NULL || strftime(ret, TEXT_TIME_BYTES, "%Y-%m-%d %H:%M", &tm) == 0) {
        strcpy(ret, "?");
    }
    return ret;
}
