#include "node/home.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "node/cli/i18n.h"
#include "node/file.h"
#include "node/passphrase.h"
#include "proto/pack.h"
#include "store/folder.h"
#include "store/store.h"

enum {
    NODE_ITEMS = 7,
    NODE_FILE_BYTES_MAX = 2048,
    CARD_FILE_BYTES_MAX = 4096,
    INI_BYTES_MAX = 65536,
    ENCRYPTION_KEYS_MAX = 10000, /* one a month */
};

/* ---- forms ---- */

bool home_name_is_valid(const char *name)
{
    size_t n = strnlen(name, NAME_BYTES_MAX + 1);

    return n >= 1 && n <= NAME_BYTES_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789-") == n && name[0] != '-' && name[n - 1] != '-';
}

static enum err addresses_set(struct home *home, const char *const *addresses)
{
    uint32_t count = 0;

    for (; addresses[count] != NULL; count++) {
        size_t n = strlen(addresses[count]);

        if (count == ADDRESSES_MAX || n == 0 || n > ADDRESS_BYTES_MAX) {
            return ERR_INVALID;
        }
        memcpy(home->addresses[count], addresses[count], n + 1);
    }
    home->address_count = count;
    return ERR_OK;
}

static enum err path_below(const char *folder, const char *name, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/%s", folder, name);

    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_INVALID;
}

/* ---- HOME/node ---- */

static void node_encode(const struct home *home, struct out *ret)
{
    pack_array(ret, NODE_ITEMS);
    pack_uint(ret, FORMAT_VERSION);
    pack_bin(ret, span_of(home->region.b, sizeof home->region.b));
    pack_bin(ret, span_of(home->node.b, sizeof home->node.b));
    pack_text(ret, span_text(home->name));
    pack_uint(ret, (uint64_t)home->role);
    pack_bin(ret, span_of(home->install, sizeof home->install));
    pack_array(ret, home->address_count);
    for (uint32_t i = 0; i < home->address_count; i++) {
        pack_text(ret, span_text(home->addresses[i]));
    }
}

static void text_into(struct cursor *cursor, char *ret, size_t min, size_t max)
{
    struct span text = cursor_text(cursor, min, max);

    if (text.n > 0) {
        memcpy(ret, text.p, text.n);
    }
    ret[text.n] = '\0';
    if (memchr(ret, '\0', text.n) != NULL) {
        cursor->is_bad = true;
    }
}

static enum err node_decode(struct span bytes, struct home *ret)
{
    struct unpack *unpack = unpack_new();
    struct cursor c, addresses;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = unpack_begin(unpack, bytes, NULL);
    if (err == ERR_OK) {
        err = unpack_versioned(unpack, NODE_ITEMS, &c, NULL);
    }
    if (err == ERR_OK) {
        cursor_bin_into(&c, ret->region.b, sizeof ret->region.b);
        cursor_bin_into(&c, ret->node.b, sizeof ret->node.b);
        text_into(&c, ret->name, 1, NAME_BYTES_MAX);
        ret->role = (enum role)cursor_uint(&c, ROLE_OBSERVER);
        cursor_bin_into(&c, ret->install, sizeof ret->install);
        addresses = cursor_array(&c, 0, ADDRESSES_MAX);
        while (addresses.left > 0 && !addresses.is_bad) {
            text_into(&addresses, ret->addresses[ret->address_count++], 1, ADDRESS_BYTES_MAX);
        }
        cursor_close(&c, &addresses);
        err = cursor_end(&c);
    }
    unpack_destroy(&unpack);
    if (err == ERR_VERSION) {
        return ERR_LAYOUT;
    }
    if (err == ERR_OK && !home_name_is_valid(ret->name)) {
        return ERR_CORRUPT;
    }
    return err == ERR_OK || err == ERR_MEMORY ? err : ERR_CORRUPT;
}

static enum err node_write(const char *folder, const struct home *home)
{
    uint8_t bytes[NODE_FILE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    char path[PATH_MAX];
    enum err err = path_below(folder, "node", path);

    node_encode(home, &out);
    if (err != ERR_OK || out.is_full) {
        return ERR_INVALID;
    }
    return file_write(path, out_written(&out), 0640, true);
}

/* ---- card ---- */

enum err home_card(const struct home *home, uint64_t counter, struct wall_ms now, struct out *ret)
{
    uint8_t body[CARD_FILE_BYTES_MAX];
    struct out out = out_into(body, sizeof body);
    struct card card = {
        .version = FORMAT_VERSION,
        .region = home->region,
        .node = home->node,
        .role = home->role,
        .counter = counter,
        .identity = home->identity_public,
        .transport = home->is_rotating ? home->transport_next_public : home->transport_public,
        .encryption = home->encryption_public,
        .address_count = home->address_count,
        .created = now,
    };
    struct notice notice = {.kind = NOTICE_CARD, .signature_count = 1};

    if (home->is_rotating) {
        card.transport_before = home->transport_public;
    }
    memcpy(card.name, home->name, sizeof card.name);
    memcpy(card.addresses, home->addresses, sizeof card.addresses);
    card_encode(&card, &out);
    notice.body = out_written(&out);
    sign_make(SIGN_CARD, &home->region, notice.body, home->identity, &notice.signatures[0].signature);
    notice_encode(&notice, ret);
    return out.is_full || ret->is_full ? ERR_OVERSIZE : ERR_OK;
}

/* What others would refuse must not be signed: the decoder is the one judge of the form of addresses. */
static enum err card_decode_whole(struct span bytes, struct card *ret)
{
    struct unpack *unpack = unpack_new();
    struct notice notice;
    enum err err;

    if (unpack == NULL) {
        return ERR_MEMORY;
    }
    err = notice_decode(unpack, bytes, &notice, NULL);
    if (err == ERR_OK) {
        err = notice.kind == NOTICE_CARD ? card_decode(unpack, notice.body, ret, NULL) : ERR_MALFORMED;
    }
    unpack_destroy(&unpack);
    return err;
}

static enum err card_write(const char *folder, const char *name, const struct home *home, uint64_t counter, struct wall_ms now)
{
    uint8_t bytes[CARD_FILE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct card card;
    char path[PATH_MAX];
    enum err err = home_card(home, counter, now, &out);

    if (err == ERR_OK) {
        err = card_decode_whole(out_written(&out), &card);
    }
    if (err != ERR_OK) {
        return err == ERR_MEMORY ? ERR_MEMORY : ERR_INVALID;
    }
    err = path_below(folder, name, path);
    return err != ERR_OK ? err : file_write(path, out_written(&out), 0644, true);
}

enum err home_card_sign(const struct home *home, const char *file, uint64_t counter, struct wall_ms now) { return card_write(home->path, file, home, counter, now); }

static enum err card_read(const struct home *home, struct out *ret, struct card *ret_card)
{
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err = path_below(home->path, "card", path);

    if (err == ERR_OK) {
        err = file_read(path, CARD_FILE_BYTES_MAX, &bytes, &n);
    }
    if (err == ERR_OK) {
        err = card_decode_whole(span_of(bytes, n), ret_card);
        if (err != ERR_OK || !node_id_equal(&ret_card->node, &home->node)) {
            err = err == ERR_MEMORY ? err : ERR_CORRUPT;
        }
    }
    if (err == ERR_OK && ret != NULL) {
        out_bytes(ret, bytes, n);
        err = ret->is_full ? ERR_OVERSIZE : ERR_OK;
    }
    free(bytes);
    return err;
}

enum err home_card_current(const struct home *home, struct out *ret)
{
    struct card card;

    return card_read(home, ret, &card);
}

enum err home_card_decoded(const struct home *home, struct card *ret) { return card_read(home, NULL, ret); }

enum err home_card_renew(struct home *home, const char *const *addresses, struct wall_ms now)
{
    struct home *next;
    struct card card;
    enum err err = card_read(home, NULL, &card);

    if (err != ERR_OK) {
        return err;
    }
    next = malloc(sizeof *next);
    if (next == NULL) {
        return ERR_MEMORY;
    }
    *next = *home; /* borrows the keys: freed, not finished */
    if (addresses != NULL) {
        err = addresses_set(next, addresses);
    }
    /* Its date is that of its keys: by it others know how long a rotation lasts, and we when the next one is due. */
    if (err == ERR_OK && memcmp(card.identity.b, next->identity_public.b, sizeof card.identity.b) == 0 && memcmp(card.encryption.b, next->encryption_public.b, sizeof card.encryption.b) == 0) {
        now = card.created;
    }
    /* The card first: one with the old addresses in HOME/node is right, and signed again it only gets a higher counter. */
    if (err == ERR_OK) {
        err = card_write(home->path, "card", next, card.counter + 1, now);
    }
    if (err == ERR_OK) {
        err = node_write(home->path, next);
    }
    if (err == ERR_OK) {
        *home = *next;
    }
    free(next);
    return err;
}

static enum err restored_path(const struct home *home, char ret[PATH_MAX])
{
    int n = snprintf(ret, PATH_MAX, "%s/restored", home->path);

    return n > 0 && n < PATH_MAX ? ERR_OK : ERR_INVALID;
}

enum err home_begin_again(struct home *home, uint64_t counter, struct wall_ms now)
{
    char path[PATH_MAX];
    enum err err;

    random_fill(home->install, sizeof home->install);
    err = card_write(home->path, "card", home, counter, now);
    if (err == ERR_OK) {
        err = restored_path(home, path);
    }
    if (err == ERR_OK) {
        err = file_write(path, span_of(NULL, 0), 0640, true);
    }
    return err == ERR_OK ? node_write(home->path, home) : err;
}

bool home_is_restored(const struct home *home)
{
    char path[PATH_MAX];

    return restored_path(home, path) == ERR_OK && access(path, F_OK) == 0;
}

void home_restored_end(const struct home *home)
{
    char path[PATH_MAX];

    if (restored_path(home, path) == ERR_OK) {
        (void)unlink(path);
    }
}

/* ---- keys ---- */

static void keys_fini(struct home *home)
{
    secret_destroy(&home->identity);
    secret_destroy(&home->transport);
    secret_destroy(&home->encryption);
    secret_destroy(&home->record_key);
    keyring_destroy(&home->keyring);
}

static enum err keys_make(struct home *home, const char *folder, const struct unlock *unlock)
{
    enum err err = keyring_create(folder, unlock, &home->keyring);

    if (err == ERR_OK) {
        err = sign_keypair(&home->identity_public, &home->identity);
    }
    if (err == ERR_OK) {
        err = curve_keypair(&home->transport_public, &home->transport);
    }
    if (err == ERR_OK) {
        err = box_keypair(&home->encryption_public, &home->encryption);
    }
    if (err == ERR_OK) {
        home->record_key = secret_random(32);
        err = home->record_key == NULL ? ERR_MEMORY : ERR_OK;
    }
    const struct {
        const char *name;
        const struct secret *secret;
    } keys[] = {{"identity", home->identity}, {"transport", home->transport}, {"encryption-1", home->encryption}, {"import", home->record_key}};
    for (size_t i = 0; err == ERR_OK && i < sizeof keys / sizeof keys[0]; i++) {
        err = keyring_put(home->keyring, keys[i].name, keys[i].secret, false);
    }
    return err;
}

static enum err key_get(const struct keyring *keyring, const char *name, size_t bytes, struct secret **ret)
{
    enum err err = keyring_get(keyring, name, ret);

    if (err == ERR_OK && secret_bytes(*ret) != bytes) {
        secret_destroy(ret);
        return ERR_CORRUPT;
    }
    return err;
}

/* The newest of encryption-1, encryption-2 ...: numbers have no gaps, since old keys are kept as long as what they open. When the first have been
 * removed, the card still names the newest; rotation will then have to say where to begin. */
static enum err encryption_get(const struct keyring *keyring, struct secret **ret)
{
    enum err err = ERR_NOT_FOUND;

    for (int i = 1; i <= ENCRYPTION_KEYS_MAX; i++) {
        struct secret *next = NULL;
        char name[32];

        snprintf(name, sizeof name, "encryption-%d", i);
        err = key_get(keyring, name, 32, &next);
        if (err != ERR_OK) {
            break;
        }
        secret_destroy(ret);
        *ret = next;
    }
    return err == ERR_NOT_FOUND && *ret != NULL ? ERR_OK : err;
}

static enum err keys_read(struct home *home, const struct unlock *unlock)
{
    char folder[PATH_MAX];
    enum err err = path_below(home->path, "keys", folder);

    if (err == ERR_OK) {
        err = keyring_open(folder, unlock, &home->keyring);
    }
    if (err == ERR_OK) {
        err = key_get(home->keyring, "identity", 64, &home->identity);
    }
    if (err == ERR_OK) {
        err = key_get(home->keyring, "transport", 32, &home->transport);
    }
    if (err == ERR_OK) {
        err = encryption_get(home->keyring, &home->encryption);
    }
    if (err == ERR_OK) {
        err = key_get(home->keyring, "import", 32, &home->record_key);
    }
    if (err == ERR_OK) {
        err = home_rotation_read(home);
    }
    if (err == ERR_OK) {
        err = home_identity_read(home);
    }
    if (err != ERR_OK) {
        keys_fini(home);
        return err;
    }
    sign_public_of(home->identity, &home->identity_public);
    curve_public_of(home->transport, &home->transport_public);
    box_public_of(home->encryption, &home->encryption_public);
    return ERR_OK;
}

enum err home_refresh(struct home *home)
{
    struct secret *encryption = NULL;
    struct home *fresh = calloc(1, sizeof *fresh);
    char path[PATH_MAX];
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err = fresh == NULL ? ERR_MEMORY : path_below(home->path, "node", path);

    if (err == ERR_OK) {
        err = file_read(path, NODE_FILE_BYTES_MAX, &bytes, &n);
    }
    if (err == ERR_OK) {
        err = node_decode(span_of(bytes, n), fresh);
    }
    if (err == ERR_OK) {
        home->address_count = fresh->address_count;
        memcpy(home->addresses, fresh->addresses, sizeof home->addresses);
        err = encryption_get(home->keyring, &encryption);
    }
    if (err == ERR_OK) {
        secret_destroy(&home->encryption);
        home->encryption = encryption;
        box_public_of(home->encryption, &home->encryption_public);
        encryption = NULL;
        err = home_rotation_read(home);
    }
    if (err == ERR_OK) {
        err = home_identity_read(home);
    }
    secret_destroy(&encryption);
    free(bytes);
    free(fresh);
    return err;
}

/* The service manager's key, when it supplies one under the name that the unit file asks for. ERR_NOT_FOUND  it does not */
static enum err credential_read(struct home_fault *fault, struct secret **ret)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");

    if (folder == NULL || folder[0] == '\0' || path_below(folder, "griot-key", fault->path) != ERR_OK) {
        return ERR_NOT_FOUND;
    }
    return unlock_key_read(fault->path, ret);
}

static enum err passphrase_read(struct home *home, struct secret **ret)
{
    char prompt[NAME_BYTES_MAX + 128];
    enum err err;

    home->fault.part = HOME_PASSPHRASE;
    snprintf(prompt, sizeof prompt, _("Passphrase of %s"), home->name);
    err = passphrase_ask(prompt, NULL, ret);
    return err == ERR_NOT_FOUND || err == ERR_INVALID ? ERR_PASSPHRASE : err;
}

enum err home_unlock(struct home *home, const struct unlock *unlock)
{
    struct secret *key = NULL, *passphrase = NULL;
    struct unlock found;
    enum err err;

    if (home->keyring != NULL) {
        return ERR_OK;
    }
    err = crypto_start();
    if (err != ERR_OK) {
        return err;
    }
    home->fault.part = HOME_SEALING_KEY;
    if (unlock == NULL && home->config.key_file[0] != '\0') {
        snprintf(home->fault.path, sizeof home->fault.path, "%s", home->config.key_file);
        err = unlock_key_read(home->config.key_file, &key);
    } else if (unlock == NULL) {
        err = credential_read(&home->fault, &key);
        if (err == ERR_NOT_FOUND) {
            err = passphrase_read(home, &passphrase);
        }
    }
    if (err == ERR_OK) {
        found = unlock != NULL ? *unlock : (struct unlock){.passphrase = passphrase, .key = key};
        home->fault.part = HOME_KEYS;
        err = path_below(home->path, "keys", home->fault.path);
    }
    if (err == ERR_OK) {
        err = keys_read(home, &found);
    }
    secret_destroy(&key);
    secret_destroy(&passphrase);
    return err;
}

/* ---- opening ---- */

static enum err config_load(struct home *home)
{
    struct home_fault *fault = &home->fault;
    enum err err = path_below(home->path, "griot.ini", fault->path);

    fault->part = HOME_CONFIG;
    if (err != ERR_OK) {
        return err;
    }
    config_defaults(&home->config);
    err = config_read(fault->path, &home->config, fault->config, HOME_CONFIG_FAULTS_MAX, &fault->config_count);
    return err == ERR_NOT_FOUND ? ERR_CONFIG : err; /* without a line: there is no file */
}

enum err home_open(const char *path, struct home *ret)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    enum err err;

    memset(ret, 0, sizeof *ret);
    ret->fault.part = HOME_NODE;
    snprintf(ret->fault.path, sizeof ret->fault.path, "%s", path);
    if (realpath(path, ret->path) == NULL) {
        return folder_errno(errno);
    }
    err = path_below(ret->path, "node", ret->fault.path);
    if (err == ERR_OK) {
        err = file_read(ret->fault.path, NODE_FILE_BYTES_MAX, &bytes, &n);
    }
    if (err != ERR_OK) {
        return err == ERR_OVERSIZE || err == ERR_INVALID ? ERR_CORRUPT : err;
    }
    err = node_decode(span_of(bytes, n), ret);
    free(bytes);
    return err != ERR_OK ? err : config_load(ret);
}

void home_lock(struct home *home) { keys_fini(home); }

void home_fini(struct home *home) { keys_fini(home); }

/* ---- making ---- */

static enum err ini_write(const char *folder, const struct home_plan *plan)
{
    char text[INI_BYTES_MAX], path[PATH_MAX];
    int n = snprintf(text, sizeof text,
                     "# griot.ini of %s. All keys and their defaults: griot.ini in the documentation; `griot config check` reads this file.\n"
                     "[node]\n%s%s%s%s%s%s%s%s%s%s%s",
                     plan->name, plan->listen != NULL ? "listen = " : "", plan->listen != NULL ? plan->listen : "", plan->listen != NULL ? "\n" : "",
                     plan->key_file != NULL ? "key_file = " : "", plan->key_file != NULL ? plan->key_file : "", plan->key_file != NULL ? "\n" : "",
                     plan->rilo != NULL ? "rilo = " : "", plan->rilo != NULL ? plan->rilo : "", plan->rilo != NULL ? "\n" : "",
                     plan->ini_extra != NULL ? "\n" : "", plan->ini_extra != NULL ? plan->ini_extra : "");
    enum err err = path_below(folder, "griot.ini", path);

    if (err != ERR_OK || n < 0 || (size_t)n >= sizeof text) {
        return ERR_INVALID;
    }
    return file_write(path, span_text(text), 0640, true);
}

static bool is_one_line(const char *text) { return text == NULL || strpbrk(text, "\r\n") == NULL; }

static enum err plan_check(const struct home_plan *plan)
{
    bool is_good = (plan->rilo == NULL || home_name_is_valid(plan->rilo)) && plan->unlock != NULL && plan->name != NULL && home_name_is_valid(plan->name) && is_one_line(plan->listen) &&
                   is_one_line(plan->key_file) && (plan->listen == NULL || strlen(plan->listen) < CONFIG_TEXT_BYTES_MAX) &&
                   (plan->key_file == NULL || (plan->key_file[0] == '/' && strlen(plan->key_file) < CONFIG_TEXT_BYTES_MAX));

    return is_good ? ERR_OK : ERR_INVALID;
}

/* Everything of the home, in a folder that nobody knows yet. */
static enum err build(const char *folder, const struct home_plan *plan, struct home *home)
{
    const char *const listen_only[] = {plan->listen, NULL};
    char keys[PATH_MAX];
    enum err err = path_below(folder, "keys", keys);

    home->region = plan->region;
    home->node = plan->node;
    home->role = plan->role;
    memcpy(home->name, plan->name, strlen(plan->name) + 1);
    random_fill(home->install, sizeof home->install);
    while (node_id_equal(&home->node, &(struct node_id){{0}})) {
        random_fill(home->node.b, sizeof home->node.b);
    }
    if (err == ERR_OK) {
        err = addresses_set(home, plan->addresses != NULL ? plan->addresses : listen_only);
    }
    if (err == ERR_OK) {
        err = keys_make(home, keys, plan->unlock);
    }
    if (err == ERR_OK) {
        err = card_write(folder, "card", home, 1, plan->now);
    }
    if (err == ERR_OK) {
        err = node_write(folder, home);
    }
    if (err == ERR_OK) {
        err = ini_write(folder, plan);
    }
    if (err == ERR_OK) {
        err = store_create(folder, &home->region, &home->node);
    }
    return err == ERR_OK ? file_sync_folder(folder) : err;
}

/* "/a/b/" names the same as "/a/b". */
static enum err path_trim(const char *path, char ret[PATH_MAX])
{
    size_t n = strlen(path);

    while (n > 1 && path[n - 1] == '/') {
        n--;
    }
    if (n == 0 || n >= PATH_MAX - 16) {
        return ERR_INVALID;
    }
    memcpy(ret, path, n);
    ret[n] = '\0';
    return ERR_OK;
}

static enum err parent_sync(const char *path)
{
    char parent[PATH_MAX];
    char *slash;

    memcpy(parent, path, strlen(path) + 1);
    slash = strrchr(parent, '/');
    if (slash == NULL) {
        return file_sync_folder(".");
    }
    slash[slash == parent ? 1 : 0] = '\0';
    return file_sync_folder(parent);
}

enum err home_create(const char *path, const struct home_plan *plan)
{
    char target[PATH_MAX], folder[PATH_MAX + 16];
    struct home *home;
    enum err err = plan_check(plan);

    if (err == ERR_OK) {
        err = crypto_start();
    }
    if (err == ERR_OK) {
        err = path_trim(path, target);
    }
    if (err != ERR_OK) {
        return err;
    }
    /* rmdir succeeds only on an empty folder, and rename does the same again: asked here so that nobody chooses a passphrase for nothing. */
    if (access(target, F_OK) == 0 && rmdir(target) != 0) {
        return errno == EACCES || errno == EPERM || errno == EROFS ? ERR_PERMISSION : ERR_EXISTS;
    }
    home = calloc(1, sizeof *home);
    if (home == NULL) {
        return ERR_MEMORY;
    }
    snprintf(folder, sizeof folder, "%s.XXXXXX", target);
    if (mkdtemp(folder) == NULL) {
        free(home);
        return folder_errno(errno);
    }
    err = build(folder, plan, home);
    if (err == ERR_OK && rename(folder, target) != 0) {
        err = errno == ENOTDIR ? ERR_EXISTS : folder_errno(errno);
    }
    if (err == ERR_OK) {
        err = parent_sync(target);
    } else {
        file_remove_tree(folder);
    }
    home_fini(home);
    free(home);
    return err;
}
