/* metrics.h - what this node knows of itself as Prometheus text (exposition format 0.0.4), answered on a loopback address to GET /metrics and to nothing else. */
#ifndef GRIOT_NODE_METRICS_H
#define GRIOT_NODE_METRICS_H

#include "node/service.h"

#include <stdio.h>

/* Is this 127.0.0.1:PORT or [::1]:PORT, with a port from 1 to 65535? Metrics name peers and offices, so nobody else is given them. */
bool metrics_address_is_valid(const char *address);

/* Write all metrics of the answers griot.status/1, griot.peers/1 and griot.lag/1; any may be NULL, what it would say is then left out. */
void metrics_write(FILE *to, const json_t *status, const json_t *peers, const json_t *lag);

struct metrics; /* a listening server with a thread of its own */
/* `service` outlives it.
 *   errors  ERR_INVALID  the address; ERR_EXISTS  it is in use; ERR_MEMORY, ERR_IO */
MUST_CHECK enum err metrics_new(const char *address, struct service *service, struct metrics **ret);
void metrics_destroy(struct metrics **metrics);

#endif
