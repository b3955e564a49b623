#include "store/overview.h"

#include "store/host.h"
#include "store/store_priv.h"

#include <string.h>

#define COUNT_IF(condition) "COALESCE(SUM(CASE WHEN " condition " THEN 1 ELSE 0 END), 0)"
#define SUM_IF(condition, what) "COALESCE(SUM(CASE WHEN " condition " THEN " what " ELSE 0 END), 0)"
#define UP "state = 'up' AND heartbeat_ms >= $1"

/* ret: as many numbers as the statement has. */
static int read_row(struct orl_db_query *q, uint64_t *ret, unsigned count, struct orl_err *err)
{
    int rc = orl_db_step(q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : ORL_E_NOTFOUND;
    }
    for (unsigned i = 0; i < count; i++) {
        ret[i] = orl_db_get_u64(q);
    }
    return orl_db_row_done(q, err);
}

static int read_hosts(
        struct orl_store *store, uint64_t now_ms, struct orl_overview *o, struct orl_err *err)
{
    uint64_t n[7] = {0};
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT " COUNT_IF(UP) ", " COUNT_IF("NOT (" UP ")") ", " COUNT_IF(
                               "is_draining = 1") ", " SUM_IF(UP, "cpus") ", " SUM_IF(UP,
                               "cpus * cpu_permille") ", " SUM_IF(UP, "memory_mib") ", " SUM_IF(UP,
                               "free_memory_mib") " FROM host");
    orl_db_put_u64(&q, now_ms > ORL_HOST_SILENT_MS ? now_ms - ORL_HOST_SILENT_MS : 0);
    int rc = read_row(&q, n, 7, err);
    o->hosts.up = (uint32_t)n[0];
    o->hosts.down = (uint32_t)n[1];
    o->hosts.draining = (uint32_t)n[2];
    o->hosts.cpus = (uint32_t)n[3];
    o->hosts.cpu_permille = n[3] > 0 ? (uint32_t)(n[4] / n[3]) : 0;
    o->hosts.memory_mib = n[5];
    o->hosts.free_memory_mib = n[6];
    return rc;
}

static int read_desktops(struct orl_store *store, struct orl_overview *o, struct orl_err *err)
{
    uint64_t n[5] = {0};
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT COUNT(*), " COUNT_IF("lease = 'free' AND is_ready = 1 AND is_maintenance = 0") ", " COUNT_IF(
                    "user_name <> ''") ", " COUNT_IF("power = 'suspended'") ", " COUNT_IF("power = "
                                                                                          "'failed"
                                                                                          "'") " FR"
                                                                                               "OM "
                                                                                               "des"
                                                                                               "kto"
                                                                                               "p");
    int rc = read_row(&q, n, 5, err);
    o->desktops.total = (uint32_t)n[0];
    o->desktops.ready = (uint32_t)n[1];
    o->desktops.given = (uint32_t)n[2];
    o->desktops.suspended = (uint32_t)n[3];
    o->desktops.failed = (uint32_t)n[4];
    return rc;
}

static int read_sessions(struct orl_store *store, struct orl_overview *o, struct orl_err *err)
{
    uint64_t n[3] = {0};
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT " COUNT_IF("state = 'active'") ", " COUNT_IF(
                    "state = 'disconnected'") ", " COUNT_IF("state = 'waiting'") " FROM session "
                                                                                 "WHERE state <> "
                                                                                 "'ended'");
    int rc = read_row(&q, n, 3, err);
    o->sessions.active = (uint32_t)n[0];
    o->sessions.disconnected = (uint32_t)n[1];
    o->sessions.waiting = (uint32_t)n[2];
    return rc;
}

static int read_rest(struct orl_store *store, struct orl_overview *o, struct orl_err *err)
{
    uint64_t n[4] = {0};
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT (SELECT COUNT(*) FROM pool WHERE is_deleted = 0), (SELECT COUNT(*) FROM alarm),"
            " (SELECT COUNT(*) FROM quarantine),"
            " (SELECT COUNT(*) FROM job WHERE state IN ('queued', 'running'))");
    int rc = read_row(&q, n, 4, err);
    o->pools = (uint32_t)n[0];
    o->alarms = (uint32_t)n[1];
    o->quarantined = (uint32_t)n[2];
    o->jobs = (uint32_t)n[3];
    return rc;
}

int orl_overview_read(struct orl_store *store, uint64_t now_ms, struct orl_overview *ret_overview,
        struct orl_err *err)
{
    struct orl_overview overview = {.pools = 0};
    int rc = read_hosts(store, now_ms, &overview, err);
    rc = rc < 0 ? rc : read_desktops(store, &overview, err);
    rc = rc < 0 ? rc : read_sessions(store, &overview, err);
    rc = rc < 0 ? rc : read_rest(store, &overview, err);
    if (rc == 0) {
        *ret_overview = overview;
    }
    return rc;
}

static const struct kind {
    const char *name;
    const char *action; /* of the audit: what stands before the dot */
    const char *sql;    /* three numbers, another for each change */
} kinds[ORL_KIND_COUNT] = {
        [ORL_KIND_DESKTOPS] = {"desktops", "desktop",
                "SELECT COUNT(*), COALESCE(SUM(version), 0), COALESCE(MAX(changed_ms), 0)"
                " FROM desktop"},
        [ORL_KIND_SESSIONS] = {"sessions", "session",
                "SELECT COUNT(*), COALESCE(SUM(disconnected_ms + conn), 0), " COUNT_IF(
                        "state = 'waiting'") " * 1000000 + COALESCE(SUM(started_ms), 0)"
                                             " FROM session WHERE state <> 'ended'"},
        [ORL_KIND_HOSTS] = {"hosts", "host",
                "SELECT COUNT(*), COALESCE(SUM(heartbeat_ms), 0), COALESCE(SUM(is_draining), 0)"
                " FROM host"},
        [ORL_KIND_ALARMS] = {"alarms", "alarm",
                "SELECT COUNT(*), COALESCE(SUM(since_ms), 0), COALESCE(SUM(seen_ms), 0)"
                " FROM alarm"},
        [ORL_KIND_QUARANTINE] = {"quarantine", "quarantine",
                "SELECT COUNT(*), COALESCE(SUM(seen_ms), 0), " COUNT_IF(
                        "verdict <> ''") " FROM quarantine"},
        [ORL_KIND_JOBS] = {"jobs", "job",
                "SELECT COUNT(*), COALESCE(SUM(changed_ms), 0),"
                " COALESCE(SUM(progress_percent), 0) FROM job"},
        [ORL_KIND_TEMPLATES] = {"templates", "template",
                "SELECT COUNT(*), " COUNT_IF("state = 'ready'") " * 1000 + " COUNT_IF(
                        "state = 'checking'") ", " COUNT_IF("state = 'missing'") " FROM"
                                                                                 " template_"
                                                                                 "version"},
        [ORL_KIND_AUDIT] = {"audit", "", "SELECT COALESCE(MAX(seq), 0), 0, 0 FROM audit"},
        [ORL_KIND_POOLS] = {"pools", "pool", NULL},
        [ORL_KIND_USERS] = {"users", "user", NULL},
        [ORL_KIND_GROUPS] = {"groups", "group", NULL},
        [ORL_KIND_ENTITLEMENTS] = {"entitlements", "entitlement", NULL},
        [ORL_KIND_TOKENS] = {"tokens", "token", NULL},
        [ORL_KIND_SITE] = {"site", "site", NULL},
};

const char *orl_kind_name(enum orl_kind kind)
{
    return kinds[kind].name;
}

static int look_at(
        struct orl_store *store, enum orl_kind kind, uint64_t *ret_mark, struct orl_err *err)
{
    uint64_t n[3] = {0};
    ORL_DB_AUTO q = orl_db_query(store->db, kinds[kind].sql);
    int rc = read_row(&q, n, 3, err);
    if (rc == 0) {
        *ret_mark = kind == ORL_KIND_AUDIT
                            ? n[0]
                            : ((n[0] * 1099511628211U) ^ n[1]) * 1099511628211U ^ n[2];
    }
    return rc;
}

static uint32_t kinds_of(const char *action)
{
    size_t len = strcspn(action, ".");
    uint32_t changed = 0;
    for (unsigned i = 0; i < ORL_KIND_COUNT; i++) {
        const char *name = kinds[i].action;
        changed |= strlen(name) == len && strncmp(name, action, len) == 0 ? 1U << i : 0U;
    }
    /* A group's people and pools change what is listed of those, too. */
    return (changed & (1U << ORL_KIND_GROUPS)) != 0 ? changed | 1U << ORL_KIND_ENTITLEMENTS
                                                    : changed;
}

enum { ACTIONS_MAX = 200 };

static int read_actions(
        struct orl_store *store, uint64_t after_seq, uint32_t *changed, struct orl_err *err)
{
    unsigned count = 0;
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT action FROM audit WHERE seq > $1 ORDER BY seq LIMIT 200");
    orl_db_put_u64(&q, after_seq);
    for (;;) {
        char action[ORL_STORE_CODE_MAX + 1];
        int rc = orl_db_step(&q, err);
        if (rc <= 0) {
            *changed |= count == ACTIONS_MAX ? (1U << ORL_KIND_COUNT) - 1 : 0U;
            return rc;
        }
        orl_db_get_text(&q, action, sizeof(action));
        rc = orl_db_row_done(&q, err);
        if (rc < 0) {
            return rc;
        }
        *changed |= kinds_of(action);
        count++;
    }
}

int orl_marks_look(struct orl_store *store, struct orl_marks *marks, uint32_t *ret_changed,
        struct orl_err *err)
{
    struct orl_marks now = {.is_known = true};
    uint32_t changed = 0;
    for (unsigned i = 0; i <= ORL_KIND_AUDIT; i++) {
        int rc = look_at(store, (enum orl_kind)i, &now.marks[i], err);
        if (rc < 0) {
            return rc;
        }
        changed |= now.marks[i] != marks->marks[i] ? 1U << i : 0U;
    }
    if (marks->is_known && (changed & 1U << ORL_KIND_AUDIT) != 0) {
        int rc = read_actions(store, marks->marks[ORL_KIND_AUDIT], &changed, err);
        if (rc < 0) {
            return rc;
        }
    }
    *ret_changed = marks->is_known ? changed : 0;
    *marks = now;
    return 0;
}
