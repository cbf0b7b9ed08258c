/* config.h - HOME/griot.ini, read by libinih through one table: key, type, range, default, unit, one sentence. The manual, `griot config check` and
 * deploy/griot.ini are tested against the table. */
#ifndef GRIOT_NODE_CONFIG_H
#define GRIOT_NODE_CONFIG_H

#include "proto/error.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum { CONFIG_TEXT_BYTES_MAX = 256, CONFIG_PEERS_MAX = 64 };

struct config_peer { /* [peer "rilo-dakar"]: overrides the address in that node's card */
    char name[64];
    char address[CONFIG_TEXT_BYTES_MAX];
};

struct config {
    /* [node] */
    char listen[CONFIG_TEXT_BYTES_MAX];   /* tcp://host:port, empty: accept nobody */
    char key_file[CONFIG_TEXT_BYTES_MAX]; /* sealing key, empty: ask */
    char language[8];                     /* fr, en, pt */
    char rilo[64];                        /* name of the RILO this office belongs to, empty: not said */
    /* [keys] */
    char rotate[8]; /* monthly, never */
    /* [store] */
    uint64_t disk_reserve_mib; /* intake stops below this */
    uint64_t author_mib_day;   /* taken in of one other node in a day; 0: by the free disk (node/core/share.h) */
    char compact[8];           /* HH:MM or never */
    /* [log] */
    char log_level[8]; /* error, warn, info, debug */
    /* [audit] */
    char auditor[2 * 32 + 1]; /* public key in hex, for whom searches are sealed; empty: for this node */
    /* [link] */
    uint32_t retry_max_s; /* 0: by the region's profile */
    /* [metrics] */
    char metrics[64]; /* loopback address and port, empty: no metrics */
    /* [peer "NAME"] */
    uint32_t peer_count;
    struct config_peer peers[CONFIG_PEERS_MAX];
};

struct config_fault {
    uint32_t line;  /* 1.. ; 0: the file as a whole */
    char what[256]; /* sentence in the language in use: key, value, what is allowed */
};

void config_defaults(struct config *config);
/* Read a file; every key unknown, doubled or out of range is a fault with its line; stops at none, keeps the first `max`.
 * `faults` may be NULL when `max` is 0. On ERR_CONFIG `ret` holds what was right, defaults elsewhere; on other errors it is untouched.
 *   errors  ERR_NOT_FOUND; ERR_CONFIG when there is a fault (`*ret_count` are kept); ERR_PERMISSION; ERR_IO; ERR_MEMORY */
MUST_CHECK enum err config_read(const char *path, struct config *ret, struct config_fault *faults, size_t max, size_t *ret_count);
/* The commented example with all defaults, as deploy/griot.ini holds it. */
void config_reference(FILE *to);

#endif
