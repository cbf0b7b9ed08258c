/* pack.h - writes canonical MessagePack, the one encoding we accept back (WIRE.md 1). Wraps msgpack-c.
 * Smallest form of each integer and length; no floats, no extensions. Overflow is sticky in the writer. */
#ifndef GRIOT_PROTO_PACK_H
#define GRIOT_PROTO_PACK_H

#include "proto/span.h"

void pack_array(struct out *out, uint32_t items);
void pack_map(struct out *out, uint32_t pairs); /* keys must then be written in rising order */
void pack_uint(struct out *out, uint64_t value);
void pack_int(struct out *out, int64_t value);
void pack_bool(struct out *out, bool value);
void pack_bin(struct out *out, struct span bytes);
void pack_text(struct out *out, struct span utf8);

#endif
