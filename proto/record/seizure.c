/* The kind "seizure": goods found or taken, and the offence around them. Numbers are permanent and rise; a gap leaves room. */
#include "proto/record/envelope.h"
#include "proto/record/kinds.h"

static const struct field ITEM[] = {
    FIELD_CODES(1, "heading", FIELD_MANDATORY | FIELD_EXACT, &CODES_HEADING, N_("Heading"),
                N_("The class of goods; follows from the commodity when that is given.")),
    FIELD_CODES(2, "commodity", FIELD_EXACT, &CODES_COMMODITY, N_("Commodity"), N_("What the goods are; this or a description is needed.")),
    FIELD(3, "description", FIELD_TEXT, FIELD_WORDS, 300, NULL, N_("Description"), N_("The goods in words.")),
    FIELD(4, "hs", FIELD_IDENTIFIER, FIELD_EXACT | FIELD_LONG, 12, NULL, N_("HS code"), N_("Harmonized System code, 2 to 10 digits.")),
    FIELD(5, "species", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Species"),
          N_("Animal or plant, by scientific or common name.")),
    FIELD(6, "quantity", FIELD_DECIMAL, 0, 24, NULL, N_("Quantity"), N_("How much, as weighed or counted; may carry its unit: 12.5 kg.")),
    FIELD_CODES(7, "unit", FIELD_MANDATORY, &CODES_UNIT, N_("Unit"), N_("The unit of the quantity; UNKNOWN when it is not weighed or counted yet.")),
    FIELD(8, "quantity_base", FIELD_DECIMAL, 0, 24, NULL, N_("Quantity in base unit"),
          N_("The quantity converted to the base unit, for totals. Computed.")),
    FIELD_CODES(9, "unit_base", 0, &CODES_UNIT, N_("Base unit"), N_("Kilogram, piece, litre, metre ... of the converted quantity. Computed.")),
    FIELD(10, "pieces", FIELD_COUNT, 0, 16, NULL, N_("Pieces"), N_("Number of pieces or animals, beside a weight.")),
    FIELD(11, "packages", FIELD_COUNT, FIELD_LONG, 16, NULL, N_("Packages"), N_("Number of bags, boxes, bales or drums.")),
    FIELD(12, "value", FIELD_DECIMAL, FIELD_LONG, 24, NULL, N_("Value"), N_("Estimated value, with its currency.")),
    FIELD_CODES(13, "currency", FIELD_LONG, &CODES_CURRENCY, N_("Currency"), N_("ISO 4217 code: XOF, XAF, NGN, EUR ...")),
    FIELD(14, "brand", FIELD_NAME, FIELD_EXACT | FIELD_WORDS | FIELD_LONG, 80, NULL, N_("Brand"), N_("Brand, make or logo on the goods.")),
    FIELD(15, "quantity_text", FIELD_NAME, FIELD_LONG, 80, NULL, N_("Quantity in words"),
          N_("How the source words a quantity that is not one number: \"400 g each\".")),
    FIELD_END,
};

static const struct field ORIGIN[] = {
    FIELD(1, "origin", FIELD_COUNTRY, FIELD_EXACT, 2, NULL, N_("Origin"), N_("Country the goods come from.")),
    FIELD(2, "origin_place", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place of origin"), N_("Town, port, airport or region of origin.")),
    FIELD_END,
};

static const struct field DEPARTURE[] = {
    FIELD(1, "departure", FIELD_COUNTRY, FIELD_EXACT, 2, NULL, N_("Departure"), N_("Country the consignment or traveller left from.")),
    FIELD(2, "departure_place", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place of departure"),
          N_("Town, port or airport of departure.")),
    FIELD_END,
};

static const struct field TRANSIT[] = {
    FIELD(1, "transit", FIELD_COUNTRY, FIELD_EXACT, 2, NULL, N_("Transit"), N_("A country passed on the way, in the order passed.")),
    FIELD(2, "transit_place", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place of transit"),
          N_("Town, port or airport passed on the way.")),
    FIELD_END,
};

static const struct field DESTINATION[] = {
    FIELD(1, "destination", FIELD_COUNTRY, FIELD_EXACT, 2, NULL, N_("Destination"), N_("Country the goods were going to.")),
    FIELD(2, "destination_place", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place of destination"),
          N_("Town, port or airport they were going to.")),
    FIELD_END,
};

static const struct field FIELDS[] = {
    ENVELOPE_FIELDS,
    FIELD(32, "country", FIELD_COUNTRY, FIELD_MANDATORY | FIELD_EXACT, 2, NULL, N_("Country"),
          N_("Where it was seized; the node's own country unless given.")),
    FIELD(33, "place", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Place"), N_("Town or area of the seizure.")),
    FIELD(34, "site", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 120, NULL, N_("Site"), N_("The airport, port, border post or other exact spot.")),
    FIELD_CODES(35, "place_type", FIELD_EXACT, &CODES_PLACE_TYPE, N_("Type of place"), N_("Seaport, airport, land post ...")),
    FIELD(36, "locode", FIELD_IDENTIFIER, FIELD_EXACT | FIELD_LONG, 16, NULL, N_("UN/LOCODE"), N_("UN/LOCODE of the place: SNDKR.")),
    FIELD_CODES(37, "offence", FIELD_REPEATED | FIELD_EXACT, &CODES_OFFENCE, N_("Offence"),
                N_("Smuggling, false description, transit diversion ...")),
    FIELD_CODES(38, "direction", FIELD_EXACT, &CODES_DIRECTION, N_("Direction"), N_("Import, export, transit ...")),
    FIELD_CODES(39, "procedure", FIELD_EXACT | FIELD_LONG, &CODES_PROCEDURE, N_("Procedure"), N_("The customs procedure the goods were under.")),
    FIELD_GROUPED(40, "item", FIELD_MANDATORY | FIELD_REPEATED, ITEM, N_("Goods"), N_("One line for each kind of goods.")),
    FIELD_GROUPED(41, "from", FIELD_REPEATED, ORIGIN, N_("Origin of goods"), N_("Where the goods come from; several when not certain.")),
    FIELD_GROUPED(42, "departed", FIELD_REPEATED | FIELD_LONG, DEPARTURE, N_("Departure"), N_("Where the journey began.")),
    FIELD_GROUPED(43, "via", FIELD_REPEATED, TRANSIT, N_("Transit"), N_("Countries and places passed on the way, in order.")),
    FIELD_GROUPED(44, "to", FIELD_REPEATED, DESTINATION, N_("Destination"), N_("Where the goods were going; several when not certain.")),
    FIELD_CODES(45, "mode", FIELD_EXACT, &CODES_MODE, N_("Mode of transport"), N_("Sea, rail, road, air, post ...")),
    FIELD_CODES(46, "conveyance", FIELD_EXACT, &CODES_CONVEYANCE, N_("Conveyance"), N_("Vessel, small craft, lorry, aircraft, on foot ...")),
    FIELD_CODES(47, "carried_as", FIELD_REPEATED | FIELD_EXACT, &CODES_CARRIAGE, N_("Carried as"),
                N_("How the goods travelled: freight, luggage, on the person, mail.")),
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
    FIELD_CODES(55, "selected_by", FIELD_REPEATED | FIELD_EXACT, &CODES_SELECTED, N_("Why selected"),
                N_("What led to the check: profile, tip-off, random ...")),
    FIELD_CODES(56, "found_by", FIELD_REPEATED | FIELD_EXACT, &CODES_FOUND, N_("How found"),
                N_("The means of detection: dog, X-ray, physical search ...")),
    FIELD(57, "found_text", FIELD_TEXT, FIELD_WORDS | FIELD_LONG, 300, NULL, N_("Detection in words"), N_("How it was found, in words.")),
    FIELD_CODES(58, "concealment", FIELD_REPEATED | FIELD_EXACT, &CODES_CONCEALMENT, N_("Place of concealment"), N_("Where the goods were hidden.")),
    FIELD_CODES(59, "technique", FIELD_REPEATED | FIELD_EXACT, &CODES_TECHNIQUE, N_("Technique"), N_("How they were hidden or disguised.")),
    FIELD(60, "concealment_text", FIELD_TEXT, FIELD_WORDS, 400, NULL, N_("Concealment in words"), N_("How the goods were hidden, in words.")),
    FIELD(61, "operation", FIELD_NAME, FIELD_EXACT | FIELD_WORDS, 80, NULL, N_("Operation"), N_("The operation it was part of.")),
    FIELD(62, "agencies", FIELD_NAME, FIELD_REPEATED | FIELD_EXACT | FIELD_WORDS | FIELD_LONG, 80, NULL, N_("Agencies"),
          N_("Other services that took part: police, forestry ...")),
    FIELD(63, "arrests", FIELD_COUNT, FIELD_LONG, 16, NULL, N_("Arrests"), N_("Number of persons arrested; no names.")),
    FIELD_CODES(64, "outcome", FIELD_REPEATED | FIELD_EXACT | FIELD_LONG, &CODES_OUTCOME, N_("Outcome"), N_("What became of goods and persons.")),
    FIELD(65, "narrative", FIELD_TEXT, FIELD_WORDS, 1500, NULL, N_("Narrative"), N_("What happened, in a few sentences. No names of persons.")),
    FIELD(66, "duplicates_of", FIELD_REFERENCE, FIELD_REPEATED | FIELD_EXACT | FIELD_LONG, 32, NULL, N_("Duplicates"),
          N_("Record of the same seizure reported by another country; it is counted once.")),
    FIELD_END,
};

const struct kind KIND_SEIZURE = {RECORD_SEIZURE, "seizure", N_("Seizure"), FIELDS};
