/* Where a node's keys are: in guarded memory while it is unlocked, nowhere in memory when it is locked, and never readable in its files. A whole node in this process: home, store,
 * engine, sockets, and what commands do with them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/client.h"
#include "node/control.h"
#include "node/file.h"
#include "node/net/gateway.h"
#include "tests/lib/needle.h"

#include <dirent.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { NEEDLES_MAX = 16 };

static char work[64], path[KEY_PATH_BYTES_MAX];
static struct home home;
static struct service service;
static struct control *control;
static pthread_t thread;
static struct {
    char name[KEY_NAME_BYTES_MAX + 1];
    struct needle needle;
} needles[NEEDLES_MAX];
static size_t needle_count;

static int setup(void **state)
{
    (void)state;
    needle_count = 0;
    snprintf(work, sizeof work, "/tmp/test_custody.XXXXXX");
    return mkdtemp(work) == NULL;
}

static int teardown(void **state)
{
    (void)state;
    file_remove_tree(work);
    return 0;
}

static void *run(void *arg)
{
    (void)arg;
    return core_run(service.core) == ERR_OK ? NULL : &service;
}

static void remember(const char *name, const struct secret *secret)
{
    assert_true(needle_count < NEEDLES_MAX);
    snprintf(needles[needle_count].name, sizeof needles[needle_count].name, "%s", name);
    needles[needle_count++].needle = needle_of(secret);
}

/* Every key in the folder, whatever it is for. */
static void remember_folder(void)
{
    char folder[KEY_PATH_BYTES_MAX + 8];
    snprintf(folder, sizeof folder, "%s/keys", path);
    DIR *keys = opendir(folder);
    assert_non_null(keys);
    for (struct dirent *file = readdir(keys); file != NULL; file = readdir(keys)) {
        struct secret *secret = NULL;
        if (file->d_name[0] == '.' || strcmp(file->d_name, "seal") == 0) {
            continue;
        }
        assert_int_equal(keyring_get(home.keyring, file->d_name, &secret), ERR_OK);
        remember(file->d_name, secret);
        secret_destroy(&secret);
    }
    closedir(keys);
}

static const char *program; /* with which the sockets get a process of their own, as in the daemon; NULL: it is not built */

static void find_program(void)
{
    static char path_of[KEY_PATH_BYTES_MAX];
    ssize_t n = readlink("/proc/self/exe", path_of, sizeof path_of - 16);
    path_of[n > 0 ? n : 0] = '\0';
    for (int up = 0; up < 2; up++) {
        char *slash = strrchr(path_of, '/');
        if (slash != NULL) {
            *slash = '\0';
        }
    }
    strcat(path_of, "/griot");
    program = access(path_of, X_OK) == 0 ? path_of : NULL;
}

static void start(struct secret *key)
{
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = "sn", .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    snprintf(path, sizeof path, "%s/home", work);
    assert_int_equal(home_create(path, &plan), ERR_OK);
    assert_int_equal(home_open(path, &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    snprintf(home.config.listen, sizeof home.config.listen, "tcp://127.0.0.1:0"); /* so that the library is given the transport key */
    service = (struct service){.home = &home};
    assert_int_equal(store_open(path, &service.store), ERR_OK);
    assert_int_equal(views_open(path, NULL, &service.views), ERR_OK);
    enum err err = core_new(&home, service.store, program, &service.core, why);
    if (err != ERR_OK) {
        fail_msg("core: %s %s", err_name(err), why);
    }
    assert_int_equal(control_new(path, &service, &control), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static void stop(void)
{
    void *result = NULL;
    core_stop(service.core);
    pthread_join(thread, &result);
    assert_null(result);
    control_destroy(&control);
    core_destroy(&service.core);
    views_close(&service.views);
    store_close(&service.store);
    home_lock(&home);
}

/* What uses keys: a log is begun, a search is sealed and opened, keys are rotated. */
static void work_with_keys(void)
{
    static const uint8_t batch[] = {0x92, 0xc4, 0x00, 0xc4, 0x02, 0x80, 0x80}; /* refused: it is no record, but that needs no key */
    struct client *client = NULL;
    json_t *result = NULL;
    static struct append append;
    enum err err;
    assert_int_equal(client_open(path, &client), ERR_OK);
    const char *const requests[] = {"{\"do\":\"search\",\"query\":\"cocaine\"}", "{\"do\":\"audit\",\"open\":true}", "{\"do\":\"status\"}"};
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++) {
        json_t *request = json_loads(requests[i], 0, NULL);
        assert_int_equal(client_call(client, request, NULL, NULL, &result), ERR_OK);
        json_decref(request);
        json_decref(result);
    }
    client_close(&client);
    append.channel = CHANNEL_REPORT;
    append.batch = span_of(batch, sizeof batch);
    assert_int_not_equal(service_change(&service, append_records, &append), ERR_OK);
    struct record_value value = {.field = kind_field(kind_by_number(RECORD_SEIZURE), span_text("date"), &(const struct field *){NULL}, &(uint32_t){0}), .text = span_text("2026-11-01")};
    struct record record = {.kind = RECORD_SEIZURE, .depth = 1, .value_count = 1};
    uint8_t payload[PAYLOAD_BYTES_MAX + 8] = {0x92, 0xc4, 0x00, 0xc4}; /* no row key, then the record */
    struct out out = out_into(payload + 5, 255);
    record.values[0] = value;
    random_fill(record.id.b, sizeof record.id.b);
    assert_int_equal(record_encode(&record, &out), ERR_OK);
    payload[4] = (uint8_t)out.at;
    append.batch = span_of(payload, 5 + out.at);
    err = service_change(&service, append_records, &append);
    if (err != ERR_OK) {
        fail_msg("append: %s %s", err_name(err), append.clause != NULL ? append.clause : "");
    }
    assert_int_equal(home_rotate(&home, wall_now()), ERR_OK);
}

static void a_locked_node_has_no_key_in_memory_and_never_one_in_its_files(void **state)
{
    FILE *memory = needle_memory();
    struct secret *key = secret_random(32);
    size_t bytes = 0;
    (void)state;
    if (memory == NULL) {
        secret_destroy(&key);
        print_message("skip: this process may not read its own memory file\n");
        skip();
    }
    find_program();
    remember("the sealing key", key);
    start(key);
    work_with_keys();
    remember_folder();
    assert_true(needle_count >= 7); /* sealing key, identity, transport, transport-next, two of encryption, import, a log's */
    bool has_log = false;
    for (size_t i = 0; i < needle_count; i++) {
        print_message("  %s: %u in memory while unlocked\n", needles[i].name, needle_in_memory(&needles[i].needle, memory));
        has_log = has_log || strncmp(needles[i].name, "log-", 4) == 0;
    }
    assert_true(has_log);
    assert_true(needle_in_memory(&needles[1].needle, memory) > 0); /* the search works */
    secret_destroy(&key);
    stop();
    for (size_t i = 0; i < needle_count; i++) {
        unsigned found = needle_in_memory(&needles[i].needle, memory);
        if (program == NULL && strcmp(needles[i].name, "transport") == 0) { /* KEYS.md 2: libzmq frees its copies as they are */
            print_message("  transport: %u copies left behind by the library, since the program is not built\n", found);
        } else if (found > 0) {
            fail_msg("%s: %u copies in the memory of a locked node", needles[i].name, found);
        }
        found = needle_in_folder(&needles[i].needle, path, &bytes);
        if (found > 0) {
            fail_msg("%s: %u times in the files of the home", needles[i].name, found);
        }
    }
    assert_true(bytes > 10000);
    fclose(memory);
}

static void the_search_of_files_finds_what_is_planted(void **state)
{
    struct secret *secret = secret_random(32);
    struct needle needle = needle_of(secret);
    char name[128], hex[65];
    size_t bytes = 0;
    FILE *file;
    (void)state;
    snprintf(name, sizeof name, "%s/planted", work);
    assert_non_null(file = fopen(name, "wb"));
    fprintf(file, "some words, then ");
    fwrite(secret_read(secret) + 7, 1, NEEDLE_PIECE_BYTES, file);
    fclose(file);
    assert_true(needle_in_folder(&needle, work, &bytes) > 0);
    assert_int_equal(bytes, 17 + NEEDLE_PIECE_BYTES);
    assert_non_null(file = fopen(name, "wb"));
    for (int i = 0; i < 32; i++) {
        snprintf(hex + 2 * i, 3, "%02X", secret_read(secret)[i]);
    }
    fprintf(file, "key=%s", hex);
    fclose(file);
    assert_true(needle_in_folder(&needle, work, &bytes) > 0);
    assert_non_null(file = fopen(name, "wb"));
    fwrite(secret_read(secret), 1, NEEDLE_PIECE_BYTES - 1, file);
    fclose(file);
    assert_int_equal(needle_in_folder(&needle, work, &bytes), 0);
    secret_destroy(&secret);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(a_locked_node_has_no_key_in_memory_and_never_one_in_its_files),
        TEST(the_search_of_files_finds_what_is_planted),
    };
    return crypto_start() == ERR_OK ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
