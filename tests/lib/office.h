/* office.h - a node that writes and reads sealed entries, for tests: a home with its keyring, its author and its opener. Failures fail the test. */
#ifndef GRIOT_TESTS_OFFICE_H
#define GRIOT_TESTS_OFFICE_H

#include "store/audience.h"
#include "store/opener.h"
#include "tests/lib/home.h"

struct office {
    struct region *region;
    size_t node;
    struct home home;
    struct secret *unlock;
    struct keyring *keyring;
    struct author *author;
    struct opener *opener;
    int keys; /* encryption-1 .. */
    uint64_t card;
};
void office_init(struct office *office, struct region *region, size_t node);
void office_fini(struct office *office);
void office_restart(struct office *office); /* as a process that was killed */
/* A new encryption key; nobody has heard of it. */
void office_rotate(struct office *office);
/* The public half of encryption-N. */
struct box_public office_key(const struct office *office, int number);
/* A newer card with the newest encryption key. */
struct span office_card(struct office *office);

/* Charter, a first roster of all eight nodes and the cards of these offices, everywhere. */
void offices_found(struct office *offices, size_t count);
/* Everything that `from` holds of all logs, to `to`. */
void office_carry(struct office *from, struct office *to);

/* One log of it. */
void office_carry_log(struct office *from, struct office *to, const struct log_id *log);

/* Append one payload for these offices (bit i: node i of the region; 0: the whole region). */
struct hash office_write(struct office *office, enum channel channel, uint32_t readers, struct span payload, struct wall_ms now);
struct audience office_audience(const struct region *region, uint32_t readers);
/* Append entries as they are, in a commit of their own. */
struct head office_raw(struct office *office, enum channel channel, const struct entry *entries, uint32_t count);

/* Open the entry with this content hash, wherever it stands; the payload lives until the next call. ERR_STALE when no such entry is held. */
enum err office_open(struct office *office, const struct hash *content, struct sealed *ret);
/* The entry itself, its payload borrowed until the next call; false: not held. */
bool office_entry(struct office *office, const struct hash *content, struct entry *ret, struct node_id *ret_author);
/* How many entries of a kind are held in logs of that node. */
size_t office_count(struct office *office, const struct node_id *author, uint32_t kind);
/* store_fsck finds nothing. */
void office_fsck(struct office *office);

#endif
