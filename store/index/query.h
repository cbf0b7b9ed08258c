/* query.h - what a person asked, as terms of the index. Grammar:
 *
 *   query   = { [ "-" ] ( phrase | field | word ) }       all must hold; "-" excludes; nothing at all asks for everything
 *   phrase  = '"' text '"'                                its words, all of them
 *   field   = name ":" ( '"' text '"' | text [ "*" ] )    name: kind, author, date, or a field of any kind that is searched by value
 *   word    = text [ "*" ]                                folded; punctuation inside parts it into several words; one word of four letters
 *                                                         or more also finds the codes it names: cocaine, Sénégal
 *
 * date takes 2026, 2026-11 or 2026-11-22; author a node id in hex. Pure. */
#ifndef GRIOT_STORE_INDEX_QUERY_H
#define GRIOT_STORE_INDEX_QUERY_H

#include "proto/error.h"
#include "proto/span.h"

enum {
    QUERY_BYTES_MAX = 1024,
    QUERY_TERMS_MAX = 32,  /* words and values together */
    QUERY_ATOMS_MAX = 256, /* a value may stand for a field of several kinds */
    QUERY_TEXT_BYTES_MAX = 20480,
    QUERY_CODE_BYTES_MIN = 4,   /* of a word that is also looked up in the code lists */
    QUERY_PREFIX_BYTES_MIN = 2, /* of the word before "*": one letter would be a tenth of the dictionary */
};

struct query_atom {
    struct span term; /* in the query's own memory */
    bool is_prefix;   /* every term that begins so */
};
/* Holds when one of its atoms does. */
struct query_need {
    uint32_t first, count; /* atoms */
};
/* Holds when all its needs do. */
struct query_clause {
    bool is_not;
    uint32_t first, count; /* needs */
};
struct query { /* about 30 KiB; do not move: spans point into it */
    uint32_t clause_count, need_count, atom_count;
    struct query_clause clauses[QUERY_TERMS_MAX];
    struct query_need needs[QUERY_TERMS_MAX];
    struct query_atom atoms[QUERY_ATOMS_MAX];
    size_t text_bytes;
    uint8_t text[QUERY_TEXT_BYTES_MAX];
};

/* Parse.
 *   errors  ERR_INVALID  `*ret_at` is the byte where it goes wrong, `*ret_why` an English sentence with what to do, a gettext msgid */
MUST_CHECK enum err query_parse(struct span text, struct query *ret, size_t *ret_at, const char **ret_why);

#endif
