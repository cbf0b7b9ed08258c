/* tables.h - the tables of the views environment, in the order in which kv.h numbers them. VIEWS.md says what is in each. */
#ifndef GRIOT_STORE_INDEX_TABLES_H
#define GRIOT_STORE_INDEX_TABLES_H

enum {
    VIEW_META,    /* how far the journal is followed, counts */
    VIEW_TERMS,   /* pages of volumes: terms and their postings */
    VIEW_DOCS,    /* per volume: sort keys, then where each document is */
    VIEW_TAIL,    /* documents that no volume holds yet, one row each */
    VIEW_FILTERS, /* per volume: of which records it holds no version */
    VIEW_NAMED,   /* record id | author | version, held or not -> how many versions that count replace it */
    VIEW_DEAD,    /* documents that are not current, in blocks */
    VIEW_ENDS,    /* logs of which not all that is held counts: local number of the log -> last commit that counts */
    VIEW_AUTHORS, /* node id -> short local number */
    VIEW_ERASED,  /* documents whose payload is not here any more, in blocks */
    VIEW_HIDDEN,  /* documents whose day has come, in blocks */
    VIEW_DAYS,    /* expiry day | document: of all that expire */
    VIEW_WAITING, /* key id | log | seq -> which entries of the commit could not be opened yet */
    VIEW_TABLES
};
#define VIEW_TABLE_NAMES                                                                                                                             \
    {                                                                                                                                                \
        "meta", "terms", "docs", "tail", "filters", "named", "dead", "ends", "authors", "erased", "hidden", "days", "waiting"                        \
    }

#endif
