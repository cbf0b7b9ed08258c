/* Prometheus text: every value has a type, labels are escaped, what is not known is left out; and nobody but this machine may ask. */
#include "node/metrics.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

static char *written(const char *status, const char *peers, const char *lag)
{
    json_t *a = status != NULL ? json_loads(status, 0, NULL) : NULL, *b = peers != NULL ? json_loads(peers, 0, NULL) : NULL;
    json_t *c = lag != NULL ? json_loads(lag, 0, NULL) : NULL;
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    assert_non_null(to);
    metrics_write(to, a, b, c);
    assert_int_equal(fclose(to), 0);
    json_decref(a);
    json_decref(b);
    json_decref(c);
    return text;
}

static void has(const char *text, const char *part)
{
    if (strstr(text, part) == NULL) {
        fail_msg("\"%s\" is not in:\n%s", part, text);
    }
}

static void only_loopback_addresses_are_valid(void **state)
{
    static const struct {
        const char *address;
        bool is_valid;
    } rows[] = {
        {"127.0.0.1:1", true},     {"127.0.0.1:65535", true}, {"[::1]:9469", true},     {"127.0.0.1:0", false},   {"127.0.0.1:65536", false}, {"127.0.0.1:", false},
        {"127.0.0.1", false},      {"0.0.0.0:9469", false},   {"[::]:9469", false},     {"localhost:9469", false}, {"127.0.0.1:80x", false},   {"127.0.0.1:080", false},
        {"192.0.2.1:9469", false}, {"", false},               {"127.0.0.1:99999999999", false},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (metrics_address_is_valid(rows[i].address) != rows[i].is_valid) {
            fail_msg("%s", rows[i].address);
        }
    }
}

static void labels_are_escaped(void **state)
{
    char *text = written("{\"node\":{\"name\":\"a\\\"b\\\\c\\nd\",\"role\":\"hub\"},\"version\":\"1\",\"store\":{\"intake\":\"open\"},\"index\":{\"followed\":1,\"journal\":4}}", NULL, NULL);
    (void)state;
    has(text, "griot_build_info{version=\"1\",node=\"a\\\"b\\\\c\\nd\",role=\"hub\"} 1\n");
    has(text, "griot_index_behind_items 3\n");
    has(text, "griot_intake_open 1\n");
    free(text);
}

static void what_is_not_known_is_left_out(void **state)
{
    char *text = written(NULL, "{\"peers\":[{\"name\":\"gm\",\"state\":\"unknown\",\"rtt_ms\":null,\"they_miss\":null,\"bytes_in\":7,\"bytes_out\":9}]}",
                         "{\"origins\":[{\"name\":\"sn\",\"here\":{\"missing\":2,\"heard\":true}}],\"nodes\":[{\"name\":\"gm\",\"by\":{\"sn\":5}}]}");
    (void)state;
    has(text, "griot_peer_state{peer=\"gm\",state=\"unknown\"} 1\n");
    has(text, "griot_peer_state{peer=\"gm\",state=\"current\"} 0\n");
    has(text, "griot_link_bytes_total{peer=\"gm\",direction=\"out\"} 9\n");
    has(text, "griot_missing_here_records{origin=\"sn\"} 2\n");
    has(text, "griot_peer_missing_records{peer=\"gm\",origin=\"sn\"} 5\n");
    assert_null(strstr(text, "griot_peer_round_trip_seconds{"));
    assert_null(strstr(text, "griot_peer_they_miss_entries{"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_loopback_addresses_are_valid),
        cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(what_is_not_known_is_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
