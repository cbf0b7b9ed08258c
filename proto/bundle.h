/* bundle.h - a file that carries notices and commits by hand, on a stick or by mail (WIRE.md 8): a head that anybody may read, then chunks sealed for the receivers,
 * the last of them marked. Written and read from front to end, without going back. Pure: shapes and limits; what seals, signs and hashes is above (node/bundle_*.c). */
#ifndef GRIOT_PROTO_BUNDLE_H
#define GRIOT_PROTO_BUNDLE_H

#include "proto/message.h"

#define BUNDLE_MAGIC "griot bundle 1\n"
enum {
    BUNDLE_MAGIC_BYTES = sizeof BUNDLE_MAGIC - 1,
    BUNDLE_OPENING_BYTES = BUNDLE_MAGIC_BYTES + 4, /* and the length of the head */
    BUNDLE_ID_BYTES = 16,
    BUNDLE_TAG_BYTES = 8,
    BUNDLE_WRAP_BYTES = 48,
    BUNDLE_NONCE_BYTES = 24,
    BUNDLE_CHUNK_OPENING_BYTES = 1 + 4,                      /* mark, length */
    BUNDLE_CHUNK_COST_BYTES = BUNDLE_NONCE_BYTES + 16,       /* what sealing adds to a document */
    BUNDLE_CHUNK_SEALED_BYTES_MAX = BUNDLE_DOCUMENT_BYTES_MAX + BUNDLE_CHUNK_COST_BYTES,
    BUNDLE_ASSOCIATED_BYTES = 32 + 8 + 1,
};

struct bundle_id {
    uint8_t b[BUNDLE_ID_BYTES]; /* random; all parts of a bundle have it */
};

/* ---- 8.1, 8.2: the opening and the head ---- */

struct bundle_receiver { /* the file's key, wrapped for one node */
    struct node_id node;
    uint8_t tag[BUNDLE_TAG_BYTES]; /* the first bytes of his encryption key */
    uint8_t wrap[BUNDLE_WRAP_BYTES];
};
struct bundle_head {
    uint32_t version;
    struct region_id region;
    struct bundle_id id;
    uint32_t part, parts; /* 1..BUNDLE_PARTS_MAX, part <= parts */
    struct box_public ephemeral;
    uint32_t receiver_count; /* 1..MEMBERS_MAX */
    struct bundle_receiver *receivers; /* rising by node, each once; borrowed */
};
/* Magic, length and head, as the file begins. ERR_OVERSIZE  `ret` is too small */
MUST_CHECK enum err bundle_opening_encode(const struct bundle_head *head, struct out *ret);
/* The first BUNDLE_OPENING_BYTES of a file: how long its head is.
 *   errors  ERR_MALFORMED  no bundle; ERR_VERSION  of a newer release; ERR_OVERSIZE  a head longer than BUNDLE_HEAD_BYTES_MAX; ERR_TRUNCATED */
MUST_CHECK enum err bundle_opening_decode(struct span bytes, uint32_t *ret_head_bytes, const char **clause);
/* The head itself. `receivers` has room for MEMBERS_MAX and becomes ret->receivers. Errors as of all decoders (notice.h). */
MUST_CHECK enum err bundle_head_decode(struct unpack *unpack, struct span bytes, struct bundle_receiver *receivers, struct bundle_head *ret,
                                       const char **clause);

/* ---- 8.3: chunks ---- */

enum bundle_mark { BUNDLE_MORE = 0, BUNDLE_LAST = 1 };
void bundle_chunk_opening(enum bundle_mark mark, uint32_t sealed_bytes, uint8_t ret[BUNDLE_CHUNK_OPENING_BYTES]);
/*   errors  ERR_MALFORMED  no such mark; ERR_OVERSIZE  longer than BUNDLE_CHUNK_SEALED_BYTES_MAX; ERR_TRUNCATED  shorter than a sealed document */
MUST_CHECK enum err bundle_chunk_opening_decode(const uint8_t bytes[BUNDLE_CHUNK_OPENING_BYTES], enum bundle_mark *ret_mark, uint32_t *ret_sealed_bytes,
                                                const char **clause);
/* What is authenticated beside chunk `number` (0..): which file, which place, whether it is the last. `opening`: HASH_BUNDLE over the opening. */
void bundle_associated(const struct hash *opening, uint64_t number, enum bundle_mark mark, uint8_t ret[BUNDLE_ASSOCIATED_BYTES]);

/* ---- 8.4: documents, what chunks hold ---- */

enum bundle_item_type { BUNDLE_CONTENTS = 1, BUNDLE_NOTICE = 2, BUNDLE_SEG = 3, BUNDLE_TRAILER = 4 };
struct bundle_item {
    enum bundle_item_type type;
    struct span body; /* borrowed */
};
/* A document that is being filled. Plain value over memory of BUNDLE_DOCUMENT_BYTES_MAX. */
struct bundle_document {
    uint8_t *memory;
    size_t at;
    uint32_t count;
};
void bundle_document_init(struct bundle_document *document, uint8_t memory[BUNDLE_DOCUMENT_BYTES_MAX]);
/* Is there room for another item with a body of `n` bytes? An empty document has room for any notice, segment, contents or trailer. */
bool bundle_document_has_room(const struct bundle_document *document, size_t n);
void bundle_document_add(struct bundle_document *document, enum bundle_item_type type, struct span body); /* there is room: asserted */
/* The finished document, in its memory. At least one item: asserted. */
struct span bundle_document_end(struct bundle_document *document);
/* At most BUNDLE_ITEMS_MAX items into `ret`. */
MUST_CHECK enum err bundle_document_decode(struct unpack *unpack, struct span bytes, struct bundle_item *ret, uint32_t *ret_count, const char **clause);

/* ---- 8.5, 8.6: what the writer signs ---- */

/* Contents and trailer are carried as [signed bytes, signature]. `*ret_body` is borrowed from `bytes`. */
void bundle_signed_encode(struct span body, const struct signature *signature, struct out *ret);
MUST_CHECK enum err bundle_signed_decode(struct unpack *unpack, struct span bytes, struct span *ret_body, struct signature *ret, const char **clause);

struct bundle_base { /* a frontier on which the choice of commits is based */
    struct node_id node;
    uint64_t counter; /* notice_counter, message.h */
    uint8_t hash[8]; /* of the frontier, as in NOTICES; zeros: none of that node, everything is here */
};
struct bundle_contents {
    uint32_t version;
    struct region_id region;
    struct bundle_id id;
    uint32_t part, parts;
    struct node_id writer;
    struct wall_ms created;
    uint32_t receiver_count; /* 0: the region */
    struct node_id *receivers; /* rising, each once; borrowed */
    uint32_t base_count;
    struct bundle_base *bases; /* rising by node, each once; borrowed */
};
void bundle_contents_encode(const struct bundle_contents *contents, struct out *ret);
/* `receivers` and `bases` have room for MEMBERS_MAX each. */
MUST_CHECK enum err bundle_contents_decode(struct unpack *unpack, struct span bytes, struct node_id *receivers, struct bundle_base *bases,
                                           struct bundle_contents *ret, const char **clause);

struct bundle_trailer {
    uint32_t version;
    struct bundle_id id;
    uint32_t part;
    uint64_t notices, items; /* items: births and commits */
    struct hash hash;        /* HASH_BUNDLE over the opening and all documents before this one */
};
void bundle_trailer_encode(const struct bundle_trailer *trailer, struct out *ret);
MUST_CHECK enum err bundle_trailer_decode(struct unpack *unpack, struct span bytes, struct bundle_trailer *ret, const char **clause);

#endif
