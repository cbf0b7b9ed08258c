/* terms.h - what a record is found by, as the bytes under which the index files it. The first byte says what the rest is:
 *   w  a folded word of any field that is searched by words, and of identifiers, so that a container is found without naming the field
 *   f  kind (0 for envelope fields), group number or 0, field number (varints), folded value: fields that are searched by value
 *   k  kind                a  node id of the author
 *   y  year (u16)          m  year, month          d  day since 0000-03-01 (24 bits): of the event */
#ifndef GRIOT_STORE_INDEX_TERMS_H
#define GRIOT_STORE_INDEX_TERMS_H

#include "proto/record/record.h"
#include "store/index/run.h"

enum { TERM_VALUE_BYTES_MAX = 64 /* fold_exact cuts there */ };

/* Calls `each` for every term of the record, some perhaps more than once; the span lives for the call. */
void terms_of(const struct record *record, const struct node_id *author, void (*each)(void *arg, struct span term), void *arg);

/* The field whose date is the event's: the envelope's "date". It is filed as y, m and d, and not as f. */
bool terms_is_event_date(const struct field *field);
/* The day by which hits are sorted, as days since 0000-03-01; 0 when there is none. A month or a year stands for its first day. */
uint32_t terms_day(const struct record *record);

/* One term, for queries; `ret` is written from its present place. */
void term_word(struct span folded, struct out *ret);
void term_field(uint32_t kind, const struct field *group, const struct field *field, struct span folded, struct out *ret);
void term_kind(uint32_t kind, struct out *ret);
void term_author(const struct node_id *author, struct out *ret);

/* A date as typed or stored: 2026, 2026-11, 2026-11-22, or what begins so and goes on with 'T'. */
struct term_date {
    uint32_t year, month, day; /* month, day 0: not given */
};
bool term_date_parse(struct span text, struct term_date *ret);
/* The term for the precision given. */
void term_date(const struct term_date *date, struct out *ret);
uint32_t term_date_day(const struct term_date *date); /* days since 0000-03-01 */

/* A number that changes with everything in the schema on which terms depend: an index made under another one is made again. */
uint32_t terms_schema(void);

#endif
