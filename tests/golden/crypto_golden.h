/* crypto_golden.h - reads the vectors beside it: lines of "name hex", comments begin with '#'. Run
 * from the project root. To be included after cmocka.h. */
#ifndef GRIOT_TESTS_GOLDEN_CRYPTO_GOLDEN_H
#define GRIOT_TESTS_GOLDEN_CRYPTO_GOLDEN_H

#include <stdio.h>
#include <string.h>

#include "crypto/hash.h"

enum { GOLDEN_BYTES_MAX = 512 };

/* The bytes of the line `name` in tests/golden/`file`; fails the test when there is no such line.
 * Returns their number. */
static inline size_t golden(const char *file, const char *name, uint8_t ret[GOLDEN_BYTES_MAX])
{
    char path[128];
    char line[2 * GOLDEN_BYTES_MAX + 128];
    size_t n = 0;

    snprintf(path, sizeof path, "tests/golden/%s", file);
    FILE *f = fopen(path, "r");
    if (f == NULL) {
        fail_msg("%s is not here: run the test from the project root", path);
        return 0;
    }
    while (n == 0 && fgets(line, sizeof line, f) != NULL) {
        char *hex = strchr(line, ' ');
        if (line[0] == '#' || hex == NULL) {
            continue;
        }
        *hex++ = '\0';
        hex[strcspn(hex, "\n")] = '\0';
        if (strcmp(line, name) == 0) {
            n = strlen(hex) / 2;
            if (n == 0 || n > GOLDEN_BYTES_MAX || !hex_decode(hex, ret, n)) {
                n = 0;
                break;
            }
        }
    }
    fclose(f);
    if (n == 0) {
        fail_msg("%s has no good line %s", path, name);
    }
    return n;
}

#endif
