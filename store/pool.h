/* Rows of pools: what the administrator wants, and the problem that vmpool has with it. */
#ifndef ORL_STORE_POOL_H
#define ORL_STORE_POOL_H
#include "base/vm_res.h"
#include "store/desktop_state.h"
#include "store/page.h"
#include "store/pool_settings.h"
#include "store/store.h"

#define ORL_POOLS_MAX 1000 /* of a site; a vmpool keeps room for each */

/* 0 is "no limit", "none" or "the template's" wherever a number may be 0. */
struct orl_pool_resources {
    uint32_t cpu_shares;
    uint32_t cpu_cap_percent; /* of one processor */
    uint32_t disk_iops;
    uint32_t disk_mib_s;
    uint32_t balloon_min_mib; /* the balloon leaves a guest this much */
    uint32_t firmware;        /* enum orl_firmware */
    bool has_tpm;
    bool has_secure_boot;
    bool has_autostart;
};
struct orl_pool_network {
    uint32_t mode; /* enum orl_network_mode */
    char name[ORL_NAME_MAX + 1];
};
struct orl_pool_policy {
    uint32_t idle_timeout_s;
    uint32_t max_session_s;
    uint32_t warn_first_s, warn_last_s;   /* before such an end */
    char allowed_hours[ORL_TEXT_MAX + 1]; /* "mon-fri 08:00-18:00; sat 09:00-12:00" */
    char allowed_from[ORL_TEXT_MAX + 1];  /* addresses and ranges, by commas */
    uint32_t max_per_user;                /* desktops of one person at once */
};
struct orl_pool_person {
    uint32_t mode; /* enum orl_person_mode */
    uint32_t home; /* enum orl_home_kind */
    uint32_t home_size_mib;
    char home_target[ORL_TEXT_MAX + 1]; /* NFS: SERVER:/PATH */
    char on_assign[ORL_TEXT_MAX + 1];   /* programs inside the guest */
    char on_logoff[ORL_TEXT_MAX + 1];
    uint32_t hook_deadline_s;
};
struct orl_pool_row {
    char name[ORL_NAME_MAX + 1];
    enum orl_pool_kind kind; /* never changes */
    /* The administrator's: store/pool_settings.c. */
    char template_name[ORL_NAME_MAX + 1]; /* empty for static */
    uint32_t template_version;            /* 0: the newest that is ready */
    uint32_t spares;                      /* free and running, kept warm */
    uint32_t spares_suspended;            /* free and suspended, beside those */
    uint32_t spare_max_age_s;             /* then it is made anew; 0: never */
    char schedule[ORL_TEXT_MAX + 1];      /* "mon-fri 07:00-19:00 spares=20 suspended=5; ..." */
    bool has_forecast;                    /* spares follow what was used in past weeks */
    uint32_t max_desktops;
    uint32_t memory_mib;           /* 0: the template's */
    uint32_t vcpus;                /* 0: the template's */
    uint32_t disconnect_timeout_s; /* 0: never */
    uint32_t clone_method;         /* enum orl_clone_method */
    uint32_t display;              /* enum orl_pool_display */
    struct orl_permit permit;      /* of a session on its desktops */
    struct orl_pool_resources res;
    struct orl_pool_network net;
    struct orl_pool_policy policy;
    struct orl_pool_person person;
    bool is_maintenance; /* no new sessions */
    bool has_thumbnails; /* small pictures of its desktops, for their person's portal */
    /* Not the administrator's. */
    bool is_deleted; /* to be drained; the row goes when its desktops are gone */
    uint64_t created_ms;
    enum orl_reason problem; /* vmpool's; 0: none */
    char problem_text[ORL_TEXT_MAX + 1];
    uint64_t retry_ms; /* vmpool tries again then */
};

/* As vmpool gives it to a machine, and as it is judged (orl_vm_res_fault()). */
struct orl_vm_res orl_pool_vm_res(const struct orl_pool_row *row);

typedef int (*orl_pool_fn)(void *ctx, const struct orl_pool_row *row);

/* ORL_E_INVAL (name), ORL_E_EXISTS, ORL_E_NOTFOUND (no such template, unless static), ORL_E_CONFLICT
 * (ORL_POOLS_MAX are there). A setting below its least
 * is raised to it. */
ORL_NODISCARD int orl_pool_insert(struct orl_store *store, const struct orl_pool_row *row,
        uint64_t now_ms, struct orl_err *err);
ORL_NODISCARD int orl_pool_get(struct orl_store *store, const char *name,
        struct orl_pool_row *ret_row, struct orl_err *err);
ORL_NODISCARD int orl_pool_list(struct orl_store *store, const struct orl_page *page,
        orl_pool_fn fn, void *ctx, struct orl_err *err);
/* Writes what the administrator owns (pool_settings.h); not name, kind, problem. Where it says autostart for the first
 * time, the persons' own machines are wanted running. */
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
