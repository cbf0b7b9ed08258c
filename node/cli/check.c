/* check.c - griot check: one line and one exit code for Nagios, Icinga and whatever reads their plugins' output (Monitoring Plugins Development
 * Guidelines: text, '|', performance data; 0 OK, 1 warning, 2 critical, 3 unknown). It judges griot.status/1 and knows nothing of its own. */
#include "node/cli/ask.h"
#include "node/cli/output.h"
#include "node/cli/render.h"
#include "node/cli/reply.h"
#include "node/warning.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum verdict { VERDICT_OK, VERDICT_WARNING, VERDICT_CRITICAL, VERDICT_UNKNOWN };

enum { LINE_BYTES = 1024, NOTE_BYTES = 160 };

/* One line under construction: the worst verdict, and why. */
struct check {
    enum verdict verdict;
    char notes[LINE_BYTES];
    size_t at;
};

struct limits {
    uint64_t warning, critical;
};

static const char *verdict_word(enum verdict verdict)
{
    static const char *const words[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

    return words[verdict];
}

__attribute__((format(printf, 3, 4))) static void note(struct check *check, enum verdict verdict, const char *format, ...)
{
    char text[NOTE_BYTES], clean[NOTE_BYTES];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(text, sizeof text, format, args);
    va_end(args);
    text_clean(clean, sizeof clean, text);
    for (char *p = clean; *p != '\0'; p++) { /* the bar begins the performance data */
        *p = *p == '|' ? '/' : *p;
    }
    int n = snprintf(check->notes + check->at, sizeof check->notes - check->at, "%s%s", check->at > 0 ? "; " : "", clean);
    if (n > 0 && (size_t)n < sizeof check->notes - check->at) {
        check->at += (size_t)n;
    }
    check->verdict = verdict > check->verdict ? verdict : check->verdict;
}

/* A whole number of `unit`s: "100", or a duration "90s", "5m", "24h", "3d". False when it is neither. */
static bool limit_read(const char *text, size_t n, bool is_duration, uint64_t *ret)
{
    static const struct {
        char letter;
        uint64_t ms;
    } units[] = {{'s', 1000}, {'m', 60000}, {'h', 3600000}, {'d', 86400000}};
    uint64_t number = 0, factor = 1;

    if (is_duration && n > 0) {
        size_t i = 0;
        while (i < sizeof units / sizeof *units && units[i].letter != text[n - 1]) {
            i++;
        }
        if (i == sizeof units / sizeof *units) {
            return false;
        }
        factor = units[i].ms;
        n--;
    }
    if (n == 0 || n > 12) {
        return false;
    }
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return false;
        }
        number = 10 * number + (uint64_t)(text[i] - '0');
    }
    *ret = number * factor;
    return true;
}

/* --NAME WARNING:CRITICAL. A fault is explained. */
static bool limits_read(const struct invocation *invocation, const char *name, bool is_duration, struct limits *ret)
{
    const char *text = option_text(invocation, name);
    const char *colon = text != NULL ? strchr(text, ':') : NULL;
    struct limits limits;
    char what[NOTE_BYTES];

    if (text == NULL) {
        return true;
    }
    if (colon != NULL && limit_read(text, (size_t)(colon - text), is_duration, &limits.warning) &&
        limit_read(colon + 1, strlen(colon + 1), is_duration, &limits.critical) && limits.warning <= limits.critical) {
        *ret = limits;
        return true;
    }
    (void)snprintf(what, sizeof what, is_duration ? _("--%s %s: two durations are needed, the lower one first: 24h:72h") : _("--%s %s: two whole numbers are needed, the lower one first: 100:1000"),
                   name, text);
    (void)fail_because(invocation, ERR_USAGE, what, NULL, "griot help check");
    return false;
}

static enum verdict judge(uint64_t value, const struct limits *limits)
{
    return value >= limits->critical ? VERDICT_CRITICAL : value >= limits->warning ? VERDICT_WARNING : VERDICT_OK;
}

static void check_missing(struct check *check, const json_t *status, const struct limits *limits, uint64_t *ret)
{
    const json_t *missing = json_object_get(status, "missing");
    char number[TEXT_NUMBER_BYTES], silence[NOTE_BYTES];

    if (!reply_number(missing, "total", ret)) {
        note(check, VERDICT_UNKNOWN, "%s", _("not known what is missing"));
        return;
    }
    if (judge(*ret, limits) != VERDICT_OK) {
        note(check, judge(*ret, limits), ngettext("%s entry known elsewhere is missing here", "%s entries known elsewhere are missing here", (unsigned long)*ret),
             text_count(number, *ret));
    }
    if (json_is_true(json_object_get(missing, "alone"))) {
        uint64_t heard_ms = 0;
        bool was_heard = reply_number(missing, "heard_ms", &heard_ms);
        note(check, was_heard ? VERDICT_WARNING : VERDICT_CRITICAL, "%s", reply_silence(silence, sizeof silence, missing));
    }
}

static void check_peers(struct check *check, const json_t *status, const struct limits *limits, uint64_t *ret_silent)
{
    size_t i;
    const json_t *peer;

    json_array_foreach(json_object_get(status, "peers"), i, peer)
    {
        const char *state = reply_string(peer, "state");
        uint64_t heard_ms = 0;
        bool was_heard = reply_number(peer, "heard_ms", &heard_ms);
        char age[TEXT_NUMBER_BYTES];

        if (strcmp(state, "blocked") == 0) {
            note(check, VERDICT_WARNING, "%s %s", reply_string(peer, "name"), state_word(state));
        } else if (strcmp(state, "silent") == 0) {
            ++*ret_silent;
            if (judge(heard_ms, limits) != VERDICT_OK) {
                note(check, judge(heard_ms, limits), "%s %s %s", reply_string(peer, "name"), state_word(state), text_age(age, heard_ms));
            }
        } else if (strcmp(state, "unknown") == 0 && !was_heard) {
            uint64_t uptime_ms = 0;
            ++*ret_silent;
            if (reply_number(status, "uptime_ms", &uptime_ms) && judge(uptime_ms, limits) != VERDICT_OK) {
                note(check, judge(uptime_ms, limits), "%s %s", reply_string(peer, "name"), state_word(state));
            }
        }
    }
}

static void check_node(struct check *check, const json_t *status)
{
    size_t i;
    const json_t *warning;

    if (strcmp(reply_string(status, "from"), "store") == 0) {
        note(check, VERDICT_CRITICAL, "%s", _("the node is stopped"));
    }
    json_array_foreach(json_object_get(status, "warnings"), i, warning)
    {
        const char *code = reply_string(warning, "code");
        const struct warning *known = warning_of(code);
        note(check, known != NULL && known->severity == SEVERITY_CRITICAL ? VERDICT_CRITICAL : VERDICT_WARNING, "%s", code);
    }
}

static uint64_t number_of(const json_t *object, const char *key)
{
    uint64_t number = 0;

    (void)reply_number(object, key, &number);
    return number;
}

static int run_check(struct invocation *invocation)
{
    struct limits behind = {100, 1000}, silent = {86400000, 3 * 86400000};
    struct check check = {VERDICT_OK, "", 0};
    uint64_t missing = 0, silent_peers = 0;
    json_t *status = NULL;

    if (!limits_read(invocation, "behind", false, &behind) || !limits_read(invocation, "silent", true, &silent)) {
        return VERDICT_UNKNOWN;
    }
    if (ask(invocation, json_pack("{s:s}", "do", "status"), &status) != OUTCOME_DONE) {
        (void)printf("GRIOT %s - %s\n", verdict_word(VERDICT_UNKNOWN), _("the node could not be asked"));
        return VERDICT_UNKNOWN;
    }
    check_node(&check, status);
    check_missing(&check, status, &behind, &missing);
    check_peers(&check, status, &silent, &silent_peers);
    const json_t *index = json_object_get(status, "index"), *store = json_object_get(status, "store");
    uint64_t followed = number_of(index, "followed"), journal = number_of(index, "journal");
    uint64_t lag = journal > followed ? journal - followed : 0;

    if (invocation->is_json) {
        json_t *answer = output_new("griot.check/1", reply_node(status));
        json_object_set_new(answer, "verdict", json_string(verdict_word(check.verdict)));
        json_object_set_new(answer, "notes", json_string(check.notes));
        json_object_set_new(answer, "missing", json_integer((json_int_t)missing));
        json_object_set_new(answer, "silent", json_integer((json_int_t)silent_peers));
        (void)output_json(answer);
        json_decref(answer);
    } else {
        char name[96];
        text_clean(name, sizeof name, reply_node(status));
        (void)printf("GRIOT %s - %s: %s | missing=%ju;%ju;%ju;0 silent=%ju;;;0 index_behind=%ju;;;0 records=%ju;;;0 store=%juB;;;0 disk_free=%juB;;;0\n", verdict_word(check.verdict), name,
                     check.at > 0 ? check.notes : _("nothing is known to be missing"), (uintmax_t)missing, (uintmax_t)behind.warning, (uintmax_t)behind.critical, (uintmax_t)silent_peers,
                     (uintmax_t)lag, (uintmax_t)number_of(status, "records"), (uintmax_t)number_of(store, "bytes"), (uintmax_t)number_of(store, "disk_free"));
    }
    json_decref(status);
    return (int)check.verdict;
}

static const struct option_row options[] = {
    {"behind", 0, "WARNING:CRITICAL", N_("entries missing here; default 100:1000"), COMPLETES_NOTHING},
    {"silent", 0, "WARNING:CRITICAL", N_("for how long a peer was not heard; default 24h:72h"), COMPLETES_NOTHING},
    {NULL, 0, NULL, NULL, COMPLETES_NOTHING},
};

static const struct example_row examples[] = {
    {"griot check", N_("one line and an exit code for Nagios or Icinga")},
    {"griot check --behind 50:500 --silent 12h:48h", N_("stricter")},
    {NULL, NULL},
};

const struct command command_check = {
    .name = "check",
    .usage = "[--behind WARNING:CRITICAL] [--silent WARNING:CRITICAL]",
    .summary = N_("say in one line whether this node is well, for monitoring"),
    .details = N_("The exit code is that of a monitoring plugin, unlike that of all other commands: 0 well, 1 warning, 2 critical, 3 not known. A stopped node, a full disk and a node that has "
                  "heard nobody since its start are critical. Figures follow the bar, for graphs."),
    .options = options,
    .examples = examples,
    .run = run_check,
};
