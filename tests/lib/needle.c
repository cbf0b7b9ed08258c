#include "needle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>

#include <cmocka.h>
#include <ftw.h>

struct needle needle_of(const struct secret *secret)
{
    struct needle needle;
    for (size_t i = 0; i < sizeof needle.inverted; i++) {
        needle.inverted[i] = secret_read(secret)[i] ^ 0xff;
    }
    return needle;
}

static bool is_at(const struct needle *needle, const uint8_t *p)
{
    for (size_t i = 0; i < sizeof needle->inverted; i++) {
        if ((p[i] ^ needle->inverted[i]) != 0xff) {
            return false;
        }
    }
    return true;
}

/* How often all writable memory of this process holds it; the buffer used to look is outside what
 * is searched. */
unsigned needle_in_memory(const struct needle *needle, FILE *memory)
{
    enum { WINDOW = 1 << 16, LAP = 31 };
    static uint8_t *window;
    char line[512];
    unsigned found = 0;
    FILE *maps = fopen("/proc/self/maps", "r");

    if (window == NULL) {
        window = malloc(WINDOW + LAP);
    }
    assert_true(maps != NULL && window != NULL);
    while (fgets(line, sizeof line, maps) != NULL) {
        unsigned long start = 0;
        unsigned long end = 0;
        char rights[8] = "";
        if (sscanf(line, "%lx-%lx %7s", &start, &end, rights) != 3 || rights[0] != 'r' ||
            rights[1] != 'w' ||
            end - start > 1UL << 28) { /* nothing of ours is so large; a sanitizer's shadow is */
            continue;
        }
        for (unsigned long at = start; at < end; at += WINDOW) {
            size_t want = end - at < WINDOW + LAP ? end - at : WINDOW + LAP;
            if ((uintptr_t)window + WINDOW + LAP > at && (uintptr_t)window < at + want) {
                memset(window, 0,
                       WINDOW + LAP); /* a copy of what was looked at before is no finding */
            }
            if (fseek(memory, (long)at, SEEK_SET) != 0) {
                break;
            }
            size_t got = fread(window, 1, want, memory);
            for (size_t i = 0; i + sizeof needle->inverted <= got; i++) {
                found += (window[i] ^ needle->inverted[0]) == 0xff && is_at(needle, window + i);
            }
            memset(window, 0, WINDOW + LAP);
        }
    }
    fclose(maps);
    return found;
}

FILE *needle_memory(void)
{
    prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* else only root may look */
    FILE *memory = fopen("/proc/self/mem", "r");
    if (memory != NULL) {
        setbuf(memory, NULL);
    }
    return memory;
}

/* ---- files ---- */

static bool has_piece(const struct needle *needle, const uint8_t *p, size_t n, bool is_hex)
{
    static const char digits[] = "0123456789abcdef";
    size_t piece = is_hex ? (size_t)NEEDLE_PIECE_BYTES * 2 : NEEDLE_PIECE_BYTES;
    for (size_t from = 0; from + NEEDLE_PIECE_BYTES <= NEEDLE_BYTES && piece <= n; from++) {
        size_t same = 0;
        while (same < piece) {
            uint8_t byte = needle->inverted[from + (is_hex ? same / 2 : same)] ^ 0xff;
            uint8_t wanted = is_hex ? (uint8_t)digits[same % 2 == 0 ? byte >> 4 : byte & 15] : byte;
            uint8_t found = is_hex && p[same] >= 'A' && p[same] <= 'F' ? (uint8_t)(p[same] + 32) : p[same];
            if (found != wanted) {
                break;
            }
            same++;
        }
        if (same == piece) {
            return true;
        }
    }
    return false;
}

unsigned needle_in_bytes(const struct needle *needle, const uint8_t *p, size_t n)
{
    unsigned found = 0;
    for (size_t i = 0; i < n; i++) {
        found += has_piece(needle, p + i, n - i, false) || has_piece(needle, p + i, n - i, true);
    }
    return found;
}

static const struct needle *wanted;
static unsigned found_in_folder;
static size_t bytes_in_folder;

static int look(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)ftw;
    if (type != FTW_F || !S_ISREG(st->st_mode) || st->st_size == 0) {
        return 0;
    }
    uint8_t *bytes = malloc((size_t)st->st_size);
    FILE *file = fopen(path, "rb");
    assert_true(bytes != NULL && file != NULL);
    size_t n = fread(bytes, 1, (size_t)st->st_size, file);
    unsigned found = needle_in_bytes(wanted, bytes, n);
    if (found > 0) {
        print_message("  %u in %s\n", found, path);
    }
    found_in_folder += found;
    bytes_in_folder += n;
    fclose(file);
    free(bytes);
    return 0;
}

unsigned needle_in_folder(const struct needle *needle, const char *folder, size_t *ret_bytes)
{
    wanted = needle;
    found_in_folder = 0;
    bytes_in_folder = 0;
    assert_int_equal(nftw(folder, look, 16, FTW_PHYS), 0);
    *ret_bytes = bytes_in_folder;
    return found_in_folder;
}
