/* trust.h - the acts by which nodes decide who is in: a registrar's admission, a node's joining (DESIGN 4). The root's part is in root.h; OPERATE.md has the ceremony. */
#ifndef GRIOT_NODE_TRUST_H
#define GRIOT_NODE_TRUST_H

#include "node/region_file.h"
#include "node/writer.h"

/* ---- a registrar ---- */

enum { TRUST_ADMITTERS_MAX = 8, TRUST_NOTICES_MAX = 2 };
enum trust_state { TRUST_PROPOSED, TRUST_ADMITTED, TRUST_MEMBER /* was in already */ };

struct trust_admit {
    struct span card;     /* notice, borrowed */
    struct wall_ms now;
    /* results */
    enum trust_state state;
    struct card decoded;
    char fingerprint[FINGERPRINT_CHARS];
    uint32_t by_count; /* whose admissions count, we among them; names */
    char by[TRUST_ADMITTERS_MAX][NAME_BYTES_MAX + 1];
    size_t notice_count; /* new here: the act, the card. The core tells the engine (SYNC_NOTICE) once they are durable */
    struct notice_ref notices[TRUST_NOTICES_MAX];
    const char *why; /* of an error: an English msgid, or the clause; NULL: the error says it all */
};
/* writer_change: admit the node of a card (struct trust_admit). The first registrar's act proposes, the second's completes; the card is stored with the second. Repeating it changes nothing.
 * Sets writer->has_notice when something was stored.
 *   errors  ERR_PERMISSION  this node is no hub of the newest roster, or the node was removed or suspended: only the root can bring it back
 *           ERR_NOT_FOUND   no roster is held yet; ERR_EXISTS  another member has its name or its node id
 *           ERR_LIMIT       ACT_ADMISSIONS_MAX admissions on this roster: a new roster makes room
 *           ERR_BUSY        the open transaction has changed membership already: again in the next one
 *           ERR_REGION, ERR_BADSIG, ERR_VERSION, ERR_MALFORMED ...  the card; and those of store_admit_notice. Nothing half done after any of them. */
MUST_CHECK enum err trust_admit(struct writer *writer, void *admit);

/* The card of a node that this one has proposed is kept in HOME/proposed/ until the node is a member: two hubs that propose at once, or while cut off from each other, complete an
 * admission without either knowing; the card, by which the node may come in, is then published by this. */
struct trust_settle {
    size_t notice_count; /* new here, as above */
    struct notice_ref notices[ACT_ADMISSIONS_MAX];
};
/* writer_change: store the kept cards of nodes that have become members (struct trust_settle). To be called when membership has changed; costs one look at a folder when there is none.
 *   errors  ERR_FULL, ERR_IO, ERR_MEMORY */
MUST_CHECK enum err trust_settle(struct writer *writer, void *settle);

/* ---- a node that joins ---- */

struct trust_join {
    const struct span *notices; /* of the region file: any order, borrowed */
    size_t count;
    /* results */
    size_t stored, held, refused; /* new here; known already, or older than what is known; not good: `why` names the first one's clause */
    struct notice_ref *refs;      /* of the stored ones, `stored` of them: free them. For the engine, as above */
    enum err refusal;
    const char *why;
};
/* writer_change: store what a region file brings (struct trust_join). What is not good is counted and left out.
 *   errors  ERR_REGION  the file is another region's: nothing was stored; ERR_LIMIT  more than REGION_FILE_NOTICES_MAX; ERR_MEMORY, ERR_FULL, ERR_IO */
MUST_CHECK enum err trust_join(struct writer *writer, void *join);
/* The same in this process, durable when it returns: takes the lock of the unlocked home's store. Errors as above and those of store_open. */
MUST_CHECK enum err trust_join_home(struct home *home, struct trust_join *join);

#endif
