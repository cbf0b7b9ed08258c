/* envelope.h - the fields that every kind begins with, numbers 5 to 31 (1 to 4 are the payload's own: kind, id, depth, replaces).
 * A macro, since a kind's table is one constant array. */
#ifndef GRIOT_PROTO_RECORD_ENVELOPE_H
#define GRIOT_PROTO_RECORD_ENVELOPE_H

#include "proto/limits.h"
#include "proto/record/codes.h"

enum { ENVELOPE_NUMBER_FIRST = 5, ENVELOPE_NUMBER_LAST = 31 };

/* One row of a field table; the bytes of codes, dates and numbers follow from their type. */
#define FIELD(number, name, type, flags, bytes, codes, label, help)                                                                                  \
    {                                                                                                                                                \
        number, name, type, flags, bytes, codes, NULL, label, help                                                                                   \
    }
#define FIELD_CODES(number, name, flags, codes, label, help) FIELD(number, name, FIELD_CODE, flags, CODE_BYTES_MAX, codes, label, help)
#define FIELD_GROUPED(number, name, flags, fields, label, help)                                                                                      \
    {                                                                                                                                                \
        number, name, FIELD_GROUP, flags, 0, NULL, fields, label, help                                                                               \
    }
#define FIELD_END                                                                                                                                    \
    {                                                                                                                                                \
        0, NULL, FIELD_TEXT, 0, 0, NULL, NULL, NULL, NULL                                                                                            \
    }

#define ENVELOPE_FIELDS                                                                                                                              \
    FIELD(5, "owner", FIELD_IDENTIFIER, FIELD_ENVELOPE | FIELD_EXACT, 32, NULL, N_("Owner"),                                                         \
          N_("The administration or RILO that entered the record; only it can issue new versions. Set by the node.")),                               \
        FIELD(6, "office", FIELD_NAME, FIELD_ENVELOPE | FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Office"),                                          \
              N_("The customs office or unit that reports.")),                                                                                       \
        FIELD(7, "date", FIELD_DATE, FIELD_ENVELOPE | FIELD_MANDATORY | FIELD_EXACT, 10, NULL, N_("Date"),                                           \
              N_("The day it happened: 2026-11-22; or 2026-11 or 2026 when only the month or year is known.")),                                      \
        FIELD(8, "date_end", FIELD_DATE, FIELD_ENVELOPE | FIELD_LONG, 10, NULL, N_("Last day"),                                                      \
              N_("The last day, when it lasted longer than one.")),                                                                                  \
        FIELD(9, "entry_time", FIELD_TIME, FIELD_ENVELOPE, 20, NULL, N_("Entered"), N_("When the record was entered, in UTC. Set by the node.")),    \
        FIELD_CODES(10, "language", FIELD_ENVELOPE, &CODES_LANGUAGE, N_("Language"), N_("The language of the free texts; codes have none.")),        \
        FIELD_CODES(11, "grading", FIELD_ENVELOPE | FIELD_EXACT, &CODES_GRADING, N_("Grading"),                                                      \
                    N_("4x4 grading: reliability of the source, A B C X, and of the information, 1 to 4.")),                                         \
        FIELD_CODES(12, "tlp", FIELD_ENVELOPE | FIELD_EXACT, &CODES_TLP, N_("TLP"),                                                                  \
                    N_("Traffic Light Protocol: how far a reader may pass it on. A courtesy of the reader, not access control.")),                   \
        FIELD_CODES(13, "handling", FIELD_ENVELOPE | FIELD_EXACT, &CODES_HANDLING, N_("Handling"),                                                   \
                    N_("Handling code H0 to H3: what the information may be used for.")),                                                            \
        FIELD_CODES(14, "status", FIELD_ENVELOPE | FIELD_EXACT, &CODES_STATUS, N_("Status"),                                                         \
                    N_("Draft, submitted or withdrawn; set by the owner.")),                                                                         \
        FIELD(15, "national_reference", FIELD_IDENTIFIER, FIELD_ENVELOPE | FIELD_EXACT, 64, NULL, N_("National reference"),                          \
              N_("The number of the file or court case in the country.")),                                                                           \
        FIELD(16, "source", FIELD_NAME, FIELD_ENVELOPE | FIELD_EXACT, 64, NULL, N_("Source"),                                                        \
              N_("The mapping by which the record was imported. Set by the import.")),                                                               \
        FIELD(17, "external_id", FIELD_IDENTIFIER, FIELD_ENVELOPE | FIELD_EXACT, 64, NULL, N_("External id"),                                        \
              N_("The record's number in the file or system it was imported from.")),                                                                \
        FIELD(18, "is_aggregate", FIELD_FLAG, FIELD_ENVELOPE | FIELD_EXACT, 5, NULL, N_("Aggregate"),                                                \
              N_("true when the record sums up several events; it never counts as a single one.")),                                                  \
        FIELD(19, "event_count", FIELD_COUNT, FIELD_ENVELOPE, 16, NULL, N_("Number of events"), N_("How many events an aggregate sums up.")),        \
        FIELD(20, "is_exercise", FIELD_FLAG, FIELD_ENVELOPE | FIELD_EXACT, 5, NULL, N_("Exercise"),                                                  \
              N_("true for a record made up for training or demonstration.")),                                                                       \
        FIELD(21, "release", FIELD_IDENTIFIER, FIELD_ENVELOPE | FIELD_REPEATED | FIELD_EXACT, NAME_BYTES_MAX, NULL, N_("Released to"),               \
              N_("The nodes it is released to, by name, its owner among them; none: the whole region. Set by the node."))

#endif
