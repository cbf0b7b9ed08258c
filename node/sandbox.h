/* sandbox.h - a whole region on one machine's loopback, for demo, training, tests and benchmarks: its plan, and how it is made.
 *
 *   DIR/NAME          each node's home (node/home.h), with log.txt, the log of its process
 *   DIR/root          the root (node/root.h), and of the sandbox itself:
 *   DIR/root/sandbox  the plan: nodes and ports, fixed when it is made; text, one row a line
 *   DIR/root/unlock/  the sealing keys of the homes and of the root keys, 0600, as a service manager would supply them
 *   DIR/root/cut/     a file NAME for each node whose cable is pulled (node/wire.h)
 *   DIR/root/wire.*   of the relay: pid, cut (what it has applied), log
 *
 * Every edge dials every hub; of two hubs the one with the lower node id dials. Each of these links has a port of its own on the relay, named in the dialler's griot.ini;
 * one more for each hub serves guests, nodes that were not made with the sandbox, and is the address in the hub's card. */
#ifndef GRIOT_NODE_SANDBOX_H
#define GRIOT_NODE_SANDBOX_H

#include "node/wire.h"
#include "proto/ids.h"

#include <limits.h>
#include <stdbool.h>

enum {
    SANDBOX_HUBS_MAX = 8,
    SANDBOX_EDGES_MAX = 24,
    SANDBOX_NODES_MAX = 64, /* with guests */
    SANDBOX_PORT_FIRST = 20000,
    SANDBOX_PORT_BASE_MAX = 31000, /* ports are looked for upwards from a random base; 32768 is where the kernel takes its own */
    SANDBOX_PORT_LAST = 32767,
    SANDBOX_PATH_BYTES_MAX = 200,  /* of DIR as an absolute path: paths in griot.ini and of sockets are short */
};

struct sandbox_node {
    char name[NAME_BYTES_MAX + 1];
    enum role role;
    uint16_t port;  /* where it listens; 0: nobody dials it */
    bool is_guest;  /* its home lies in DIR, but it was made by griot init: its links are nobody's to cut */
};

struct sandbox {
    char path[PATH_MAX]; /* absolute, links resolved */
    size_t node_count;   /* hubs, edges in the order they were named, guests by name */
    struct sandbox_node nodes[SANDBOX_NODES_MAX];
    size_t port_count;
    struct wire_port ports[WIRE_PORTS_MAX];
};

/* The edges there are, as lower-case alpha-2 codes in the order of the two offices' lists; NULL at the end. */
extern const char *const sandbox_edges[];

struct sandbox_plan {
    uint32_t hubs;            /* 1..SANDBOX_HUBS_MAX */
    const char *const *edges; /* NULL-ended, elements of sandbox_edges, each once */
    void (*progress)(void *arg, uint32_t done, uint32_t total, const char *name); /* or NULL; a node's home is made */
    void *arg;
};
/* Make DIR: root keys, charter, homes, roster (profile sandbox), and the region's notices in every store. After an error nothing is left of it.
 *   errors  ERR_EXISTS  it is there and not empty; ERR_INVALID  the plan, or a path longer than SANDBOX_PATH_BYTES_MAX; ERR_BUSY  too few free ports
 *           ERR_NOT_FOUND  no parent folder; ERR_PERMISSION, ERR_IO, ERR_FULL, ERR_MEMORY, ERR_MLOCK */
MUST_CHECK enum err sandbox_create(const char *path, const struct sandbox_plan *plan);

/* Read the plan of DIR, and which guests have homes there. Yours to free().
 *   errors  ERR_NOT_FOUND  DIR is no sandbox; ERR_CORRUPT  its plan is damaged; ERR_PERMISSION, ERR_IO, ERR_MEMORY */
MUST_CHECK enum err sandbox_open(const char *path, struct sandbox **ret);
/* A node by name, or NULL. */
const struct sandbox_node *sandbox_find(const struct sandbox *sandbox, const char *name);
/* DIR/NAME, and a path below DIR/root. `ret` holds PATH_MAX bytes; it is returned. Paths fit, since DIR is short. */
char *sandbox_home(const struct sandbox *sandbox, const char *name, char ret[PATH_MAX]);
char *sandbox_root(const struct sandbox *sandbox, const char *below, char ret[PATH_MAX]);

/* Is the node's cable pulled? */
bool sandbox_is_cut(const struct sandbox *sandbox, const char *name);
/* Pull it, or put it back; whether the relay runs or not. ERR_PERMISSION, ERR_FULL, ERR_IO */
MUST_CHECK enum err sandbox_cut(const struct sandbox *sandbox, const char *name, bool is_cut);
/* Does the relay say that it has applied this? */
bool sandbox_is_applied(const struct sandbox *sandbox, const char *name, bool is_cut);

#endif
