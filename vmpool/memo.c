/* What the reconciler remembers between passes; none of it may not be lost. */
#include "vmpool/reconcile_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct orl_memo *orl_memo_get(struct orl_reconcile *r, const char *key)
{
    size_t at = orl_name_index_find(&r->memo_index, ORL_NAME_KEYS(r->memos, key), key);
    if (at != ORL_NAME_INDEX_NONE) {
        r->memos[at].used_pass = r->pass;
        return &r->memos[at];
    }
    if (r->memo_count == r->memo_room) {
        size_t room = r->memo_room ? 2 * r->memo_room : 64;
        struct orl_memo *grown = realloc(r->memos, room * sizeof *grown);
        if (!grown) {
            return NULL;
        }
        r->memos = grown;
        r->memo_room = room;
    }
    struct orl_memo *memo = &r->memos[r->memo_count];
    *memo = (struct orl_memo){.used_pass = r->pass};
    (void)snprintf(memo->key, sizeof memo->key, "%s", key);
    if (!orl_name_index_add(&r->memo_index, ORL_NAME_KEYS(r->memos, key), r->memo_count)) {
        return NULL;
    }
    r->memo_count++;
    return memo;
}

void orl_memo_template_key(char ret_key[ORL_MEMO_KEY_MAX + 1], const struct orl_template_row *row)
{
    (void)snprintf(ret_key, ORL_MEMO_KEY_MAX + 1, "t:%s:%u", row->name, row->version);
}

struct orl_pool_memo *orl_pool_memo_get(struct orl_reconcile *r, const char *name)
{
    for (size_t i = 0; i < r->pool_memo_count; i++) {
        if (strcmp(r->pool_memos[i].name, name) == 0) {
            return &r->pool_memos[i];
        }
    }
    if (r->pool_memo_count >= ORL_POOLS_MAX) {
        return NULL;
    }
    struct orl_pool_memo *memo = &r->pool_memos[r->pool_memo_count++];
    *memo = (struct orl_pool_memo){0};
    (void)snprintf(memo->name, sizeof memo->name, "%s", name);
    return memo;
}

void orl_memo_forget_unused(struct orl_reconcile *r)
{
    size_t kept = 0;
    for (size_t i = 0; i < r->memo_count; i++) {
        if (r->memos[i].is_busy || r->memos[i].used_pass == r->pass || orl_hung_is(&r->memos[i])) {
            if (kept != i) {
                r->memos[kept] = r->memos[i];
            }
            kept++;
        }
    }
    if (kept == r->memo_count) {
        return;
    }
    r->memo_count = kept;
    if (!orl_name_index_build(&r->memo_index, ORL_NAME_KEYS(r->memos, key), kept)) {
        r->memo_count = 0; /* as after a restart */
    }
}

void orl_memo_fini(struct orl_reconcile *r)
{
    orl_name_index_fini(&r->memo_index);
    free(r->memos);
}
