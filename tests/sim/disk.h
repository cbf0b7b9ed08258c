/* disk.h - a node's store in a simulated region: what is written, and how much of it a power cut would leave.
 * The admission gate is the real one (decoders of proto, validity of store) over memory instead of LMDB. */
#ifndef GRIOT_TESTS_SIM_DISK_H
#define GRIOT_TESTS_SIM_DISK_H

#include "tests/sim/registry.h"

struct disk_log {
    const struct sim_log *log;
    struct sim_commit **commits; /* commits[seq - 1], canonical */
    uint32_t count, cap;
    uint32_t durable; /* of them */
    bool is_birth_durable;
    bool is_changed;            /* to be told to the engine after the next sync */
    uint32_t source;            /* peer that brought it, UINT32_MAX own */
    uint64_t fork;              /* lowest disputed seq; 0 none */
    uint32_t cut;               /* the last commit that counts, by the acts held; what is beyond is kept. CUT_NONE: not cut */
    struct sim_commit **branch; /* a forker's other commits, from seq `branch_from` on; never synced, never crashed */
    uint32_t branch_count, branch_from;
    uint32_t start;     /* commits at the node's last start */
    bool is_told;       /* the engine knows a head of it in this life */
    uint64_t told;      /* its seq */
    bool is_taken_back; /* own: what was appended since the start is to be cut off */
    bool is_closed;     /* own: never appended to again */
    bool has_image;     /* existed when the image was taken */
    uint32_t image;     /* commits in the image */
};

#define CUT_NONE UINT32_MAX

struct disk_notice {
    struct sim_notice *live, *staged, *durable, *image;
    struct sim_notice *before[3]; /* older frontiers of this node, for differences; newest first */
    uint32_t source;
};

struct disk {
    struct registry *registry;
    uint32_t self; /* node index */
    struct disk_log *logs;
    uint32_t log_count, log_cap;
    struct disk_notice *notices;
    uint32_t notice_count, notice_cap;
    bool is_staged; /* something waits for a sync */
    bool has_image;
};

void disk_init(struct disk *disk, struct registry *registry, uint32_t self);
void disk_fini(struct disk *disk);
struct disk_log *disk_log(const struct disk *disk, const struct log_id *log);
/* The act that rules a node, or NULL: then, or when it lifts, the node is in. */
const struct sim_notice *disk_act_of(const struct disk *disk, uint32_t node);
/* How many commits are durable and count. */
uint32_t disk_counts(const struct disk_log *log);
/* Head of the durable part that counts. False when not even the birth is durable. */
bool disk_head(const struct disk_log *log, struct head *ret);
/* The chain at the end of what is written. */
const struct chain *disk_chain(const struct disk_log *log);

/* The gate. Stages what is good; `*ret_is_new` tells whether anything was. A fork is proven at once: `*ret_proof` is then durable. */
enum err disk_admit(struct disk *disk, struct span body, uint32_t source, bool *ret_is_new, struct sim_notice **ret_proof, struct log_id *ret_log);
/* Own. */
struct disk_log *disk_open(struct disk *disk, const struct sim_log *log);
void disk_append(struct disk *disk, struct disk_log *log, struct sim_commit *commit);
/* A notice that has been read and is good. ERR_STALE when one at least as new is held. Fork proofs are durable at once and cut the log. */
enum err disk_notice(struct disk *disk, struct sim_notice *notice, uint32_t source);
struct disk_notice *disk_notice_of(const struct disk *disk, const struct notice_ref *ref);
/* Drop own commits that nobody has seen. */
void disk_truncate(struct disk_log *log, uint32_t count);

/* Everything staged becomes durable. */
void disk_sync(struct disk *disk);
/* Power cut: what was not synced is gone. */
void disk_crash(struct disk *disk);
/* Take an image, and put it back as an operator would who restores a machine: keys and all. */
void disk_image(struct disk *disk);
void disk_restore(struct disk *disk);

#endif
