/* Rows of libvirt hosts, written by the vmpool of each; and what its sweep put in quarantine. */
#ifndef ORL_STORE_HOST_H
#define ORL_STORE_HOST_H
#include "store/page.h"
#include "store/store.h"

/* How busy it is: what the kernel says. Pressure: of ten seconds, how long work waited. */
struct orl_host_load {
    uint32_t cpus;         /* 0: not known yet */
    uint32_t cpu_permille; /* of all of them, since the heartbeat before */
    uint32_t load_centi;   /* of one minute */
    uint32_t pressure_cpu_centi, pressure_memory_centi, pressure_io_centi; /* percent x 100 */
};
enum orl_host_state { ORL_HOST_NONE = 0, ORL_HOST_UP, ORL_HOST_DOWN };
struct orl_host_row {
    char name[ORL_NAME_MAX + 1];
    char uri[ORL_TEXT_MAX + 1];
    char accel[15 + 1]; /* "kvm", "qemu"; empty: not known yet */
    char accel_reason[ORL_TEXT_MAX + 1];
    char report[ORL_STORE_JSON_MAX + 1]; /* JSON: each finding with reason and remedy */
    uint64_t memory_mib;
    uint64_t free_memory_mib;
    uint64_t free_disk_mib;
    enum orl_host_state state;
    enum orl_reason reason;
    char reason_text[ORL_TEXT_MAX + 1];
    uint64_t heartbeat_ms;
    struct orl_host_load load;
    bool is_draining; /* the administrator's: orl_host_put() leaves it as it is */
};
typedef int (*orl_host_fn)(void *ctx, const struct orl_host_row *row);

/* Inserts or replaces. ORL_E_INVAL (name). */
ORL_NODISCARD int orl_host_put(
        struct orl_store *store, const struct orl_host_row *row, struct orl_err *err);
ORL_NODISCARD int orl_host_get(struct orl_store *store, const char *name,
        struct orl_host_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_host_list(struct orl_store *store, const struct orl_page *page,
        orl_host_fn fn, void *ctx, struct orl_err *err);
/* Nobody new is put on it, and no spare is made there; who has a desktop there keeps it. Audited. */
ORL_NODISCARD int orl_host_drain(struct orl_store *store, const char *name, bool is_draining,
        const char *actor, uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_host_is_draining(struct orl_store *store, const char *name,
        bool *ret_is_draining, struct orl_err *err); /* a host without a row is not */
/* Desktops and living sessions on it. */
struct orl_host_counts {
    uint32_t desktops, given, sessions;
};
ORL_NODISCARD int orl_host_count(struct orl_store *store, const char *name,
        struct orl_host_counts *ret_counts, struct orl_err *err);
/* ORL_E_CONFLICT: desktops are on it, or its vmpool was there a moment ago. */
ORL_NODISCARD int orl_host_remove(
        struct orl_store *store, const char *name, uint64_t now_ms, struct orl_err *err);
#define ORL_HOST_SILENT_MS 30000                            /* of a vmpool that has gone */
const char *orl_host_state_name(enum orl_host_state state); /* "up", "down" */

/* A machine with our installation's UUID that no row knows and no program may delete. vmpool writes
 * it; the administrator decides; vmpool carries it out and removes the row. */
enum orl_verdict { ORL_VERDICT_NONE = 0, ORL_VERDICT_ADOPT, ORL_VERDICT_PURGE };
struct orl_quarantine_row {
    char id[ORL_ID_LEN + 1]; /* the desktop id that its metadata carries */
    char host[ORL_NAME_MAX + 1];
    char pool[ORL_NAME_MAX + 1];
    char user[ORL_USER_MAX + 1]; /* from metadata; empty: not known */
    char uuid[ORL_UUID_LEN + 1];
    char domain[ORL_STORE_CODE_MAX + 1];
    char overlay[ORL_STORE_PATH_MAX + 1];
    char reason_text[ORL_TEXT_MAX + 1];
    enum orl_verdict verdict;
    uint64_t seen_ms;
};
typedef int (*orl_quarantine_fn)(void *ctx, const struct orl_quarantine_row *row);
/* Inserts or refreshes; keeps a verdict that is there. */
ORL_NODISCARD int orl_quarantine_put(struct orl_store *store, const struct orl_quarantine_row *row,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_quarantine_get(struct orl_store *store, const char *id,
        struct orl_quarantine_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_quarantine_list(struct orl_store *store, const struct orl_page *page,
        orl_quarantine_fn fn, void *ctx, struct orl_err *err);
ORL_NODISCARD int orl_quarantine_judge(struct orl_store *store, const char *id,
        enum orl_verdict verdict, const char *actor, uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_quarantine_remove(
        struct orl_store *store, const char *id, struct orl_err *err);
const char *orl_verdict_name(enum orl_verdict verdict); /* "", "adopt", "purge" */

#endif
