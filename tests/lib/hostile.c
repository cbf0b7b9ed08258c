#include "tests/lib/hostile.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

enum { BYTES_MAX = 70000, HEX_COLUMNS = 32 };

static uint8_t again_bytes[BYTES_MAX];

/* The codec's answer for a copy of `bytes` of exactly their size. */
static enum err run(hostile_codec codec, struct span bytes, const char *what)
{
    uint8_t *copy = malloc(bytes.n > 0 ? bytes.n : 1);
    struct out again = out_into(again_bytes, sizeof again_bytes);
    const char *clause = NULL;
    enum err err;

    assert_non_null(copy);
    if (bytes.n > 0) {
        memcpy(copy, bytes.p, bytes.n);
    }
    err = codec(span_of(copy, bytes.n), &again, &clause);
    if (err == ERR_OK && !span_equal(out_written(&again), span_of(copy, bytes.n))) {
        fail_msg("%s: accepted, but encodes to other bytes", what);
    }
    if (err != ERR_OK && (clause == NULL || strncmp(clause, "WIRE.md ", 8) != 0)) {
        fail_msg("%s: %s without a clause of WIRE.md", what, err_name(err));
    }
    if (err != ERR_OK && err_blame(err) != BLAME_PEER) {
        fail_msg("%s: %s does not blame the peer", what, err_name(err));
    }
    free(copy);
    return err;
}

void hostile_check(hostile_codec codec, struct span good)
{
    uint8_t *work = malloc(good.n + 1);
    char what[64];

    assert_non_null(work);
    memcpy(work, good.p, good.n);
    assert_int_equal(run(codec, good, "the good bytes"), ERR_OK);
    for (size_t n = 0; n < good.n; n++) {
        (void)snprintf(what, sizeof what, "cut after %zu bytes", n);
        if (run(codec, span_of(work, n), what) == ERR_OK) {
            fail_msg("%s: accepted", what);
        }
    }
    for (unsigned extra = 0; extra < 256; extra++) {
        work[good.n] = (uint8_t)extra;
        (void)snprintf(what, sizeof what, "with byte %02x appended", extra);
        if (run(codec, span_of(work, good.n + 1), what) == ERR_OK) {
            fail_msg("%s: accepted", what);
        }
    }
    for (size_t bit = 0; bit < 8 * good.n; bit++) {
        (void)snprintf(what, sizeof what, "with bit %zu flipped", bit);
        work[bit / 8] ^= (uint8_t)(1U << bit % 8);
        (void)run(codec, span_of(work, good.n), what);
        work[bit / 8] ^= (uint8_t)(1U << bit % 8);
    }
    free(work);
}

/* ---- golden files: hexadecimal, white space ignored, lines beginning with '#' are comments ---- */

static void golden_write(const char *path, const char *name, struct span bytes)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    (void)fprintf(file, "# %s, %zu bytes\n", name, bytes.n);
    for (size_t i = 0; i < bytes.n; i++) {
        (void)fprintf(file, "%02x%s", bytes.p[i], (i + 1) % HEX_COLUMNS == 0 || i + 1 == bytes.n ? "\n" : "");
    }
    assert_int_equal(fclose(file), 0);
}

static int hex_digit(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c == '\0' ? NULL : strchr(digits, c);

    return at == NULL ? -1 : (int)(at - digits);
}

static size_t golden_read(const char *path, uint8_t *ret, size_t cap)
{
    FILE *file = fopen(path, "r");
    char line[256];
    size_t n = 0;

    if (file == NULL) {
        fail_msg("%s: cannot be read", path);
        return 0;
    }
    while (fgets(line, sizeof line, file) != NULL) {
        for (size_t i = 0; line[0] != '#' && hex_digit(line[i]) >= 0 && hex_digit(line[i + 1]) >= 0; i += 2) {
            assert_true(n < cap);
            ret[n++] = (uint8_t)(hex_digit(line[i]) << 4 | hex_digit(line[i + 1]));
        }
    }
    assert_int_equal(fclose(file), 0);
    return n;
}

struct span golden_bytes(const char *name, struct span written)
{
    static uint8_t bytes[BYTES_MAX];
    char path[128];

    (void)snprintf(path, sizeof path, "tests/golden/%s.hex", name);
    if (getenv("GRIOT_GOLDEN_WRITE") != NULL) {
        golden_write(path, name, written);
    }
    return span_of(bytes, golden_read(path, bytes, sizeof bytes));
}

void golden_check(const char *name, struct span written, hostile_codec codec)
{
    struct span golden = golden_bytes(name, written);

    if (!span_equal(golden, written)) {
        fail_msg("%s: what is written differs from the golden bytes", name);
    }
    if (codec != NULL) {
        hostile_check(codec, golden);
    }
}
