/* Rows of templates: registered by the broker as wanted, checked by vmpool. A template has versions, from 1;
 * each is files of its own, and a number that was given is never given again. A row is one version. */
#ifndef ORL_STORE_TEMPLATE_H
#define ORL_STORE_TEMPLATE_H
#include "store/page.h"
#include "store/store.h"

#define ORL_TEMPLATE_VERSIONS_MAX                                                                  \
    1000 /* of a site, of all templates; a vmpool keeps room for each */

enum orl_template_kind { ORL_TEMPLATE_NONE = 0, ORL_TEMPLATE_DISK, ORL_TEMPLATE_KERNEL };
enum orl_template_state {
    ORL_TEMPLATE_UNKNOWN = 0,
    ORL_TEMPLATE_CHECKING,
    ORL_TEMPLATE_READY,
    ORL_TEMPLATE_MISSING,
    ORL_TEMPLATE_CORRUPT,
    ORL_TEMPLATE_STATE_COUNT
};
struct orl_template_row {
    char name[ORL_NAME_MAX + 1];
    uint32_t version;
    enum orl_template_kind kind;
    char path[ORL_STORE_PATH_MAX + 1];   /* disk: qcow2 or raw */
    char kernel[ORL_STORE_PATH_MAX + 1]; /* kernel: direct boot */
    char initrd[ORL_STORE_PATH_MAX + 1];
    char cmdline[ORL_STORE_PATH_MAX + 1];
    char disk_format[15 + 1]; /* "qcow2", "raw" */
    uint32_t memory_mib, vcpus;
    bool is_windows;
    uint64_t virtual_bytes; /* vmpool's, as the rest below but created_ms */
    char sha256[64 + 1];
    enum orl_template_state state;
    enum orl_reason reason;
    char reason_text[ORL_TEXT_MAX + 1];
    uint64_t created_ms;
    bool has_hook; /* a guest of it has said so */
};
typedef int (*orl_template_fn)(void *ctx, const struct orl_template_row *row);

/* A new template's first version; its state becomes checking. ORL_E_INVAL (name), ORL_E_EXISTS,
 * ORL_E_CONFLICT (ORL_TEMPLATE_VERSIONS_MAX are there). */
ORL_NODISCARD int orl_template_insert(struct orl_store *store, const struct orl_template_row *row,
        uint64_t now_ms, struct orl_err *err);
/* The next version of row->name; its state becomes checking. ORL_E_NOTFOUND: no such template;
 * ORL_E_CONFLICT: ORL_TEMPLATE_VERSIONS_MAX are there. */
ORL_NODISCARD int orl_template_add_version(struct orl_store *store,
        const struct orl_template_row *row, uint64_t now_ms, uint32_t *ret_version,
        struct orl_err *err);
/* version 0: the newest, whatever its state. */
ORL_NODISCARD int orl_template_get(struct orl_store *store, const char *name, uint32_t version,
        struct orl_template_row *ret_row, struct orl_err *err);
/* Every version, by name, the newest of each first. */
ORL_NODISCARD int orl_template_list(struct orl_store *store, const struct orl_page *page,
        orl_template_fn fn, void *ctx, struct orl_err *err);
/* What new desktops of that version get: memory_mib, vcpus, is_windows. Other files are another version. */
ORL_NODISCARD int orl_template_update(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err);
/* vmpool: state, reason, reason_text, sha256, virtual_bytes, disk_format. */
ORL_NODISCARD int orl_template_observe(
        struct orl_store *store, const struct orl_template_row *row, struct orl_err *err);
ORL_NODISCARD int orl_template_set_hook(struct orl_store *store, const char *name, uint32_t version,
        bool has_hook, struct orl_err *err);
/* Forgets one version (0: all, and the template); files are never touched. ORL_E_CONFLICT: something
 * needs it, which err's text names: a pool that is set to it, or that follows the newest and would have
 * none; a desktop whose disk lies on it, or may do so; a golden image. */
ORL_NODISCARD int orl_template_remove(
        struct orl_store *store, const char *name, uint32_t version, struct orl_err *err);
const char *orl_template_kind_name(enum orl_template_kind kind); /* "disk", "kernel" */
bool orl_template_kind_parse(const char *text, enum orl_template_kind *ret_kind);
const char *orl_template_state_name(enum orl_template_state state);
bool orl_template_state_parse(const char *text, enum orl_template_state *ret_state);

#endif
