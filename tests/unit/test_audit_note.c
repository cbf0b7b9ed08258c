/* A row in the making: who, what to, and what was typed, sealed; and rows that wait for room on the disk. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "crypto/hash.h"
#include "crypto/sign.h"
#include "node/audit_queue.h"
#include "node/file.h"

#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char work[64], path[KEY_PATH_BYTES_MAX];
static struct home home;
static struct person person;

static int setup(void **state)
{
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = "sn", .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};
    (void)state;
    snprintf(work, sizeof work, "/tmp/test_audit_note.XXXXXX");
    assert_non_null(mkdtemp(work));
    snprintf(path, sizeof path, "%s/home", work);
    assert_int_equal(home_create(path, &plan), ERR_OK);
    assert_int_equal(home_open(path, &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    secret_destroy(&key);
    person_self(&person);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    home_lock(&home);
    memset(&home, 0, sizeof home);
    file_remove_tree(work);
    return 0;
}

static void a_person_is_the_user_of_the_process(void **state)
{
    struct person other;
    const struct passwd *user = getpwuid(getuid());
    (void)state;
    assert_int_equal(person.uid, getuid());
    if (user != NULL && access("/proc/self/loginuid", R_OK) != 0) {
        assert_string_equal(person.login, user->pw_name);
    }
    person_of(getpid(), 4000000, &other); /* nobody's: a number without a name, or the session that started the test */
    assert_int_equal(other.uid, 4000000);
}

static void only_the_first_subjects_and_counts_are_kept(void **state)
{
    static struct audit_note note;
    uint8_t id[AUDIT_SUBJECT_BYTES_MAX + 1] = {0};
    (void)state;
    audit_note_init(&note, &home, &person, AUDIT_SHOW);
    assert_true(note.is_wanted);
    assert_memory_equal(note.entry.install, home.install, sizeof home.install);
    for (uint8_t i = 0; i < AUDIT_SUBJECTS_MAX + 2; i++) {
        id[0] = i;
        audit_note_subject(&note, id, 16);
        audit_note_count(&note, i);
    }
    assert_int_equal(note.entry.subject_count, AUDIT_SUBJECTS_MAX);
    assert_int_equal(note.entry.subjects[AUDIT_SUBJECTS_MAX - 1].b[0], AUDIT_SUBJECTS_MAX - 1);
    assert_int_equal(note.entry.count_count, AUDIT_COUNTS_MAX);
    audit_note_clear(&note);
    audit_note_subject(&note, id, 0);
    audit_note_subject(&note, id, AUDIT_SUBJECT_BYTES_MAX + 1);
    assert_int_equal(note.entry.subject_count, 0);
    audit_note_subject(&note, id, AUDIT_SUBJECT_BYTES_MAX);
    assert_int_equal(note.entry.subject_count, 1);
    audit_note_count(&note, UINT64_MAX);
    assert_true(note.entry.counts[0] == NUMBER_MAX);
}

static void what_was_typed_is_opened_by_this_node_also_after_a_rotation(void **state)
{
    static struct audit_note note;
    uint8_t text[LETTER_TEXT_BYTES_MAX];
    size_t n = 0;
    (void)state;
    audit_note_init(&note, &home, &person, AUDIT_SEARCH);
    assert_int_equal(audit_note_typed(&note, &home, "cocaine Dakar"), ERR_OK);
    assert_true(note.entry.detail.n > 0);
    for (size_t i = 0; i + 7 <= note.entry.detail.n; i++) {
        assert_memory_not_equal(note.entry.detail.p + i, "cocaine", 7);
    }
    assert_int_equal(audit_open(&home, note.entry.detail, text, &n), ERR_OK);
    assert_int_equal(n, 13);
    assert_memory_equal(text, "cocaine Dakar", 13);
    assert_int_equal(home_rotate(&home, wall_now()), ERR_OK);
    home.encryption_public.b[0] ^= 1; /* as after the next start: the newest key is another */
    assert_int_equal(audit_open(&home, note.entry.detail, text, &n), ERR_OK);
    assert_int_equal(n, 13);
    home.encryption_public.b[0] ^= 1;
}

static void what_is_sealed_for_an_auditor_this_node_cannot_open(void **state)
{
    static struct audit_note note;
    uint8_t text[LETTER_TEXT_BYTES_MAX];
    struct box_public public;
    struct secret *secret = NULL;
    size_t n = 0;
    (void)state;
    assert_int_equal(box_keypair(&public, &secret), ERR_OK);
    hex_encode(public.b, sizeof public.b, home.config.auditor);
    audit_note_init(&note, &home, &person, AUDIT_SEARCH);
    assert_int_equal(audit_note_typed(&note, &home, "cocaine"), ERR_OK);
    assert_int_equal(audit_open(&home, note.entry.detail, text, &n), ERR_PERMISSION);
    assert_int_equal(letter_open(secret, note.entry.detail, text, &n), ERR_OK);
    assert_int_equal(n, 7);
    secret_destroy(&secret);
    memset(home.config.auditor, '0', 64); /* a key that nobody can have */
    assert_int_equal(audit_note_typed(&note, &home, "cocaine"), ERR_CONFIG);
}

static void rows_wait_in_order_and_no_more_than_there_is_room_for(void **state)
{
    static struct audit_note note;
    struct audit_queue *queue = audit_queue_new();
    size_t count = 0;
    (void)state;
    assert_non_null(queue);
    assert_null(audit_queue_take(queue, &count));
    assert_int_equal(count, 0);
    for (uint32_t i = 0; i < AUDIT_QUEUE_MAX; i++) {
        audit_note_init(&note, &home, &person, AUDIT_SEARCH);
        note.entry.uid = i;
        note.typed[0] = (uint8_t)i;
        note.entry.detail = span_of(note.typed, 1);
        assert_true(audit_queue_add(queue, &note));
    }
    assert_false(audit_queue_add(queue, &note));
    assert_int_equal(audit_queue_count(queue), AUDIT_QUEUE_MAX);
    struct audit_note *notes = audit_queue_take(queue, &count);
    assert_int_equal(count, AUDIT_QUEUE_MAX);
    assert_int_equal(audit_queue_count(queue), 0);
    for (uint32_t i = 0; i < count; i++) {
        assert_int_equal(notes[i].entry.uid, i);
        assert_int_equal(notes[i].entry.detail.p[0], (uint8_t)i);
        assert_ptr_equal(notes[i].entry.detail.p, notes[i].typed); /* it moved with its row */
    }
    /* One came meanwhile; those that could not be written come before it. */
    note.entry.uid = 9999;
    assert_true(audit_queue_add(queue, &note));
    audit_queue_put_back(queue, notes, 5);
    notes = audit_queue_take(queue, &count);
    assert_int_equal(count, 6);
    assert_int_equal(notes[4].entry.uid, 4);
    assert_int_equal(notes[5].entry.uid, 9999);
    assert_ptr_equal(notes[5].entry.detail.p, notes[5].typed);
    audit_queue_put_back(queue, notes, 6);
    assert_int_equal(audit_queue_destroy(&queue), 6);
    assert_null(queue);
    assert_int_equal(audit_queue_destroy(&queue), 0);
}

static void a_home_with_another_install_id_begins_a_new_life(void **state)
{
    static struct audit_note note;
    struct store *store = NULL;
    struct store_read *read = NULL;
    struct audit_head head;
    (void)state;
    assert_int_equal(store_open(path, &store), ERR_OK);
    audit_note_init(&note, &home, &person, AUDIT_START);
    assert_int_equal(audit_write(store, &note.entry), ERR_OK);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(audit_head_read(read, &head), ERR_OK);
    store_read_end(&read);
    assert_int_equal(head.count, 2); /* a life begins, and this */
    home.install[0] ^= 1;            /* restored */
    audit_note_init(&note, &home, &person, AUDIT_START);
    assert_int_equal(audit_write(store, &note.entry), ERR_OK);
    assert_int_equal(store_read_begin(store, &read), ERR_OK);
    assert_int_equal(audit_head_read(read, &head), ERR_OK);
    store_read_end(&read);
    assert_int_equal(head.count, 4);
    store_close(&store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_person_is_the_user_of_the_process),
        TEST(only_the_first_subjects_and_counts_are_kept),
        TEST(what_was_typed_is_opened_by_this_node_also_after_a_rotation),
        TEST(what_is_sealed_for_an_auditor_this_node_cannot_open),
        TEST(rows_wait_in_order_and_no_more_than_there_is_room_for),
        TEST(a_home_with_another_install_id_begins_a_new_life),
    };
    return crypto_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
