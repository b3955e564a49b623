/* The built pages, read once at the start: no path of a request ever opens a file. */
#ifndef ORL_WEB_ASSETS_H
#define ORL_WEB_ASSETS_H
#include "base/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct orl_asset {
    char path[128]; /* "/assets/portal-0123456789ab.js" */
    const char *type;
    uint8_t *data; /* owned */
    size_t len;
    uint8_t *gz; /* owned; NULL: there is no compressed one */
    size_t gz_len;
    char etag[35]; /* with its quotes */
    bool is_immutable;
};
struct orl_assets; /* one owner */
/* Of dir and dir/assets. A folder that is not there, or without index.html, is ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_assets_load(
        const char *dir, struct orl_assets **ret_assets, struct orl_err *err);
/* For "/", "/admin" and "/desktop/POOL", too. NULL: nothing there. */
const struct orl_asset *orl_assets_find(const struct orl_assets *assets, const char *path);
unsigned orl_assets_count(const struct orl_assets *assets);
void orl_assets_free(struct orl_assets *assets);

#endif
