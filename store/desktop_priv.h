/* What desktop*.c and session*.c share. */
#ifndef ORL_STORE_DESKTOP_PRIV_H
#define ORL_STORE_DESKTOP_PRIV_H
#include "store/desktop.h"
#include "store/store_priv.h"

/* In the order that orl_desktop_read() reads; of table desktop, alone or as d. */
#define ORL_DESKTOP_COLUMNS                                                                        \
    "id, pool, host, version, kind, lease, power, want, is_tainted, is_ready, is_maintenance,"     \
    " user_name, session, uuid, domain, overlay, vnc_target, vnc_password, reason, reason_text,"   \
    " attempts, retry_ms, created_ms, changed_ms, ready_ms, restart_ms,"                           \
    " template, template_version, slot, person, guest_state, is_instant,"                          \
    " golden, made_text, has_hook"

void orl_desktop_read(struct orl_db_query *q, struct orl_desktop_row *ret_row);
/* Step, read: 0, or ORL_E_NOTFOUND without a text of its own. */
ORL_NODISCARD int orl_desktop_read_one(
        struct orl_db_query *q, struct orl_desktop_row *ret_row, struct orl_err *err);
/* Reads the row and checks the fence (version 0: any). */
ORL_NODISCARD int orl_desktop_get_fenced(struct orl_store *store, const char *id, uint64_t version,
        struct orl_desktop_row *ret_row, struct orl_err *err);
/* orl_desktop_move() from a row that was read in the caller's transaction, for sessions: they alone
 * move the lease of a desktop that has one. */
ORL_NODISCARD int orl_desktop_step(struct orl_store *store, const struct orl_desktop_row *from,
        const struct orl_desktop_move *move, uint64_t now_ms, struct orl_desktop_row *ret_row,
        struct orl_err *err);
struct orl_desktop_state orl_desktop_state_of(const struct orl_desktop_row *row);

#endif
