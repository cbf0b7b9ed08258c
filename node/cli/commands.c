/* commands.c - the table, in the order of the help. */
#include "node/cli/command.h"

#define COMMANDS(X) \
    X(status) \
    X(peers) \
    X(lag) \
    X(check) \
    X(doctor) \
    X(top) \
    X(watch) \
    X(explain) \
    X(record) \
    X(search) \
    X(show) \
    X(trace) \
    X(import) \
    X(erase) \
    X(readers) \
    X(grant) \
    X(sealed) \
    X(release) \
    X(request) \
    X(requests) \
    X(answer) \
    X(bundle) \
    X(root) \
    X(init) \
    X(card) \
    X(admit) \
    X(suspend) \
    X(quarantine) \
    X(forks) \
    X(classify) \
    X(rotate) \
    X(join) \
    X(region) \
    X(run) \
    X(sandbox) \
    X(backup) \
    X(restore) \
    X(audit) \
    X(verify) \
    X(fsck) \
    X(rebuild) \
    X(compact) \
    X(config) \
    X(completion) \
    X(manual) \
    X(help) \
    X(gateway)

#define DECLARE(name) extern const struct command command_##name;
COMMANDS(DECLARE)

#define ROW(name) &command_##name,
const struct command *const commands[] = {COMMANDS(ROW) NULL};
