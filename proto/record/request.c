/* The kinds "request" and "answer": originator control. Who was released a record and wants to pass it on asks its owner, and the owner says yes or no;
 * both are records, released to the two of them, so that either can show later what was asked and what was allowed. */
#include "proto/record/envelope.h"
#include "proto/record/kinds.h"

static const struct field REQUEST_FIELDS[] = {
    ENVELOPE_FIELDS,
    FIELD(32, "about", FIELD_REFERENCE, FIELD_MANDATORY | FIELD_EXACT, 32, NULL, N_("About"), N_("The record that is to be passed on, by its id.")),
    FIELD(33, "asked", FIELD_IDENTIFIER, FIELD_MANDATORY | FIELD_EXACT, NAME_BYTES_MAX, NULL, N_("Asked"),
          N_("The node of the office whose record it is, and which answers.")),
    FIELD(34, "pass_to", FIELD_NAME, FIELD_MANDATORY | FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Pass on to"),
          N_("To whom it is to be passed on: nodes by name, or other bodies in words.")),
    FIELD(35, "why", FIELD_TEXT, FIELD_MANDATORY | FIELD_WORDS, 1000, NULL, N_("Why"), N_("What they need it for.")),
    FIELD(36, "version", FIELD_IDENTIFIER, FIELD_LONG, 64, NULL, N_("Version"), N_("The version that the asker has read, by its hash.")),
    FIELD(37, "answer_by", FIELD_DATE, FIELD_EXACT, 10, NULL, N_("Answer by"), N_("The day by which an answer is needed.")),
    FIELD_END,
};

static const struct field ANSWER_FIELDS[] = {
    ENVELOPE_FIELDS,
    FIELD(32, "about", FIELD_REFERENCE, FIELD_MANDATORY | FIELD_EXACT, 32, NULL, N_("About"), N_("The record that was to be passed on, by its id.")),
    FIELD(33, "request", FIELD_REFERENCE, FIELD_MANDATORY | FIELD_EXACT, 32, NULL, N_("Request"), N_("The request that is answered, by its id.")),
    FIELD(34, "pass_to", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Pass on to"),
          N_("To whom it may be passed on, and to nobody else; none when it is refused.")),
    FIELD(35, "why", FIELD_TEXT, FIELD_WORDS, 1000, NULL, N_("Why"), N_("The ground of a refusal, or what the permission is tied to.")),
    FIELD_CODES(36, "decision", FIELD_MANDATORY | FIELD_EXACT, &CODES_DECISION, N_("Decision"), N_("Granted or refused.")),
    FIELD(37, "valid_until", FIELD_DATE, FIELD_EXACT, 10, NULL, N_("Valid until"), N_("The last day of the permission.")),
    FIELD_END,
};

const struct kind KIND_REQUEST = {RECORD_REQUEST, "request", N_("Request"), REQUEST_FIELDS};
const struct kind KIND_ANSWER = {RECORD_ANSWER, "answer", N_("Answer"), ANSWER_FIELDS};
