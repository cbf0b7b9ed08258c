/* bundle.h - what the subcommands of griot bundle share. */
#ifndef GRIOT_NODE_CLI_BUNDLE_H
#define GRIOT_NODE_CLI_BUNDLE_H

#include "node/cli/ask.h"

enum { BUNDLE_READ_BYTES = 1 << 19 };

/* A file on its way to the node: opened, and fed to it piece by piece. */
struct bundle_source {
    const char *path; /* "-": standard input */
    bool is_stream;   /* can be read once only */
    uint64_t bytes, done; /* length, 0 when not known; how far */
};
/* Is it there, and what is it?  ERR_NOT_FOUND, ERR_PERMISSION, ERR_INVALID  a folder or a device, ERR_IO */
MUST_CHECK enum err bundle_source_look(const char *path, struct bundle_source *ret);
/* The whole file to the node: `what` as in client_bundle_begin. The answer, or the error's object, in *ret.
 *   errors  of reading; ERR_BUSY  interrupted; of the node, then *ret is set */
MUST_CHECK enum err bundle_source_send(const struct invocation *invocation, struct client *client, struct bundle_source *source, const char *what, json_t **ret);

/* Why a bundle is not taken or shown, explained: `error` is the node's object, or NULL. Returns the exit code. */
int bundle_fail(const struct invocation *invocation, enum err err, const char *path, const json_t *error);

#endif
