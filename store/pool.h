/* Rows of pools: what the administrator wants, and the problem that vmpool has with it. */
#ifndef ORL_STORE_POOL_H
#define ORL_STORE_POOL_H
#include "store/desktop_state.h"
#include "store/store.h"

struct orl_pool_row {
    char name[ORL_NAME_MAX + 1];
    enum orl_pool_kind kind;              /* never changes */
    char template_name[ORL_NAME_MAX + 1]; /* empty for static */
    uint32_t spares;                      /* free and running, kept warm */
    uint32_t max_desktops;
    uint32_t memory_mib;           /* 0: the template's */
    uint32_t vcpus;                /* 0: the template's */
    uint32_t disconnect_timeout_s; /* 0: never */
    struct orl_permit permit;      /* of a session on its desktops */
    bool is_maintenance;           /* no new sessions */
    bool is_deleted;               /* to be drained; the row goes when its desktops are gone */
    uint64_t created_ms;
    enum orl_reason problem; /* vmpool's; 0: none */
    char problem_text[ORL_TEXT_MAX + 1];
    uint64_t retry_ms; /* vmpool tries again then */
};
/* "both", "to_guest", "to_client", "none", from and to ORL_CLIPBOARD_TO_*. */
const char *orl_clipboard_policy_name(uint32_t directions);
bool orl_clipboard_policy_parse(const char *text, uint32_t *ret_directions);

typedef int (*orl_pool_fn)(void *ctx, const struct orl_pool_row *row);

/* ORL_E_INVAL (name), ORL_E_EXISTS, ORL_E_NOTFOUND (no such template, unless static). */
ORL_NODISCARD int orl_pool_insert(struct orl_store *store, const struct orl_pool_row *row,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_pool_get(struct orl_store *store, const char *name,
        struct orl_pool_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_pool_list(
        struct orl_store *store, orl_pool_fn fn, void *ctx, struct orl_err *err);
/* Writes what the administrator owns: template_name, spares, max_desktops, memory, vcpus,
 * disconnect_timeout_s, permit, is_maintenance. Not name, kind, problem. */
ORL_NODISCARD int orl_pool_update(
        struct orl_store *store, const struct orl_pool_row *row, struct orl_err *err);
/* reason NONE clears it. Written only when it differs. */
ORL_NODISCARD int orl_pool_set_problem(struct orl_store *store, const char *name,
        enum orl_reason reason, const char *text, uint64_t retry_ms, struct orl_err *err);
/* Marks it for draining: no claim finds its desktops any more. */
ORL_NODISCARD int orl_pool_set_deleted(
        struct orl_store *store, const char *name, struct orl_err *err);
/* Removes row and entitlements. ORL_E_CONFLICT: desktops are left. */
ORL_NODISCARD int orl_pool_remove(struct orl_store *store, const char *name, struct orl_err *err);

#endif
