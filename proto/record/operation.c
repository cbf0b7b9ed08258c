/* The kind "operation": offices that work together for some days or months, and so the group that a record can be released to (operation:NAME). Its
 * current version says who takes part; only its owner changes it. Non-nominal. */
#include "proto/record/envelope.h"
#include "proto/record/kinds.h"

static const struct field FIELDS[] = {
    ENVELOPE_FIELDS,
    FIELD(32, "country", FIELD_COUNTRY, FIELD_REPEATED | FIELD_EXACT, 2, NULL, N_("Countries"), N_("Countries where it takes place.")),
    FIELD(34, "name", FIELD_NAME, FIELD_MANDATORY | FIELD_EXACT | FIELD_WORDS, 60, NULL, N_("Name"),
          N_("The name by which it is known: COCAIR VIII. Records are released to its participants by this name.")),
    FIELD(35, "purpose", FIELD_TEXT, FIELD_MANDATORY | FIELD_WORDS, 800, NULL, N_("Purpose"), N_("What it is for, in a few sentences.")),
    FIELD_CODES(36, "phase", FIELD_MANDATORY | FIELD_EXACT, &CODES_PHASE, N_("Phase"),
                N_("Preparation, under way, evaluation or closed; preparation unless given. Nothing new is released to a closed one.")),
    FIELD(37, "start", FIELD_DATE, FIELD_EXACT, 10, NULL, N_("First day"), N_("The first day of the phase in which it is under way.")),
    FIELD(38, "end", FIELD_DATE, FIELD_EXACT, 10, NULL, N_("End"), N_("The last day of the phase in which it is under way.")),
    FIELD(39, "purge_after", FIELD_DATE, FIELD_LONG, 10, NULL, N_("Purge after"), N_("The day after which what was exchanged in it is to be erased.")),
    FIELD(40, "contact", FIELD_NAME, 0, 160, NULL, N_("Contact point"), N_("Whom to tell: a duty desk with telephone or address.")),
    FIELD_CODES(41, "heading", FIELD_REPEATED | FIELD_EXACT, &CODES_HEADING, N_("Heading"), N_("The classes of goods it looks for.")),
    FIELD_CODES(42, "commodity", FIELD_REPEATED | FIELD_EXACT, &CODES_COMMODITY, N_("Commodity"), N_("The goods it looks for.")),
    FIELD(43, "coordinator", FIELD_IDENTIFIER, FIELD_MANDATORY | FIELD_EXACT, NAME_BYTES_MAX, NULL, N_("Coordinator"),
          N_("The node of the office that coordinates it; it takes part. This node unless given.")),
    FIELD(44, "participant", FIELD_IDENTIFIER, FIELD_MANDATORY | FIELD_REPEATED | FIELD_EXACT, NAME_BYTES_MAX, NULL, N_("Participants"),
          N_("The nodes that take part, by name: they read what is released to the operation.")),
    FIELD_CODES(45, "mode", FIELD_REPEATED | FIELD_EXACT, &CODES_MODE, N_("Mode of transport"), N_("Sea, rail, road, air, post ...")),
    FIELD(46, "partner", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS | FIELD_LONG, 80, NULL, N_("Partners"),
          N_("Organisations that take part and have no node: they read nothing here.")),
    FIELD(65, "narrative", FIELD_TEXT, FIELD_WORDS, 1200, NULL, N_("Narrative"), N_("Background, in a few sentences. No names of persons.")),
    FIELD(66, "refers_to", FIELD_REFERENCE, FIELD_REPEATED | FIELD_EXACT | FIELD_LONG, 32, NULL, N_("Refers to"),
          N_("Records that led to it or report on it.")),
    FIELD_END,
};

const struct kind KIND_OPERATION = {RECORD_OPERATION, "operation", N_("Operation"), FIELDS};
