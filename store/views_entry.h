/* views_entry.h - what the views find in an entry of a commit: a record, opened when it is sealed and a key is held; or why there is none. Private to the
 * files of the views. */
#ifndef GRIOT_STORE_VIEWS_ENTRY_H
#define GRIOT_STORE_VIEWS_ENTRY_H

#include "store/opener.h"
#include "store/views.h"

/* All borrowed. */
struct entry_reader {
    struct store_read *log;
    struct unpack *unpack;
    struct opener *opener; /* NULL: nothing sealed is opened */
    uint8_t *scratch;      /* OPENER_SCRATCH_BYTES: values of a record that was sealed point into it */
};
/* The record in an entry of a commit by `author`, with the keys that stood in the journal up to item `until`.
 *   ret_payload  its payload, opened; may be NULL
 *   errors       ERR_NOT_FOUND  there is none, `*ret_why` says why; ERR_CORRUPT, ERR_MEMORY, ERR_IO and others of the log */
MUST_CHECK enum err views_entry_record(const struct entry_reader *reader, const struct node_id *author, const struct entry *entry, uint64_t seq,
                                       uint64_t until, struct record *ret, struct span *ret_payload, enum views_skip *ret_why);

/* Is it a KEY or a GRANT, that is, may something that waits be opened with it? The id of its key. */
bool views_entry_key(const struct entry_reader *reader, const struct entry *entry, struct hash *ret_id);

#endif
