/* run.h - the terms of a run of documents, gathered in memory, sorted once, before anything is put on disk.
 * Documents are named by their offset from the run's first. One owner at a time; memory is kept between uses and bounded by RUN_PAIRS_MAX and
 * RUN_TEXT_BYTES_MAX. */
#ifndef GRIOT_STORE_INDEX_RUN_H
#define GRIOT_STORE_INDEX_RUN_H

#include "proto/error.h"
#include "proto/span.h"

enum {
    TERM_BYTES_MAX = 100,                 /* of one term; 68 are used: an exact value of 64 and its head */
    RUN_DOCS_MAX = 16384,                 /* documents of one run */
    RUN_PAIRS_MAX = 1 << 20,              /* (term, document) pairs after which a run is full: 8 MiB */
    RUN_TEXT_BYTES_MAX = 8 * 1024 * 1024, /* of distinct terms after which a run is full */
};

struct run;

struct run *run_new(void); /* NULL when memory runs out */
void run_destroy(struct run **run);
void run_clear(struct run *run);

/* Say that document `doc` holds `term`; again is nothing new. Documents come one after the other, rising; then up to 256 that are below all of those,
 * rising.
 *   term     1..TERM_BYTES_MAX bytes, copied
 *   errors   ERR_MEMORY */
MUST_CHECK enum err run_add(struct run *run, uint16_t doc, struct span term);
/* Should no further document be begun? A run takes what it is given, so a document may pass the bounds. */
bool run_is_full(const struct run *run);
size_t run_pairs(const struct run *run);

/* Sort terms as bytes and the documents of each rising. After it, read; then clear.  ERR_MEMORY */
MUST_CHECK enum err run_sort(struct run *run);
size_t run_terms(const struct run *run);
struct span run_term(const struct run *run, size_t rank);
/* The documents that hold the term at `rank`, rising; borrowed. */
const uint16_t *run_docs(const struct run *run, size_t rank, uint32_t *ret_count);

#endif
