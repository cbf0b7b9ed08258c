#include "node/text_file.h"

#include <assert.h>
#include <stdlib.h>

#include "crypto/hash.h"
#include "node/file.h"
#include "proto/unpack.h"

enum { LINE_BYTES = 32 };

size_t text_file_encode(const char *magic, struct span bytes, char *ret, size_t cap)
{
    struct out out = out_into(ret, cap - 1);

    out_bytes(&out, magic, strlen(magic));
    for (size_t at = 0; at < bytes.n; at += LINE_BYTES) {
        size_t n = bytes.n - at < LINE_BYTES ? bytes.n - at : LINE_BYTES;
        char hex[2 * LINE_BYTES + 1];

        out_bytes(&out, hex_encode(bytes.p + at, n, hex), 2 * n);
        out_bytes(&out, "\n", 1);
    }
    assert(!out.is_full);
    ret[out.at] = '\0';
    return out.at;
}

/* "griot card 2" is not damage: it needs a newer release. */
enum err text_file_check(struct span file, const char *magic, const char **why)
{
    size_t n = strlen(magic);
    size_t words = n - 2; /* without the number and the line's end */

    if (file.n >= n && memcmp(file.p, magic, n) == 0) {
        return ERR_OK;
    }
    if (file.n > words && memcmp(file.p, magic, words) == 0) {
        return unpack_refuse(why, "text_file.h: a file of a newer release", ERR_VERSION);
    }
    return unpack_refuse(why, "text_file.h: the first line is not that of such a file", ERR_MALFORMED);
}

enum err text_file_read(const char *path, const char *magic, size_t max, char **ret, size_t *ret_bytes, const char **why)
{
    uint8_t *bytes = NULL;
    char *text, *line;
    size_t n = 0, head = strlen(magic);
    enum err err = file_read(path, max, &bytes, &n);

    if (err != ERR_OK) {
        return err == ERR_OVERSIZE ? unpack_refuse(why, "text_file.h: longer than such a file", ERR_MALFORMED) : err;
    }
    text = (char *)bytes;
    line = strpbrk(text, "\r\n");
    if (line != NULL) {
        *line = '\n'; /* CR LF made by a mail program */
    }
    err = text_file_check(span_of(bytes, n), magic, why);
    if (err == ERR_OK && strlen(text) != n) {
        err = unpack_refuse(why, "text_file.h: not text after the first line", ERR_MALFORMED);
    }
    if (err != ERR_OK) {
        free(bytes);
        return err;
    }
    memmove(text, text + head, n - head + 1);
    *ret = text;
    *ret_bytes = n - head;
    return ERR_OK;
}

enum err text_file_decode(char *text, uint8_t *ret, size_t cap, size_t *ret_bytes, const char **why)
{
    size_t kept = 0;

    for (const char *p = text; *p != '\0'; p++) {
        if (strchr(" \t\r\n", *p) == NULL) {
            text[kept++] = *p;
        }
    }
    text[kept] = '\0';
    if (kept == 0 || kept % 2 != 0 || kept / 2 > cap || !hex_decode(text, ret, kept / 2)) {
        return unpack_refuse(why, "text_file.h: not hex after the first line", ERR_MALFORMED);
    }
    *ret_bytes = kept / 2;
    return ERR_OK;
}
