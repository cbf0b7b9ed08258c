#include "proto/record/fold.h"

#include <utf8proc.h>

/* What a character becomes: nothing (it vanishes inside a word), a break between words, or up to FOLDED_BYTES_MAX bytes of a word. */
enum { FOLDED_BYTES_MAX = 64, FOLDED_POINTS_MAX = 20 };
enum folded { FOLDED_GONE, FOLDED_BREAK, FOLDED_SPACE, FOLDED_WORD, FOLDED_ALONE };

/* ASCII: 0 is a break, anything else the folded letter or digit. */
#define SAME(c) [c] = (c)
#define LOWER(c) [c] = (c), [(c)-32] = (c)
static const uint8_t ASCII[128] = {
    SAME('0'),  SAME('1'),  SAME('2'),  SAME('3'),  SAME('4'),  SAME('5'),  SAME('6'),  SAME('7'),  SAME('8'),  SAME('9'),  LOWER('a'), LOWER('b'),
    LOWER('c'), LOWER('d'), LOWER('e'), LOWER('f'), LOWER('g'), LOWER('h'), LOWER('i'), LOWER('j'), LOWER('k'), LOWER('l'), LOWER('m'), LOWER('n'),
    LOWER('o'), LOWER('p'), LOWER('q'), LOWER('r'), LOWER('s'), LOWER('t'), LOWER('u'), LOWER('v'), LOWER('w'), LOWER('x'), LOWER('y'), LOWER('z'),
};

/* Latin-1 from U+00A0: "" vanishes (soft hyphen), " " is a space, "." a break. */
static const char LATIN1[96][3] = {
    " ", ".", ".", ".", ".", ".", ".",  ".", ".", ".", "a", ".", ".", "",  ".",  ".",  /* A0 nbsp .. AF */
    ".", ".", "2", "3", ".", "u", ".",  ".", ".", "1", "o", ".", ".", ".", ".",  ".",  /* B0 .. BF */
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  /* C0 .. CF */
    "d", "n", "o", "o", "o", "o", "o",  ".", "o", "u", "u", "u", "u", "y", "th", "ss", /* D0 .. DF */
    "a", "a", "a", "a", "a", "a", "ae", "c", "e", "e", "e", "e", "i", "i", "i",  "i",  /* E0 .. EF */
    "d", "n", "o", "o", "o", "o", "o",  ".", "o", "u", "u", "u", "u", "y", "th", "y",  /* F0 .. FF */
};

/* Letters that Unicode does not decompose, as typed on a keyboard without them: French, West African, Slavic, Turkish. Sorted. */
static const struct {
    uint16_t point;
    char to[3];
} LETTERS[] = {
    {0x0110, "d"},  {0x0111, "d"},  {0x0126, "h"}, {0x0127, "h"}, {0x0131, "i"}, {0x0141, "l"}, {0x0142, "l"}, {0x014A, "ng"}, {0x014B, "ng"},
    {0x0152, "oe"}, {0x0153, "oe"}, {0x0166, "t"}, {0x0167, "t"}, {0x0181, "b"}, {0x0186, "o"}, {0x0189, "d"}, {0x018A, "d"},  {0x0190, "e"},
    {0x0191, "f"},  {0x0192, "f"},  {0x0194, "g"}, {0x0196, "i"}, {0x0198, "k"}, {0x0199, "k"}, {0x019D, "n"}, {0x01B3, "y"},  {0x01B4, "y"},
    {0x0253, "b"},  {0x0254, "o"},  {0x0256, "d"}, {0x0257, "d"}, {0x025B, "e"}, {0x0263, "g"}, {0x0269, "i"}, {0x0272, "n"},
};

/* Scripts written without spaces: each sign is a word of its own, or nothing in a sentence would be found. */
static bool stands_alone(utf8proc_int32_t c)
{
    return (c >= 0x2E80 && c <= 0x2FDF) || (c >= 0x3040 && c <= 0x30FF) || (c >= 0x3400 && c <= 0x9FFF) || (c >= 0xF900 && c <= 0xFAFF) ||
           (c >= 0x20000 && c <= 0x3FFFF);
}

static bool is_word_category(utf8proc_category_t category)
{
    return (category >= UTF8PROC_CATEGORY_LU && category <= UTF8PROC_CATEGORY_LO) ||
           (category >= UTF8PROC_CATEGORY_ND && category <= UTF8PROC_CATEGORY_NO);
}

/* Compatibility decomposition, case folding, marks dropped. */
static enum folded fold_wide(utf8proc_int32_t c, uint8_t ret[FOLDED_BYTES_MAX], size_t *ret_n)
{
    utf8proc_int32_t points[FOLDED_POINTS_MAX];
    utf8proc_category_t category = utf8proc_category(c);
    utf8proc_ssize_t count;
    int boundary = 0;

    if (category == UTF8PROC_CATEGORY_ZS) {
        return FOLDED_SPACE;
    }
    count = utf8proc_decompose_char(c, points, FOLDED_POINTS_MAX,
                                    UTF8PROC_DECOMPOSE | UTF8PROC_COMPAT | UTF8PROC_CASEFOLD | UTF8PROC_STRIPMARK | UTF8PROC_IGNORE, &boundary);
    if (count < 0 || count > FOLDED_POINTS_MAX) {
        return FOLDED_BREAK;
    }
    *ret_n = 0;
    for (utf8proc_ssize_t i = 0; i < count; i++) {
        if (*ret_n + 4 <= FOLDED_BYTES_MAX && is_word_category(utf8proc_category(points[i]))) {
            *ret_n += (size_t)utf8proc_encode_char(points[i], ret + *ret_n);
        }
    }
    if (*ret_n == 0) {
        return count == 0 ? FOLDED_GONE : FOLDED_BREAK;
    }
    return stands_alone(c) ? FOLDED_ALONE : FOLDED_WORD;
}

static enum folded fold_point(utf8proc_int32_t c, uint8_t ret[FOLDED_BYTES_MAX], size_t *ret_n)
{
    size_t low = 0;
    size_t high = sizeof LETTERS / sizeof LETTERS[0];

    while (low < high) {
        size_t mid = (low + high) / 2;

        if (LETTERS[mid].point == c) {
            *ret_n = strlen(LETTERS[mid].to);
            memcpy(ret, LETTERS[mid].to, *ret_n);
            return FOLDED_WORD;
        }
        if (LETTERS[mid].point < c) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return fold_wide(c, ret, ret_n);
}

/* The character at p, of a text that ends at `end`, is not ASCII. Returns the bytes it takes; a bad byte is a break. */
static size_t fold_character(const uint8_t *p, const uint8_t *end, uint8_t ret[FOLDED_BYTES_MAX], size_t *ret_n, enum folded *ret_what)
{
    utf8proc_int32_t c;
    utf8proc_ssize_t bytes;

    *ret_n = 0;
    if ((p[0] == 0xC2 || p[0] == 0xC3) && end - p >= 2 && (p[1] & 0xC0) == 0x80) {
        unsigned index = ((unsigned)(p[0] & 3) << 6 | (p[1] & 0x3FU));

        if (index >= 0xA0) {
            const char *to = LATIN1[index - 0xA0];

            *ret_what = to[0] == '.' ? FOLDED_BREAK : to[0] == ' ' ? FOLDED_SPACE : to[0] == 0 ? FOLDED_GONE : FOLDED_WORD;
            *ret_n = strlen(to);
            memcpy(ret, to, *ret_n);
            return 2;
        }
    }
    bytes = utf8proc_iterate(p, end - p, &c);
    if (bytes <= 0) {
        *ret_what = FOLDED_BREAK;
        return 1;
    }
    *ret_what = fold_point(c, ret, ret_n);
    return (size_t)bytes;
}

struct word {
    uint8_t bytes[FOLD_WORD_BYTES_MAX];
    size_t n;
    bool is_full; /* cut: what follows in this word is dropped, so that a longer query is cut alike */
};

static void word_add(struct word *word, const uint8_t *bytes, size_t n)
{
    if (word->is_full || n > FOLD_WORD_BYTES_MAX - word->n) {
        word->is_full = true;
        return;
    }
    memcpy(word->bytes + word->n, bytes, n);
    word->n += n;
}

static void word_end(struct word *word, void (*each)(void *arg, struct span word), void *arg)
{
    if (word->n > 0) {
        each(arg, span_of(word->bytes, word->n));
    }
    word->n = 0;
    word->is_full = false;
}

void fold_words(struct span utf8, void (*each)(void *arg, struct span word), void *arg)
{
    struct word word = {.n = 0, .is_full = false};
    const uint8_t *p = utf8.p;
    const uint8_t *end = utf8.p + utf8.n;
    uint8_t folded[FOLDED_BYTES_MAX];

    while (p < end) {
        size_t n = word.n;
        uint8_t c = 0;
        enum folded what;
        size_t folded_n;

        /* The run of ASCII letters and digits that a word mostly is. */
        while (p < end && *p < 128 && (c = ASCII[*p]) != 0) {
            if (n < FOLD_WORD_BYTES_MAX && !word.is_full) {
                word.bytes[n++] = c;
            } else {
                word.is_full = true;
            }
            p++;
        }
        word.n = n;
        if (p == end) {
            break;
        }
        if (*p < 128) {
            word_end(&word, each, arg);
            p++;
            continue;
        }
        p += fold_character(p, end, folded, &folded_n, &what);
        if (what == FOLDED_WORD) {
            word_add(&word, folded, folded_n);
        } else if (what != FOLDED_GONE) {
            word_end(&word, each, arg);
            if (what == FOLDED_ALONE) {
                word_add(&word, folded, folded_n);
                word_end(&word, each, arg);
            }
        }
    }
    word_end(&word, each, arg);
}

static bool is_space(uint8_t c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

size_t fold_exact(struct span utf8, uint8_t *ret, size_t cap)
{
    struct out out = out_into(ret, cap < FOLD_EXACT_BYTES_MAX ? cap : FOLD_EXACT_BYTES_MAX);
    const uint8_t *p = utf8.p;
    const uint8_t *end = utf8.p + utf8.n;
    uint8_t folded[FOLDED_BYTES_MAX];
    bool is_gap = false;

    while (p < end && !out.is_full) {
        const uint8_t *at = p;
        enum folded what = FOLDED_WORD;
        size_t n = 1;

        if (*p < 128) {
            folded[0] = ASCII[*p] != 0 ? ASCII[*p] : *p;
            what = is_space(*p) ? FOLDED_SPACE : FOLDED_WORD;
            p++;
        } else {
            p += fold_character(p, end, folded, &n, &what);
        }
        if (what == FOLDED_SPACE) {
            is_gap = true;
            continue;
        }
        if (what == FOLDED_GONE) {
            continue;
        }
        if (is_gap && out.at > 0) {
            out_bytes(&out, " ", 1);
        }
        is_gap = false;
        if (what == FOLDED_BREAK) { /* a sign that is no letter stays as it is; typographic apostrophes and dashes as typed on a keyboard */
            n = (size_t)(p - at);
            if (n == 3 && at[0] == 0xE2 && at[1] == 0x80 && at[2] >= 0x90 && at[2] <= 0x99) {
                out_bytes(&out, at[2] >= 0x98 ? "'" : "-", 1);
            } else {
                out_bytes(&out, at, n);
            }
        } else {
            out_bytes(&out, folded, n);
        }
    }
    while (out.at > 0 && ret[out.at - 1] == ' ') { /* cut just behind a space */
        out.at--;
    }
    return out.at;
}

static void key_word(void *arg, struct span word)
{
    struct out *out = arg;

    if (out->at > 0) {
        out_bytes(out, " ", 1);
    }
    out_span(out, word);
}

size_t fold_key(struct span utf8, char *ret, size_t cap)
{
    struct out out = out_into(ret, cap);

    fold_words(utf8, key_word, &out);
    if (out.at == 0) {
        while (utf8.n > 0 && is_space(utf8.p[0])) {
            utf8 = span_of(utf8.p + 1, utf8.n - 1);
        }
        while (utf8.n > 0 && is_space(utf8.p[utf8.n - 1])) {
            utf8.n--;
        }
        out_span(&out, utf8);
    }
    return out.is_full ? cap : out.at;
}
