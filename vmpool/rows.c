/* One pass's view of the store: pools, templates, this host's desktops. */
#include "vmpool/reconcile_priv.h"
#include <stdlib.h>
#include <string.h>

enum { ROOM_FIRST = 64 };

struct reading {
    struct orl_rows *rows;
    const char *host;
};

/* Room for one more element; NULL when there is none or the limit is reached. */
static void *grow(void **array, size_t *room, size_t count, size_t size, size_t limit)
{
    if (count >= limit) {
        return NULL;
    }
    if (count == *room) {
        size_t more = *room ? 2 * *room : ROOM_FIRST;
        void *grown = realloc(*array, more * size);
        if (!grown) {
            return NULL;
        }
        *array = grown;
        *room = more;
    }
    return (char *)*array + count * size;
}

static int on_pool(void *ctx, const struct orl_pool_row *row)
{
    struct orl_rows *rows = ((struct reading *)ctx)->rows;
    struct orl_pool_row *place = grow((void **)&rows->pools, &rows->pool_room, rows->pool_count,
            sizeof *place, ORL_POOLS_MAX);
    if (!place) {
        return ORL_E_LIMIT;
    }
    *place = *row;
    rows->pool_count++;
    return 0;
}

static int on_template(void *ctx, const struct orl_template_row *row)
{
    struct orl_rows *rows = ((struct reading *)ctx)->rows;
    struct orl_template_row *place = grow((void **)&rows->templates, &rows->template_room,
            rows->template_count, sizeof *place, ORL_TEMPLATE_VERSIONS_MAX);
    if (!place) {
        return ORL_E_LIMIT;
    }
    *place = *row;
    rows->template_count++;
    return 0;
}

static int on_desktop(void *ctx, const struct orl_desktop_row *row)
{
    const struct reading *reading = ctx;
    struct orl_rows *rows = reading->rows;
    if (row->kind != ORL_POOL_STATIC && strcmp(row->host, reading->host) != 0) {
        return 0;
    }
    struct orl_desktop_row *place = grow((void **)&rows->desktops, &rows->desktop_room,
            rows->desktop_count, sizeof *place, ORL_RECONCILE_MAX_ROWS);
    if (!place) {
        return ORL_E_LIMIT;
    }
    *place = *row;
    rows->desktop_count++;
    return 0;
}

void orl_rows_fini(struct orl_rows *rows)
{
    free(rows->pools);
    free(rows->desktops);
    free(rows->templates);
    orl_name_index_fini(&rows->pool_index);
    orl_name_index_fini(&rows->domain_index);
    free(rows->golden);
    memset(rows, 0, sizeof *rows);
}

static const struct orl_template_row *find_wanted(
        const struct orl_rows *rows, const struct orl_pool_row *pool)
{
    const struct orl_template_row *newest = NULL;
    if (pool->template_version > 0) {
        return orl_rows_template(rows, pool->template_name, pool->template_version);
    }
    for (size_t i = 0; i < rows->template_count; i++) { /* the newest of each first */
        const struct orl_template_row *t = &rows->templates[i];
        if (strcmp(t->name, pool->template_name) != 0) {
            continue;
        }
        if (t->state == ORL_TEMPLATE_READY) {
            return t;
        }
        newest = newest ? newest : t;
    }
    return newest;
}

static bool make_indexes(struct orl_rows *rows)
{
    for (size_t i = 0; i < rows->pool_count; i++) {
        rows->wanted[i] = find_wanted(rows, &rows->pools[i]);
    }
    return orl_name_index_build(
                   &rows->pool_index, ORL_NAME_KEYS(rows->pools, name), rows->pool_count) &&
           orl_name_index_build(
                   &rows->domain_index, ORL_NAME_KEYS(rows->desktops, domain), rows->desktop_count);
}

int orl_rows_read(
        struct orl_store *store, const char *host, struct orl_rows *rows, struct orl_err *err)
{
    struct reading reading = {.rows = rows, .host = host};
    const struct orl_desktop_filter all = {.has_any_order = true};
    rows->pool_count = rows->template_count = rows->desktop_count = 0;
    int r = orl_store_stamp(store, &rows->stamp_ms, err);
    r = r < 0 ? r : orl_pool_list(store, NULL, on_pool, &reading, err);
    r = r < 0 ? r : orl_host_is_draining(store, host, &rows->is_draining, err);
    r = r < 0 ? r : orl_template_list(store, NULL, on_template, &reading, err);
    r = r < 0 ? r : orl_desktop_list(store, &all, on_desktop, &reading, err);
    if (r == 0 && !make_indexes(rows)) {
        r = orl_err_set(err, ORL_E_NOMEM, "rows");
    }
    return r;
}

const struct orl_pool_row *orl_rows_pool(const struct orl_rows *rows, const char *name)
{
    size_t at = orl_name_index_find(&rows->pool_index, ORL_NAME_KEYS(rows->pools, name), name);
    return at != ORL_NAME_INDEX_NONE ? &rows->pools[at] : NULL;
}

const struct orl_desktop_row *orl_rows_domain(const struct orl_rows *rows, const char *domain)
{
    size_t at =
            orl_name_index_find(&rows->domain_index, ORL_NAME_KEYS(rows->desktops, domain), domain);
    return at != ORL_NAME_INDEX_NONE ? &rows->desktops[at] : NULL;
}

const struct orl_template_row *orl_rows_template(
        const struct orl_rows *rows, const char *name, uint32_t version)
{
    for (size_t i = 0; i < rows->template_count; i++) {
        const struct orl_template_row *t = &rows->templates[i];
        if (strcmp(t->name, name) == 0 && t->version == version) {
            return t;
        }
    }
    return NULL;
}

const struct orl_template_row *orl_rows_wanted(
        const struct orl_rows *rows, const struct orl_pool_row *pool)
{
    return rows->wanted[pool - rows->pools];
}
