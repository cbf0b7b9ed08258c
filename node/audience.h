/* audience.h - who may read what is recorded: from what an officer names (--to LIST) to the nodes it is sealed for, and who of them can read today.
 * A pure function of what is given: membership, cards, records; no clock, no log. */
#ifndef GRIOT_NODE_AUDIENCE_H
#define GRIOT_NODE_AUDIENCE_H

#include "node/home.h"
#include "store/sender_keys.h"
#include "store/views.h"

enum { AUDIENCE_LIST_BYTES_MAX = 4096, AUDIENCE_VALUE_BYTES = 96 };

/* What a list is looked up in; all borrowed. */
struct audience_source {
    const struct home *home;             /* this node: it reads whatever it records itself; and its RILO */
    const struct membership *membership; /* NULL: it has not joined its region yet, and knows no names */
    struct store_read *read;             /* the newest cards */
    struct views_read *views;            /* the operations that this node can read */
};

struct reader {
    struct node_id node;
    char name[NAME_BYTES_MAX + 1];
    enum role role;
    bool is_self;
    bool is_rilo;  /* the RILO of this office */
    bool is_granted; /* of a record that is held: not named by its author, but given the key later */
    bool can_read; /* an encryption key of his is known here; else he is in the audience, and reads when he is granted the keys */
};

/* Why somebody whom an operation names is not in the audience. */
enum reader_gap { READER_SUSPENDED, READER_GONE, READER_UNKNOWN };
struct reader_left {
    char name[NAME_BYTES_MAX + 1];
    enum reader_gap gap;
};

struct readers { /* about 70 KiB */
    bool is_region;           /* not sealed: every member reads it, later ones too */
    struct audience audience; /* empty when is_region */
    uint32_t count;           /* by name, but this node first */
    struct reader rows[MEMBERS_MAX];
    uint32_t left_count; /* of operations: left out, each once */
    struct reader_left left[AUDIENCE_NODES_MAX];
};

/* What is wrong with a list: sentences (gettext msgids), and the value they are about ("" when it is the whole). */
struct audience_fault {
    const char *what, *why, *todo;
    char value[AUDIENCE_VALUE_BYTES];
};

/* Resolve a list: names separated by commas, each a node's name, `rilo` (this office's own RILO; at a hub itself), `local` (this node alone),
 * `operation:NAME` or `operation:ID` (who takes part by its version in force), or, alone, `region`. This node is in every audience. A node that is
 * suspended or has left is refused when it is named, and left out when an operation names it.
 *   errors  ERR_USAGE       nothing named, a name given twice, `region` or `local` beside others, a list longer than AUDIENCE_LIST_BYTES_MAX
 *           ERR_INVALID     an operation that is closed or withdrawn, has several versions in force, or nobody of which is a member
 *           ERR_NOT_FOUND   a name that no member bears, an operation that is not here
 *           ERR_NOT_MEMBER  it is suspended or has left
 *           ERR_EXISTS      several operations bear that name
 *           ERR_CONFIG      `rilo`, and griot.ini does not say which
 *           ERR_LIMIT       more than AUDIENCE_NODES_MAX nodes
 *           With these `ret_fault` says what to tell. Others, without: those of store.h and views.h. `ret` then holds anything. */
MUST_CHECK enum err readers_resolve(const struct audience_source *source, const char *list, struct readers *ret, struct audience_fault *ret_fault);

/* Who reads what is sealed under a key that is held: names as borne last, also of those who have left since. */
void readers_of_key(const struct audience_source *source, const struct key_readers *key, struct readers *ret);
/* Every member. */
void readers_of_region(const struct audience_source *source, struct readers *ret);

#endif
