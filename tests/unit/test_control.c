/* The home's control socket, with a real node behind it: home, store, engine and gateway as the daemon has them. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/client.h"
#include "node/control.h"
#include "node/file.h"
#include "node/net/gateway.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char work[64], path[KEY_PATH_BYTES_MAX];
static struct home home;
static struct service service;
static struct control *control;
static pthread_t thread;

static void *run(void *arg)
{
    (void)arg;
    return core_run(service.core) == ERR_OK ? NULL : &service;
}

static void start_at(const char *name)
{
    struct secret *key = secret_random(32);
    struct unlock unlock = {.key = key};
    struct home_plan plan = {.name = "sn", .role = ROLE_EDGE, .region = {{1, 2, 3}}, .unlock = &unlock, .now = {1700000000000}};
    char why[GATEWAY_WHY_BYTES_MAX] = "";
    assert_non_null(key);
    snprintf(path, sizeof path, "%s/%s", work, name);
    assert_int_equal(home_create(path, &plan), ERR_OK);
    assert_int_equal(home_open(path, &home), ERR_OK);
    assert_int_equal(home_unlock(&home, &unlock), ERR_OK);
    secret_destroy(&key);
    service = (struct service){.home = &home};
    assert_int_equal(store_open(path, &service.store), ERR_OK);
    assert_int_equal(views_open(path, NULL, &service.views), ERR_OK);
    assert_int_equal(core_new(&home, service.store, NULL, &service.core, why), ERR_OK);
    assert_int_equal(control_new(path, &service, &control), ERR_OK);
    assert_int_equal(pthread_create(&thread, NULL, run, NULL), 0);
}

static int setup(void **state)
{
    (void)state;
    snprintf(work, sizeof work, "/tmp/test_control.XXXXXX");
    assert_non_null(mkdtemp(work));
    start_at("home");
    return 0;
}

static void stop(void)
{
    void *result = NULL;
    if (control == NULL) {
        return;
    }
    core_stop(service.core);
    pthread_join(thread, &result);
    assert_null(result);
    control_destroy(&control);
    core_destroy(&service.core);
    views_close(&service.views);
    store_close(&service.store);
    home_lock(&home);
    memset(&home, 0, sizeof home);
}

static int teardown(void **state)
{
    (void)state;
    stop();
    file_remove_tree(work);
    return 0;
}

static int dial(void)
{
    int fd = control_connect(path);
    struct timeval patience = {.tv_sec = 10};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    return fd;
}

/* The answer to a request in JSON; a new reference. */
static json_t *hear(int fd)
{
    char type;
    uint8_t *body;
    size_t n;
    assert_int_equal(control_read(fd, &type, &body, &n), ERR_OK);
    assert_int_equal(type, 'J');
    json_t *answer = json_loadb((const char *)body, n, 0, NULL);
    free(body);
    assert_non_null(answer);
    return answer;
}

static json_t *ask(int fd, const char *text)
{
    assert_int_equal(control_write(fd, 'J', span_text(text)), ERR_OK);
    return hear(fd);
}

static void expect_error(json_t *answer, const char *code)
{
    assert_true(json_is_false(json_object_get(answer, "ok")));
    const char *got = json_string_value(json_object_get(json_object_get(answer, "error"), "code"));
    assert_non_null(got);
    assert_string_equal(got, code);
    json_decref(answer);
}

static void expect_ok(json_t *answer)
{
    if (!json_is_true(json_object_get(answer, "ok"))) {
        char *text = json_dumps(answer, 0);
        fail_msg("%s", text);
    }
    json_decref(answer);
}

static bool has_ended(int fd)
{
    char byte;
    ssize_t n = recv(fd, &byte, 1, 0);
    return n == 0 || (n < 0 && errno == ECONNRESET);
}

static void requests_are_answered_one_after_the_other(void **state)
{
    (void)state;
    int fd = dial();
    for (int i = 0; i < 20; i++) {
        json_t *answer = ask(fd, "{\"do\": \"status\"}");
        assert_string_equal(json_string_value(json_object_get(json_object_get(answer, "result"), "schema")), "griot.status/1");
        expect_ok(answer);
    }
    close(fd);
}

static void a_frame_may_come_in_pieces(void **state)
{
    (void)state;
    static const uint8_t frame[] = "\0\0\0\021J{\"do\": \"status\"}";
    int fd = dial();
    for (size_t i = 0; i < sizeof frame - 1; i++) {
        assert_int_equal(send(fd, frame + i, 1, MSG_NOSIGNAL), 1);
        usleep(500);
    }
    expect_ok(hear(fd));
    close(fd);
}

static void what_is_no_request_is_refused_and_the_next_one_answered(void **state)
{
    (void)state;
    static const char *const rows[] = {
        "",
        "{",
        "null",
        "[]",
        "\"status\"",
        "{}",
        "{\"do\": 7}",
        "{\"do\": null}",
        "{\"do\": \"status\", \"do\": \"peers\"}",
        "{\"do\": \"sta\\u0000tus\"}",
        "\xff\xfe",
        "{\"do\": \"status\"} and more",
    };
    int fd = dial();
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        expect_error(ask(fd, rows[i]), "ERR_MALFORMED");
    }
    static char deep[5000];
    memset(deep, '[', sizeof deep);
    deep[sizeof deep - 1] = '\0';
    expect_error(ask(fd, deep), "ERR_MALFORMED");
    assert_int_equal(control_write(fd, 'B', span_text("bytes where a request belongs")), ERR_OK);
    expect_error(hear(fd), "ERR_MALFORMED");
    expect_error(ask(fd, "{\"do\": \"dance\"}"), "ERR_USAGE");
    expect_error(ask(fd, "{\"do\": \"append\"}"), "ERR_USAGE");
    expect_error(ask(fd, "{\"do\": \"append\", \"channel\": \"control\"}"), "ERR_USAGE");
    expect_error(ask(fd, "{\"do\": \"show\"}"), "ERR_INVALID");
    expect_ok(ask(fd, "{\"do\": \"status\"}"));
    close(fd);
}

static void frames_have_limits(void **state)
{
    (void)state;
    const struct {
        const char *what;
        uint8_t head[5];
        size_t n;
        const char *code;
    } rows[] = {
        {"no type", {0, 0, 0, 0, 'J'}, 5, "ERR_OVERSIZE"},
        {"one byte too long", {0, 0x10, 0, 1, 'J'}, 5, "ERR_OVERSIZE"},
        {"four gigabytes", {0xff, 0xff, 0xff, 0xff, 'J'}, 5, "ERR_OVERSIZE"},
        {"another type", {0, 0, 0, 2, 'X'}, 5, "ERR_MALFORMED"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int fd = dial();
        assert_int_equal(send(fd, rows[i].head, rows[i].n, MSG_NOSIGNAL), rows[i].n);
        expect_error(hear(fd), rows[i].code); /* told, then cut off: where the next frame begins nobody knows */
        if (!has_ended(fd)) {
            fail_msg("%s: heard", rows[i].what);
        }
        close(fd);
    }
    /* The longest there is: type and body together 1 MiB. */
    int fd = dial();
    uint8_t *body = malloc(CONTROL_FRAME_BYTES_MAX);
    assert_non_null(body);
    memset(body, ' ', CONTROL_FRAME_BYTES_MAX);
    memcpy(body, "{\"do\": \"status\"}", 16);
    assert_int_equal(control_write(fd, 'J', span_of(body, CONTROL_FRAME_BYTES_MAX)), ERR_OVERSIZE);
    assert_int_equal(control_write(fd, 'J', span_of(body, CONTROL_FRAME_BYTES_MAX - 1)), ERR_OK);
    expect_ok(hear(fd));
    free(body);
    close(fd);
}

static void reading_a_frame_fails_with_a_reason(void **state)
{
    (void)state;
    const struct {
        const char *what;
        const char *bytes;
        size_t n;
        enum err err;
    } rows[] = {
        {"nothing", "", 0, ERR_UNREACHABLE},
        {"half a head", "\0\0\0", 3, ERR_UNREACHABLE},
        {"half a body", "\0\0\0\005Jab", 7, ERR_UNREACHABLE},
        {"too long", "\0\020\0\001J", 5, ERR_OVERSIZE},
        {"no type", "\0\0\0\0J", 5, ERR_OVERSIZE},
        {"another type", "\0\0\0\001j", 5, ERR_MALFORMED},
        {"an empty body", "\0\0\0\001J", 5, ERR_OK},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        int pair[2];
        char type = 0;
        uint8_t *body = NULL;
        size_t n = 99;
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
        assert_int_equal(send(pair[0], rows[i].bytes, rows[i].n, MSG_NOSIGNAL), rows[i].n);
        close(pair[0]);
        enum err err = control_read(pair[1], &type, &body, &n);
        if (err != rows[i].err) {
            fail_msg("%s: %s", rows[i].what, err_name(err));
        }
        if (err == ERR_OK) {
            assert_int_equal(n, 0);
            assert_int_equal(body[0], 0); /* a NUL behind the body */
            free(body);
        } else {
            assert_null(body);
        }
        assert_int_equal(control_write(pair[1], 'J', span_text("{}")), ERR_UNREACHABLE); /* and no SIGPIPE */
        close(pair[1]);
    }
}

static void appending_answers_each_batch_and_ends_with_an_empty_one(void **state)
{
    (void)state;
    int fd = dial();
    expect_ok(ask(fd, "{\"do\": \"append\", \"channel\": \"report\"}"));
    for (int i = 0; i < 3; i++) { /* one that the service refuses does not end the stream */
        assert_int_equal(control_write(fd, 'B', span_text("this is no batch of records")), ERR_OK);
        json_t *answer = hear(fd);
        assert_true(json_is_false(json_object_get(answer, "ok")));
        json_decref(answer);
    }
    assert_int_equal(control_write(fd, 'B', span_of(NULL, 0)), ERR_OK);
    expect_ok(hear(fd));
    expect_ok(ask(fd, "{\"do\": \"status\"}")); /* back to requests */
    expect_ok(ask(fd, "{\"do\": \"append\", \"channel\": \"bulk\"}"));
    assert_int_equal(control_write(fd, 'J', span_text("{\"do\": \"status\"}")), ERR_OK); /* no batch: the end */
    assert_true(has_ended(fd));
    close(fd);
}

struct caller {
    pthread_t thread;
    int answers;
};

static void *call_often(void *arg)
{
    struct caller *caller = arg;
    for (int i = 0; i < 10; i++) {
        int fd = control_connect(path);
        if (fd < 0) {
            return NULL;
        }
        char type;
        uint8_t *body;
        size_t n;
        if (control_write(fd, 'J', span_text("{\"do\": \"peers\"}")) == ERR_OK && control_read(fd, &type, &body, &n) == ERR_OK) {
            caller->answers += n > 20;
            free(body);
        }
        close(fd);
    }
    return NULL;
}

static void many_commands_at_once_are_all_answered(void **state)
{
    (void)state;
    struct caller callers[16] = {0};
    for (size_t i = 0; i < 16; i++) {
        assert_int_equal(pthread_create(&callers[i].thread, NULL, call_often, &callers[i]), 0);
    }
    for (size_t i = 0; i < 16; i++) {
        pthread_join(callers[i].thread, NULL);
        assert_int_equal(callers[i].answers, 10);
    }
}

/* Ask until there is a place: threads whose clients have gone notice in a moment. */
static void await_place(void)
{
    for (int i = 0;; i++) {
        int fd = dial();
        json_t *answer = ask(fd, "{\"do\": \"status\"}");
        bool is_ok = json_is_true(json_object_get(answer, "ok"));
        close(fd);
        json_decref(answer);
        if (is_ok) {
            return;
        }
        assert_true(i < 1000);
        usleep(10000);
    }
}

static void one_too_many_is_told_so_and_the_place_is_given_again(void **state)
{
    (void)state;
    int fds[CONTROL_CLIENTS_MAX];
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        fds[i] = dial();
        expect_ok(ask(fds[i], "{\"do\": \"status\"}")); /* each has its thread now */
    }
    for (int i = 0; i < 3; i++) {
        int more = dial();
        expect_error(ask(more, "{\"do\": \"status\"}"), "ERR_BUSY");
        assert_true(has_ended(more));
        close(more);
    }
    close(fds[7]);
    await_place();
    for (size_t i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (i != 7) {
            close(fds[i]);
        }
    }
}

static void clients_may_go_at_any_moment(void **state)
{
    (void)state;
    static const uint8_t frame[] = "\0\0\0\021J{\"do\": \"status\"}";
    for (size_t n = 0; n < sizeof frame; n++) { /* after each byte of a request */
        int fd = dial();
        assert_int_equal(send(fd, frame, n, MSG_NOSIGNAL), n);
        close(fd);
    }
    for (int i = 0; i < 100; i++) { /* while it is answered */
        int fd = dial();
        (void)!control_write(fd, 'J', span_text(i % 2 == 0 ? "{\"do\": \"fsck\"}" : "{\"do\": \"status\"}"));
        if (i % 3 == 0) {
            struct linger now = {.l_onoff = 1};
            setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
        }
        close(fd);
    }
    for (int i = 0; i < 20; i++) { /* in the middle of appending */
        int fd = dial();
        (void)!control_write(fd, 'J', span_text("{\"do\": \"append\", \"channel\": \"bulk\"}"));
        (void)!control_write(fd, 'B', span_text("\x92"));
        close(fd);
    }
    await_place();
}

static void only_the_owner_may_open_it(void **state)
{
    (void)state;
    struct stat st;
    char file[KEY_PATH_BYTES_MAX + 32];
    snprintf(file, sizeof file, "%s/control.sock", path);
    assert_int_equal(stat(file, &st), 0);
    assert_true(S_ISSOCK(st.st_mode));
    assert_int_equal(st.st_mode & 07777, 0600);
    assert_int_equal(st.st_uid, geteuid());
}

/* Even where the file's mode let another user connect, who it is decides. */
static void another_user_is_turned_away(void **state)
{
    (void)state;
    if (geteuid() != 0) {
        print_message("    skipped: only root can become another user\n");
        skip();
    }
    char file[KEY_PATH_BYTES_MAX + 32];
    snprintf(file, sizeof file, "%s/control.sock", path);
    assert_int_equal(chmod(work, 0755), 0);
    assert_int_equal(chmod(path, 0755), 0);
    assert_int_equal(chmod(file, 0666), 0);
    fflush(NULL);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        if (setgid(65534) != 0 || setuid(65534) != 0) {
            _exit(2);
        }
        int fd = control_connect(path);
        char type;
        uint8_t *body;
        size_t n;
        if (fd < 0) {
            _exit(3);
        }
        (void)!control_write(fd, 'J', span_text("{\"do\": \"status\"}"));
        if (control_read(fd, &type, &body, &n) != ERR_OK) {
            _exit(4);
        }
        _exit(strstr((const char *)body, "\"ok\":false") != NULL && strstr((const char *)body, "ERR_PERMISSION") != NULL && control_read(fd, &type, &body, &n) != ERR_OK ? 0 : 5);
    }
    int status;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    int fd = dial(); /* and root itself is heard */
    expect_ok(ask(fd, "{\"do\": \"status\"}"));
    json_t *refused = NULL;
    for (int i = 0; i < 500; i++) { /* the row is written after he was told */
        json_t *answer = ask(fd, "{\"do\": \"audit\", \"action\": \"refused\"}");
        refused = json_incref(json_array_get(json_object_get(json_object_get(answer, "result"), "rows"), 0));
        json_decref(answer);
        if (refused != NULL) {
            break;
        }
        usleep(10000);
    }
    assert_int_equal(json_integer_value(json_object_get(refused, "uid")), 65534);
    assert_string_equal(json_string_value(json_object_get(refused, "outcome")), "ERR_PERMISSION");
    json_decref(refused);
    close(fd);
}

/* A socket's address holds 108 bytes. */
static void a_home_with_a_long_path_has_a_socket_too(void **state)
{
    (void)state;
    stop();
    char name[400];
    size_t n = 0;
    for (int depth = 0; depth < 3; depth++) { /* folders of 120 characters */
        if (depth > 0) {
            name[n++] = '/';
        }
        memset(name + n, 'a' + depth, 120);
        n += 120;
        name[n] = '\0';
        if (depth < 2) {
            snprintf(path, sizeof path, "%s/%s", work, name);
            assert_int_equal(mkdir(path, 0700), 0);
        }
    }
    start_at(name);
    assert_true(strlen(path) > 300);
    int fd = dial();
    expect_ok(ask(fd, "{\"do\": \"status\"}"));
    close(fd);
    only_the_owner_may_open_it(state);
}

static void nobody_listens_where_no_node_runs(void **state)
{
    (void)state;
    stop();
    assert_int_equal(control_connect(path), -1);
    assert_int_equal(errno, ENOENT); /* it was taken away */
    assert_int_equal(control_connect("/nowhere/at/all"), -1);
}

/* A socket file of a daemon that was killed is no obstacle to the next one, and no daemon to a command. */
static void a_socket_left_behind_is_replaced(void **state)
{
    (void)state;
    control_destroy(&control);
    char file[KEY_PATH_BYTES_MAX + 32];
    snprintf(file, sizeof file, "%s/control.sock", path);
    int stale = open(file, O_CREAT | O_WRONLY, 0644);
    assert_true(stale >= 0);
    close(stale);
    assert_int_equal(control_connect(path), -1);
    assert_int_equal(control_new(path, &service, &control), ERR_OK);
    int fd = dial();
    expect_ok(ask(fd, "{\"do\": \"status\"}"));
    close(fd);
}

static void a_folder_that_is_not_there_is_an_error(void **state)
{
    (void)state;
    struct control *none = NULL;
    char *longer = malloc(KEY_PATH_BYTES_MAX + 10);
    assert_non_null(longer);
    memset(longer, 'x', KEY_PATH_BYTES_MAX + 9);
    longer[KEY_PATH_BYTES_MAX + 9] = '\0';
    assert_int_equal(control_new("/nowhere/at/all", &service, &none), ERR_IO);
    assert_int_equal(control_new(longer, &service, &none), ERR_IO);
    assert_null(none);
    free(longer);
    control_destroy(&none);
}

/* Ending does not wait for clients that say nothing, or that do not read. */
static void stopping_ends_the_clients(void **state)
{
    (void)state;
    int fds[8];
    for (int i = 0; i < 8; i++) {
        fds[i] = dial();
        if (i % 2 == 0) {
            expect_ok(ask(fds[i], "{\"do\": \"status\"}"));
        } else {
            assert_int_equal(send(fds[i], "\0\0", 2, MSG_NOSIGNAL), 2);
        }
    }
    int small = 1; /* asks a thousand things and reads nothing */
    int deaf = dial();
    setsockopt(deaf, SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
    for (int i = 0; i < 1000; i++) {
        static const uint8_t frame[] = "\0\0\0\021J{\"do\": \"status\"}";
        if (send(deaf, frame, sizeof frame - 1, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
            break;
        }
    }
    usleep(100000);
    control_destroy(&control);
    for (int i = 0; i < 8; i++) {
        assert_true(has_ended(fds[i]));
        close(fds[i]);
    }
    close(deaf);
    assert_int_equal(control_new(path, &service, &control), ERR_OK);
}

static void a_command_speaks_to_the_daemon_as_to_the_store(void **state)
{
    (void)state;
    struct client *client;
    json_t *result = NULL;
    assert_int_equal(client_open(path, &client), ERR_OK);
    assert_true(client_is_daemon(client));
    json_t *request = json_pack("{s:s}", "do", "status");
    assert_int_equal(client_call(client, request, NULL, NULL, &result), ERR_OK);
    assert_string_equal(json_string_value(json_object_get(result, "schema")), "griot.status/1");
    json_decref(result);
    json_decref(request);
    request = json_pack("{s:s}", "do", "dance");
    assert_int_equal(client_call(client, request, NULL, NULL, &result), ERR_USAGE);
    json_decref(result);
    json_decref(request);
    assert_int_equal(client_append_begin(client, json_pack("{s:s}", "channel", "nonsense"), &result), ERR_USAGE);
    assert_string_equal(json_string_value(json_object_get(result, "code")), "ERR_USAGE");
    json_decref(result);
    assert_int_equal(client_append_begin(client, json_pack("{s:s, s:s}", "channel", "alert", "to", "gm"), &result), ERR_NOT_FOUND);
    assert_string_equal(json_string_value(json_object_get(result, "value")), "gm");
    json_decref(result);
    assert_int_equal(client_append_begin(client, json_pack("{s:s}", "channel", "alert"), &result), ERR_OK);
    assert_null(result);
    assert_int_not_equal(client_append(client, span_text("no batch"), &result), ERR_OK);
    json_decref(result);
    assert_int_equal(client_append_end(client), ERR_OK);
    stop(); /* the daemon ends under it */
    request = json_pack("{s:s}", "do", "status");
    assert_int_equal(client_call(client, request, NULL, NULL, &result), ERR_UNREACHABLE);
    assert_string_equal(json_string_value(json_object_get(result, "code")), "ERR_UNREACHABLE");
    json_decref(result);
    json_decref(request);
    client_close(&client);
    assert_null(client);
    client_close(&client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(requests_are_answered_one_after_the_other, setup, teardown),
        cmocka_unit_test_setup_teardown(a_frame_may_come_in_pieces, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_no_request_is_refused_and_the_next_one_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(frames_have_limits, setup, teardown),
        cmocka_unit_test(reading_a_frame_fails_with_a_reason),
        cmocka_unit_test_setup_teardown(appending_answers_each_batch_and_ends_with_an_empty_one, setup, teardown),
        cmocka_unit_test_setup_teardown(many_commands_at_once_are_all_answered, setup, teardown),
        cmocka_unit_test_setup_teardown(one_too_many_is_told_so_and_the_place_is_given_again, setup, teardown),
        cmocka_unit_test_setup_teardown(clients_may_go_at_any_moment, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_owner_may_open_it, setup, teardown),
        cmocka_unit_test_setup_teardown(another_user_is_turned_away, setup, teardown),
        cmocka_unit_test_setup_teardown(a_home_with_a_long_path_has_a_socket_too, setup, teardown),
        cmocka_unit_test_setup_teardown(nobody_listens_where_no_node_runs, setup, teardown),
        cmocka_unit_test_setup_teardown(a_socket_left_behind_is_replaced, setup, teardown),
        cmocka_unit_test_setup_teardown(a_folder_that_is_not_there_is_an_error, setup, teardown),
        cmocka_unit_test_setup_teardown(stopping_ends_the_clients, setup, teardown),
        cmocka_unit_test_setup_teardown(a_command_speaks_to_the_daemon_as_to_the_store, setup, teardown),
    };
    if (crypto_start() != ERR_OK) {
        return 1;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
