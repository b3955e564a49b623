/* The person inside a desktop's guest, as vmpool has seen it through the hook; and a person's number in guests.
 * Not here: which desktop is whose (store/desktop.h). */
#ifndef ORL_STORE_PERSON_H
#define ORL_STORE_PERSON_H
#include "store/desktop.h"

/* vmpool's, under the fence. reason is the row's from then on where it is not NONE. ORL_E_CONFLICT: another's by now. */
ORL_NODISCARD int orl_desktop_set_person(struct orl_store *store, const char *id, uint64_t version,
        enum orl_person person, enum orl_reason reason, const char *text, uint64_t now_ms,
        struct orl_err *err);
/* Nothing changes where it is so already. */
ORL_NODISCARD int orl_desktop_set_guest_state(struct orl_store *store, const char *id,
        uint64_t version, enum orl_guest_state state, uint64_t now_ms, struct orl_err *err);
/* The person's number, given now if they have none. */
ORL_NODISCARD int orl_person_uid(
        struct orl_store *store, const char *user, uint32_t *ret_uid, struct orl_err *err);
/* ORL_E_NOTFOUND: they have none yet. */
ORL_NODISCARD int orl_person_uid_find(
        struct orl_store *store, const char *user, uint32_t *ret_uid, struct orl_err *err);

#endif
