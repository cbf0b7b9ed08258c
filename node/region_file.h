/* region_file.h - the two files by which a region is carried by hand: the region file (charter, rosters, acts, cards: what `init --region` and `join` take) and the card
 * file (one node's card: what `admit` and the root ceremony take). Both hold notices, which verify alone: the files themselves are trusted for nothing.
 *
 * Region file: the line "griot region 1", then a canonical MessagePack array of notices (bin).
 * Card file, text that survives mail and paper: the line "griot card 1", then the notice in hex, 64 digits a line. */
#ifndef GRIOT_NODE_REGION_FILE_H
#define GRIOT_NODE_REGION_FILE_H

#include "crypto/hash.h"
#include "proto/notice.h"

enum {
    REGION_FILE_BYTES_MAX = 16 * 1024 * 1024, /* 1,000 cards, and as many rosters as years of changes make */
    REGION_FILE_NOTICES_MAX = 8192,
    CARD_NOTICE_BYTES_MAX = 4096, /* a card is about 400 bytes */
    CARD_TEXT_BYTES_MAX = 9216,
};

struct region_file {
    uint8_t *bytes; /* the file; `notices` point into it, or to memory of their own after region_file_put */
    size_t count;
    struct span *notices;
    bool *is_own;  /* of each notice: its bytes are ours to free */
    struct region_id id;
    struct charter charter;
};

/* Read a region file. Its first notice is the charter, whose hash is the region id; the others are not looked into. Finish it with region_file_fini.
 *   errors  ERR_MALFORMED  not a region file; ERR_VERSION  of a newer release; ERR_LIMIT  too many notices; those of charter_decode and file_read */
MUST_CHECK enum err region_file_read(const char *path, struct region_file *ret, const char **clause);
/* A region that holds its charter only. `charter` is a notice, copied. Errors as above. */
MUST_CHECK enum err region_file_new(struct span charter, struct region_file *ret, const char **clause);
void region_file_fini(struct region_file *region);
/* Add a notice (copied). A card replaces an older one of its node; a notice that is there already, or a newer card, is left alone. ERR_LIMIT, ERR_MEMORY, those of notice_decode and card_decode */
MUST_CHECK enum err region_file_put(struct region_file *region, struct span notice, const char **clause);
/* Take out the card of a node, if there is one and it names another identity key than `keep`. */
void region_file_drop_card(struct region_file *region, const struct node_id *node, const struct sign_public *keep);
/* Write it, whole or not at all: charter, rosters, acts, cards, the others. Notices that do not decode, which only region_file_read lets in, are refused.
 * ERR_MALFORMED  one of them; errors of file_write; ERR_OVERSIZE */
MUST_CHECK enum err region_file_write(const struct region_file *region, const char *path);

/* The card file of a card notice, NUL-terminated, at most CARD_TEXT_BYTES_MAX. Returns its length. */
size_t card_text_encode(struct span notice, char ret[CARD_TEXT_BYTES_MAX]);
/* Read a card file: the notice into `ret` (CARD_NOTICE_BYTES_MAX bytes), decoded into `ret_card`, its fingerprint into `ret_fingerprint`. The signature is checked against the
 * identity key that the card itself names: it proves that whoever made the card holds that key, and that nothing was changed since; not who that is. Compare the fingerprint.
 *   errors  ERR_MALFORMED  not a card file; ERR_VERSION; ERR_BADSIG; those of notice_decode, card_decode and file_read */
MUST_CHECK enum err card_file_read(const char *path, struct out *ret, struct card *ret_card, char ret_fingerprint[FINGERPRINT_CHARS], const char **clause);
/* The same from a notice. */
MUST_CHECK enum err card_open(struct span notice, struct card *ret, char ret_fingerprint[FINGERPRINT_CHARS], const char **clause);

#endif
