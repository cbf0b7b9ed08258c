#include "proto/record/decimal.h"

enum { DIGITS_MAX = 96, EXPONENT_MAX = 40 };

/* digits[0 .. n) with the decimal point behind digits[point]; value-preserving leading and trailing zeros allowed. */
struct digits {
    uint8_t d[DIGITS_MAX];
    size_t n;
    size_t point; /* digits before the point */
    bool is_full;
};

static void digit_add(struct digits *digits, uint8_t digit)
{
    if (digits->n == DIGITS_MAX) {
        digits->is_full = true;
        return;
    }
    digits->d[digits->n++] = digit;
}

/* Write in canonical form; false when that has too many characters. */
static bool digits_write(const struct digits *digits, char *ret, size_t *ret_n)
{
    size_t first = 0;
    size_t last = digits->n;
    size_t n = 0;

    while (first < digits->point && digits->d[first] == 0) {
        first++;
    }
    while (last > digits->point && digits->d[last - 1] == 0) {
        last--;
    }
    for (size_t i = first; i < digits->point; i++) {
        if (n == DECIMAL_BYTES_MAX) {
            return false;
        }
        ret[n++] = (char)('0' + digits->d[i]);
    }
    if (n == 0) {
        ret[n++] = '0';
    }
    if (last > digits->point) {
        if (n + 1 + (last - digits->point) > DECIMAL_BYTES_MAX) {
            return false;
        }
        ret[n++] = '.';
        for (size_t i = digits->point; i < last; i++) {
            ret[n++] = (char)('0' + digits->d[i]);
        }
    }
    *ret_n = n;
    return true;
}

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

/* Length of a group separator at p: blank, no-break blank, narrow no-break blank, apostrophe; 0 when it is none. */
static size_t separator(const uint8_t *p, size_t left)
{
    if (p[0] == ' ' || p[0] == '\'') {
        return 1;
    }
    if (left >= 2 && p[0] == 0xC2 && p[1] == 0xA0) {
        return 2;
    }
    if (left >= 3 && p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xAF || p[2] == 0x89 || p[2] == 0x99)) {
        return 3;
    }
    return 0;
}

/* How often `mark` occurs, and the digits behind the last one. */
static size_t marks(struct span text, char mark, size_t *ret_behind)
{
    size_t count = 0;

    *ret_behind = 0;
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] == (uint8_t)mark) {
            count++;
            *ret_behind = 0;
        } else if (is_digit(text.p[i])) {
            (*ret_behind)++;
        } else if (text.p[i] == 'e' || text.p[i] == 'E') {
            break;
        }
    }
    return count;
}

/* Which of '.' and ',' is the decimal mark of this number. */
static enum decimal_result decide_mark(struct span text, char *ret)
{
    size_t behind_dot;
    size_t behind_comma;
    size_t dots = marks(text, '.', &behind_dot);
    size_t commas = marks(text, ',', &behind_comma);

    *ret = '.';
    if (commas == 0) {
        *ret = dots > 1 ? ',' : '.'; /* 1.234.567: groups */
    } else if (dots == 0) {
        if (commas == 1) {
            bool is_whole_zero = text.n > 2 && text.p[0] == '0' && text.p[1] == ',';

            if (behind_comma == 3 && !is_whole_zero) {
                return DECIMAL_AMBIGUOUS;
            }
            *ret = ',';
        }
    } else if (commas == 1 && dots > 1) {
        *ret = ',';
    } else if (commas == 1 && dots == 1) { /* the last one is the mark: 1.234,5 and 1,234.5 */
        *ret = memchr(text.p, ',', text.n) < memchr(text.p, '.', text.n) ? '.' : ',';
    }
    return DECIMAL_OK;
}

/* e-05 */
static bool exponent(struct span text, size_t at, int *ret)
{
    int sign = 1;
    int value = 0;

    if (at < text.n && (text.p[at] == '+' || text.p[at] == '-')) {
        sign = text.p[at] == '-' ? -1 : 1;
        at++;
    }
    if (at == text.n) {
        return false;
    }
    for (; at < text.n; at++) {
        if (!is_digit(text.p[at]) || value > EXPONENT_MAX) {
            return false;
        }
        value = value * 10 + (text.p[at] - '0');
    }
    *ret = sign * value;
    return value <= EXPONENT_MAX;
}

static struct span trimmed(struct span text)
{
    while (text.n > 0 && text.p[0] <= ' ') {
        text = span_of(text.p + 1, text.n - 1);
    }
    while (text.n > 0 && text.p[text.n - 1] <= ' ') {
        text.n--;
    }
    return text;
}

/* Move the point of `digits` by a decimal exponent. */
static bool shift(struct digits *digits, int by)
{
    struct digits moved = {.n = 0, .is_full = false};

    if (by < 0) {
        size_t zeros = (size_t)-by > digits->point ? (size_t)-by - digits->point : 0;

        for (size_t i = 0; i < zeros; i++) {
            digit_add(&moved, 0);
        }
        for (size_t i = 0; i < digits->n; i++) {
            digit_add(&moved, digits->d[i]);
        }
        moved.point = zeros > 0 ? 0 : digits->point - (size_t)-by;
    } else {
        moved = *digits;
        while (moved.n < digits->point + (size_t)by && !moved.is_full) {
            digit_add(&moved, 0);
        }
        moved.point = digits->point + (size_t)by;
    }
    *digits = moved;
    return !moved.is_full;
}

enum decimal_result decimal_parse(struct span text, char mark, char *ret, size_t *ret_n)
{
    struct digits digits = {.n = 0, .is_full = false};
    char group_mark;
    size_t group = 0; /* digits since the last group separator; 0 before any digit */
    bool has_groups = false;
    bool has_point = false;
    int by = 0;

    text = trimmed(text);
    if (text.n > 1 && text.p[0] == '-') {
        return DECIMAL_NEGATIVE;
    }
    if (text.n > 1 && text.p[0] == '+') {
        text = span_of(text.p + 1, text.n - 1);
    }
    if (text.n == 0 || text.n > DIGITS_MAX) {
        return text.n == 0 ? DECIMAL_SYNTAX : DECIMAL_LONG;
    }
    if (mark == 0) {
        enum decimal_result result = decide_mark(text, &mark);

        if (result != DECIMAL_OK) {
            return result;
        }
    }
    group_mark = mark == '.' ? ',' : '.';
    for (size_t i = 0; i < text.n; i++) {
        uint8_t c = text.p[i];
        size_t gap = separator(text.p + i, text.n - i);

        if (is_digit(c)) {
            digit_add(&digits, (uint8_t)(c - '0'));
            group++;
        } else if (c == (uint8_t)mark && !has_point) {
            if (has_groups && group != 3) {
                return DECIMAL_SYNTAX;
            }
            has_point = true;
            has_groups = false;
            digits.point = digits.n;
        } else if ((c == (uint8_t)group_mark || gap > 0) && !has_point) {
            if (group == 0 || group > 3 || (has_groups && group != 3)) {
                return DECIMAL_SYNTAX;
            }
            has_groups = true;
            group = 0;
            i += gap > 0 ? gap - 1 : 0;
        } else if ((c == 'e' || c == 'E') && digits.n > 0) {
            if (!exponent(text, i + 1, &by)) {
                return DECIMAL_SYNTAX;
            }
            break;
        } else {
            return DECIMAL_SYNTAX;
        }
    }
    if (digits.n == 0 || (has_groups && group != 3)) {
        return DECIMAL_SYNTAX;
    }
    if (!has_point) {
        digits.point = digits.n;
    }
    if (digits.is_full || !shift(&digits, by) || !digits_write(&digits, ret, ret_n)) {
        return DECIMAL_LONG;
    }
    return DECIMAL_OK;
}

bool decimal_is_canonical(struct span text)
{
    const uint8_t *point = text.n == 0 ? NULL : memchr(text.p, '.', text.n);
    size_t whole = point == NULL ? text.n : (size_t)(point - text.p);

    if (text.n == 0 || text.n > DECIMAL_BYTES_MAX || whole == 0 || (whole > 1 && text.p[0] == '0')) {
        return false;
    }
    if (point != NULL && (whole + 1 == text.n || text.p[text.n - 1] == '0')) {
        return false;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (i != whole && !is_digit(text.p[i])) {
            return false;
        }
    }
    return true;
}

bool decimal_is_zero(struct span canonical)
{
    return canonical.n == 1 && canonical.p[0] == '0';
}

static struct digits digits_of(struct span canonical)
{
    struct digits digits = {.n = 0, .is_full = false};

    digits.point = canonical.n;
    for (size_t i = 0; i < canonical.n && i < DECIMAL_BYTES_MAX; i++) {
        if (canonical.p[i] == '.') {
            digits.point = i;
        } else {
            digit_add(&digits, (uint8_t)(canonical.p[i] - '0'));
        }
    }
    return digits;
}

int decimal_compare(struct span a, struct span b)
{
    struct digits x = digits_of(a);
    struct digits y = digits_of(b);

    if (x.point != y.point) { /* canonical: no leading zeros but the one of 0.5, which has as many as 7.5 */
        return x.point < y.point ? -1 : 1;
    }
    for (size_t i = 0; i < x.n || i < y.n; i++) {
        int p = i < x.n ? x.d[i] : 0;
        int q = i < y.n ? y.d[i] : 0;

        if (p != q) {
            return p - q;
        }
    }
    return 0;
}

/* Round half up to `places` digits behind the point, or to the first non-zero one behind it when nothing would be left. */
static void round_to(struct digits *digits, size_t places)
{
    size_t keep = digits->point + places;
    size_t first = 0;

    while (first < digits->n && digits->d[first] == 0) {
        first++;
    }
    if (first == digits->n) {
        return;
    }
    if (first >= keep) {
        keep = first + 1;
    }
    if (keep >= digits->n) {
        return;
    }
    bool is_up = digits->d[keep] >= 5;

    digits->n = keep;
    for (size_t i = keep; is_up && i-- > 0;) {
        is_up = digits->d[i] == 9;
        digits->d[i] = is_up ? 0 : (uint8_t)(digits->d[i] + 1);
    }
    /* The product of two canonical numbers has a zero in front (see below), so no carry is lost. */
}

bool decimal_multiply(struct span a, struct span b, size_t places, char *ret, size_t *ret_n)
{
    struct digits x = digits_of(a);
    struct digits y = digits_of(b);
    struct digits product = {.n = x.n + y.n + 1, .is_full = false};

    memset(product.d, 0, sizeof product.d);
    for (size_t i = x.n; i-- > 0;) {
        unsigned carry = 0;

        for (size_t j = y.n; j-- > 0;) {
            unsigned sum = (unsigned)product.d[i + j + 2] + (unsigned)x.d[i] * y.d[j] + carry;

            product.d[i + j + 2] = (uint8_t)(sum % 10);
            carry = sum / 10;
        }
        product.d[i + 1] = (uint8_t)(product.d[i + 1] + carry);
    }
    product.point = x.point + y.point + 1;
    round_to(&product, places);
    return digits_write(&product, ret, ret_n);
}
