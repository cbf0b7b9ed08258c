#include "proto/record/codes.h"
#include "proto/record/kinds.h"

static const struct kind *const KINDS[] = {&KIND_SEIZURE, &KIND_ALERT, &KIND_OPERATION, &KIND_REQUEST, &KIND_ANSWER, NULL};

/* What people write who have not read FIELDS.md; the right side is looked up in the kind, so a line serves every kind that has such a field. */
static const struct {
    const char *alias;
    const char *name;
} ALIASES[] = {
    {"airline", "carrier"},
    {"airport", "site"},
    {"arrested", "arrests"},
    {"awb", "waybill"},
    {"bill_of_lading", "waybill"},
    {"bl", "waybill"},
    {"action", "requested_action"},
    {"agency", "agencies"},
    {"case", "national_reference"},
    {"category", "heading"},
    {"chapter", "heading"},
    {"city", "place"},
    {"comment", "narrative"},
    {"comments", "narrative"},
    {"concealed_in", "concealment"},
    {"concealment_place", "concealment"},
    {"containers", "container"},
    {"countries", "country"},
    {"customs_office", "office"},
    {"day", "date"},
    {"detected_by", "found_by"},
    {"detection", "found_by"},
    {"duplicate_of", "duplicates_of"},
    {"event_date", "date"},
    {"exercise", "is_exercise"},
    {"flight_number", "flight"},
    {"from_country", "origin"},
    {"goods", "commodity"},
    {"aggregate", "is_aggregate"},
    {"hidden_in", "concealment"},
    {"hs_code", "hs"},
    {"imo_number", "imo"},
    {"items", "item"},
    {"license_plate", "plate"},
    {"licence_plate", "plate"},
    {"location", "site"},
    {"plates", "plate"},
    {"port", "site"},
    {"product", "commodity"},
    {"qty", "quantity"},
    {"amount", "quantity"},
    {"reference", "national_reference"},
    {"registration", "plate"},
    {"remarks", "narrative"},
    {"seized_on", "date"},
    {"selected", "selected_by"},
    {"selection", "selected_by"},
    {"ship", "vessel"},
    {"subject_type", "subject"},
    {"summary", "narrative"},
    {"text", "narrative"},
    {"threat_text", "threat"},
    {"to_country", "destination"},
    {"town", "place"},
    {"transport", "mode"},
    {"mode_of_transport", "mode"},
    {"units", "unit"},
    {"until", "valid_until"},
    {"expires", "valid_until"},
    {"vehicle", "plate"},
    {"via_country", "transit"},
    {"weight", "quantity"},
    {"when", "date"},
    {"species_name", "species"},
};

const struct kind *kind_at(size_t index)
{
    return index < CODE_COUNT(KINDS) ? KINDS[index] : NULL;
}

const struct kind *kind_by_name(struct span name)
{
    for (size_t i = 0; KINDS[i] != NULL; i++) {
        if (span_equal(span_text(KINDS[i]->name), name)) {
            return KINDS[i];
        }
    }
    return NULL;
}

const struct kind *kind_by_number(uint32_t number)
{
    for (size_t i = 0; KINDS[i] != NULL; i++) {
        if ((uint32_t)KINDS[i]->number == number) {
            return KINDS[i];
        }
    }
    return NULL;
}

const struct field *field_by_number(const struct field *fields, uint32_t number)
{
    for (; fields->number != 0; fields++) {
        if (fields->number == number) {
            return fields;
        }
    }
    return NULL;
}

const struct field *field_by_name(const struct field *fields, struct span name)
{
    for (; fields->number != 0; fields++) {
        if (span_equal(span_text(fields->name), name)) {
            return fields;
        }
    }
    return NULL;
}

/* "from" alone means its first field, the country; "item" alone means nothing that could hold a value, so it stays the group. */
static const struct field *plain_field(const struct kind *kind, struct span name, const struct field **ret_group)
{
    const struct field *found = field_by_name(kind->fields, name);

    *ret_group = NULL;
    if (found != NULL) {
        return found;
    }
    for (const struct field *f = kind->fields; f->number != 0; f++) {
        if (f->type == FIELD_GROUP && (found = field_by_name(f->group, name)) != NULL) {
            *ret_group = f;
            return found;
        }
    }
    return NULL;
}

/* The decimal number in `text`, 1..RECORD_ITEMS_MAX, or 0. */
static uint32_t item_number(struct span text)
{
    uint32_t n = 0;

    if (text.n == 0 || text.n > 2) {
        return 0;
    }
    for (size_t i = 0; i < text.n; i++) {
        if (text.p[i] < '0' || text.p[i] > '9') {
            return 0;
        }
        n = n * 10 + (uint32_t)(text.p[i] - '0');
    }
    return n <= RECORD_ITEMS_MAX ? n : 0;
}

/* "item.quantity", "item.2.quantity", and "via.2" for the first field of a group. */
static const struct field *dotted_field(const struct kind *kind, struct span name, size_t dot, const struct field **ret_group, uint32_t *ret_item)
{
    struct span rest = span_of(name.p + dot + 1, name.n - dot - 1);
    const struct field *group = field_by_name(kind->fields, span_of(name.p, dot));
    const uint8_t *second = memchr(rest.p, '.', rest.n);

    if (group == NULL || group->type != FIELD_GROUP) {
        return NULL;
    }
    *ret_group = group;
    *ret_item = 0;
    if (second != NULL) {
        size_t n = (size_t)(second - rest.p);

        *ret_item = item_number(span_of(rest.p, n));
        return *ret_item == 0 ? NULL : field_by_name(group->group, span_of(second + 1, rest.n - n - 1));
    }
    *ret_item = item_number(rest);
    return *ret_item != 0 ? group->group : field_by_name(group->group, rest);
}

const struct field *kind_field_flat(const struct kind *kind, struct span name, const struct field **ret_group, uint32_t *ret_item)
{
    const uint8_t *dot = name.n == 0 ? NULL : memchr(name.p, '.', name.n);
    const struct field *found;

    *ret_item = 0;
    *ret_group = NULL;
    if (dot != NULL) {
        found = dotted_field(kind, name, (size_t)(dot - name.p), ret_group, ret_item);
    } else {
        found = plain_field(kind, name, ret_group);
        for (size_t i = 0; found == NULL && i < CODE_COUNT(ALIASES); i++) {
            if (span_equal(span_text(ALIASES[i].alias), name)) {
                found = plain_field(kind, span_text(ALIASES[i].name), ret_group);
            }
        }
    }
    if (found == NULL) {
        *ret_group = NULL;
        *ret_item = 0;
    }
    return found;
}

const struct field *kind_field(const struct kind *kind, struct span name, const struct field **ret_group, uint32_t *ret_item)
{
    const struct field *found = kind_field_flat(kind, name, ret_group, ret_item);

    if (found != NULL && *ret_group != NULL && *ret_item == 0) {
        *ret_item = 1;
    }
    return found;
}
