/* root.h - what the files of griot root offer one another: opening root keys, reading the plan of a roster off the command line, showing a proposal. */
#ifndef GRIOT_NODE_CLI_ROOT_H
#define GRIOT_NODE_CLI_ROOT_H

#include "node/cli/output.h"
#include "node/root.h"

extern const struct command command_root_propose, command_root_show, command_root_key, command_root_sign, command_root_combine;

/* ---- opening keys ---- */

struct root_unlocking {
    const char *key_file; /* one key for all, or NULL: each holder's passphrase */
    bool is_new;          /* ask twice */
    struct secret *now;   /* secret_destroy it in the end */
};
/* A root_unlock; `arg` is a struct root_unlocking. `number` 0: a key that stands alone. */
enum err root_unlocking_give(void *arg, uint32_t number, struct unlock *ret);

/* ---- the plan of a roster ---- */

enum { ROOT_NAMES_MAX = INVOCATION_OPTIONS_MAX + 1 };
struct root_request {
    struct proposal_plan plan;
    const char *removed[ROOT_NAMES_MAX], *lifted[ROOT_NAMES_MAX];
    struct span cards[MEMBERS_MAX], identities[INVOCATION_OPTIONS_MAX];
    uint8_t *bytes; /* of the cards */
    size_t file_count;
    struct sign_public new_keys[CHARTER_KEYS_MAX];
    struct extension *extensions;
};
/* Read what the options below say; prints the fingerprint of every card and key on stderr. Operands after the first are cards. Returns OUTCOME_DONE or an exit code, explained; in any case
 * root_request_free it. */
int root_request_read(const struct invocation *invocation, struct root_request **ret);
void root_request_free(struct root_request **request);
/* The rows of a command's options by which a plan is given. */
#define ROOT_PLAN_OPTIONS                                                                                                                             \
    {"member", 'm', "CARD", N_("a card file of a member, like a further operand; repeatable"), COMPLETES_FILE},                                      \
        {"from-cards", 0, "FOLDER", N_("take all files *.card of FOLDER"), COMPLETES_FOLDER},                                                        \
        {"region", 'r', "FILE", N_("take in first what this region file of a hub holds (griot region): rosters, acts, cards"), COMPLETES_FILE},       \
        {"remove", 0, "NAME", N_("leave this member out, and cut its logs; repeatable"), COMPLETES_NOTHING},                                         \
        {"lift", 0, "NAME", N_("end the suspension of this member; repeatable"), COMPLETES_NOTHING},                                                 \
        {"extend", 0, "NODE=FILE", N_("let count what this file of griot quarantine names of a node that is out; repeatable"), COMPLETES_NOTHING},   \
        {"identity", 0, "CARD", N_("give the member of this card the new identity key that it names, and cut what the old one signs; repeatable"),    \
         COMPLETES_FILE},                                                                                                                            \
        {"new-key", 0, "FILE", N_("add this root key: the file public of its folder; repeatable"), COMPLETES_FILE},                                  \
        {"drop-key", 0, "N", N_("drop the root key at place N of the last roster; a new key takes its place; repeatable"), COMPLETES_NOTHING},       \
        {"threshold", 't', "K", N_("how many root keys must sign from then on"), COMPLETES_NOTHING},                                                 \
        {"profile", 0, "PROFILE", N_("timings of the region: open, sandbox or metered"), COMPLETES_NOTHING},                                         \
        {"protocol-min", 0, "N", N_("the oldest session protocol that nodes may speak"), COMPLETES_NOTHING}

/* ---- showing ---- */

/* Say on `to` in plain words what a proposal changes. ERR_MEMORY */
MUST_CHECK enum err root_show(const struct proposal *proposal, FILE *to);
/* The same as an object; NULL when memory runs out. */
json_t *root_show_json(const struct proposal *proposal, const char *schema);
/* Who has signed and who has not, of the keys that count: one sentence. */
void root_show_missing(const struct proposal *proposal, const struct root_signed *made, char *ret, size_t cap);

#endif
