/* griot.ini: every fault has its line, nothing is guessed, and deploy/griot.ini says what the table says. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "node/cli/i18n.h"
#include "node/config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FAULTS_MAX = 16 };

static char path[] = "/tmp/griot-config-XXXXXX";

static int make_file(void **state)
{
    int fd = mkstemp(path);
    (void)state;
    if (fd < 0) {
        return -1;
    }
    return close(fd);
}

static int remove_file(void **state)
{
    (void)state;
    return unlink(path);
}

static void write_file(const char *text, size_t n)
{
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, n, file), n);
    assert_int_equal(fclose(file), 0);
}

static enum err read_text(const char *text, struct config *config, struct config_fault *faults, size_t *count)
{
    write_file(text, strlen(text));
    return config_read(path, config, faults, FAULTS_MAX, count);
}

static void an_empty_file_gives_the_defaults(void **state)
{
    struct config read;
    struct config defaults;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 9;
    (void)state;

    config_defaults(&defaults);
    assert_int_equal(read_text("", &read, faults, &count), ERR_OK);
    assert_int_equal(count, 0);
    assert_memory_equal(&read, &defaults, sizeof read);
    assert_string_equal(defaults.listen, "");
    assert_string_equal(defaults.log_level, "info");
    assert_int_equal(defaults.disk_reserve_mib, 512);
    assert_int_equal(defaults.retry_max_s, 0);
}

static void every_key_is_read(void **state)
{
    struct config read;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    (void)state;

    assert_int_equal(read_text("\xef\xbb\xbf; a comment\n[node]\nlisten = tcp://*:7301\nkey_file = /etc/griot/key ; with a comment\nlanguage=pt\nrilo = rilo-dakar\n"
                               "[store]\r\ndisk_reserve_mib: 1024\r\n[log]\nlevel = debug\n[link]\nretry_max_s = 60\n"
                               "[peer \"rilo-dakar\"]\naddress = tcp://198.51.100.7:7301\n[peer \"sn\"]\naddress = tcp://[2001:db8::1]:65535\n",
                               &read, faults, &count),
                     ERR_OK);
    assert_string_equal(read.listen, "tcp://*:7301");
    assert_string_equal(read.key_file, "/etc/griot/key");
    assert_string_equal(read.language, "pt");
    assert_string_equal(read.rilo, "rilo-dakar");
    assert_int_equal(read.disk_reserve_mib, 1024);
    assert_string_equal(read.log_level, "debug");
    assert_int_equal(read.retry_max_s, 60);
    assert_int_equal(read.peer_count, 2);
    assert_string_equal(read.peers[0].name, "rilo-dakar");
    assert_string_equal(read.peers[0].address, "tcp://198.51.100.7:7301");
    assert_string_equal(read.peers[1].address, "tcp://[2001:db8::1]:65535");
}

static void each_fault_names_its_line(void **state)
{
    static const struct {
        const char *what;
        const char *text;
        uint32_t line;
        const char *says;
    } rows[] = {
        {"unknown key", "[node]\nlisen = tcp://*:1\n", 2, "unknown key lisen in [node]"},
        {"unknown section", "[nod]\nlisten = tcp://*:1\n", 2, "unknown section [nod]"},
        {"no section", "listen = tcp://*:1\n", 1, "before any section"},
        {"doubled key", "[node]\nlanguage = fr\n\nlanguage = pt\n", 4, "given twice"},
        {"doubled in a second section of the name", "[log]\nlevel = info\n[node]\n[log]\nlevel = warn\n", 5, "given twice"},
        {"continued line", "[node]\nlanguage = fr\n pt\n", 3, "neither a [section] nor key = value"},
        {"no key and value", "[node]\njust words\n", 2, "neither a [section] nor key = value"},
        {"open section", "[node\n", 1, "] is missing"},
        {"language", "[node]\nlanguage = de\n", 2, "language = de"},
        {"rilo that is no name", "[node]\nrilo = RILO Dakar\n", 2, "the name of a hub"},
        {"rilo one above", "[node]\nrilo = rilo-0123456789012345678901234567\n", 2, "the name of a hub"},
        {"relative key file", "[node]\nkey_file = key\n", 2, "an absolute path"},
        {"level", "[log]\nlevel = loud\n", 2, "error, warn, info or debug"},
        {"other transport", "[node]\nlisten = ipc:///tmp/x\n", 2, "tcp://HOST:PORT"},
        {"no port", "[node]\nlisten = tcp://host\n", 2, "tcp://HOST:PORT"},
        {"port zero", "[node]\nlisten = tcp://host:0\n", 2, "tcp://HOST:PORT"},
        {"port one above", "[node]\nlisten = tcp://host:65536\n", 2, "tcp://HOST:PORT"},
        {"no host", "[node]\nlisten = tcp://:7301\n", 2, "tcp://HOST:PORT"},
        {"two addresses", "[node]\nlisten = tcp://a:1,tcp://b:2\n", 2, "tcp://HOST:PORT"},
        {"number one below", "[store]\ndisk_reserve_mib = 15\n", 2, "16 to 1048576"},
        {"number one above", "[store]\ndisk_reserve_mib = 1048577\n", 2, "16 to 1048576"},
        {"number beyond 64 bits", "[store]\ndisk_reserve_mib = 99999999999999999999\n", 2, "16 to 1048576"},
        {"negative number", "[store]\ndisk_reserve_mib = -1\n", 2, "16 to 1048576"},
        {"number with a tail", "[store]\ndisk_reserve_mib = 512M\n", 2, "16 to 1048576"},
        {"empty number", "[link]\nretry_max_s =\n", 2, "0 to 3600"},
        {"retry one above", "[link]\nretry_max_s = 3601\n", 2, "0 to 3600"},
        {"peer without quotes", "[peer rilo]\naddress = tcp://a:1\n", 2, "unknown section [peer rilo]"},
        {"peer with a bad name", "[peer \"Rilo\"]\naddress = tcp://a:1\n", 2, "unknown section"},
        {"peer with no name", "[peer \"\"]\naddress = tcp://a:1\n", 2, "unknown section"},
        {"peer with another key", "[peer \"rilo\"]\nkey = x\n", 2, "only address is known"},
        {"peer address", "[peer \"rilo\"]\naddress = inproc://a\n", 2, "tcp://HOST:PORT"},
        {"peer twice", "[peer \"rilo\"]\naddress = tcp://a:1\n[peer \"rilo\"]\naddress = tcp://b:1\n", 4, "given twice"},
    };
    (void)state;

    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct config config;
        struct config_fault faults[FAULTS_MAX];
        size_t count = 0;
        enum err err = read_text(rows[i].text, &config, faults, &count);
        if (err != ERR_CONFIG || count != 1 || faults[0].line != rows[i].line || strstr(faults[0].what, rows[i].says) == NULL) {
            fail_msg("%s: %s, %zu faults, line %u: %s", rows[i].what, err_name(err), count, count > 0 ? faults[0].line : 0,
                     count > 0 ? faults[0].what : "");
        }
    }
}

static void numbers_at_their_limits_are_taken(void **state)
{
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    (void)state;

    assert_int_equal(
        read_text("[store]\ndisk_reserve_mib = 16\n[link]\nretry_max_s = 3600\n[node]\nlisten = tcp://h:65535\n", &config, faults, &count), ERR_OK);
    assert_int_equal(config.disk_reserve_mib, 16);
    assert_int_equal(read_text("[node]\nrilo = rilo-012345678901234567890123456\n", &config, faults, &count), ERR_OK);
    assert_int_equal(strlen(config.rilo), 32);
    assert_int_equal(read_text("[store]\ndisk_reserve_mib = 1048576\n[link]\nretry_max_s = 0\n[node]\nlisten = tcp://h:1\n", &config, faults, &count),
                     ERR_OK);
    assert_int_equal(config.disk_reserve_mib, 1048576);
}

static void all_faults_are_reported_and_the_rest_is_read(void **state)
{
    struct config config;
    struct config_fault faults[2];
    size_t count = 0;
    const char *text = "[node]\nx = 1\nlanguage = pt\ny = 2\nz = 3\n";
    (void)state;

    write_file(text, strlen(text));
    assert_int_equal(config_read(path, &config, faults, 2, &count), ERR_CONFIG);
    assert_int_equal(count, 2);
    assert_int_equal(faults[0].line, 2);
    assert_int_equal(faults[1].line, 4);
    assert_string_equal(config.language, "pt");
    assert_int_equal(config_read(path, &config, NULL, 0, &count), ERR_CONFIG);
    assert_int_equal(count, 0);
}

static void a_line_is_never_cut_in_two(void **state)
{
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    char text[600];
    (void)state;

    /* Were the line cut after 197 characters, its tail would be read as a line of its own. */
    (void)snprintf(text, sizeof text, "[node]\nlanguage = fr ; %0*d\nkey_file = /k\n", 400, 0);
    assert_int_equal(read_text(text, &config, faults, &count), ERR_CONFIG);
    assert_int_equal(count, 1);
    assert_int_equal(faults[0].line, 2);
    assert_non_null(strstr(faults[0].what, "longer than"));
    assert_string_equal(config.key_file, "/k");
}

static void peers_are_counted(void **state)
{
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    (void)state;

    for (int peers = CONFIG_PEERS_MAX - 1; peers <= CONFIG_PEERS_MAX + 1; peers++) {
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        for (int i = 0; i < peers; i++) {
            assert_true(fprintf(file, "[peer \"p%d\"]\naddress = tcp://h:%d\n", i, i + 1) > 0);
        }
        assert_int_equal(fclose(file), 0);
        assert_int_equal(config_read(path, &config, faults, FAULTS_MAX, &count), peers > CONFIG_PEERS_MAX ? ERR_CONFIG : ERR_OK);
        assert_int_equal(config.peer_count, peers > CONFIG_PEERS_MAX ? CONFIG_PEERS_MAX : peers);
    }
}

static void bytes_that_are_no_text_are_a_fault(void **state)
{
    static const char nul[] = "[node]\nlanguage = fr\0\n";
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    unsigned char noise[4096];
    uint32_t seed = 1;
    (void)state;

    write_file(nul, sizeof nul - 1);
    assert_int_equal(config_read(path, &config, faults, FAULTS_MAX, &count), ERR_CONFIG);
    assert_int_equal(faults[0].line, 2);
    for (int round = 0; round < 64; round++) {
        for (size_t i = 0; i < sizeof noise; i++) {
            seed = seed * 1664525U + 1013904223U;
            noise[i] = (unsigned char)(seed >> 24);
        }
        write_file((const char *)noise, sizeof noise);
        assert_int_equal(config_read(path, &config, faults, FAULTS_MAX, &count), ERR_CONFIG);
    }
}

static void what_is_not_there_or_not_readable_is_said(void **state)
{
    struct config config;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    (void)state;

    assert_int_equal(config_read("/tmp/griot-no-such-folder/griot.ini", &config, faults, FAULTS_MAX, &count), ERR_NOT_FOUND);
    assert_int_equal(config_read("/tmp", &config, faults, FAULTS_MAX, &count), ERR_IO);
    if (geteuid() != 0) {
        assert_int_equal(chmod(path, 0), 0);
        assert_int_equal(config_read(path, &config, faults, FAULTS_MAX, &count), ERR_PERMISSION);
        assert_int_equal(chmod(path, 0600), 0);
    }
}

static void the_reference_is_valid_and_is_deploy_griot_ini(void **state)
{
    struct config config;
    struct config defaults;
    struct config_fault faults[FAULTS_MAX];
    size_t count = 0;
    char *text = NULL;
    size_t bytes = 0;
    char deployed[8192];
    FILE *memory = open_memstream(&text, &bytes);
    FILE *file;
    (void)state;

    assert_non_null(memory);
    config_reference(memory);
    assert_int_equal(fclose(memory), 0);
    config_defaults(&defaults);
    assert_int_equal(read_text(text, &config, faults, &count), ERR_OK);
    assert_memory_equal(&config, &defaults, sizeof config);
    file = fopen("deploy/griot.ini", "r");
    if (file == NULL) {
        print_message("skipped: deploy/griot.ini is not here; run from the project root\n");
    } else {
        size_t n = fread(deployed, 1, sizeof deployed - 1, file);
        assert_int_equal(fclose(file), 0);
        deployed[n] = '\0';
        assert_string_equal(deployed, text);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_gives_the_defaults),
        cmocka_unit_test(every_key_is_read),
        cmocka_unit_test(each_fault_names_its_line),
        cmocka_unit_test(numbers_at_their_limits_are_taken),
        cmocka_unit_test(all_faults_are_reported_and_the_rest_is_read),
        cmocka_unit_test(a_line_is_never_cut_in_two),
        cmocka_unit_test(peers_are_counted),
        cmocka_unit_test(bytes_that_are_no_text_are_a_fault),
        cmocka_unit_test(what_is_not_there_or_not_readable_is_said),
        cmocka_unit_test(the_reference_is_valid_and_is_deploy_griot_ini),
    };

    (void)language_use("en");
    return cmocka_run_group_tests_name("config", tests, make_file, remove_file);
}
