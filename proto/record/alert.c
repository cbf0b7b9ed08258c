/* The kind "alert": look out for something, do something about it, until a day. Non-nominal: persons are not described here. */
#include "proto/record/envelope.h"
#include "proto/record/kinds.h"

static const struct field FIELDS[] = {
    ENVELOPE_FIELDS,
    FIELD(32, "country", FIELD_COUNTRY, FIELD_REPEATED | FIELD_EXACT, 2, NULL, N_("Countries"),
          N_("Countries where it is expected or that it concerns.")),
    FIELD(33, "place", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place"), N_("Where it is expected.")),
    FIELD(34, "title", FIELD_NAME, FIELD_MANDATORY | FIELD_WORDS, 160, NULL, N_("Title"), N_("One line that says what to look for.")),
    FIELD_CODES(35, "subject", FIELD_EXACT, &CODES_SUBJECT, N_("Subject"), N_("What the alert is about: container, vehicle, route ...")),
    FIELD(36, "threat", FIELD_TEXT, FIELD_MANDATORY | FIELD_WORDS, 1200, NULL, N_("Threat"),
          N_("What is known and why it matters. No names of persons.")),
    FIELD(37, "valid_until", FIELD_DATE, FIELD_MANDATORY | FIELD_EXACT, 10, NULL, N_("Valid until"), N_("The last day on which the alert applies.")),
    FIELD_CODES(38, "requested_action", FIELD_MANDATORY | FIELD_REPEATED | FIELD_EXACT, &CODES_ACTION, N_("Requested action"),
                N_("What the reader is asked to do.")),
    FIELD_CODES(39, "priority", FIELD_MANDATORY | FIELD_EXACT, &CODES_PRIORITY, N_("Priority"),
                N_("Low, normal, high or flash; normal unless given.")),
    FIELD(40, "contact", FIELD_NAME, 0, 160, NULL, N_("Contact point"), N_("Whom to tell: a duty desk with telephone or address.")),
    FIELD_CODES(41, "heading", FIELD_REPEATED | FIELD_EXACT, &CODES_HEADING, N_("Heading"), N_("The classes of goods.")),
    FIELD_CODES(42, "commodity", FIELD_REPEATED | FIELD_EXACT, &CODES_COMMODITY, N_("Commodity"), N_("The goods expected.")),
    FIELD_CODES(45, "mode", FIELD_REPEATED | FIELD_EXACT, &CODES_MODE, N_("Mode of transport"), N_("Sea, rail, road, air, post ...")),
    FIELD(46, "origin", FIELD_COUNTRY, FIELD_REPEATED | FIELD_EXACT, 2, NULL, N_("Origin"), N_("Country it comes from.")),
    FIELD(47, "destination", FIELD_COUNTRY, FIELD_REPEATED | FIELD_EXACT, 2, NULL, N_("Destination"), N_("Country it is going to.")),
    FIELD(48, "carrier", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Carrier"), N_("Airline, shipping line or haulier.")),
    FIELD(49, "plate", FIELD_IDENTIFIER, FIELD_REPEATED | FIELD_EXACT, 24, NULL, N_("Vehicle plate"),
          N_("Registration plate of a vehicle or trailer, as shown on it.")),
    FIELD(50, "vessel", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Vessel"), N_("Name of the vessel or craft.")),
    FIELD(51, "imo", FIELD_IDENTIFIER, FIELD_EXACT | FIELD_LONG, 12, NULL, N_("IMO number"), N_("IMO number of the vessel, 7 digits.")),
    FIELD(52, "flight", FIELD_IDENTIFIER, FIELD_REPEATED | FIELD_EXACT, 80, NULL, N_("Flight"), N_("Flight number.")),
    FIELD(53, "container", FIELD_IDENTIFIER, FIELD_REPEATED | FIELD_EXACT, 16, NULL, N_("Container"),
          N_("Container number, ISO 6346; a wrong check digit is only a warning.")),
    FIELD(54, "waybill", FIELD_IDENTIFIER, FIELD_REPEATED | FIELD_EXACT, 40, NULL, N_("Waybill"),
          N_("Number of the bill of lading, air waybill or courier waybill.")),
    FIELD_CODES(58, "concealment", FIELD_REPEATED | FIELD_EXACT, &CODES_CONCEALMENT, N_("Place of concealment"),
                N_("Where the goods may be hidden.")),
    FIELD(61, "operation", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Operation"), N_("The operation it is part of.")),
    FIELD(65, "narrative", FIELD_TEXT, FIELD_WORDS, 1500, NULL, N_("Narrative"), N_("Background, in a few sentences. No names of persons.")),
    FIELD(66, "refers_to", FIELD_REFERENCE, FIELD_REPEATED | FIELD_EXACT | FIELD_LONG, 32, NULL, N_("Refers to"),
          N_("Records that led to the alert.")),
    FIELD_END,
};

const struct kind KIND_ALERT = {RECORD_ALERT, "alert", N_("Alert"), FIELDS};
