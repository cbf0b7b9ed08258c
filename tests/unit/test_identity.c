#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "node/file.h"
#include "node/home.h"
#include "node/region_file.h"

static char work[64];
static struct secret *key;
static struct unlock unlock;
static struct home home;
static const struct wall_ms made = {1700000005000};

static const char *below(const char *name)
{
    static char paths[4][PATH_MAX];
    static int turn;
    char *path = paths[turn++ % 4];

    snprintf(path, PATH_MAX, "%s/%s", work, name);
    return path;
}

static void reopen(void)
{
    home_lock(&home);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
}

static int setup(void **state)
{
    struct home_plan plan = {.name = "sn", .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};

    (void)state;
    snprintf(work, sizeof work, "/tmp/test_identity.XXXXXX");
    assert_non_null(mkdtemp(work));
    key = secret_random(32);
    assert_non_null(key);
    unlock = (struct unlock){.key = key};
    assert_int_equal(home_create(below("sn"), &plan), ERR_OK);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
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

static bool is_there(const char *name)
{
    return access(below(name), F_OK) == 0;
}

static void copy(const char *from, const char *to)
{
    uint8_t *bytes = NULL;
    size_t n = 0;

    assert_int_equal(file_read(below(from), 4096, &bytes, &n), ERR_OK);
    assert_int_equal(file_write(below(to), span_of(bytes, n), 0600, true), ERR_OK);
    free(bytes);
}

static void card_by(enum err (*get)(const struct home *, struct out *), struct card *ret)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    char print[FINGERPRINT_CHARS];

    assert_int_equal(get(&home, &out), ERR_OK);
    assert_int_equal(card_open(out_written(&out), ret, print, NULL), ERR_OK);
}

static void a_key_waits_until_the_root_names_it(void **state)
{
    const struct sign_public old = home.identity_public;
    const struct curve_public transport = home.transport_public;
    struct sign_public next;
    struct card card, now;

    (void)state;
    assert_false(home.has_identity_next);
    assert_false(home_identity_is_named(&home, &old));
    assert_int_equal(home_identity_make(&home, made), ERR_OK);
    assert_true(home.has_identity_next);
    next = home.identity_next_public;
    assert_memory_not_equal(next.b, old.b, sizeof next.b);
    /* Nothing but the card for the root knows of it. */
    card_by(home_card_current, &now);
    assert_memory_equal(now.identity.b, old.b, sizeof old.b);
    assert_int_equal(now.counter, 1);
    card_by(home_identity_card, &card);
    assert_memory_equal(card.identity.b, next.b, sizeof next.b);
    assert_memory_not_equal(card.transport.b, transport.b, sizeof transport.b);
    assert_memory_equal(card.encryption.b, home.encryption_public.b, sizeof card.encryption.b);
    assert_memory_not_equal(card.encryption.b, now.encryption.b, sizeof card.encryption.b);
    assert_int_equal(card.counter, 2);
    assert_memory_equal(card.node.b, home.node.b, sizeof card.node.b);
    assert_string_equal(card.name, "sn");
    reopen();
    assert_true(home.has_identity_next);
    assert_memory_equal(home.identity_next_public.b, next.b, sizeof next.b);
    assert_memory_equal(home.identity_public.b, old.b, sizeof old.b);
    assert_memory_equal(home.transport_public.b, transport.b, sizeof transport.b);
    assert_false(home_identity_is_named(&home, NULL));
    assert_false(home_identity_is_named(&home, &old));
    assert_true(home_identity_is_named(&home, &next));
}

static void asked_again_it_is_the_same_key_on_a_newer_card(void **state)
{
    static const char *const moved[] = {"tcp://new.example:7301", NULL};
    struct card first, second;

    (void)state;
    assert_int_equal(home_identity_make(&home, made), ERR_OK);
    card_by(home_identity_card, &first);
    assert_int_equal(home_card_renew(&home, moved, made), ERR_OK);
    assert_int_equal(home_identity_make(&home, (struct wall_ms){made.ms + 1000}), ERR_OK);
    card_by(home_identity_card, &second);
    assert_memory_equal(second.identity.b, first.identity.b, sizeof first.identity.b);
    assert_memory_equal(second.transport.b, first.transport.b, sizeof first.transport.b);
    assert_int_equal(first.address_count, 0);
    assert_int_equal(second.address_count, 1);
    assert_string_equal(second.addresses[0], moved[0]);
    assert_true(second.counter > first.counter);
}

static void there_may_be_none_or_a_damaged_one(void **state)
{
    uint8_t bytes[CARD_NOTICE_BYTES_MAX];
    struct out out = out_into(bytes, sizeof bytes);
    struct secret *short_one = secret_random(95);

    (void)state;
    assert_int_equal(home_identity_card(&home, &out), ERR_NOT_FOUND);
    assert_int_equal(home_identity_take(&home, made), ERR_NOT_FOUND);
    assert_int_equal(home_identity_make(&home, made), ERR_OK);
    out = out_into(bytes, 16);
    assert_int_equal(home_identity_card(&home, &out), ERR_OVERSIZE);
    assert_non_null(short_one);
    assert_int_equal(keyring_put(home.keyring, "identity-next", short_one, true), ERR_OK);
    assert_int_equal(home_identity_take(&home, made), ERR_CORRUPT);
    assert_int_equal(home_identity_make(&home, made), ERR_CORRUPT);
    home_lock(&home);
    assert_int_equal(home_open(below("sn"), &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_CORRUPT);
    copy("sn/keys/transport", "sn/keys/identity-next"); /* another key by its name */
    assert_int_equal(home_unlock(&home, &unlock), ERR_CORRUPT);
    assert_int_equal(unlink(below("sn/keys/identity-next")), 0);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    secret_destroy(&short_one);
}

static void what_a_command_beside_the_daemon_made_is_seen(void **state)
{
    struct home *beside = calloc(1, sizeof *beside);

    (void)state;
    assert_non_null(beside);
    assert_int_equal(home_open(below("sn"), beside), ERR_OK);
    assert_int_equal(home_unlock(beside, &unlock), ERR_OK);
    assert_int_equal(home_identity_make(beside, made), ERR_OK);
    assert_false(home.has_identity_next);
    assert_int_equal(home_refresh(&home), ERR_OK);
    assert_true(home_identity_is_named(&home, &beside->identity_next_public));
    assert_memory_equal(home.encryption_public.b, beside->encryption_public.b, sizeof home.encryption_public.b);
    assert_int_equal(home_rotate(beside, made), ERR_OK);
    assert_int_equal(home_refresh(&home), ERR_OK);
    assert_true(home.is_rotating);
    home_lock(beside);
    free(beside);
}

/* Everything that taking it into use writes, in its order. Stopped between any two, it is finished by doing it again. */
static void taken_into_use_at_once_and_finished_when_it_was_stopped(void **state)
{
    static const struct {
        const char *what, *file;
    } writes[] = {
        {"before anything", NULL},
        {"after the card", "card"},
        {"after the transport key", "keys/transport"},
        {"after the identity key", "keys/identity"},
        {"after the end of a rotation", "keys/transport-next"},
        {"after all but the card that waited", "keys/identity-next"},
        {"after everything", "card-next"},
    };
    enum { WRITES = sizeof writes / sizeof writes[0] };
    struct card waiting, card;
    char from[64], to[64];

    (void)state;
    assert_int_equal(home_rotate(&home, made), ERR_OK);
    assert_int_equal(home_identity_make(&home, made), ERR_OK);
    card_by(home_identity_card, &waiting);
    assert_int_equal(mkdir(below("before"), 0700) | mkdir(below("before/keys"), 0700) | mkdir(below("after"), 0700) | mkdir(below("after/keys"), 0700), 0);
    for (size_t i = 1; i < WRITES; i++) {
        snprintf(from, sizeof from, "sn/%s", writes[i].file);
        snprintf(to, sizeof to, "before/%s", writes[i].file);
        copy(from, to);
    }
    assert_int_equal(home_identity_take(&home, made), ERR_OK);
    assert_false(is_there("sn/keys/transport-next") || is_there("sn/keys/identity-next") || is_there("sn/card-next"));
    assert_false(home.has_identity_next || home.is_rotating);
    for (size_t i = 1; i < 4; i++) {
        snprintf(from, sizeof from, "sn/%s", writes[i].file);
        snprintf(to, sizeof to, "after/%s", writes[i].file);
        copy(from, to);
    }
    for (size_t done = 0; done < WRITES; done++) {
        for (size_t i = 1; i < WRITES; i++) {
            snprintf(from, sizeof from, "%s/%s", i <= done ? "after" : "before", writes[i].file);
            snprintf(to, sizeof to, "sn/%s", writes[i].file);
            if (is_there(from)) {
                copy(from, to);
            } else {
                (void)unlink(below(to));
            }
        }
        print_message("%s\n", writes[done].what);
        reopen();
        assert_true(home_identity_is_named(&home, &waiting.identity) == (done < 5));
        if (done < 5) {
            assert_int_equal(home_promote(&home, (struct wall_ms){made.ms + ROTATION_OVERLAP_MS}), ERR_OK); /* as the daemon does first */
            assert_int_equal(home_identity_take(&home, made), ERR_OK);
            reopen();
        }
        card_by(home_card_current, &card);
        assert_memory_equal(card.identity.b, waiting.identity.b, sizeof card.identity.b);
        assert_memory_equal(card.transport.b, waiting.transport.b, sizeof card.transport.b);
        assert_memory_equal(card.encryption.b, waiting.encryption.b, sizeof card.encryption.b);
        assert_int_equal(card.transport_before.b[0] | card.transport_before.b[31], 0);
        assert_memory_equal(home.identity_public.b, waiting.identity.b, sizeof card.identity.b);
        assert_memory_equal(home.transport_public.b, waiting.transport.b, sizeof card.transport.b);
        assert_false(home.has_identity_next || home.is_rotating);
    }
    assert_int_equal(home_rotate(&home, made), ERR_OK); /* life goes on */
    assert_int_equal(home_identity_make(&home, made), ERR_OK);
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
        IN_FOLDER(a_key_waits_until_the_root_names_it),
        IN_FOLDER(asked_again_it_is_the_same_key_on_a_newer_card),
        IN_FOLDER(there_may_be_none_or_a_damaged_one),
        IN_FOLDER(what_a_command_beside_the_daemon_made_is_seen),
        IN_FOLDER(taken_into_use_at_once_and_finished_when_it_was_stopped),
    };

    return cmocka_run_group_tests(tests, start, NULL);
}
