#include "proto/record/codes.h"
#include "proto/record/date.h"
#include "proto/record/decimal.h"
#include "proto/record/kinds.h"
#include "proto/record/value.h"

#include <stdlib.h>

/* Room for the values given, and for as many computed ones. */
enum { DRAFT_BYTES = 8192, VALUE_COST_BYTES = 6 /* the most a number and a length take in a payload */ };

struct draft_value {
    const struct field *field;
    const struct field *group;
    uint32_t item;
    uint32_t order;
    uint32_t at; /* in bytes[] */
    uint32_t n;
};

struct draft {
    const struct kind *kind;
    uint32_t count;
    struct draft_value values[RECORD_VALUES_MAX];
    struct out out; /* into bytes[] */
    uint8_t bytes[DRAFT_BYTES];
};

struct draft *draft_new(const struct kind *kind)
{
    struct draft *draft = malloc(sizeof *draft);

    if (draft != NULL) {
        draft_reset(draft, kind);
    }
    return draft;
}

void draft_reset(struct draft *draft, const struct kind *kind)
{
    draft->kind = kind;
    draft->count = 0;
    draft->out = out_into(draft->bytes, sizeof draft->bytes);
}

void draft_destroy(struct draft **draft)
{
    free(*draft);
    *draft = NULL;
}

static void add_fault(struct record_faults *faults, struct record_fault fault)
{
    if (fault.level == FAULT_ERROR) {
        faults->errors++;
    }
    if (faults->count < RECORD_FAULTS_MAX) {
        faults->faults[faults->count++] = fault;
    }
}

static void fault_of_field(struct record_faults *faults, enum fault_level level, const struct field *field, uint32_t item, struct span value,
                           const char *rule, const char *text)
{
    add_fault(faults, (struct record_fault){level, field, item, value, rule, text});
}

static struct span text_of(const struct draft *draft, const struct draft_value *value)
{
    return span_of(draft->bytes + value->at, value->n);
}

static struct draft_value *find(struct draft *draft, const struct field *field, uint32_t item)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        if (draft->values[i].field == field && draft->values[i].item == item) {
            return &draft->values[i];
        }
    }
    return NULL;
}

uint32_t draft_items(const struct draft *draft, const struct field *group)
{
    uint32_t items = 0;

    for (uint32_t i = 0; i < draft->count; i++) {
        if (draft->values[i].group == group && draft->values[i].item > items) {
            items = draft->values[i].item;
        }
    }
    return items;
}

bool draft_has(const struct draft *draft, const char *name)
{
    const struct field *group;
    uint32_t item;
    const struct field *field = kind_field_flat(draft->kind, span_text(name), &group, &item);

    for (uint32_t i = 0; field != NULL && i < draft->count; i++) {
        if (draft->values[i].field == field && draft->values[i].group == group) {
            return true;
        }
    }
    return false;
}

static bool is_computed(const struct field *field)
{
    return field->codes == &CODES_UNIT ? strcmp(field->name, "unit_base") == 0 : strcmp(field->name, "quantity_base") == 0;
}

/* Enter what has been written behind `at` as a value. */
static void enter(struct draft *draft, const struct field *field, const struct field *group, uint32_t item, size_t at)
{
    draft->values[draft->count] = (struct draft_value){field, group, item, draft->count, (uint32_t)at, (uint32_t)(draft->out.at - at)};
    draft->count++;
}

static bool is_there(const struct draft *draft, const struct field *field, uint32_t item, struct span text)
{
    for (uint32_t i = 0; i < draft->count; i++) {
        const struct draft_value *value = &draft->values[i];

        if (value->field == field && value->item == item && span_equal(text_of(draft, value), text)) {
            return true;
        }
    }
    return false;
}

/* "12.5 kg" is a quantity and its unit. Returns the number; *ret_unit is empty when there is none. */
static struct span split_unit(struct span given, struct span *ret_unit)
{
    size_t n = given.n;

    *ret_unit = span_of(NULL, 0);
    for (size_t i = given.n; i > 0; i--) {
        uint8_t c = given.p[i - 1];

        if (c >= '0' && c <= '9') {
            n = i;
            break;
        }
        n = i - 1;
    }
    if (n == 0 || n == given.n || given.p[n] == 'e' || given.p[n] == 'E') { /* no number, no unit, an exponent without digits */
        return given;
    }
    *ret_unit = span_of(given.p + n, given.n - n);
    return span_of(given.p, n);
}

static bool is_unknown_word(struct span given)
{
    const struct code *code = code_find(&CODES_UNIT, given);

    return code != NULL && strcmp(code->code, "UNKNOWN") == 0;
}

static bool add_value(struct draft *draft, const struct field *field, const struct field *group, uint32_t item, struct span given,
                      struct record_faults *faults)
{
    struct value_fault fault = {FAULT_ERROR, NULL, NULL};
    size_t at = draft->out.at;
    bool is_good;

    if (draft->count == RECORD_VALUES_MAX) {
        fault_of_field(faults, FAULT_ERROR, field, item, given, "record.values", N_("%s: a record cannot hold more than 256 values."));
        return false;
    }
    if ((field->flags & FIELD_REPEATED) == 0 && find(draft, field, item) != NULL) {
        fault_of_field(faults, FAULT_ERROR, field, item, given, "field.twice", N_("%s: '%s' is a second value, but there can be only one."));
        return false;
    }
    is_good = value_normalise(field, given, &draft->out, &fault);
    if (fault.rule != NULL) {
        fault_of_field(faults, fault.level, field, item, given, fault.rule, fault.text);
    }
    if (!is_good) {
        return false;
    }
    if (is_there(draft, field, item, span_of(draft->bytes + at, draft->out.at - at))) {
        draft->out.at = at; /* said twice is said once */
        return true;
    }
    enter(draft, field, group, item, at);
    return true;
}

/* The item that a value without item number belongs to. */
static uint32_t place(struct draft *draft, const struct field *field, const struct field *group)
{
    uint32_t item = draft_items(draft, group);

    if (item == 0) {
        return 1;
    }
    return (field->flags & FIELD_REPEATED) == 0 && find(draft, field, item) != NULL && (group->flags & FIELD_REPEATED) != 0 ? item + 1 : item;
}

bool draft_add_field(struct draft *draft, const struct field *field, const struct field *group, uint32_t item, struct span value,
                     struct record_faults *faults)
{
    if (field->type == FIELD_GROUP && strcmp(field->name, "item") != 0) { /* from=GN means its country */
        group = field;
        field = field->group;
    }
    if (group != NULL && item == 0) {
        item = place(draft, field, group);
    }
    if (item > RECORD_ITEMS_MAX) {
        fault_of_field(faults, FAULT_ERROR, field, item, value, "record.items", N_("%s: a record cannot hold more than 32 of these."));
        return false;
    }
    if (is_computed(field)) {
        return true;
    }
    if (group != NULL && field->type == FIELD_DECIMAL && strcmp(field->name, "quantity") == 0) {
        const struct field *unit = field_by_name(group->group, span_text("unit"));
        struct span unit_text;
        struct span number;

        value = value_trim(value);
        if (is_unknown_word(value)) {
            return add_value(draft, unit, group, item, value, faults);
        }
        number = split_unit(value, &unit_text);
        if (unit_text.n > 0 && code_find(&CODES_UNIT, unit_text) != NULL) {
            return add_value(draft, field, group, item, number, faults) && add_value(draft, unit, group, item, unit_text, faults);
        }
    }
    return add_value(draft, field, group, item, value, faults);
}

bool draft_add(struct draft *draft, struct span name, struct span value, struct record_faults *faults)
{
    const struct field *group;
    uint32_t item;
    const struct field *field = kind_field_flat(draft->kind, name, &group, &item);

    if (field == NULL) {
        add_fault(faults, (struct record_fault){FAULT_ERROR, NULL, 0, name, "field.unknown", N_("'%s' is not a field. FIELDS.md lists all names.")});
        return false;
    }
    return draft_add_field(draft, field, group, item, value, faults);
}

/* ---- the whole ---- */

/* A computed or default value; there is always room for it, or the record is too long anyway. */
static void set(struct draft *draft, const struct field *field, const struct field *group, uint32_t item, struct span text)
{
    size_t at = draft->out.at;

    if (draft->count < RECORD_VALUES_MAX && find(draft, field, item) == NULL) {
        out_span(&draft->out, text);
        enter(draft, field, group, item, at);
    }
}

/* Units that convert: the factor to the base unit, exact by definition. */
static const char *unit_factor(struct span unit)
{
    static const struct {
        const char *unit;
        const char *factor;
    } FACTORS[] = {
        {"GRM", "0.001"},  {"MGM", "0.000001"}, {"TNE", "1000"},        {"LBR", "0.45359237"},    {"ONZ", "0.028349523125"}, {"APZ", "0.0311034768"},
        {"CTM", "0.0002"}, {"NPR", "2"},        {"DZN", "12"},          {"CEN", "100"},           {"MIL", "1000"},           {"CLT", "0.01"},
        {"MLT", "0.001"},  {"HLT", "100"},      {"GLL", "3.785411784"}, {"BLL", "158.987294928"}, {"KMT", "1000"},
    };

    for (size_t i = 0; i < sizeof FACTORS / sizeof FACTORS[0]; i++) {
        if (span_equal(unit, span_text(FACTORS[i].unit))) {
            return FACTORS[i].factor;
        }
    }
    return "1";
}

/* The fields of an item line, looked up once a record. */
struct item_fields {
    const struct field *group;
    const struct field *heading, *commodity, *description, *hs, *quantity, *unit, *quantity_base, *unit_base, *pieces, *value, *currency;
};

static const struct field *item_field(const struct field *group, const char *name)
{
    return field_by_name(group->group, span_text(name));
}

static bool item_fields(const struct kind *kind, struct item_fields *ret)
{
    const struct field *group = field_by_name(kind->fields, span_text("item"));

    if (group == NULL) {
        return false;
    }
    *ret = (struct item_fields){
        .group = group,
        .heading = item_field(group, "heading"),
        .commodity = item_field(group, "commodity"),
        .description = item_field(group, "description"),
        .hs = item_field(group, "hs"),
        .quantity = item_field(group, "quantity"),
        .unit = item_field(group, "unit"),
        .quantity_base = item_field(group, "quantity_base"),
        .unit_base = item_field(group, "unit_base"),
        .pieces = item_field(group, "pieces"),
        .value = item_field(group, "value"),
        .currency = item_field(group, "currency"),
    };
    return true;
}

static struct span get(struct draft *draft, const struct field *field, uint32_t item)
{
    const struct draft_value *value = find(draft, field, item);

    return value == NULL ? span_of(NULL, 0) : text_of(draft, value);
}

/* What follows from what is given: heading from commodity, quantity from pieces, base unit and quantity. */
static void complete_item(struct draft *draft, const struct item_fields *f, uint32_t item, struct record_faults *faults)
{
    struct span commodity = get(draft, f->commodity, item);
    struct draft_value *pieces = find(draft, f->pieces, item);
    struct span quantity;
    struct span unit;

    if (commodity.n > 0) {
        const char *heading = code_parent(&CODES_COMMODITY, code_exact(&CODES_COMMODITY, commodity));
        struct span given = get(draft, f->heading, item);

        if (given.n > 0 && !span_equal(given, span_text(heading))) {
            fault_of_field(faults, FAULT_ERROR, f->heading, item, given, "heading.commodity",
                           N_("%s: the commodity does not belong to '%s'. Leave the heading out; it follows from the commodity."));
        }
        set(draft, f->heading, f->group, item, span_text(heading));
    }
    if (pieces != NULL && find(draft, f->quantity, item) == NULL) {
        struct draft_value *unknown = find(draft, f->unit, item);

        if (unknown == NULL || span_equal(text_of(draft, unknown), span_text("UNKNOWN"))) { /* counted, though not weighed */
            pieces->field = f->quantity;
            if (unknown != NULL) {
                unknown->at = (uint32_t)draft->out.at;
                out_bytes(&draft->out, "H87", 3);
                unknown->n = (uint32_t)draft->out.at - unknown->at;
            }
            set(draft, f->unit, f->group, item, span_text("H87"));
        }
    }
    quantity = get(draft, f->quantity, item);
    unit = get(draft, f->unit, item);
    if (quantity.n > 0 && unit.n > 0) {
        const char *base = code_parent(&CODES_UNIT, code_exact(&CODES_UNIT, unit));
        char product[DECIMAL_BYTES_MAX];
        size_t n;

        if (base != NULL && decimal_multiply(quantity, span_text(unit_factor(unit)), 9, product, &n)) {
            set(draft, f->quantity_base, f->group, item, span_of(product, n));
            set(draft, f->unit_base, f->group, item, span_text(base));
        }
    }
}

static bool flag_is_true(struct draft *draft, const char *name)
{
    return span_equal(get(draft, field_by_name(draft->kind->fields, span_text(name)), 0), span_text("true"));
}

static void check_quantity(struct draft *draft, const struct item_fields *f, uint32_t item, struct record_faults *faults)
{
    struct span quantity = get(draft, f->quantity, item);
    struct span unit = get(draft, f->unit, item);
    bool is_unknown = span_equal(unit, span_text("UNKNOWN"));

    if (quantity.n == 0 && unit.n > 0 && !is_unknown) {
        fault_of_field(faults, FAULT_ERROR, f->quantity, item, quantity, "mandatory",
                       N_("%s is missing. Give it, or unit=UNKNOWN when nothing is weighed or counted yet."));
    }
    if (quantity.n > 0 && is_unknown) {
        fault_of_field(faults, FAULT_ERROR, f->unit, item, quantity, "quantity.unit", N_("%s: the quantity '%s' needs a unit: KGM, H87, LTR ..."));
    }
    if (quantity.n > 0 && decimal_is_zero(quantity) && !flag_is_true(draft, "is_aggregate")) {
        fault_of_field(faults, FAULT_ERROR, f->quantity, item, quantity, "quantity.zero",
                       N_("%s must be more than zero. Give unit=UNKNOWN when nothing is weighed or counted yet."));
    }
    if (span_equal(get(draft, f->unit_base, item), span_text("KGM")) && span_equal(get(draft, f->heading, item), span_text("DRG")) &&
        decimal_compare(get(draft, f->quantity_base, item), span_text("50000")) > 0) {
        fault_of_field(faults, FAULT_WARNING, f->quantity, item, quantity, "quantity.large",
                       N_("%s: '%s' is more than fifty tonnes. Check that the unit is right."));
    }
}

/* HS chapters that name one heading. */
static void check_hs_chapter(struct draft *draft, const struct item_fields *f, uint32_t item, struct record_faults *faults)
{
    static const char CHAPTERS[][2][4] = {{"24", "TOB"}, {"30", "MED"}, {"93", "WEA"}, {"22", "ALC"}};
    struct span hs = get(draft, f->hs, item);
    struct span heading = get(draft, f->heading, item);

    for (size_t i = 0; i < sizeof CHAPTERS / sizeof CHAPTERS[0]; i++) {
        if (hs.n >= 2 && memcmp(hs.p, CHAPTERS[i][0], 2) == 0 && heading.n > 0 && !span_equal(heading, span_text(CHAPTERS[i][1]))) {
            fault_of_field(faults, FAULT_WARNING, f->hs, item, hs, "hs.heading", N_("%s: '%s' is of another chapter than the heading. Check both."));
        }
    }
}

static void check_item(struct draft *draft, const struct item_fields *f, uint32_t item, struct record_faults *faults)
{
    struct span none = span_of(NULL, 0);

    if (get(draft, f->commodity, item).n == 0 && get(draft, f->description, item).n == 0) {
        fault_of_field(faults, FAULT_ERROR, f->commodity, item, none, "mandatory",
                       N_("%s is missing. Give it, or describe the goods in description."));
    }
    check_quantity(draft, f, item, faults);
    check_hs_chapter(draft, f, item, faults);
    if (get(draft, f->value, item).n > 0 && get(draft, f->currency, item).n == 0) {
        fault_of_field(faults, FAULT_ERROR, f->currency, item, none, "value.currency", N_("%s is missing: a value needs one (XOF, XAF, EUR ...)."));
    }
}

static void require(struct draft *draft, const struct field *fields, const struct field *group, uint32_t item, struct record_faults *faults)
{
    for (; fields->number != 0; fields++) {
        if ((fields->flags & FIELD_MANDATORY) == 0) {
            continue;
        }
        if (fields->type == FIELD_GROUP) {
            uint32_t items = draft_items(draft, fields);

            for (uint32_t i = 1; i <= (items == 0 ? 1 : items); i++) {
                require(draft, fields->group, fields, i, faults);
            }
        } else if (find(draft, fields, item) == NULL) {
            fault_of_field(faults, FAULT_ERROR, fields, group == NULL ? 0 : item, span_of(NULL, 0), "mandatory",
                           fields->codes == &CODES_UNIT
                               ? N_("%s is missing. Give the quantity with its unit, or unit=UNKNOWN when nothing is weighed yet.")
                               : N_("%s is missing. It must be given."));
        }
    }
}

static void check_dates(struct draft *draft, uint32_t today, struct record_faults *faults)
{
    const struct field *fields = draft->kind->fields;
    const struct field *date_field = field_by_name(fields, span_text("date"));
    const struct field *end_field = field_by_name(fields, span_text("date_end"));
    const struct field *until_field = field_by_name(fields, span_text("valid_until"));
    struct span date = get(draft, date_field, 0);
    struct span end = get(draft, end_field, 0);

    if (date.n == 0) {
        return;
    }
    if (date_first_day(date) > (int32_t)today) {
        fault_of_field(faults, FAULT_ERROR, date_field, 0, date, "date.future", N_("%s: '%s' is in the future."));
    }
    if (end.n > 0 && date_last_day(end) < date_first_day(date)) {
        fault_of_field(faults, FAULT_ERROR, end_field, 0, end, "date.order", N_("%s: '%s' is before the first day."));
    }
    if (end.n > 0 && date_first_day(end) > (int32_t)today) {
        fault_of_field(faults, FAULT_ERROR, end_field, 0, end, "date.future", N_("%s: '%s' is in the future."));
    }
    if (until_field != NULL) {
        struct span until = get(draft, until_field, 0);

        if (until.n > 0 && date_last_day(until) < date_first_day(date)) {
            fault_of_field(faults, FAULT_ERROR, until_field, 0, until, "date.order", N_("%s: '%s' is before the first day."));
        }
    }
}

/* Days that an operation plans: they may lie in the future, but not in disorder. */
static void check_plan(struct draft *draft, struct record_faults *faults)
{
    static const char *const NAMES[] = {"start", "end", "purge_after"};
    struct span before = span_of(NULL, 0);

    for (size_t i = 0; i < sizeof NAMES / sizeof NAMES[0]; i++) {
        const struct field *field = field_by_name(draft->kind->fields, span_text(NAMES[i]));
        struct span day = field == NULL ? span_of(NULL, 0) : get(draft, field, 0);

        if (day.n > 0 && before.n > 0 && date_last_day(day) < date_first_day(before)) {
            fault_of_field(faults, FAULT_ERROR, field, 0, day, "date.order", N_("%s: '%s' is before the first day."));
        }
        before = day.n > 0 ? day : before;
    }
}

static void check_aggregate(struct draft *draft, struct record_faults *faults)
{
    const struct field *count = field_by_name(draft->kind->fields, span_text("event_count"));
    struct span text = get(draft, count, 0);

    if (text.n > 0 && !flag_is_true(draft, "is_aggregate")) {
        fault_of_field(faults, FAULT_ERROR, count, 0, text, "aggregate", N_("%s: '%s' events are an aggregate: give is_aggregate=true too."));
    }
}

static void set_default(struct draft *draft, const char *name, const char *text)
{
    const struct field *field = field_by_name(draft->kind->fields, span_text(name));

    if (field != NULL && find(draft, field, 0) == NULL) {
        set(draft, field, NULL, 0, span_text(text));
    }
}

/* Items are numbered without gaps: item.1 and item.3 become 1 and 2. */
static void close_gaps(struct draft *draft)
{
    for (const struct field *group = draft->kind->fields; group->number != 0; group++) {
        if (group->type == FIELD_GROUP) {
            uint32_t items = draft_items(draft, group);
            uint32_t number[RECORD_ITEMS_MAX + 1] = {0};
            uint32_t next = 0;

            for (uint32_t i = 0; i < draft->count; i++) {
                if (draft->values[i].group == group) {
                    number[draft->values[i].item] = 1;
                }
            }
            for (uint32_t i = 1; i <= items; i++) {
                number[i] = number[i] != 0 ? ++next : 0;
            }
            for (uint32_t i = 0; next != items && i < draft->count; i++) {
                if (draft->values[i].group == group) {
                    draft->values[i].item = number[draft->values[i].item];
                }
            }
        }
    }
}

/* Order of WIRE.md 6: field or group number, item, number within the group, as given. */
static bool comes_before(const struct draft_value *a, const struct draft_value *b)
{
    uint32_t x = a->group != NULL ? a->group->number : a->field->number;
    uint32_t y = b->group != NULL ? b->group->number : b->field->number;

    if (x != y) {
        return x < y;
    }
    if (a->item != b->item) {
        return a->item < b->item;
    }
    if (a->field->number != b->field->number) {
        return a->field->number < b->field->number;
    }
    return a->order < b->order;
}

static void sort(struct draft *draft)
{
    for (uint32_t i = 1; i < draft->count; i++) {
        struct draft_value value = draft->values[i];
        uint32_t at = i;

        while (at > 0 && comes_before(&value, &draft->values[at - 1])) {
            draft->values[at] = draft->values[at - 1];
            at--;
        }
        draft->values[at] = value;
    }
}

bool draft_finish(struct draft *draft, uint32_t today, struct record *ret, struct record_faults *faults)
{
    size_t before = faults->errors;
    struct item_fields items;
    size_t bytes = 0;

    close_gaps(draft);
    set_default(draft, "status", "SUBMITTED");
    set_default(draft, "tlp", "GREEN");
    set_default(draft, "priority", "NORMAL");
    set_default(draft, "phase", "PREPARE");
    if (item_fields(draft->kind, &items)) {
        uint32_t count = draft_items(draft, items.group);

        for (uint32_t i = 1; i <= (count == 0 ? 1 : count); i++) {
            complete_item(draft, &items, i, faults);
            check_item(draft, &items, i, faults);
        }
    }
    require(draft, draft->kind->fields, NULL, 0, faults);
    check_dates(draft, today, faults);
    check_plan(draft, faults);
    check_aggregate(draft, faults);
    sort(draft);
    for (uint32_t i = 0; i < draft->count; i++) {
        bytes += draft->values[i].n + VALUE_COST_BYTES;
    }
    if (bytes > RECORD_TEXT_BYTES_MAX || draft->out.is_full) {
        add_fault(faults, (struct record_fault){FAULT_ERROR, NULL, 0, span_of(NULL, 0), "record.long",
                                                N_("The record is too long: all values together may have 1800 bytes. Shorten the texts.")});
    }
    ret->kind = draft->kind->number;
    memset(&ret->id, 0, sizeof ret->id);
    ret->depth = 1;
    ret->replaces_count = 0;
    ret->unknown_count = 0;
    ret->value_count = draft->count;
    for (uint32_t i = 0; i < draft->count; i++) {
        const struct draft_value *value = &draft->values[i];

        ret->values[i] = (struct record_value){value->field, value->group, value->item, text_of(draft, value)};
    }
    return faults->errors == before;
}
