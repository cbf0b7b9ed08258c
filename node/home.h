/* home.h - one node's folder: who it is, its keys, its configuration, its store.
 *   HOME/node        who: region id, node id, name, role, install id, addresses (canonical MessagePack, not secret)
 *   HOME/card        the node's current card, a signed notice: what `griot card` prints and the daemon publishes
 *   HOME/card-next   the card of an identity key that the root has not named yet
 *   HOME/griot.ini   configuration (node/config.h)
 *   HOME/proposed/   at a hub: cards of nodes that it has proposed (node/trust.h)
 *   HOME/keys/       sealed keys: identity, transport, encryption-N, import, log-*, during a rotation transport-next, before the root names it identity-next (crypto/keyfile.h, KEYS.md 1)
 *   HOME/log, HOME/views, HOME/lock, HOME/control.sock, HOME/status (what the daemon last knew of its peers) */
#ifndef GRIOT_NODE_HOME_H
#define GRIOT_NODE_HOME_H

#include "crypto/keyfile.h"
#include "crypto/sign.h"
#include "node/config.h"
#include "proto/notice.h"

/* What of a home an error is about, so that a person can be told what to do. */
enum home_part { HOME_NODE, HOME_CONFIG, HOME_SEALING_KEY, HOME_PASSPHRASE, HOME_KEYS, HOME_STORE };
enum { HOME_CONFIG_FAULTS_MAX = 16 };
struct home_fault {
    enum home_part part;
    char path[KEY_PATH_BYTES_MAX]; /* the file or folder */
    struct config_fault config[HOME_CONFIG_FAULTS_MAX];
    size_t config_count; /* HOME_CONFIG: of the lines that are wrong, the first ones */
};

struct home {
    char path[KEY_PATH_BYTES_MAX]; /* absolute */
    struct region_id region;
    struct node_id node;
    char name[NAME_BYTES_MAX + 1];
    enum role role;
    uint8_t install[16];
    uint32_t address_count; /* by which others dial it, as its next card will say */
    char addresses[ADDRESSES_MAX][ADDRESS_BYTES_MAX + 1];
    struct config config;
    struct home_fault fault; /* of the last home_open or home_unlock that failed */
    struct keyring *keyring; /* the rest is set by home_unlock */
    struct secret *identity, *transport, *encryption, *record_key; /* record_key: the file `import` */
    struct sign_public identity_public;
    struct curve_public transport_public;
    struct box_public encryption_public;
    bool is_rotating; /* the next two: a transport key that the card announces, and that will be used when the overlap is over */
    struct curve_public transport_next_public;
    struct wall_ms rotated;
    bool has_identity_next; /* the next one: an identity key that waits for a roster to name it */
    struct sign_public identity_next_public;
};

struct home_plan { /* of a new home */
    const char *name;
    enum role role;
    struct region_id region;
    struct node_id node; /* random when zeros */
    const char *listen;  /* tcp://host:port to bind, or NULL for a node that nobody dials */
    const char *const *addresses; /* by which others dial it; NULL-ended; NULL: `listen` */
    const char *rilo;   /* name of the RILO it belongs to, or NULL: not said */
    const char *key_file; /* absolute path of the sealing key written into griot.ini, or NULL: passphrase or service credential */
    const struct unlock *unlock;
    const char *ini_extra; /* further lines for griot.ini, or NULL */
    struct wall_ms now; /* when the first card is signed */
};
/* Make the folder, keys, store, configuration and first card of a new node. Leaves nothing half made under that name: it is built beside it and renamed.
 * `path` may exist as an empty folder.
 *   errors  ERR_EXISTS      something is there
 *           ERR_INVALID     a name, address or key file path of the wrong form, more than ADDRESSES_MAX addresses, a path too long, or no unlock
 *           ERR_NOT_FOUND   its parent folder does not exist
 *           ERR_PERMISSION  it may not be made there
 *           ERR_IO, ERR_FULL, ERR_MEMORY, ERR_MLOCK */
MUST_CHECK enum err home_create(const char *path, const struct home_plan *plan);
/* Is this the name of a node: 1..NAME_BYTES_MAX of a-z, 0-9 and '-', no '-' at either end? */
bool home_name_is_valid(const char *name);
/* Read who and configuration; no key is touched. After an error `ret` holds only `fault`, which says what it is about.
 *   errors  ERR_NOT_FOUND  no home there; ERR_PERMISSION; ERR_CONFIG; ERR_CORRUPT  HOME/node is damaged; ERR_LAYOUT  made by a newer release; ERR_IO; ERR_MEMORY */
MUST_CHECK enum err home_open(const char *path, struct home *ret);
/* Open the keys: by `unlock`, or when NULL by the configuration's key_file, else $CREDENTIALS_DIRECTORY/griot-key, else $GRIOT_PASSPHRASE_FD, else a prompt on the terminal.
 * The second time it does nothing.
 *   errors  ERR_PASSPHRASE  does not open them, or there is nobody to ask; ERR_PERMISSION  a key file that others may read
 *           ERR_NOT_FOUND   the key file, or a key; ERR_INVALID  the sealing key is too short; ERR_CORRUPT; ERR_LAYOUT; ERR_IO; ERR_MEMORY; ERR_MLOCK
 *           After an error the home is as home_open left it. */
MUST_CHECK enum err home_unlock(struct home *home, const struct unlock *unlock);
/* Wipe the keys: the home is then as home_open left it. */
void home_lock(struct home *home);
void home_fini(struct home *home);
/* Write a card of the unlocked home, signed, counter as given, as a notice. ERR_OVERSIZE  `ret` is too small */
MUST_CHECK enum err home_card(const struct home *home, uint64_t counter, struct wall_ms now, struct out *ret);
/* The card as last signed, from HOME/card, as a notice; needs no key. ERR_NOT_FOUND, ERR_CORRUPT, ERR_OVERSIZE, ERR_IO, ERR_PERMISSION, ERR_MEMORY */
MUST_CHECK enum err home_card_current(const struct home *home, struct out *ret);
/* Sign the next card of the unlocked home, with these addresses (NULL-ended; NULL: as they are), and keep it as the current one.
 *   errors  ERR_INVALID  an address of the wrong form, or too many; those of home_card_current; ERR_FULL */
MUST_CHECK enum err home_card_renew(struct home *home, const char *const *addresses, struct wall_ms now);

/* Sign a card of the unlocked home as HOME/`file`, which is "card" or "card-next". ERR_INVALID  an address of the wrong form; those of file_write; ERR_MEMORY */
MUST_CHECK enum err home_card_sign(const struct home *home, const char *file, uint64_t counter, struct wall_ms now);
/* Of the card as last signed. Errors of home_card_current */
MUST_CHECK enum err home_card_decoded(const struct home *home, struct card *ret);
/* Take notice of what a command beside the daemon has changed of the unlocked home: its addresses, its encryption key, a rotation, an identity key that waits. Errors of home_open and home_unlock */
MUST_CHECK enum err home_refresh(struct home *home);

/* A new install id, and the first card of this life, signed with the unlocked keys: of a home that was restored, and is marked as such (HOME/restored). Errors of home_card_renew */
MUST_CHECK enum err home_begin_again(struct home *home, uint64_t counter, struct wall_ms now);
/* Was it restored, and is what it had recorded since the backup not known to be back? */
bool home_is_restored(const struct home *home);
void home_restored_end(const struct home *home); /* it is: forget the mark */
/* ---- rotation of transport and encryption keys ---- */

#define ROTATION_OVERLAP_MS (UINT64_C(30) * 86400 * 1000)
/* Is one under way? Part of home_unlock. Those of keyring_get, ERR_CORRUPT */
MUST_CHECK enum err home_rotation_read(struct home *home);
/* Make a new transport and a new encryption key for the unlocked home, and sign a card that names them. The transport key in use goes on being used for the overlap, and the card
 * names it as the one before: whoever holds the old card dials and admits this node by it, whoever holds the new one by either, so that an office that was away for less than the
 * overlap is not locked out. Old encryption keys stay: they open what was sealed for them. Called again after a crash it finishes the first.
 *   errors  ERR_EXISTS  a rotation is under way: `home->rotated` says since when; those of keyring_put and home_card_renew */
MUST_CHECK enum err home_rotate(struct home *home, struct wall_ms now);
/* Is the overlap over, so that home_promote has something to do? */
bool home_rotation_is_over(const struct home *home, struct wall_ms now);
/* Take the announced transport key into use, remove the old one, and sign a card without it, when the overlap is over; before, nothing. No daemon may run: it uses the old one. After an
 * error, also a crash, it is done again at the next start.
 *   errors  those of keyring_get, keyring_put and home_card_renew */
MUST_CHECK enum err home_promote(struct home *home, struct wall_ms now);
/* A further encryption key, the newest from now on. Those of keyring_put; ERR_LIMIT, ERR_MEMORY */
MUST_CHECK enum err home_encryption_make(struct home *home);

/* ---- a new identity key, node/identity.c ---- */

/* Is one waiting? Part of home_unlock. Those of keyring_get, ERR_CORRUPT */
MUST_CHECK enum err home_identity_read(struct home *home);
/* Make a new identity key with a transport and an encryption key beside it, none of which is used yet, and sign the card HOME/card-next with it: for the root, who alone gives a node another
 * identity key (`griot root propose --identity`). Called again it signs a card for the same keys, with the addresses as they are now. The node goes on under the old keys until then.
 *   errors  those of keyring_put and home_card_sign */
MUST_CHECK enum err home_identity_make(struct home *home, struct wall_ms now);
/* The card of the key that waits, as a notice. ERR_NOT_FOUND  none does; those of file_read */
MUST_CHECK enum err home_identity_card(const struct home *home, struct out *ret);
/* Does the root name the key that waits? `named` is the newest identity key that it names for this node, or NULL. */
bool home_identity_is_named(const struct home *home, const struct sign_public *named);
/* Take it into use, with its transport key, and destroy what it replaces: at once, for the old keys may be in wrong hands. After an error, also a crash, it is done again at the next start.
 *   errors  those of keyring_get, keyring_put and home_card_renew */
MUST_CHECK enum err home_identity_take(struct home *home, struct wall_ms now);

struct store;
/* Copy the node into the new folder `path` while it runs: the log environment, who and configuration, and the sealed keys that belong in a backup (no log key, no identity).
 *   errors  ERR_EXISTS, ERR_FULL, ERR_IO */
MUST_CHECK enum err home_backup(const struct home *home, struct store *store, const char *path);

#endif
