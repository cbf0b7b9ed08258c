/* own_entry.h - a record that the node itself writes for a person who gives it a few fields: checked like any other, as a batch for append_records. */
#ifndef GRIOT_NODE_OWN_ENTRY_H
#define GRIOT_NODE_OWN_ENTRY_H

#include "node/service.h"

enum { DAY_TEXT_BYTES = 11 };
/* Days since 1970, and a day as text (ended by NUL; empty when it is none). */
uint32_t own_today(void);
void own_day_text(uint32_t days, char ret[DAY_TEXT_BYTES]);

struct own_entry;
/* Of this kind, with owner, time and date filled in. NULL when memory runs out. */
struct own_entry *own_entry_new(const struct home *home, const char *kind);
void own_entry_destroy(struct own_entry **entry); /* accepts NULL */
/* Add a value; NULL and "" add nothing. Faults are kept for the end. `text` is copied, and must live until the end for what they say. */
void own_entry_put(struct own_entry *entry, const char *field, const char *text);
/* Check the whole and make it the batch of an append to the channel report; borrowed from the entry. NULL, or an error object that says what is wrong. */
json_t *own_entry_finish(struct own_entry *entry, struct append *append, enum err *ret_err);

#endif
