/* commands.c - the table. */
#include "node/cli/command.h"

extern const struct command command_status, command_peers, command_lag, command_check, command_top, command_watch, command_doctor, command_explain, command_gateway, command_record, command_search, command_show, command_trace, command_import,
    command_readers, command_grant, command_sealed;
extern const struct command command_root, command_init, command_card, command_admit, command_join, command_run, command_sandbox;
extern const struct command command_audit, command_suspend, command_rotate, command_erase, command_compact, command_bundle, command_backup, command_restore, command_verify, command_fsck, command_rebuild, command_config, command_completion,
    command_manual,
    command_help;

const struct command *const commands[] = {
    &command_status, &command_peers, &command_lag,     &command_check, &command_top, &command_watch, &command_doctor, &command_explain, &command_record, &command_search,     &command_show,   &command_trace,   &command_import,  &command_erase, &command_readers,
    &command_grant,  &command_sealed,
    &command_root,   &command_init,  &command_card,    &command_admit,  &command_suspend,    &command_rotate, &command_join,    &command_run,    &command_sandbox, &command_bundle, &command_backup,
    &command_restore, &command_audit, &command_verify, &command_fsck,  &command_rebuild, &command_compact, &command_config, &command_completion, &command_manual, &command_help,    &command_gateway, NULL,
};
