/* Rows of golden images, vmpool's: what each is made from, how far it is, where it lies; and which desktop is a copy
 * of which. Not here: making them (vmpool/golden_plan.h). */
#ifndef ORL_STORE_GOLDEN_H
#define ORL_STORE_GOLDEN_H
#include "store/page.h"
#include "store/store.h"

enum orl_golden_state {
    ORL_GOLDEN_UNKNOWN = 0,
    ORL_GOLDEN_BUILDING,
    ORL_GOLDEN_READY,  /* new clones begin as its copies */
    ORL_GOLDEN_FAILED, /* text says why */
    ORL_GOLDEN_STALE,  /* no new clones; goes with the last of the old ones */
    ORL_GOLDEN_STATE_COUNT
};
struct orl_golden_row {
    char id[ORL_ID_LEN + 1];
    char host[ORL_NAME_MAX + 1];
    char template_name[ORL_NAME_MAX + 1];
    uint32_t template_version;
    char devices[64 + 1]; /* a hash: all that a copy must have alike, but for machine and QEMU */
    char machine[ORL_NAME_MAX + 1];
    uint64_t qemu;  /* version, as libvirt counts */
    bool is_shared; /* memory by a shared file (instant); else read from the state (restore) */
    uint32_t memory_mib;
    uint32_t vcpus;
    char uuid[ORL_UUID_LEN + 1]; /* of the machine that it is made with */
    enum orl_golden_state state;
    uint32_t percent;
    char text[ORL_TEXT_MAX + 1]; /* what it is doing, or why it failed */
    char path[ORL_STORE_PATH_MAX + 1];
    uint64_t bytes;
    uint32_t attempts; /* the how-manieth of its kind */
    uint64_t created_ms, changed_ms;
    uint64_t built_ms; /* 0: not yet */
};
typedef int (*orl_golden_fn)(void *ctx, const struct orl_golden_row *row);

/* State becomes building. ORL_E_EXISTS: there is one of its kind. */
ORL_NODISCARD int orl_golden_insert(struct orl_store *store, const struct orl_golden_row *row,
        uint64_t now_ms, struct orl_err *err);
/* Writes state, percent, text, path, bytes and, when it becomes ready, built_ms. ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_golden_update(struct orl_store *store, const struct orl_golden_row *row,
        uint64_t now_ms, struct orl_err *err);
/* host NULL: of all. Newest first. */
ORL_NODISCARD int orl_golden_rows(struct orl_store *store, const char *host,
        const struct orl_page *page, orl_golden_fn fn, void *ctx, struct orl_err *err);
/* ORL_E_CONFLICT: a desktop is a copy of it. */
ORL_NODISCARD int orl_golden_forget(struct orl_store *store, const char *id, struct orl_err *err);
/* golden '': it is no copy. Before its machine is made. ORL_E_CONFLICT: another version, or given. */
ORL_NODISCARD int orl_desktop_set_golden(struct orl_store *store, const char *id, uint64_t version,
        const char *golden, const char *made_text, struct orl_err *err);
/* It runs, as somebody of its own. */
ORL_NODISCARD int orl_desktop_set_instant(
        struct orl_store *store, const char *id, struct orl_err *err);
const char *orl_golden_state_name(enum orl_golden_state state); /* "building", ... */
bool orl_golden_state_parse(const char *text, enum orl_golden_state *ret_state);

#endif
