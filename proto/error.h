/* error.h - every way in which something can fail, in one list.
 * Blame decides the reaction: PEER, drop the message and count it; CALLER, refuse and explain;
 * SELF, retry or stop. Codes are stable: they appear in logs, JSON and metrics and are never translated. */
#ifndef GRIOT_PROTO_ERROR_H
#define GRIOT_PROTO_ERROR_H

#include <stddef.h>

#define MUST_CHECK __attribute__((warn_unused_result))

enum blame { BLAME_NONE, BLAME_PEER, BLAME_CALLER, BLAME_SELF };

/*       code             blame   text, completing "refused because ..." */
#define ERROR_LIST(X)                                                                                                                                \
    X(ERR_OK, NONE, "no error")                                                                                                                      \
    X(ERR_MALFORMED, PEER, "it does not have the required shape")                                                                                    \
    X(ERR_NONCANONICAL, PEER, "it is not in the one canonical encoding")                                                                             \
    X(ERR_TRUNCATED, PEER, "it ends too early")                                                                                                      \
    X(ERR_OVERSIZE, PEER, "it is larger than the limit")                                                                                             \
    X(ERR_LIMIT, PEER, "it holds more items than the limit")                                                                                         \
    X(ERR_EXPANSION, PEER, "it declares a larger expanded size than allowed")                                                                        \
    X(ERR_VERSION, PEER, "its format is newer than this release")                                                                                    \
    X(ERR_REGION, PEER, "it belongs to another region")                                                                                              \
    X(ERR_BADSIG, PEER, "its signature does not verify")                                                                                             \
    X(ERR_BADHASH, PEER, "its content does not match its hash")                                                                                      \
    X(ERR_CHAIN, PEER, "it does not continue its log")                                                                                               \
    X(ERR_GAP, PEER, "commits before it are missing here")                                                                                           \
    X(ERR_STALE, PEER, "something at least as new is held already")                                                                                  \
    X(ERR_FORK, PEER, "it contradicts a commit that is held")                                                                                        \
    X(ERR_UNKNOWN_KEY, PEER, "its key is not known here")                                                                                            \
    X(ERR_UNKNOWN_LOG, PEER, "the birth of its log is not held")                                                                                     \
    X(ERR_NOT_MEMBER, PEER, "its author is not a member of the region")                                                                              \
    X(ERR_CUT, PEER, "it lies beyond the cut of a node that has left")                                                                               \
    X(ERR_UNEXPECTED, PEER, "it was not asked for or comes at the wrong time")                                                                       \
    X(ERR_SESSION, PEER, "it belongs to another session")                                                                                            \
    X(ERR_QUOTA, NONE, "its author has used up what is kept of one node here")                                                                       \
    X(ERR_USAGE, CALLER, "the command line is wrong")                                                                                                \
    X(ERR_CONFIG, CALLER, "the configuration is wrong")                                                                                              \
    X(ERR_INVALID, CALLER, "a value is not valid")                                                                                                   \
    X(ERR_NOT_FOUND, CALLER, "it does not exist here")                                                                                               \
    X(ERR_EXISTS, CALLER, "it exists already")                                                                                                       \
    X(ERR_LOCKED, CALLER, "the home is in use by another process")                                                                                   \
    X(ERR_PASSPHRASE, CALLER, "the passphrase or sealing key is wrong")                                                                              \
    X(ERR_PERMISSION, CALLER, "the permissions do not allow it")                                                                                     \
    X(ERR_UNREACHABLE, CALLER, "the node does not answer")                                                                                           \
    X(ERR_IO, SELF, "the disk or the system reported an error")                                                                                      \
    X(ERR_FULL, SELF, "the disk is full or below its reserve")                                                                                       \
    X(ERR_MEMORY, SELF, "memory ran out")                                                                                                            \
    X(ERR_MLOCK, SELF, "memory for secrets could not be locked")                                                                                     \
    X(ERR_CORRUPT, SELF, "stored data is damaged")                                                                                                   \
    X(ERR_LAYOUT, SELF, "the store has another layout version")                                                                                      \
    X(ERR_BUSY, SELF, "it is busy, try again")                                                                                                       \
    X(ERR_INTERNAL, SELF, "an internal limit was met")

#define ERROR_ENUM(code, blame, text) code,
enum err { ERROR_LIST(ERROR_ENUM) ERR_COUNT };
#undef ERROR_ENUM

/* The stable name ("ERR_BADSIG"), the blame and the English sentence part of an error. Never NULL. */
const char *err_name(enum err err);
enum blame err_blame(enum err err);
const char *err_text(enum err err);
/* The error of that name (`n` bytes, no NUL needed), ERR_COUNT when there is none. */
enum err err_of_name(const char *name, size_t n);

#endif
