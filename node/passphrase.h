/* passphrase.h - asks a person for a passphrase, or takes it from the descriptor that $GRIOT_PASSPHRASE_FD names, one line a question. */
#ifndef GRIOT_NODE_PASSPHRASE_H
#define GRIOT_NODE_PASSPHRASE_H

#include "crypto/secret.h"

enum { PASSPHRASE_BYTES_MAX = 1024 };

/* `prompt` (translated, without colon) is shown on the terminal, whose echo is off meanwhile. With `again` (translated, or NULL) it is asked for
 * a second time, as long as the two differ, three times at most. Yours to destroy.
 *   errors  ERR_NOT_FOUND   there is neither descriptor nor terminal, or the descriptor has come to its end
 *           ERR_INVALID     empty, or longer than PASSPHRASE_BYTES_MAX
 *           ERR_PASSPHRASE  the two differed three times
 *           ERR_IO, ERR_MEMORY */
MUST_CHECK enum err passphrase_ask(const char *prompt, const char *again, struct secret **ret);

#endif
