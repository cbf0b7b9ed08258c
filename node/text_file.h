/* text_file.h - small objects as text that survives mail, print and paper: a line that says what it is ("griot card 1"), then the bytes in hex, 64 digits a line. */
#ifndef GRIOT_NODE_TEXT_FILE_H
#define GRIOT_NODE_TEXT_FILE_H

#include "proto/error.h"
#include "proto/span.h"

/* The text of `bytes` below the line `magic` (with its line end), NUL-terminated; `cap` has room for it (asserted). Returns its length. */
size_t text_file_encode(const char *magic, struct span bytes, char *ret, size_t cap);
/* Does `file` begin with the line `magic`? ERR_MALFORMED  no; ERR_VERSION  but for the number it does: of a newer release */
MUST_CHECK enum err text_file_check(struct span file, const char *magic, const char **why);
/* Read what stands below the line `magic`: text without NUL, yours to free. A line end changed by a mail program is taken as it is.
 *   errors  ERR_MALFORMED, also of a longer file; ERR_VERSION; those of file_read but ERR_OVERSIZE */
MUST_CHECK enum err text_file_read(const char *path, const char *magic, size_t max, char **ret, size_t *ret_bytes, const char **why);
/* The bytes that such a text holds; spaces and ends of lines are where mail programs like them. `text` is used up. ERR_MALFORMED  no hex, or more than `cap` bytes */
MUST_CHECK enum err text_file_decode(char *text, uint8_t *ret, size_t cap, size_t *ret_bytes, const char **why);

#endif
