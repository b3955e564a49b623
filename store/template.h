/* Rows of templates: registered by the broker as wanted, checked by vmpool. */
#ifndef ORL_STORE_TEMPLATE_H
#define ORL_STORE_TEMPLATE_H
#include "store/store.h"

enum orl_template_kind { ORL_TEMPLATE_NONE = 0, ORL_TEMPLATE_DISK, ORL_TEMPLATE_KERNEL };
enum orl_template_state {
    ORL_TEMPLATE_UNKNOWN = 0,
    ORL_TEMPLATE_CHECKING,
    ORL_TEMPLATE_READY,
    ORL_TEMPLATE_MISSING,
    ORL_TEMPLATE_CORRUPT,
    ORL_TEMPLATE_REMOVED, /* no new pools */
    ORL_TEMPLATE_STATE_COUNT
};
struct orl_template_row {
    char name[ORL_NAME_MAX + 1];
    enum orl_template_kind kind;
    char path[ORL_STORE_PATH_MAX + 1];   /* disk: qcow2 or raw */
    char kernel[ORL_STORE_PATH_MAX + 1]; /* kernel: direct boot */
    char initrd[ORL_STORE_PATH_MAX + 1];
    char cmdline[ORL_STORE_PATH_MAX + 1];
    char disk_format[15 + 1]; /* "qcow2", "raw" */
    uint64_t virtual_bytes;   /* vmpool's, as the rest below but created_ms */
    char sha256[64 + 1];
    uint32_t memory_mib; /* broker's */
    uint32_t vcpus;      /* broker's */
    enum orl_template_state state;
    enum orl_reason reason;
    char reason_text[ORL_TEXT_MAX + 1];
    uint64_t created_ms;
};
typedef int (*orl_template_fn)(void *ctx, const struct orl_template_row *row);

/* State becomes checking. ORL_E_INVAL (name), ORL_E_EXISTS. */
ORL_NODISCARD int orl_template_insert(struct orl_store *store, const struct orl_template_row *row,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_template_get(struct orl_store *store, const char *name,
        struct orl_template_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_template_list(
        struct orl_store *store, orl_template_fn fn, void *ctx, struct orl_err *err);
/* memory_mib and vcpus; when a path changes, state becomes checking. */
ORL_NODISCARD int orl_template_update(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err);
/* vmpool: state, reason, reason_text, sha256, virtual_bytes, disk_format; not over removed. */
ORL_NODISCARD int orl_template_observe(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err);
/* ORL_E_CONFLICT: a pool uses it. The file is never touched. */
ORL_NODISCARD int orl_template_remove(
        struct orl_store *store, const char *name, struct orl_err *err);
const char *orl_template_kind_name(enum orl_template_kind kind); /* "disk", "kernel" */
bool orl_template_kind_parse(const char *text, enum orl_template_kind *ret_kind);
const char *orl_template_state_name(enum orl_template_state state);
bool orl_template_state_parse(const char *text, enum orl_template_state *ret_state);

#endif
