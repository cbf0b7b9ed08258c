/* root_show.c - a proposal in plain words: what whoever signs it must have read. */
#include "node/cli/reply.h"
#include "node/cli/root.h"
#include "node/service.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static const char *profile_word(uint32_t profile)
{
    static const char *const names[] = {"open", "sandbox", "metered"};

    return profile < 3 ? names[profile] : "?";
}

/* A node that no roster names has its id for a name. */
static const char *name_of(const struct proposal_change *change, char hex[9]) { return change->name[0] != '\0' ? change->name : hex_encode(change->node.b, 4, hex); }

static void change_print(const struct proposal_change *c, FILE *to)
{
    const char *print = c->print[0] != '\0' ? c->print : _("not in the file");
    char hex[9];
    const char *name = name_of(c, hex);

    switch (c->kind) {
    case CHANGE_SETTLES:
        (void)fprintf(to, _("  It settles that there are two rosters number %u: %s. Neither counts from then on but for what this one repeats.\n"), c->before, c->text);
        break;
    case CHANGE_JOINS:
        if (c->is_back) {
            (void)fprintf(to, _("  + %s comes back as %s, an earlier roster had removed it; its card %s\n"), name, role_word(role_name(c->role)), print);
        } else if (c->is_admitted) {
            (void)fprintf(to, _("  + %s joins as %s: two hubs have admitted it; its card %s\n"), name, role_word(role_name(c->role)), print);
        } else {
            (void)fprintf(to, _("  + %s joins as %s; its card %s\n"), name, role_word(role_name(c->role)), print);
        }
        break;
    case CHANGE_LEAVES:
        (void)fprintf(to, _("  - %s (%s) leaves\n"), name, role_word(role_name(c->role)));
        break;
    case CHANGE_IDENTITY:
        (void)fprintf(to, _("  ! %s has a new identity key; its card %s\n"), name, print);
        break;
    case CHANGE_ROLE:
        (void)fprintf(to, _("  ! %s becomes %s, was %s\n"), name, role_word(role_name(c->role)), role_word(role_name(c->role_before)));
        break;
    case CHANGE_NAME:
        (void)fprintf(to, _("  ! %s is the new name of %s\n"), name, c->text);
        break;
    case CHANGE_CUT:
        (void)fprintf(to, ngettext("  x the records of %s end where %u of its logs is named, and never below what both hubs hold\n",
                                   "  x the records of %s end where %u of its logs are named, and never below what both hubs hold\n", c->logs),
                      name, c->logs);
        break;
    case CHANGE_LIFTED:
        (void)fprintf(to, _("  ! the suspension of %s ends\n"), name);
        break;
    case CHANGE_SUSPENDED:
        (void)fprintf(to, _("  = %s stays suspended: this roster does not decide it (--lift, --remove)\n"), name);
        break;
    case CHANGE_KEY_ADDED:
        (void)fprintf(to, _("  + root key %u: %s\n"), c->place, c->print);
        break;
    case CHANGE_KEY_DROPPED:
        (void)fprintf(to, _("  - the root key that was number %u: %s\n"), c->place, c->print);
        break;
    case CHANGE_THRESHOLD:
        (void)fprintf(to, _("  ! from then on %u root keys must sign, before %u\n"), c->after, c->before);
        break;
    case CHANGE_PROFILE:
        (void)fprintf(to, _("  ! the profile is %s, was %s\n"), profile_word(c->after), profile_word(c->before));
        break;
    case CHANGE_PROTOCOL:
        (void)fprintf(to, _("  ! the oldest session protocol allowed is %u, was %u\n"), c->after, c->before);
        break;
    }
}

static uint32_t hubs_of(const struct roster *roster)
{
    uint32_t hubs = 0;

    for (uint32_t i = 0; i < roster->member_count; i++) {
        hubs += roster->members[i].role == ROLE_HUB;
    }
    return hubs;
}

static bool is_same_keys(const struct proposal_signers *s)
{
    return s->before_count == s->after_count && s->before_threshold == s->after_threshold && memcmp(s->before, s->after, s->after_count * sizeof *s->after) == 0;
}

enum err root_show(const struct proposal *proposal, FILE *to)
{
    const struct roster *roster = &proposal->roster;
    struct proposal_change *changes = NULL;
    struct proposal_signers s;
    char region[2 * sizeof proposal->region.id.b + 1], day[32] = "?";
    time_t seconds = (time_t)(roster->created.ms / 1000);
    struct tm utc;
    size_t count = 0;
    enum err err = proposal_changes(proposal, &changes, &count);

    if (err != ERR_OK) {
        return err;
    }
    if (gmtime_r(&seconds, &utc) != NULL) {
        (void)strftime(day, sizeof day, "%Y-%m-%d", &utc);
    }
    (void)fprintf(to, _("Roster %llu of the region %s, made on %s\nregion       %s\nfingerprint  %s\n"), (unsigned long long)roster->number, proposal->region.charter.name, day,
                  hex_encode(proposal->region.id.b, sizeof proposal->region.id.b, region), proposal->fingerprint);
    (void)fprintf(to, "%s\n", count > 0 ? _("What changes:") : _("Nothing changes but its number."));
    for (size_t i = 0; i < count; i++) {
        change_print(&changes[i], to);
    }
    free(changes);
    (void)fprintf(to, _("Members then: %u, hubs among them: %u\n"), roster->member_count, hubs_of(roster));
    proposal_signers(proposal, &s);
    if (is_same_keys(&s)) {
        (void)fprintf(to, _("Must sign: %u of the %u root keys\n"), s.after_threshold, s.after_count);
    } else {
        (void)fprintf(to, _("Must sign: %u of the %u root keys before, and %u of the %u new ones; a key that is in both counts for both\n"), s.before_threshold, s.before_count,
                      s.after_threshold, s.after_count);
    }
    return ERR_OK;
}

/* ---- as JSON ---- */

static const char *const change_names[] = {[CHANGE_SETTLES] = "settles",     [CHANGE_JOINS] = "joins",         [CHANGE_LEAVES] = "leaves",
                                           [CHANGE_IDENTITY] = "identity",   [CHANGE_ROLE] = "role",           [CHANGE_NAME] = "name",
                                           [CHANGE_CUT] = "cut",             [CHANGE_LIFTED] = "lifted",
                                           [CHANGE_SUSPENDED] = "suspended", [CHANGE_KEY_ADDED] = "key added", [CHANGE_KEY_DROPPED] = "key dropped",
                                           [CHANGE_THRESHOLD] = "threshold", [CHANGE_PROFILE] = "profile",     [CHANGE_PROTOCOL] = "protocol"};

static json_t *change_json(const struct proposal_change *c)
{
    json_t *object = json_pack("{s:s}", "change", change_names[c->kind]);
    char hex[2 * sizeof c->node.b + 1];

    if (c->name[0] != '\0') {
        (void)json_object_set_new(object, "name", json_string(c->name));
        (void)json_object_set_new(object, "node_id", json_string(hex_encode(c->node.b, sizeof c->node.b, hex)));
        (void)json_object_set_new(object, "role", json_string(role_name(c->role)));
    }
    if (c->print[0] != '\0') {
        (void)json_object_set_new(object, "fingerprint", json_string(c->print));
    }
    if (c->text[0] != '\0') {
        (void)json_object_set_new(object, c->kind == CHANGE_NAME ? "name_before" : "rosters", json_string(c->text));
    }
    switch ((int)c->kind) {
    case CHANGE_JOINS:
        (void)json_object_set_new(object, "admitted", json_boolean(c->is_admitted));
        (void)json_object_set_new(object, "back", json_boolean(c->is_back));
        break;
    case CHANGE_ROLE:
        (void)json_object_set_new(object, "role_before", json_string(role_name(c->role_before)));
        break;
    case CHANGE_CUT:
        (void)json_object_set_new(object, "logs", json_integer(c->logs));
        break;
    case CHANGE_KEY_ADDED:
    case CHANGE_KEY_DROPPED:
        (void)json_object_set_new(object, "place", json_integer(c->place));
        break;
    case CHANGE_THRESHOLD:
    case CHANGE_PROFILE:
    case CHANGE_PROTOCOL:
        (void)json_object_set_new(object, "before", json_integer(c->before));
        (void)json_object_set_new(object, "after", json_integer(c->after));
        break;
    default:
        break;
    }
    return object;
}

static json_t *signers_json(const struct sign_public *keys, uint32_t count, uint32_t threshold)
{
    json_t *prints = json_array();

    for (uint32_t i = 0; i < count; i++) {
        char print[FINGERPRINT_CHARS];

        root_key_print(&keys[i], print);
        (void)json_array_append_new(prints, json_string(print));
    }
    return json_pack("{s:i, s:o}", "threshold", (int)threshold, "keys", prints);
}

json_t *root_show_json(const struct proposal *proposal, const char *schema)
{
    struct proposal_change *changes = NULL;
    struct proposal_signers s;
    char region[2 * sizeof proposal->region.id.b + 1];
    json_t *object, *list;
    size_t count = 0;

    if (proposal_changes(proposal, &changes, &count) != ERR_OK) {
        return NULL;
    }
    object = output_new(schema, NULL);
    list = json_array();
    for (size_t i = 0; i < count; i++) {
        (void)json_array_append_new(list, change_json(&changes[i]));
    }
    free(changes);
    proposal_signers(proposal, &s);
    (void)json_object_set_new(object, "region", json_string(hex_encode(proposal->region.id.b, sizeof proposal->region.id.b, region)));
    (void)json_object_set_new(object, "roster", json_integer((json_int_t)proposal->roster.number));
    (void)json_object_set_new(object, "fingerprint", json_string(proposal->fingerprint));
    (void)json_object_set_new(object, "members", json_integer(proposal->roster.member_count));
    (void)json_object_set_new(object, "hubs", json_integer(hubs_of(&proposal->roster)));
    (void)json_object_set_new(object, "changes", list);
    (void)json_object_set_new(object, "before", signers_json(s.before, s.before_count, s.before_threshold));
    (void)json_object_set_new(object, "after", signers_json(s.after, s.after_count, s.after_threshold));
    return object;
}

/* ---- who is still missing ---- */

static uint32_t bits(uint32_t set)
{
    uint32_t n = 0;

    for (; set != 0; set &= set - 1) {
        n++;
    }
    return n;
}

static void missing_add(const struct sign_public *keys, uint32_t count, uint32_t threshold, uint32_t have, const char *sentence, char *ret, size_t cap)
{
    uint32_t left = threshold > bits(have) ? threshold - bits(have) : 0;
    size_t at = strlen(ret);

    if (left == 0 || at >= cap) {
        return;
    }
    at += (size_t)snprintf(ret + at, cap - at, "%s", at > 0 ? "; " : "");
    if (at < cap) {
        at += (size_t)snprintf(ret + at, cap - at, "%u %s", left, sentence);
    }
    for (uint32_t i = 0, shown = 0; i < count && at < cap; i++) {
        if ((have >> i & 1) == 0) {
            char print[FINGERPRINT_CHARS];

            root_key_print(&keys[i], print);
            at += (size_t)snprintf(ret + at, cap - at, "%s%u (%.4s)", shown++ > 0 ? ", " : ": ", i + 1, print);
        }
    }
}

void root_show_missing(const struct proposal *proposal, const struct root_signed *made, char *ret, size_t cap)
{
    struct proposal_signers s;

    ret[0] = '\0';
    proposal_signers(proposal, &s);
    if (is_same_keys(&s)) {
        missing_add(s.after, s.after_count, s.after_threshold, made->after_signed, _("more must sign, of the root keys"), ret, cap);
        return;
    }
    missing_add(s.before, s.before_count, s.before_threshold, made->before_signed, _("more must sign, of the root keys before"), ret, cap);
    missing_add(s.after, s.after_count, s.after_threshold, made->after_signed, _("more must sign, of the new root keys"), ret, cap);
}
