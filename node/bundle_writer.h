/* bundle_writer.h - writes one file of a bundle (WIRE.md 8) from front to end: the head, chunks as they fill, the trailer. Holds one chunk. What is put in is chosen by bundle_out.h. */
#ifndef GRIOT_NODE_BUNDLE_WRITER_H
#define GRIOT_NODE_BUNDLE_WRITER_H

#include "crypto/hash.h"
#include "crypto/wrap.h"
#include "proto/bundle.h"

/* Where the bytes go, in order. An error ends the writing and is passed on. */
typedef enum err (*bundle_sink)(void *arg, struct span bytes);

struct bundle_card { /* for whom to seal: from his card */
    struct node_id node;
    struct box_public encryption;
};

struct bundle_writer; /* heap object; one owner at a time */

/* Begin a file, with a key of its own that is wrapped for each of `cards` (1..MEMBERS_MAX, rising by node, each once: asserted). With `is_measuring` nothing is sealed and nothing comes to
 * the sink: only bundle_writer_bytes counts, and comes out as for the real one.
 *   errors  ERR_MEMORY; ERR_INVALID  the encryption key of one of them is none; those of the sink */
MUST_CHECK enum err bundle_writer_new(const struct region_id *region, const struct bundle_id *id, uint32_t part, uint32_t parts, const struct bundle_card *cards, size_t card_count,
                                      bool is_measuring, bundle_sink sink, void *arg, struct bundle_writer **ret);
void bundle_writer_destroy(struct bundle_writer **writer);
/* In the order of the types: the contents, notices, segments (`items` births and commits). Errors of the sink. */
MUST_CHECK enum err bundle_writer_contents(struct bundle_writer *writer, struct span body, const struct signature *signature);
MUST_CHECK enum err bundle_writer_notice(struct bundle_writer *writer, struct span body);
MUST_CHECK enum err bundle_writer_segment(struct bundle_writer *writer, struct span body, uint32_t items);
/* All is in: what the trailer says, to be signed. Errors of the sink. */
MUST_CHECK enum err bundle_writer_close(struct bundle_writer *writer, struct out *ret_trailer);
/* The end. Errors of the sink. */
MUST_CHECK enum err bundle_writer_trailer(struct bundle_writer *writer, struct span body, const struct signature *signature);
/* How long the file is if it is closed now, or less; exactly after the trailer. */
uint64_t bundle_writer_bytes(const struct bundle_writer *writer);
/* How much longer the file gets by an item of `n` bytes, at most. */
uint64_t bundle_writer_cost(size_t n);

#endif
