/* client.h - how a command reaches its node: over the home's control socket when the daemon runs, else by taking the home's lock and answering from the store in this
 * process. The caller does not see the difference, but for `from` in the reply ("daemon" or "store").
 *
 * Frames on the socket (HOME/control.sock, 0600, same uid only): length (u32 BE, of type and body, at most 1 MiB) | type (1 byte) | body.
 * 'J': JSON text. 'B': bytes. Request: one J {"do": NAME, ...}; then for "append" B frames (record_batch.h form), ended by an empty B; each B is answered by one J.
 * Reply: any number of J {"progress": {...}}, then J {"ok": true, "result": {...}} or J {"ok": false, "error": {"code", "what", "why", "do"}}. */
#ifndef GRIOT_NODE_CLIENT_H
#define GRIOT_NODE_CLIENT_H

#include "proto/error.h"
#include "proto/span.h"

#include <jansson.h>

struct client;

/* Connect, or open the home.
 *   errors  ERR_NOT_FOUND  no home there; ERR_LOCKED  another command has the home; ERR_PASSPHRASE ...; ERR_UNREACHABLE  the daemon holds the lock and does not answer */
MUST_CHECK enum err client_open(const char *home, struct client **ret);
/* The same; after an error other than ERR_MEMORY `ret_fault` says what of the home it is about. */
struct home_fault;
MUST_CHECK enum err client_open_explained(const char *home, struct client **ret, struct home_fault *ret_fault);
/* The daemon only.  ERR_UNREACHABLE  none answers (yet) */
MUST_CHECK enum err client_dial(const char *home, struct client **ret);
void client_close(struct client **client);
/* Is it the daemon that answers? */
bool client_is_daemon(const struct client *client);

/* One request, one result. `on_progress` may be NULL. *ret_result: a new reference to "result", or to "error" when not ok.
 *   errors  the error's code as enum err; ERR_UNREACHABLE when the daemon went away */
MUST_CHECK enum err client_call(struct client *client, json_t *request, void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result);

/* Streaming append: begin, any number of batches (each durable when it returns), end.
 * `batch`: a sequence of [row key (bin, empty: new random id), record payload (bin, record_encode form, its id ignored when there is a row key)] as canonical MessagePack
 * arrays, at most 900 KiB. *ret_result of a batch: {"new", "updated", "unchanged", "kept" (of versions that replace one that expires later, or never: they expire no earlier), "ids": [hex ...]}. */
/* Takes `request`: {"channel": alert, report or bulk; "to": LIST (node/audience.h; region when left out); "shown": ids of those whom the person has seen as readers,
 * left out when nothing was shown; "expires": the day from which on they are hidden, in days since 1970; 0 or left out: never}.
 *   errors  ERR_USAGE, those of readers_resolve, ERR_STALE  the list means others than were shown; *ret_error is then a new reference to the error object, or NULL */
MUST_CHECK enum err client_append_begin(struct client *client, json_t *request, json_t **ret_error);
MUST_CHECK enum err client_append(struct client *client, struct span batch, json_t **ret_result);
/* The same one batch ahead, so that the next one can be made while this one is being stored: *ret_result answers the batch before, NULL when there was none. An empty
 * batch sends nothing and waits for the last; always done before client_append or client_append_end. After an error `batch` was not sent. */
MUST_CHECK enum err client_append_ahead(struct client *client, struct span batch, json_t **ret_result);
MUST_CHECK enum err client_append_end(struct client *client);

/* A bundle, written by the node and given out as it comes (bundle_service.h has the request; taken over): its files one after the other to `on_bytes`, before each of them progress
 * {"part", "parts"}. An error of `on_bytes` ends it, is returned, and *ret_result is then NULL; the client is of no more use but to be closed. */
MUST_CHECK enum err client_bundle_out(struct client *client, json_t *request, enum err (*on_bytes)(void *arg, struct span bytes),
                                      void (*on_progress)(void *arg, const json_t *progress), void *arg, json_t **ret_result);
/* A file of a bundle to the node: begin ("bundle_in", "bundle_check" or "bundle_show"), feed (at most 900 KiB at a time, one ahead: *ret_result answers the feed before, NULL when there was
 * none), end. An error ends it: the next is a new beginning. */
MUST_CHECK enum err client_bundle_begin(struct client *client, const char *what, json_t **ret_result);
MUST_CHECK enum err client_bundle_feed(struct client *client, struct span bytes, json_t **ret_result);
MUST_CHECK enum err client_bundle_end(struct client *client, json_t **ret_result);

/* Requests that a node answers ("do"): status, peers, lag, search {query, limit, offset}, show {id}, trace {id}, readers {to} or {id}, admit {card (hex of a card notice)}, join {notices (hex)},
 * watch {since} (events as progress, until the client goes away), backup {path}, verify {id?}, fsck, region {after} (charter, rosters, acts and cards as hex, from the given place on), rebuild. Results: node/ANSWERS.md. */

#endif
