/* home.h - a folder of its own for a test, with a store in it. Failures fail the test. */
#ifndef GRIOT_TESTS_HOME_H
#define GRIOT_TESTS_HOME_H

#include "store/store.h"
#include "tests/lib/region.h"

struct home {
    char path[64];
    struct store *store;
};
/* A new folder below the system's temporary one, with the store of this node, open. */
void home_init(struct home *home, const struct region *region, size_t node);
/* Close the store and open it again. */
void home_reopen(struct home *home);
void home_fini(struct home *home); /* removes the folder */

/* Admit notices in one transaction; each must be new. */
void home_notices(struct home *home, const struct span *notices, size_t count);
enum err home_notice(struct home *home, struct span notice); /* one, in a transaction of its own */
/* Charter and a first roster with these members. */
void home_found(struct home *home, struct region *region, uint32_t members, struct hash *ret_roster);
/* Admit items of a log, from `first`, in a transaction of its own. */
enum err home_admit(struct home *home, const struct log_id *log, uint64_t first, const struct span *items, uint32_t count, struct admitted *ret);

/* A hash over every row that readers see: logs, commits, notices, journal, sizes. */
struct hash home_digest(struct home *home);
uint64_t home_journal_end(struct home *home);
bool home_log(struct home *home, const struct log_id *log, struct log_info *ret);

#endif
