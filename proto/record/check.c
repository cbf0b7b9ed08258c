#include "proto/record/check.h"

static bool is_digit(uint8_t c)
{
    return c >= '0' && c <= '9';
}

static bool are_digits(struct span value)
{
    for (size_t i = 0; i < value.n; i++) {
        if (!is_digit(value.p[i])) {
            return false;
        }
    }
    return value.n > 0;
}

bool check_container_shape(struct span value)
{
    if (value.n != 11 || !are_digits(span_of(value.p + 4, 7))) {
        return false;
    }
    for (size_t i = 0; i < 4; i++) {
        if (value.p[i] < 'A' || value.p[i] > 'Z') {
            return false;
        }
    }
    return value.p[3] == 'U' || value.p[3] == 'J' || value.p[3] == 'Z';
}

bool check_container_digit(struct span value)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < 10; i++) {
        uint32_t v;

        if (i < 4) { /* A is 10; multiples of 11 are skipped */
            v = 10 + (uint32_t)(value.p[i] - 'A');
            v += v > 10 ? 1U : 0;
            v += v > 21 ? 1U : 0;
            v += v > 32 ? 1U : 0;
        } else {
            v = (uint32_t)(value.p[i] - '0');
        }
        sum += v << i;
    }
    return sum % 11 % 10 == (uint32_t)(value.p[10] - '0');
}

bool check_imo_digit(struct span seven_digits)
{
    uint32_t sum = 0;

    for (uint32_t i = 0; i < 6; i++) {
        sum += (uint32_t)(seven_digits.p[i] - '0') * (7 - i);
    }
    return sum % 10 == (uint32_t)(seven_digits.p[6] - '0');
}

static bool warn(struct value_fault *fault, const char *rule, const char *text)
{
    *fault = (struct value_fault){FAULT_WARNING, rule, text};
    return true;
}

static bool refuse(struct value_fault *fault, const char *rule, const char *text)
{
    *fault = (struct value_fault){FAULT_ERROR, rule, text};
    return false;
}

static bool check_container(struct span value, struct value_fault *fault)
{
    if (!check_container_shape(value)) {
        return warn(fault, "container.shape",
                    N_("%s: '%s' does not look like a container number (four letters, seven digits). It is kept as given."));
    }
    if (!check_container_digit(value)) {
        return warn(fault, "container.check_digit",
                    N_("%s: the check digit of '%s' is wrong. It is kept as given; look at the container again if you can."));
    }
    return true;
}

static bool check_imo(struct span value, struct value_fault *fault)
{
    if (value.n > 3 && memcmp(value.p, "IMO", 3) == 0) {
        value = value_trim(span_of(value.p + 3, value.n - 3));
    }
    if (value.n != 7 || !are_digits(value)) {
        return warn(fault, "imo.shape", N_("%s: '%s' is not an IMO number of seven digits. It is kept as given."));
    }
    if (!check_imo_digit(value)) {
        return warn(fault, "imo.check_digit", N_("%s: the check digit of '%s' is wrong. It is kept as given."));
    }
    return true;
}

static bool check_hs(struct span value, struct value_fault *fault)
{
    if (!are_digits(value) || value.n < 2 || value.n > 10 || value.n % 2 != 0) {
        return refuse(fault, "hs.syntax", N_("%s: '%s' is not an HS code. Give 2, 4, 6, 8 or 10 digits."));
    }
    return true;
}

static bool check_locode(struct span value, struct value_fault *fault)
{
    if (value.n != 5) {
        return refuse(fault, "locode.syntax", N_("%s: '%s' is not a UN/LOCODE. Give two letters of the country and three of the place: SNDKR."));
    }
    for (size_t i = 0; i < 5; i++) {
        if (!((value.p[i] >= 'A' && value.p[i] <= 'Z') || (i > 1 && value.p[i] >= '2' && value.p[i] <= '9'))) {
            return refuse(fault, "locode.syntax", N_("%s: '%s' is not a UN/LOCODE. Give two letters of the country and three of the place: SNDKR."));
        }
    }
    return true;
}

/* An air waybill has eleven digits; other waybills follow no rule. */
static bool check_waybill(struct span value, struct value_fault *fault)
{
    uint32_t serial = 0;
    size_t at = 3;

    if (value.n == 12 && (value.p[3] == '-' || value.p[3] == ' ')) {
        at = 4;
    } else if (value.n != 11) {
        return true;
    }
    if (!are_digits(span_of(value.p, 3)) || !are_digits(span_of(value.p + at, 8))) {
        return true;
    }
    for (size_t i = 0; i < 7; i++) {
        serial = serial * 10 + (uint32_t)(value.p[at + i] - '0');
    }
    if (serial % 7 != (uint32_t)(value.p[at + 7] - '0')) {
        return warn(fault, "waybill.check_digit", N_("%s: '%s' looks like an air waybill, but its check digit is wrong. It is kept as given."));
    }
    return true;
}

/* Names of nodes, as rosters have them. */
static bool check_node(struct span value, struct value_fault *fault)
{
    bool is_good = value.n > 0 && value.p[0] != '-' && value.p[value.n - 1] != '-';

    for (size_t i = 0; is_good && i < value.n; i++) {
        is_good = is_digit(value.p[i]) || (value.p[i] >= 'a' && value.p[i] <= 'z') || value.p[i] == '-';
    }
    if (!is_good) {
        return refuse(fault, "node.syntax", N_("%s: '%s' is no name of a node. Names have a-z, 0-9 and '-': sn, rilo-dakar."));
    }
    return true;
}

bool check_identifier(const char *field_name, struct span value, struct value_fault *fault)
{
    static const struct {
        const char *name;
        bool (*check)(struct span value, struct value_fault *fault);
    } CHECKS[] = {
        {"container", check_container}, {"imo", check_imo}, {"hs", check_hs}, {"locode", check_locode}, {"waybill", check_waybill},
        {"coordinator", check_node}, {"participant", check_node}, {"release", check_node}, {"asked", check_node},
    };

    for (size_t i = 0; i < sizeof CHECKS / sizeof CHECKS[0]; i++) {
        if (strcmp(CHECKS[i].name, field_name) == 0) {
            return CHECKS[i].check(value, fault);
        }
    }
    return true;
}
