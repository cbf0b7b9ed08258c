#include "proto/record/codes.h"
#include "proto/record/envelope.h"
#include "proto/record/kinds.h"
#include "proto/record/value.h"
#include "proto/pack.h"

#include <assert.h>

/* ---- encode ---- */

static uint32_t value_number(const struct record_value *value)
{
    return value->group != NULL ? value->group->number : value->field->number;
}

/* Index behind the last value with the number at `i`. */
static uint32_t run_of_number(const struct record *record, uint32_t i)
{
    uint32_t end = i;

    while (end < record->value_count && value_number(&record->values[end]) == value_number(&record->values[i])) {
        end++;
    }
    return end;
}

/* Behind the last value of the same item, and of the same field within it. */
static uint32_t run_of_item(const struct record *record, uint32_t i, uint32_t end)
{
    uint32_t at = i;

    while (at < end && record->values[at].item == record->values[i].item) {
        at++;
    }
    return at;
}

static uint32_t run_of_field(const struct record *record, uint32_t i, uint32_t end)
{
    uint32_t at = i;

    while (at < end && record->values[at].field == record->values[i].field) {
        at++;
    }
    return at;
}

/* The values i..end of one field: a text, or an array of texts when the field can repeat. */
static void encode_values(const struct record *record, uint32_t i, uint32_t end, struct out *ret)
{
    if ((record->values[i].field->flags & FIELD_REPEATED) != 0) {
        pack_array(ret, end - i);
    }
    for (; i < end; i++) {
        pack_text(ret, record->values[i].text);
    }
}

static void encode_item(const struct record *record, uint32_t i, uint32_t end, struct out *ret)
{
    uint32_t fields = 0;

    for (uint32_t at = i; at < end; at = run_of_field(record, at, end)) {
        fields++;
    }
    pack_map(ret, fields);
    while (i < end) {
        uint32_t next = run_of_field(record, i, end);

        pack_uint(ret, record->values[i].field->number);
        encode_values(record, i, next, ret);
        i = next;
    }
}

static void encode_group(const struct record *record, uint32_t i, uint32_t end, struct out *ret)
{
    uint32_t items = 0;

    for (uint32_t at = i; at < end; at = run_of_item(record, at, end)) {
        items++;
    }
    pack_array(ret, items);
    while (i < end) {
        uint32_t next = run_of_item(record, i, end);

        encode_item(record, i, next, ret);
        i = next;
    }
}

enum err record_encode(const struct record *record, struct out *ret)
{
    size_t before = ret->at;
    uint32_t pairs = 2;

    assert(kind_by_number((uint32_t)record->kind) != NULL && record->replaces_count <= RECORD_REPLACES_MAX);
    pairs += record->depth > 1 ? 1U : 0;
    pairs += record->replaces_count > 0 ? 1U : 0;
    for (uint32_t i = 0; i < record->value_count; i = run_of_number(record, i)) {
        pairs++;
    }
    pack_map(ret, pairs);
    pack_uint(ret, PAYLOAD_KIND);
    pack_uint(ret, (uint64_t)record->kind);
    pack_uint(ret, PAYLOAD_ID);
    pack_bin(ret, span_of(record->id.b, sizeof record->id.b));
    if (record->depth > 1) {
        pack_uint(ret, PAYLOAD_DEPTH);
        pack_uint(ret, record->depth);
    }
    if (record->replaces_count > 0) {
        pack_uint(ret, PAYLOAD_REPLACES);
        pack_array(ret, record->replaces_count);
        for (uint32_t i = 0; i < record->replaces_count; i++) {
            pack_bin(ret, span_of(record->replaces[i].b, sizeof record->replaces[i].b));
        }
    }
    for (uint32_t i = 0; i < record->value_count;) {
        uint32_t end = run_of_number(record, i);

        pack_uint(ret, value_number(&record->values[i]));
        if (record->values[i].group != NULL) {
            encode_group(record, i, end, ret);
        } else {
            encode_values(record, i, end, ret);
        }
        i = end;
    }
    return ret->is_full || ret->at - before > PAYLOAD_BYTES_MAX ? ERR_OVERSIZE : ERR_OK;
}

/* ---- decode ---- */

struct decoding {
    struct record *record;
    enum err err;
    const char *clause;
};

static void refuse(struct decoding *decoding, enum err err, const char *clause)
{
    if (decoding->err == ERR_OK) {
        decoding->err = err;
        decoding->clause = clause;
    }
}

static void decode_value(struct decoding *decoding, struct cursor *cursor, const struct field *field, const struct field *group, uint32_t item)
{
    struct record *record = decoding->record;
    struct span text = cursor_text(cursor, 1, PAYLOAD_EXPANDED_BYTES_MAX);

    if (cursor->is_bad) {
        refuse(decoding, ERR_MALFORMED, "WIRE.md 6.3: a field's value has another type than the schema table says");
        return;
    }
    if (text.n > RECORD_TEXT_BYTES_MAX) {
        refuse(decoding, ERR_OVERSIZE, "WIRE.md 6.3: a value is longer than 1800 bytes");
        return;
    }
    if (!value_is_canonical(field, text)) {
        refuse(decoding, ERR_NONCANONICAL, "WIRE.md 6.4: a value is not in the canonical form of its type");
        return;
    }
    if (record->value_count == RECORD_VALUES_MAX) {
        refuse(decoding, ERR_LIMIT, "WIRE.md 6.3: a record has more than 256 values");
        return;
    }
    record->values[record->value_count++] = (struct record_value){field, group, item, text};
}

/* The value or values of one field that is not a group. */
static void decode_field(struct decoding *decoding, struct cursor *cursor, const struct field *field, const struct field *group, uint32_t item)
{
    struct cursor array;

    if ((field->flags & FIELD_REPEATED) == 0) {
        decode_value(decoding, cursor, field, group, item);
        return;
    }
    array = cursor_array(cursor, 1, RECORD_VALUES_MAX);
    while (array.left > 0 && !array.is_bad && decoding->err == ERR_OK) {
        decode_value(decoding, &array, field, group, item);
    }
    cursor_close(cursor, &array);
}

static void decode_item(struct decoding *decoding, struct cursor *cursor, const struct field *group, uint32_t item)
{
    struct cursor map = cursor_map(cursor, RECORD_VALUES_MAX);
    uint32_t before = decoding->record->value_count + decoding->record->unknown_count;

    while (map.left > 0 && !map.is_bad && decoding->err == ERR_OK) {
        const struct field *field = field_by_number(group->group, (uint32_t)cursor_uint(&map, UINT16_MAX));

        if (field == NULL) {
            cursor_skip(&map);
            decoding->record->unknown_count++;
        } else {
            decode_field(decoding, &map, field, group, item);
        }
    }
    cursor_close(cursor, &map);
    if (decoding->record->value_count + decoding->record->unknown_count == before) {
        refuse(decoding, ERR_NONCANONICAL, "WIRE.md 6.3: an item of a group is empty");
    }
}

static void decode_group(struct decoding *decoding, struct cursor *cursor, const struct field *group)
{
    struct cursor array = cursor_array(cursor, 1, RECORD_ITEMS_MAX);
    uint32_t item = 0;

    while (array.left > 0 && !array.is_bad && decoding->err == ERR_OK) {
        decode_item(decoding, &array, group, ++item);
    }
    cursor_close(cursor, &array);
}

static void decode_replaces(struct decoding *decoding, struct cursor *cursor)
{
    struct cursor array = cursor_array(cursor, 1, RECORD_REPLACES_MAX);

    while (array.left > 0 && !array.is_bad) {
        struct hash *hash = &decoding->record->replaces[decoding->record->replaces_count++];

        cursor_bin_into(&array, hash->b, sizeof hash->b);
    }
    cursor_close(cursor, &array);
}

/* One pair whose key has been read. */
static void decode_pair(struct decoding *decoding, struct cursor *cursor, const struct kind *kind, uint32_t number)
{
    const struct field *field;

    if (number == PAYLOAD_DEPTH) {
        decoding->record->depth = (uint32_t)cursor_uint(cursor, UINT32_MAX);
        if (decoding->record->depth < 2) {
            refuse(decoding, ERR_NONCANONICAL, "WIRE.md 6.2: a depth of 1 is left out");
        }
        return;
    }
    if (number == PAYLOAD_REPLACES) {
        decode_replaces(decoding, cursor);
        return;
    }
    field = field_by_number(kind->fields, number);
    if (field == NULL) {
        cursor_skip(cursor);
        decoding->record->unknown_count++;
    } else if (field->type == FIELD_GROUP) {
        decode_group(decoding, cursor, field);
    } else {
        decode_field(decoding, cursor, field, NULL, 0);
    }
}

enum err record_decode(struct unpack *unpack, struct span payload, struct record *ret, const char **clause)
{
    struct decoding decoding = {ret, ERR_OK, NULL};
    const struct kind *kind;
    struct cursor cursor;
    uint32_t kind_number;
    enum err err = unpack_begin(unpack, payload, clause);

    if (err != ERR_OK) {
        return err;
    }
    ret->depth = 1;
    ret->replaces_count = 0;
    ret->value_count = 0;
    ret->unknown_count = 0;
    cursor = unpack_map(unpack);
    if (cursor_uint(&cursor, UINT16_MAX) != PAYLOAD_KIND) {
        *clause = "WIRE.md 6.2: a payload begins with its kind";
        return ERR_MALFORMED;
    }
    kind_number = (uint32_t)cursor_uint(&cursor, UINT16_MAX);
    if (cursor_uint(&cursor, UINT16_MAX) != PAYLOAD_ID || cursor.is_bad) {
        *clause = "WIRE.md 6.2: the id of the record follows its kind";
        return ERR_MALFORMED;
    }
    cursor_bin_into(&cursor, ret->id.b, sizeof ret->id.b);
    if (cursor.is_bad) {
        *clause = "WIRE.md 6.2: the id of a record has 16 bytes";
        return ERR_MALFORMED;
    }
    kind = kind_by_number(kind_number);
    if (kind == NULL) {
        *clause = "WIRE.md 6.2: the kind is newer than this release";
        return ERR_VERSION;
    }
    while (cursor.left > 0 && !cursor.is_bad && decoding.err == ERR_OK) {
        uint32_t number = (uint32_t)cursor_uint(&cursor, UINT16_MAX);

        if (!cursor.is_bad) {
            decode_pair(&decoding, &cursor, kind, number);
        }
    }
    if (decoding.err == ERR_OK && cursor_end(&cursor) != ERR_OK) {
        refuse(&decoding, ERR_MALFORMED, "WIRE.md 6.3: a field's value has another type than the schema table says");
    }
    if (decoding.err != ERR_OK) {
        *clause = decoding.clause;
        return decoding.err;
    }
    ret->kind = kind->number;
    return ERR_OK;
}

/* ---- reading ---- */

bool record_is_nominal(const struct record *record)
{
    for (uint32_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];
        if (value->field->flags & FIELD_NOMINAL || (value->group != NULL && value->group->flags & FIELD_NOMINAL)) {
            return true;
        }
    }
    return false;
}

struct span record_get(const struct record *record, const char *field_name)
{
    struct span name = span_text(field_name);

    for (uint32_t i = 0; i < record->value_count; i++) {
        if (span_equal(span_text(record->values[i].field->name), name)) {
            return record->values[i].text;
        }
    }
    return span_of(NULL, 0);
}

/* A mandatory field weighs 3, another of the short form 2, of the long form 1; envelope fields and computed ones nothing. */
static uint32_t weight(const struct field *field)
{
    if ((field->flags & FIELD_ENVELOPE) != 0 && (field->flags & FIELD_MANDATORY) == 0) {
        return 0;
    }
    if (strcmp(field->name, "quantity_base") == 0 || strcmp(field->name, "unit_base") == 0) {
        return 0;
    }
    return (field->flags & FIELD_MANDATORY) != 0 ? 3 : (field->flags & FIELD_LONG) != 0 ? 1 : 2;
}

static bool is_known(const struct record *record, const struct field *field)
{
    for (uint32_t i = 0; i < record->value_count; i++) {
        const struct record_value *value = &record->values[i];

        if (value->field == field) {
            return !span_equal(value->text, span_text("UNKNOWN")) && !(field->type == FIELD_COUNTRY && span_equal(value->text, span_text("XX")));
        }
    }
    return false;
}

static void weigh(const struct record *record, const struct field *fields, uint32_t *have, uint32_t *all)
{
    for (; fields->number != 0; fields++) {
        if (fields->type == FIELD_GROUP) {
            weigh(record, fields->group, have, all);
        } else {
            *all += weight(fields);
            *have += is_known(record, fields) ? weight(fields) : 0;
        }
    }
}

uint32_t record_completeness(const struct record *record)
{
    const struct kind *kind = kind_by_number((uint32_t)record->kind);
    uint32_t have = 0;
    uint32_t all = 0;

    if (kind == NULL) {
        return 0;
    }
    weigh(record, kind->fields, &have, &all);
    return all == 0 ? 100 : have * 100 / all;
}

/* ---- faults as sentences ---- */

enum { SHOWN_BYTES_MAX = 60 };

/* A value that a person gave, with control characters as blanks and cut at a character. */
static void put_value(struct span value, struct out *ret)
{
    size_t n = value.n < SHOWN_BYTES_MAX ? value.n : SHOWN_BYTES_MAX;

    while (n < value.n && n > 0 && (value.p[n] & 0xC0) == 0x80) {
        n--;
    }
    for (size_t i = 0; i < n; i++) {
        out_bytes(ret, value.p[i] < 0x20 || value.p[i] == 0x7F ? (const uint8_t *)" " : value.p + i, 1);
    }
    if (n < value.n) {
        out_bytes(ret, "...", 3);
    }
}

void record_fault_write(const struct record_fault *fault, char *(*translate)(const char *msgid), struct out *ret)
{
    const char *text = translate != NULL ? translate(fault->text) : fault->text;
    uint32_t slot = fault->field == NULL ? 1 : 0;

    while (*text != 0) {
        if (text[0] == '%' && text[1] == 's') {
            if (slot == 0) {
                const char *label = translate != NULL ? translate(fault->field->label) : fault->field->label;

                out_bytes(ret, label, strlen(label));
            } else {
                put_value(fault->value, ret);
            }
            slot++;
            text += 2;
        } else {
            out_bytes(ret, text++, 1);
        }
    }
}
