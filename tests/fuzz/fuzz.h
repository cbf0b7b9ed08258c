/* fuzz.h - what the fuzz targets share. A target decodes; whatever it accepts must encode to the same bytes again. */
#ifndef GRIOT_TESTS_FUZZ_H
#define GRIOT_TESTS_FUZZ_H

#include <stdlib.h>

#include "proto/error.h"
#include "proto/span.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void must(bool is_true)
{
    if (!is_true) {
        abort();
    }
}

/* A refusal blames the peer and cites WIRE.md. */
static inline void must_refuse_well(enum err err, const char *clause)
{
    must(err_blame(err) == BLAME_PEER && clause != NULL && memcmp(clause, "WIRE.md ", 8) == 0);
}

static inline void must_equal(const struct out *again, struct span input)
{
    must(!again->is_full && span_equal(out_written(again), input));
}

#endif
