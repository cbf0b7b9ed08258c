#include "proto/error.h"

#include <string.h>

static const struct {
    const char *name;
    enum blame blame;
    const char *text;
} errors[ERR_COUNT] = {
#define ERROR_ROW(code, blame, text) [code] = {#code, BLAME_##blame, text},
    ERROR_LIST(ERROR_ROW)
#undef ERROR_ROW
};

static size_t row(enum err err)
{
    return (unsigned)err < ERR_COUNT ? (size_t)err : (size_t)ERR_INTERNAL;
}

const char *err_name(enum err err)
{
    return errors[row(err)].name;
}

enum blame err_blame(enum err err)
{
    return errors[row(err)].blame;
}

const char *err_text(enum err err)
{
    return errors[row(err)].text;
}

enum err err_of_name(const char *name, size_t n)
{
    for (unsigned i = 0; i < ERR_COUNT; i++) {
        if (strlen(errors[i].name) == n && memcmp(errors[i].name, name, n) == 0) {
            return (enum err)i;
        }
    }
    return ERR_COUNT;
}
