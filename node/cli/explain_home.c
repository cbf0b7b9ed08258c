/* explain_home.c */
#include "node/cli/explain_home.h"

#include "node/cli/output.h"
#include "node/cli/text.h"

#include <stdarg.h>
#include <unistd.h>

enum { WHAT_BYTES_MAX = 1024 };

__attribute__((format(printf, 5, 6))) static int because(const struct invocation *invocation, enum err err, const char *why, const char *advice,
                                                         const char *what, ...)
{
    char text[WHAT_BYTES_MAX];
    va_list args;

    va_start(args, what);
    (void)vsnprintf(text, sizeof text, what, args);
    va_end(args);
    return fail_because(invocation, err, text, why, advice);
}

static int explain_node(const struct invocation *invocation, enum err err, const struct home_fault *fault)
{
    if (err == ERR_NOT_FOUND) {
        (void)because(invocation, err, invocation->home, _("griot init makes one; -H HOME chooses another"), "%s", _("there is no node here"));
        return OUTCOME_UNREACHABLE; /* "nothing found" is kept for questions that were answered */
    }
    if (err == ERR_CORRUPT) {
        return because(invocation, err, _("it says who this node is, and nothing here can be read without it"),
                       _("bring the node back from a backup and its identity file: griot help restore"), _("%s is damaged"), fault->path);
    }
    return err == ERR_PERMISSION ? fail(invocation, err, _("the home %s may not be read"), invocation->home)
                                 : fail(invocation, err, _("the home %s cannot be opened"), invocation->home);
}

static int explain_config(const struct invocation *invocation, enum err err, const struct home_fault *fault)
{
    char clean[sizeof fault->config[0].what];

    if (err != ERR_CONFIG) {
        return fail_because(invocation, err, _("the configuration cannot be read"), fault->path, NULL);
    }
    if (fault->config_count == 0) {
        return because(invocation, err, NULL, _("griot config reference prints one with all defaults"), _("%s is not there"), fault->path);
    }
    if (invocation->is_json) {
        char what[WHAT_BYTES_MAX];
        json_t *faults = json_array();
        for (size_t i = 0; i < fault->config_count; i++) {
            text_clean(clean, sizeof clean, fault->config[i].what);
            (void)json_array_append_new(faults, json_pack("{s:i, s:s}", "line", (int)fault->config[i].line, "what", clean));
        }
        (void)snprintf(what, sizeof what, _("%s is not valid"), fault->path);
        return fail_faults(invocation, err, what, faults);
    }
    for (size_t i = 0; i < fault->config_count; i++) {
        text_clean(clean, sizeof clean, fault->config[i].what);
        (void)fprintf(stderr, "%s:%u: %s\n", fault->path, fault->config[i].line, clean);
    }
    return fail(invocation, err, _("%s is not valid"), fault->path);
}

static int explain_sealing_key(const struct invocation *invocation, enum err err, const struct home_fault *fault)
{
    switch ((int)err) {
    case ERR_NOT_FOUND:
        return because(invocation, ERR_PASSPHRASE, _("without it the keys of this node do not open"),
                       _("put back the file that griot init was given, or correct key_file in griot.ini"), _("the sealing key %s is not there"),
                       fault->path);
    case ERR_PERMISSION:
        if (access(fault->path, R_OK) == 0) {
            return because(invocation, err, _("whoever reads it can open the keys of this node"), _("make it yours alone: chmod 600 FILE"),
                           _("the sealing key %s may be read by others"), fault->path);
        }
        return fail(invocation, err, _("the sealing key %s may not be read"), fault->path);
    case ERR_INVALID:
        return because(invocation, ERR_PASSPHRASE, _("it must be a file of 32 to 4096 random bytes that only its owner may read"),
                       _("put back the file that griot init was given, or correct key_file in griot.ini"), _("%s is no sealing key"), fault->path);
    default:
        return fail(invocation, err, _("the sealing key %s cannot be read"), fault->path);
    }
}

static int explain_keys(const struct invocation *invocation, enum err err, const struct home_fault *fault)
{
    static const char advice[] = N_("bring the node back from a backup and its identity file: griot help restore");

    switch ((int)err) {
    case ERR_PASSPHRASE:
        return fail(invocation, err, _("the keys in %s do not open"), invocation->home);
    case ERR_NOT_FOUND: /* not "nothing found": the home is not whole */
        return because(invocation, ERR_CORRUPT, _("a node is who it is by its keys"), _(advice), _("keys are missing in %s"), fault->path);
    case ERR_CORRUPT:
        return because(invocation, err, _("a node is who it is by its keys"), _(advice), _("the keys in %s are damaged"), fault->path);
    case ERR_PERMISSION:
        return access(fault->path, R_OK | X_OK) == 0
                   ? because(invocation, err, _("others may read or change them, or you may not read them"),
                             _("as their owner: chmod 700 for the folder, chmod 600 for the files in it"), _("the keys in %s are not taken"),
                             fault->path)
                   : fail(invocation, err, _("the keys in %s may not be read"), fault->path);
    default:
        return fail(invocation, err, _("the keys in %s cannot be read"), fault->path);
    }
}

static int explain_store(const struct invocation *invocation, enum err err, const char *path)
{
    switch ((int)err) {
    case ERR_LOCKED:
        return fail_because(invocation, err, _("the home is in use by another process"), path,
                            _("stop that process, or leave it and ask it: griot status"));
    case ERR_NOT_FOUND:
        return because(invocation, ERR_CORRUPT, _("it held the records"), _("bring the node back from a backup and its identity file: griot help restore"),
                       _("the store in %s is not there"), path);
    case ERR_CORRUPT:
        return because(invocation, err, NULL, _("bring the node back from a backup and its identity file: griot help restore"),
                       _("the store in %s does not open"), path);
    default:
        return fail(invocation, err, _("the store in %s does not open"), path);
    }
}

int explain_home(const struct invocation *invocation, enum err err, const struct home_fault *fault)
{
    if (err == ERR_UNREACHABLE) {
        return fail(invocation, err, _("a node runs at %s but does not answer"), invocation->home);
    }
    switch (fault->part) {
    case HOME_NODE:
        return explain_node(invocation, err, fault);
    case HOME_CONFIG:
        return explain_config(invocation, err, fault);
    case HOME_SEALING_KEY:
        return explain_sealing_key(invocation, err, fault);
    case HOME_PASSPHRASE:
        return fail_because(invocation, err, _("no passphrase was given"),
                            _("there is no terminal to ask on, or GRIOT_PASSPHRASE_FD is no open descriptor with a line of 1 to 1024 bytes"),
                            _("run it on a terminal, or like this: GRIOT_PASSPHRASE_FD=3 griot status 3<FILE"));
    case HOME_KEYS:
        return explain_keys(invocation, err, fault);
    case HOME_STORE:
    default:
        return explain_store(invocation, err, fault->path);
    }
}

int explain_daemon(const struct invocation *invocation, enum err err, const struct daemon_fault *fault)
{
    int outcome;

    switch (fault->part) {
    case DAEMON_LISTEN:
        outcome = fail_because(invocation, err, _("the node cannot start: its address is not to be had"), fault->why,
                               err == ERR_EXISTS ? _("another program listens there: stop it, or change listen in griot.ini")
                                                 : _("correct listen in griot.ini"));
        break;
    case DAEMON_CONTROL:
        outcome = fail_because(invocation, err, _("the node cannot start: commands would not reach it"), fault->why, NULL);
        break;
    case DAEMON_RUNNING:
        outcome = fail(invocation, err, _("the node stopped because of its disk"));
        break;
    case DAEMON_STORE:
    default:
        outcome = explain_store(invocation, err, fault->why);
        break;
    }
    return err == ERR_IO ? DAEMON_DISK_LIES : outcome;
}
