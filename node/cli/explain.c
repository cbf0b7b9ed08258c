/* explain.c - one row an error. */
#include "node/cli/explain.h"

#include "node/cli/i18n.h"

#include <string.h>

#define ASK_SENDER N_("nothing was taken in; ask the sender for the file again, and compare its checksum")
#define ASK_CARD N_("check with the other office, by voice, that this is its card; then ask a registrar to admit it")

static const struct explanation explanations[] = {
    {ERR_MALFORMED, N_("it does not have the required shape"), ASK_SENDER},
    {ERR_NONCANONICAL, N_("it is not in the one canonical encoding"), ASK_SENDER},
    {ERR_TRUNCATED, N_("it ends too early"), ASK_SENDER},
    {ERR_OVERSIZE, N_("it is larger than the limit"), N_("split it, or shorten its longest texts")},
    {ERR_LIMIT, N_("it holds more items than the limit"), N_("split it into several")},
    {ERR_EXPANSION, N_("it declares a larger expanded size than allowed"), ASK_SENDER},
    {ERR_VERSION, N_("its format is newer than this release"), N_("update griot on this machine; nothing is lost meanwhile")},
    {ERR_REGION, N_("it belongs to another region"), N_("check that you took the file meant for this region: griot status shows its id")},
    {ERR_BADSIG, N_("its signature does not verify"), ASK_SENDER},
    {ERR_BADHASH, N_("its content does not match its hash"), ASK_SENDER},
    {ERR_CHAIN, N_("it does not continue its log"), N_("run griot verify; if it finds nothing, the sender's copy is damaged")},
    {ERR_GAP, N_("commits before it are missing here"), N_("nothing to do: they are asked for; griot lag shows what is missing")},
    {ERR_STALE, N_("something at least as new is held already"), N_("nothing to do; take the newer file if there is one")},
    {ERR_FORK, N_("it contradicts a commit that is held"), N_("keep both copies and call the operator of the hub: a node's key is in use twice")},
    {ERR_UNKNOWN_KEY, N_("its key is not known here"), ASK_CARD},
    {ERR_UNKNOWN_LOG, N_("the birth of its log is not held"), N_("nothing to do: it is asked for; griot lag shows what is missing")},
    {ERR_NOT_MEMBER, N_("its author is not a member of the region"), ASK_CARD},
    {ERR_CUT, N_("it lies beyond the cut of a node that has left"), N_("nothing to do; only a new roster can extend a cut")},
    {ERR_UNEXPECTED, N_("it was not asked for or comes at the wrong time"),
     N_("try again; if it persists, send the log of both nodes to their operators")},
    {ERR_SESSION, N_("it belongs to another session"), N_("try again")},
    {ERR_USAGE, N_("the command line is wrong; nothing was done"), N_("griot help lists the commands, griot help COMMAND explains one")},
    {ERR_CONFIG, N_("the configuration is wrong, and a node does not guess"), N_("correct the line named, then: griot config check")},
    {ERR_INVALID, N_("a value is not valid; nothing was recorded"), N_("correct the value named and try again")},
    {ERR_NOT_FOUND, N_("it does not exist here"), N_("check the name; -H HOME chooses the node")},
    {ERR_EXISTS, N_("it exists already and is not overwritten"), N_("choose another name, or move the old one away")},
    {ERR_LOCKED, N_("another process has the home open, and two at once would damage it"),
     N_("wait for the other command to end, or start the node: commands then share it")},
    {ERR_PASSPHRASE, N_("the passphrase or sealing key does not open the keys"),
     N_("try again; key_file in griot.ini or the service credential griot-key must be the one from init")},
    {ERR_PERMISSION, N_("the permissions do not allow it"), N_("run the command as the user who owns the home, often: sudo -u griot griot ...")},
    {ERR_UNREACHABLE, N_("the node does not answer; what it was asked may or may not be done"),
     N_("look at its log: journalctl -u 'griot@*' -n 50; a restart loses nothing")},
    {ERR_IO, N_("the disk or the system reported an error"), N_("look at dmesg; stop the node, check the disk, then: griot fsck")},
    {ERR_FULL, N_("the disk is full or below its reserve, so nothing new is taken in; reading goes on"),
     N_("free some space: intake starts again by itself")},
    {ERR_MEMORY, N_("memory ran out"), N_("close other programs or raise MemoryMax of the service, then try again")},
    {ERR_MLOCK, N_("memory for secrets could not be locked"), N_("raise the limit: ulimit -l 16384, or LimitMEMLOCK=16M in the service")},
    {ERR_CORRUPT, N_("stored data is damaged"),
     N_("griot fsck says what; griot rebuild repairs what is derived, peers or a backup restore the rest")},
    {ERR_LAYOUT, N_("the store was written by another release"), N_("use the release that wrote it, or update griot")},
    {ERR_BUSY, N_("it is busy"), N_("try again in a moment")},
    {ERR_QUOTA, N_("its author has written more than this node takes in of one node in a day"), N_("it waits, nothing is lost; author_mib_day of griot.ini sets how much is taken")},
    {ERR_INTERNAL, N_("an internal limit was met; this is a fault of griot"), N_("report it with the line of the log; a restart loses nothing")},
};

const struct explanation *explain(enum err err)
{
    size_t count = sizeof explanations / sizeof explanations[0];

    for (size_t i = 0; i < count; i++) {
        if (explanations[i].err == err) {
            return &explanations[i];
        }
    }
    return &explanations[count - 1];
}

enum err explain_code(const char *name)
{
    for (int err = 0; err < ERR_COUNT; err++) {
        if (strcmp(err_name((enum err)err), name) == 0) {
            return (enum err)err;
        }
    }
    return ERR_COUNT;
}
