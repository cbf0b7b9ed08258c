/* bundle_reader.h - reads a bundle (WIRE.md 8) from front to end, as its bytes come: checks the shape of everything, opens one chunk at a time, compares what the trailer says.
 * Holds one chunk, whatever the length of the file; what is in it is trusted for nothing and goes through the gate of the store (bundle_in.h). */
#ifndef GRIOT_NODE_BUNDLE_READER_H
#define GRIOT_NODE_BUNDLE_READER_H

#include "crypto/hash.h"
#include "crypto/wrap.h"
#include "proto/bundle.h"

enum bundle_event {
    BUNDLE_NEEDS_BYTES,  /* all bytes were used */
    BUNDLE_HAS_HEAD,     /* `head` is there; bundle_reader_unlock, or read no further */
    BUNDLE_HAS_DOCUMENT, /* `document` and `items` are there until the next bytes are fed; the first has brought `contents`, the last `trailer` */
};

struct bundle_reader; /* heap object; one owner at a time */

MUST_CHECK enum err bundle_reader_new(struct bundle_reader **ret); /* ERR_MEMORY */
void bundle_reader_destroy(struct bundle_reader **reader);

/* Take in bytes as far as the next event. Feed what is left of them again, until BUNDLE_NEEDS_BYTES.
 *   errors  the file is no good, and stays so: ERR_MALFORMED, ERR_NONCANONICAL, ERR_TRUNCATED, ERR_OVERSIZE, ERR_LIMIT, ERR_VERSION; ERR_BADSIG  a chunk does not open: damaged, cut out,
 * moved, or of another file; ERR_BADHASH  not all of what the writer put in is there; ERR_MEMORY */
MUST_CHECK enum err bundle_reader_feed(struct bundle_reader *reader, struct span bytes, size_t *ret_used, enum bundle_event *ret_event, const char **clause);
/* The file ends here.  ERR_TRUNCATED  too early */
MUST_CHECK enum err bundle_reader_end(const struct bundle_reader *reader, const char **clause);

/* The file's key from one of our encryption keys: after BUNDLE_HAS_HEAD.
 *   errors  ERR_NOT_FOUND  it is not sealed for `self`; ERR_UNKNOWN_KEY  for another key of ours (compare the tag); ERR_BADSIG  for this one, but it does not open; ERR_MEMORY */
MUST_CHECK enum err bundle_reader_unwrap(const struct bundle_reader *reader, const struct node_id *self, const struct secret *encryption, struct secret **ret_key);
/* Read on with this key (SEALING_KEY_BYTES). Takes it. */
void bundle_reader_unlock(struct bundle_reader *reader, struct secret *key);

/* Valid after BUNDLE_HAS_HEAD. */
const struct bundle_head *bundle_reader_head(const struct bundle_reader *reader);
/* NULL before the first document. Its signed bytes and signature: bundle_reader_check. */
const struct bundle_contents *bundle_reader_contents(const struct bundle_reader *reader);
/* NULL before the last document. */
const struct bundle_trailer *bundle_reader_trailer(const struct bundle_reader *reader);
/* Is the bundle signed by this key: the contents and, once it is there, the trailer?  ERR_BADSIG */
MUST_CHECK enum err bundle_reader_check(const struct bundle_reader *reader, const struct sign_public *identity, const char **clause);
/* The present document: its bytes and its items. */
struct span bundle_reader_document(const struct bundle_reader *reader);
const struct bundle_item *bundle_reader_items(const struct bundle_reader *reader, uint32_t *ret_count);

#endif
