#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "node/home.h"
#include "node/region_file.h"
#include "proto/pack.h"
#include "store/store.h"

static char work[64];
static struct secret *key;
static struct unlock unlock;
static struct home home;

static const char *below(const char *name)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", work, name);
    return path;
}

static void put(const char *name, const void *bytes, size_t n, mode_t mode)
{
    assert_int_equal(file_write(below(name), span_of(bytes, n), mode, true), ERR_OK);
}

static struct home_plan plan_of(const char *name)
{
    return (struct home_plan){.name = name, .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};
}

static int setup(void **state)
{
    (void)state;
    snprintf(work, sizeof work, "/tmp/test_home.XXXXXX");
    assert_non_null(mkdtemp(work));
    key = secret_random(32);
    assert_non_null(key);
    unlock = (struct unlock){.key = key};
    put("key", secret_read(key), secret_bytes(key), 0600);
    unsetenv("CREDENTIALS_DIRECTORY");
    unsetenv("GRIOT_PASSPHRASE_FD");
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_lock(&home);
    memset(&home, 0, sizeof home);
    secret_destroy(&key);
    file_remove_tree(work);
    return 0;
}

static void make(const struct home_plan *plan)
{
    assert_int_equal(home_create(below("sn"), plan), ERR_OK);
}

static size_t entries(void)
{
    char command[128];
    size_t n = 0;
    FILE *list;

    snprintf(command, sizeof command, "ls -A %s | wc -l", work);
    list = popen(command, "r");
    assert_non_null(list);
    assert_int_equal(fscanf(list, "%zu", &n), 1);
    pclose(list);
    return n;
}

static void a_new_home_says_who_it_is_and_opens_its_keys(void **state)
{
    const char *addresses[] = {"tcp://dakar.example:7301", "tcp://192.0.2.1:7301", NULL};
    struct home_plan plan = plan_of("sn");
    struct stat st;
    struct store *store = NULL;

    (void)state;
    plan.role = ROLE_HUB;
    plan.listen = "tcp://*:7301";
    plan.addresses = addresses;
    plan.rilo = "rilo-dakar";
    plan.ini_extra = "[peer \"gm\"]\naddress = tcp://127.0.0.1:7000\n";
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_string_equal(home.path, below("sn"));
    assert_string_equal(home.name, "sn");
    assert_int_equal(home.role, ROLE_HUB);
    assert_memory_equal(home.region.b, plan.region.b, sizeof home.region.b);
    assert_false(node_id_equal(&home.node, &(struct node_id){{0}}));
    assert_int_equal(home.address_count, 2);
    assert_string_equal(home.addresses[1], "tcp://192.0.2.1:7301");
    assert_string_equal(home.config.listen, "tcp://*:7301");
    assert_string_equal(home.config.rilo, "rilo-dakar");
    assert_int_equal(home.config.peer_count, 1);
    assert_null(home.keyring);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_int_equal(secret_bytes(home.identity), 64);
    assert_int_equal(home_unlock(&home, NULL), ERR_OK); /* once is enough */
    assert_int_equal(stat(below("sn"), &st), 0);
    assert_int_equal(st.st_mode & 077, 0);
    assert_int_equal(store_open(home.path, &store), ERR_OK);
    assert_memory_equal(store_self(store)->b, home.node.b, sizeof home.node.b);
    assert_memory_equal(store_region(store)->b, home.region.b, sizeof home.region.b);
    store_close(&store);
}

static void two_homes_share_nothing(void **state)
{
    struct home_plan plan = plan_of("sn");
    struct home *other = calloc(1, sizeof *other);

    (void)state;
    assert_non_null(other);
    make(&plan);
    assert_int_equal(home_create(below("gm"), &plan), ERR_OK);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_open(below("gm"), other), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_int_equal(home_unlock(other, &unlock), ERR_OK);
    assert_memory_not_equal(home.node.b, other->node.b, sizeof home.node.b);
    assert_memory_not_equal(home.install, other->install, sizeof home.install);
    assert_false(secret_equal(home.identity, other->identity));
    assert_false(secret_equal(home.transport, other->transport));
    assert_false(secret_equal(home.encryption, other->encryption));
    assert_false(secret_equal(home.record_key, other->record_key));
    home_lock(other);
    free(other);
}

static void only_plain_names_are_names(void **state)
{
    static const struct {
        const char *what, *name;
        bool is_valid;
    } rows[] = {
        {"a code", "sn", true},
        {"a hub", "rilo-dakar", true},
        {"one character", "a", true},
        {"the longest", "abcdefghijklmnopqrstuvwxyz012345", true},
        {"one more", "abcdefghijklmnopqrstuvwxyz0123456", false},
        {"none", "", false},
        {"upper case", "SN", false},
        {"a hyphen first", "-sn", false},
        {"a hyphen last", "sn-", false},
        {"a dot", "sn.card", false},
        {"a slash", "../sn", false},
        {"an accent", "s\xc3\xa3o", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct home_plan plan = plan_of(rows[i].name);

        if (home_name_is_valid(rows[i].name) != rows[i].is_valid) {
            fail_msg("%s", rows[i].what);
        }
        if (!rows[i].is_valid) {
            assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
        }
    }
}

static void a_plan_that_is_wrong_leaves_nothing(void **state)
{
    static const char *const bad_address[] = {"http://dakar.example", NULL};
    static const char *const too_many[] = {"tcp://a:1", "tcp://a:2", "tcp://a:3", "tcp://a:4", "tcp://a:5", NULL};
    struct home_plan plan = plan_of("sn");

    (void)state;
    plan.addresses = bad_address;
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan.addresses = too_many;
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan = plan_of("sn");
    plan.listen = "tcp://*:7301"; /* which nobody can dial */
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan = plan_of("sn");
    plan.key_file = "relative/key";
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan.key_file = "/two\nlines";
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan = plan_of("sn");
    plan.rilo = "RILO Dakar\n[link]";
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan = plan_of("sn");
    plan.unlock = NULL;
    assert_int_equal(home_create(below("sn"), &plan), ERR_INVALID);
    plan = plan_of("sn");
    assert_int_equal(home_create(below("no/where/sn"), &plan), ERR_NOT_FOUND);
    assert_int_equal(entries(), 1); /* the key */
}

static void what_is_there_stays(void **state)
{
    struct home_plan plan = plan_of("sn");
    struct stat before, after;

    (void)state;
    assert_int_equal(mkdir(below("sn"), 0755), 0);
    make(&plan); /* an empty folder is taken over */
    assert_int_equal(stat(below("sn/node"), &before), 0);
    assert_int_equal(home_create(below("sn"), &plan), ERR_EXISTS);
    assert_int_equal(home_create(below("key"), &plan), ERR_EXISTS);
    assert_int_equal(stat(below("sn/node"), &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(entries(), 2);
}

static void the_keys_open_by_the_configured_file(void **state)
{
    struct home_plan plan = plan_of("sn");

    (void)state;
    plan.key_file = below("key");
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(chmod(below("key"), 0644), 0);
    assert_int_equal(home_unlock(&home, NULL), ERR_PERMISSION);
    assert_null(home.keyring);
    assert_int_equal(chmod(below("key"), 0600), 0);
    assert_int_equal(home_unlock(&home, NULL), ERR_OK);
    home_lock(&home);
    put("key", "another key of thirty-two bytes..", 33, 0600);
    assert_int_equal(home_unlock(&home, NULL), ERR_PASSPHRASE);
    put("key", "short", 5, 0600);
    assert_int_equal(home_unlock(&home, NULL), ERR_INVALID);
    assert_int_equal(unlink(below("key")), 0);
    assert_int_equal(home_unlock(&home, NULL), ERR_NOT_FOUND);
    assert_null(home.identity);
}

static void the_keys_open_by_the_service_credential(void **state)
{
    struct home_plan plan = plan_of("sn");

    (void)state;
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(mkdir(below("credentials"), 0700), 0);
    assert_int_equal(setenv("CREDENTIALS_DIRECTORY", below("credentials"), 1), 0);
    put("credentials/griot-key", secret_read(key), secret_bytes(key), 0400);
    assert_int_equal(home_unlock(&home, NULL), ERR_OK);
}

static void the_keys_open_by_a_passphrase(void **state)
{
    static const char lines[] = "wrong\nkola nut\n";
    struct secret *passphrase = secret_new(8);
    struct home_plan plan = plan_of("sn");
    int pipes[2];
    char number[16];

    (void)state;
    assert_non_null(passphrase);
    memcpy(secret_write(passphrase), "kola nut", 8);
    unlock = (struct unlock){.passphrase = passphrase};
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(pipe(pipes), 0);
    assert_int_equal(write(pipes[1], lines, sizeof lines - 1), sizeof lines - 1);
    close(pipes[1]);
    snprintf(number, sizeof number, "%d", pipes[0]);
    setenv("GRIOT_PASSPHRASE_FD", number, 1);
    assert_int_equal(home_unlock(&home, NULL), ERR_PASSPHRASE);
    assert_int_equal(home_unlock(&home, NULL), ERR_OK);
    home_lock(&home);
    assert_int_equal(home_unlock(&home, NULL), ERR_PASSPHRASE); /* no third line */
    setenv("GRIOT_PASSPHRASE_FD", "not a number", 1);
    assert_int_equal(home_unlock(&home, NULL), ERR_PASSPHRASE);
    close(pipes[0]);
    secret_destroy(&passphrase);
}

static void a_key_that_is_missing_or_exchanged_is_seen(void **state)
{
    struct home_plan plan = plan_of("sn");

    (void)state;
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(rename(below("sn/keys/transport"), below("transport")), 0);
    assert_int_equal(home_unlock(&home, &unlock), ERR_NOT_FOUND);
    assert_int_equal(rename(below("sn/keys/encryption-1"), below("sn/keys/transport")), 0);
    assert_int_equal(home_unlock(&home, &unlock), ERR_CORRUPT);
    assert_int_equal(rename(below("sn/keys/transport"), below("sn/keys/encryption-1")), 0);
    assert_int_equal(rename(below("transport"), below("sn/keys/transport")), 0);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
}

static void the_newest_encryption_key_is_used(void **state)
{
    struct home_plan plan = plan_of("sn");
    struct box_public public;
    struct secret *next = NULL;

    (void)state;
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_int_equal(box_keypair(&public, &next), ERR_OK);
    assert_int_equal(keyring_put(home.keyring, "encryption-2", next, false), ERR_OK);
    home_lock(&home);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_memory_equal(home.encryption_public.b, public.b, sizeof public.b);
    secret_destroy(&next);
}

static void damage_in_the_node_file_is_seen(void **state)
{
    struct home_plan plan = plan_of("sn");
    uint8_t *bytes = NULL, large[4096] = {0};
    size_t n = 0;

    (void)state;
    make(&plan);
    assert_int_equal(file_read(below("sn/node"), 4096, &bytes, &n), ERR_OK);
    for (size_t i = 0; i < n; i++) {
        put("sn/node", bytes, i, 0600);
        assert_int_equal(home_open(below("sn"), &home), ERR_CORRUPT);
    }
    /* Any changed byte gives an error or another value, never a crash. */
    for (size_t i = 0; i < n; i++) {
        bytes[i] ^= 0x81;
        put("sn/node", bytes, n, 0600);
        (void)!home_open(below("sn"), &home);
        bytes[i] ^= 0x81;
    }
    put("sn/node", large, sizeof large, 0600);
    assert_int_equal(home_open(below("sn"), &home), ERR_CORRUPT);
    bytes[1] = FORMAT_VERSION + 1; /* after the array's head */
    put("sn/node", bytes, n, 0600);
    assert_int_equal(home_open(below("sn"), &home), ERR_LAYOUT);
    assert_int_equal(unlink(below("sn/node")), 0);
    assert_int_equal(home_open(below("sn"), &home), ERR_NOT_FOUND);
    assert_int_equal(home_open(below("nowhere"), &home), ERR_NOT_FOUND);
    free(bytes);
}

static void a_wrong_configuration_is_refused(void **state)
{
    static const char bad[] = "[node]\nlisten = carrier pigeon\n";
    struct home_plan plan = plan_of("sn");

    (void)state;
    make(&plan);
    put("sn/griot.ini", bad, sizeof bad - 1, 0600);
    assert_int_equal(home_open(below("sn"), &home), ERR_CONFIG);
    assert_int_equal(unlink(below("sn/griot.ini")), 0);
    assert_int_equal(home_open(below("sn"), &home), ERR_CONFIG);
}

static void card_of(struct card *ret)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    char print[FINGERPRINT_CHARS];

    assert_int_equal(home_card_current(&home, &out), ERR_OK);
    assert_int_equal(card_open(out_written(&out), ret, print, NULL), ERR_OK);
}

static void the_card_says_who_signs_it_and_its_counter_rises(void **state)
{
    static const char *const moved[] = {"tcp://new.example:7301", NULL}, *const none[] = {NULL}, *const bad[] = {"nowhere", NULL};
    struct home_plan plan = plan_of("sn");
    struct card card;
    uint8_t small[32];
    struct out out = out_into(small, sizeof small);

    (void)state;
    plan.listen = "tcp://192.0.2.7:7301";
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    card_of(&card); /* needs no key */
    assert_int_equal(card.counter, 1);
    assert_int_equal(card.created.ms, 1700000000000);
    assert_string_equal(card.addresses[0], "tcp://192.0.2.7:7301");
    assert_int_equal(home_card_current(&home, &out), ERR_OVERSIZE);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_memory_equal(card.identity.b, home.identity_public.b, sizeof card.identity.b);
    assert_memory_equal(card.transport.b, home.transport_public.b, sizeof card.transport.b);
    assert_memory_equal(card.encryption.b, home.encryption_public.b, sizeof card.encryption.b);

    assert_int_equal(home_card_renew(&home, moved, (struct wall_ms){1700000001000}), ERR_OK);
    card_of(&card);
    assert_int_equal(card.counter, 2);
    assert_int_equal(card.address_count, 1);
    assert_string_equal(card.addresses[0], moved[0]);
    assert_int_equal(home_card_renew(&home, bad, (struct wall_ms){1700000002000}), ERR_INVALID);
    assert_string_equal(home.addresses[0], moved[0]);
    card_of(&card);
    assert_int_equal(card.counter, 2);
    assert_int_equal(home_card_renew(&home, NULL, (struct wall_ms){1700000002000}), ERR_OK);
    card_of(&card);
    assert_int_equal(card.counter, 3);
    assert_string_equal(card.addresses[0], moved[0]);
    assert_int_equal(home_card_renew(&home, none, (struct wall_ms){1700000003000}), ERR_OK);
    card_of(&card);
    assert_int_equal(card.address_count, 0);
    home_lock(&home);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home.address_count, 0);
    assert_int_equal(unlink(below("sn/card")), 0);
    assert_int_equal(home_card_current(&home, &out), ERR_NOT_FOUND);
    put("sn/card", "garbage", 7, 0600);
    out = out_into(small, sizeof small);
    assert_int_equal(home_card_current(&home, &out), ERR_CORRUPT);
}

static void reopen(void)
{
    home_lock(&home);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
}

static void a_new_transport_key_is_announced_first_and_used_after_the_overlap(void **state)
{
    static const struct curve_public none;
    const struct wall_ms made = {1700000005000}, late = {made.ms + ROTATION_OVERLAP_MS - 1}, over = {made.ms + ROTATION_OVERLAP_MS};
    struct home_plan plan = plan_of("sn");
    struct curve_public old, next;
    struct box_public box;
    struct card card;

    (void)state;
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    assert_false(home.is_rotating);
    old = home.transport_public;
    box = home.encryption_public;
    assert_int_equal(home_rotate(&home, made), ERR_OK);
    reopen();
    card_of(&card);
    next = card.transport;
    assert_int_equal(card.counter, 2);
    assert_memory_not_equal(next.b, old.b, sizeof old.b);
    assert_memory_equal(card.transport_before.b, old.b, sizeof old.b);
    assert_memory_not_equal(card.encryption.b, box.b, sizeof box.b);
    assert_memory_equal(home.transport_public.b, old.b, sizeof old.b); /* what it serves with */
    assert_memory_equal(home.encryption_public.b, card.encryption.b, sizeof box.b);
    assert_int_equal(access(below("sn/keys/encryption-1"), F_OK), 0);
    assert_true(home.is_rotating);
    assert_int_equal(home.rotated.ms, made.ms);
    /* No second one before the first is over, whatever else is signed meanwhile. */
    assert_int_equal(home_rotate(&home, late), ERR_EXISTS);
    assert_int_equal(home_card_renew(&home, NULL, late), ERR_OK);
    assert_false(home_rotation_is_over(&home, late));
    assert_false(home_rotation_is_over(&home, (struct wall_ms){0})); /* a clock that was set back */
    assert_int_equal(home_promote(&home, late), ERR_OK);
    assert_memory_equal(home.transport_public.b, old.b, sizeof old.b);
    assert_true(home_rotation_is_over(&home, over));
    assert_int_equal(home_promote(&home, over), ERR_OK);
    reopen();
    card_of(&card);
    assert_int_equal(card.counter, 4);
    assert_memory_equal(card.transport.b, next.b, sizeof next.b);
    assert_memory_equal(card.transport_before.b, none.b, sizeof none.b);
    assert_memory_equal(home.transport_public.b, next.b, sizeof next.b);
    assert_false(home.is_rotating);
    assert_int_not_equal(access(below("sn/keys/transport-next"), F_OK), 0);
    assert_int_equal(home_rotate(&home, over), ERR_OK); /* and the next month again */
}

static void copy_key(const char *from, const char *to)
{
    uint8_t *bytes = NULL;
    size_t n = 0;

    assert_int_equal(file_read(below(from), 4096, &bytes, &n), ERR_OK);
    assert_int_equal(file_write(below(to), span_of(bytes, n), 0600, true), ERR_OK);
    free(bytes);
}

/* Stopped between any two writes, it is finished by doing it again; no state is one in which nobody gets in. */
static void a_rotation_that_was_stopped_is_finished(void **state)
{
    const struct wall_ms made = {1700000005000}, over = {made.ms + ROTATION_OVERLAP_MS};
    struct home_plan plan = plan_of("sn");
    struct curve_public old, next;
    struct card card;

    (void)state;
    make(&plan);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    old = home.transport_public;
    /* Before the card: nobody has heard of the key, not even after the overlap. */
    copy_key("sn/card", "first.card");
    assert_int_equal(home_rotate(&home, made), ERR_OK);
    next = home.transport_next_public;
    copy_key("first.card", "sn/card");
    reopen();
    assert_int_equal(home_promote(&home, over), ERR_OK);
    assert_memory_equal(home.transport_public.b, old.b, sizeof old.b);
    card_of(&card);
    assert_memory_equal(card.transport_before.b, old.b, sizeof old.b);
    copy_key("first.card", "sn/card");
    reopen();
    assert_int_equal(home_rotate(&home, made), ERR_OK); /* by hand: the same key is announced */
    card_of(&card);
    assert_memory_equal(card.transport.b, next.b, sizeof next.b);
    /* At the end: before the card, and before the announced file is gone. */
    copy_key("sn/card", "announced.card");
    copy_key("sn/keys/transport-next", "kept");
    assert_int_equal(home_promote(&home, over), ERR_OK);
    copy_key("kept", "sn/keys/transport-next");
    for (int i = 0; i < 2; i++) {
        if (i == 0) {
            copy_key("announced.card", "sn/card");
        } else {
            copy_key("kept", "sn/keys/transport-next");
        }
        reopen();
        assert_true(home.is_rotating);
        assert_memory_equal(home.transport_public.b, next.b, sizeof next.b);
        assert_int_equal(home_promote(&home, over), ERR_OK);
        card_of(&card);
        assert_memory_equal(card.transport.b, next.b, sizeof next.b);
        assert_int_equal(card.transport_before.b[0] | card.transport_before.b[31], 0);
        assert_false(home.is_rotating);
    }
}

static void files_are_replaced_whole_or_not_at_all(void **state)
{
    uint8_t *bytes = NULL;
    size_t n = 0;
    struct stat st;

    (void)state;
    assert_int_equal(file_write(below("f"), span_text("one"), 0640, false), ERR_OK);
    assert_int_equal(stat(below("f"), &st), 0);
    assert_int_equal(st.st_mode & 07777, 0640);
    assert_int_equal(file_write(below("f"), span_text("two"), 0600, false), ERR_EXISTS);
    assert_int_equal(file_read(below("f"), 3, &bytes, &n), ERR_OK);
    assert_string_equal((char *)bytes, "one");
    free(bytes);
    put("f.new", "left by a power cut", 19, 0600);
    assert_int_equal(file_write(below("f"), span_text("three"), 0600, true), ERR_OK);
    assert_int_equal(access(below("f.new"), F_OK), -1);
    assert_int_equal(file_read(below("f"), 4, &bytes, &n), ERR_OVERSIZE);
    assert_int_equal(file_read(below("f"), 5, &bytes, &n), ERR_OK);
    assert_int_equal(n, 5);
    free(bytes);
    assert_int_equal(file_read(work, 100, &bytes, &n), ERR_INVALID);
    assert_int_equal(file_read(below("none"), 100, &bytes, &n), ERR_NOT_FOUND);
    assert_int_equal(file_write(below("no/f"), span_text("x"), 0600, true), ERR_NOT_FOUND);
    assert_int_equal(file_sync_folder(below("no")), ERR_NOT_FOUND);
    assert_int_equal(mkdir(below("tree"), 0700), 0);
    assert_int_equal(symlink(below("f"), below("tree/link")), 0);
    file_remove_tree(below("tree"));
    assert_int_equal(access(below("tree"), F_OK), -1);
    assert_int_equal(access(below("f"), F_OK), 0); /* links are not followed */
}

#define IN_FOLDER(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

static int start(void **state)
{
    (void)state;
    return crypto_start() == ERR_OK ? 0 : -1;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_FOLDER(a_new_home_says_who_it_is_and_opens_its_keys),
        IN_FOLDER(two_homes_share_nothing),
        IN_FOLDER(only_plain_names_are_names),
        IN_FOLDER(a_plan_that_is_wrong_leaves_nothing),
        IN_FOLDER(what_is_there_stays),
        IN_FOLDER(the_keys_open_by_the_configured_file),
        IN_FOLDER(the_keys_open_by_the_service_credential),
        IN_FOLDER(the_keys_open_by_a_passphrase),
        IN_FOLDER(a_key_that_is_missing_or_exchanged_is_seen),
        IN_FOLDER(the_newest_encryption_key_is_used),
        IN_FOLDER(damage_in_the_node_file_is_seen),
        IN_FOLDER(a_wrong_configuration_is_refused),
        IN_FOLDER(the_card_says_who_signs_it_and_its_counter_rises),
        IN_FOLDER(a_new_transport_key_is_announced_first_and_used_after_the_overlap),
        IN_FOLDER(a_rotation_that_was_stopped_is_finished),
        IN_FOLDER(files_are_replaced_whole_or_not_at_all),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
