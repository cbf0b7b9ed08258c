#include "store/env.h"

enum err store_backup(struct store *store, const char *path)
{
    return kv_copy(store->kv, path);
}
