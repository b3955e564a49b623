#include "store/audit.h"

#include "base/utf8.h"
#include "store/audit_chain_priv.h"
#include <stdio.h>
#include <string.h>

#define MS_PER_MINUTE 60000

enum { MAX_CLOSED = 8 };

struct flood {
    char prefix[ORL_ADDR_MAX + 1]; /* empty: never counted */
    uint64_t minute;
};

static int count_rows(struct orl_store *store, const struct flood *flood, enum orl_reason reason,
        uint32_t *ret_count, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*) FROM audit WHERE flood_minute = $1 AND flood_prefix = $2"
            " AND flood_prefix <> '' AND reason = $3 AND is_counter = 0");
    orl_db_put_u64(&q, flood->minute);
    orl_db_put_text(&q, flood->prefix);
    orl_store_put_reason(&q, reason);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_count = orl_db_get_u32(&q);
    return orl_db_row_done(&q, err);
}

/* A row as it is written and hashed: each text cut to its column, and UTF-8, which is all that a store gives back. */
struct entry {
    struct orl_id id;
    uint64_t seq, time_ms, minute;
    bool is_counter;
    enum orl_reason reason;
    char actor[ORL_USER_MAX + 1];
    char action[ORL_STORE_CODE_MAX + 1];
    char object[ORL_USER_MAX + 1];
    char user[ORL_USER_MAX + 1];
    char client[ORL_ADDR_MAX + 1];
    char detail[ORL_STORE_PATH_MAX + 1];
    char prefix[ORL_ADDR_MAX + 1];
};

static void cut(char *ret, size_t size, const char *text)
{
    orl_msg_text(ret, size, text != NULL ? text : "");
    orl_utf8_clean(ret);
}

static void fill(struct entry *entry, const struct orl_audit_event *event,
        const struct flood *flood, uint64_t now_ms)
{
    *entry = (struct entry){.time_ms = now_ms, .minute = flood->minute, .reason = event->reason};
    orl_id_new(&entry->id);
    cut(entry->actor, sizeof(entry->actor), event->actor);
    cut(entry->action, sizeof(entry->action), event->action);
    if (event->kind == NULL || event->object == NULL) {
        cut(entry->object, sizeof(entry->object), event->object);
    } else {
        (void)snprintf(entry->object, sizeof(entry->object), "%.32s:%.*s", event->kind,
                ORL_USER_MAX - 33, event->object);
        orl_utf8_clean(entry->object);
    }
    cut(entry->user, sizeof(entry->user), event->user);
    cut(entry->client, sizeof(entry->client), event->client);
    cut(entry->detail, sizeof(entry->detail), event->detail);
    cut(entry->prefix, sizeof(entry->prefix), flood->prefix);
}

static int hash_entry(const struct entry *entry, struct orl_audit_link *link, struct orl_err *err)
{
    char seq[24];
    char time[24];
    char minute[24];
    (void)snprintf(seq, sizeof(seq), "%llu", (unsigned long long)entry->seq);
    (void)snprintf(time, sizeof(time), "%llu", (unsigned long long)entry->time_ms);
    (void)snprintf(minute, sizeof(minute), "%llu", (unsigned long long)entry->minute);
    const char *const fields[ORL_AUDIT_FIELDS] = {seq, entry->id.text, time, entry->actor,
            entry->action, entry->reason != ORL_REASON_NONE ? orl_reason_code(entry->reason) : "",
            entry->object, entry->user, entry->client, entry->detail, entry->is_counter ? "" : "1",
            entry->prefix, minute, entry->is_counter ? "1" : "0"};
    return orl_audit_chain_hash(link->chain, fields, link->chain, err);
}

/* At the chain's end. Inside a transaction: no other writer is between the head that was read and this row. */
static int write_entry(struct orl_store *store, struct entry *entry, struct orl_err *err)
{
    struct orl_audit_link head;
    int rc = orl_audit_chain_begin(store, &head, err);
    if (rc < 0) {
        return rc;
    }
    entry->seq = ++head.seq;
    rc = hash_entry(entry, &head, err);
    if (rc < 0) {
        return rc;
    }
    {
        ORL_DB_AUTO q = orl_db_query(store->db,
                "INSERT INTO audit (seq, id, time_ms, actor, action, reason, object, user_name,"
                " client, detail, event_count, flood_prefix, flood_minute, is_counter, chain)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, 1, $11, $12, $13, $14)");
        orl_db_put_u64(&q, entry->seq);
        orl_db_put_text(&q, entry->id.text);
        orl_db_put_u64(&q, entry->time_ms);
        orl_db_put_text(&q, entry->actor);
        orl_db_put_text(&q, entry->action);
        orl_store_put_reason(&q, entry->reason);
        orl_db_put_text(&q, entry->object);
        orl_db_put_text(&q, entry->user);
        orl_db_put_text(&q, entry->client);
        orl_db_put_text(&q, entry->detail);
        orl_db_put_text(&q, entry->prefix);
        orl_db_put_u64(&q, entry->minute);
        orl_db_put_bool(&q, entry->is_counter);
        orl_db_put_text(&q, head.chain);
        rc = orl_db_run(&q, err);
    }
    return rc < 0 ? rc : orl_audit_chain_set(store, "head", &head, err);
}

struct counter {
    char id[ORL_ID_LEN + 1];
    enum orl_reason reason;
    char prefix[ORL_ADDR_MAX + 1];
    uint64_t minute;
    uint64_t count;
    uint64_t closed_seq;
};

/* 1: there is one, 0: none. */
static int find_counter(struct orl_store *store, const struct flood *flood, enum orl_reason reason,
        struct counter *ret_counter, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, closed_seq FROM audit WHERE flood_minute = $1 AND flood_prefix = $2"
            " AND reason = $3 AND is_counter = 1");
    orl_db_put_u64(&q, flood->minute);
    orl_db_put_text(&q, flood->prefix);
    orl_store_put_reason(&q, reason);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc;
    }
    orl_db_get_text(&q, ret_counter->id, sizeof(ret_counter->id));
    ret_counter->closed_seq = orl_db_get_u64(&q);
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : 1;
}

static int raise_counter(struct orl_store *store, const char *id, struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "UPDATE audit SET event_count = event_count + 1 WHERE id = $1");
    orl_db_put_text(&q, id);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

/* The counter is made at its first event and increased by the others. One that is closed stays as it is: when a clock
 * was set back into its minute, the event gets a row of its own. */
static int count_event(struct orl_store *store, const struct orl_audit_event *event,
        const struct flood *flood, struct entry *entry, struct orl_err *err)
{
    struct counter counter = {.closed_seq = 0};
    int rc = find_counter(store, flood, event->reason, &counter, err);
    if (rc < 0) {
        return rc;
    }
    if (rc == 1 && counter.closed_seq == 0) {
        memcpy(entry->id.text, counter.id, sizeof(entry->id.text));
        return raise_counter(store, counter.id, err);
    }
    if (rc == 0) {
        entry->is_counter = true;
        entry->object[0] = '\0';
        entry->user[0] = '\0';
        cut(entry->client, sizeof(entry->client), flood->prefix);
        cut(entry->detail, sizeof(entry->detail), "more of the same");
    }
    return write_entry(store, entry, err);
}

struct counters {
    struct counter list[MAX_CLOSED];
    unsigned count;
};

static int list_open(
        struct orl_store *store, uint64_t minute, struct counters *counters, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT id, reason, flood_prefix, event_count FROM audit WHERE is_counter = 1"
            " AND closed_seq = 0 AND flood_minute < $1 AND chain <> '' ORDER BY flood_minute"
            " LIMIT $2");
    orl_db_put_u64(&q, minute);
    orl_db_put_u64(&q, MAX_CLOSED);
    int rc = 0;
    while (counters->count < MAX_CLOSED && (rc = orl_db_step(&q, err)) == 1) {
        struct counter *counter = &counters->list[counters->count++];
        orl_db_get_text(&q, counter->id, sizeof(counter->id));
        counter->reason = orl_store_get_reason(&q);
        orl_db_get_text(&q, counter->prefix, sizeof(counter->prefix));
        counter->count = orl_db_get_u64(&q);
        rc = orl_db_row_done(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc < 0 ? rc : 0;
}

static int close_counter(struct orl_store *store, const struct counter *counter, uint64_t now_ms,
        struct orl_err *err)
{
    static const struct flood none;
    char number[24];
    struct entry entry;
    (void)snprintf(number, sizeof(number), "%llu", (unsigned long long)counter->count);
    const struct orl_audit_event event = {.actor = "store",
            .action = ORL_AUDIT_CLOSES,
            .reason = counter->reason,
            .kind = "audit",
            .object = counter->id,
            .client = counter->prefix,
            .detail = number};
    fill(&entry, &event, &none, now_ms);
    int rc = write_entry(store, &entry, err);
    if (rc < 0) {
        return rc;
    }
    ORL_DB_AUTO q = orl_db_query(store->db, "UPDATE audit SET closed_seq = $1 WHERE id = $2");
    orl_db_put_u64(&q, entry.seq);
    orl_db_put_text(&q, counter->id);
    rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

/* Counters whose minute is over say their number for good. */
static int close_counters(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    struct counters counters = {.count = 0};
    int rc = list_open(store, now_ms / MS_PER_MINUTE, &counters, err);
    for (unsigned i = 0; rc == 0 && i < counters.count; i++) {
        rc = close_counter(store, &counters.list[i], now_ms, err);
    }
    return rc < 0 ? rc : (int)counters.count;
}

int orl_audit_close(struct orl_store *store, uint64_t now_ms, struct orl_err *err)
{
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : close_counters(store, now_ms, err);
    if (rc < 0) {
        return rc;
    }
    int committed = orl_store_tx_commit(&tx, err);
    return committed < 0 ? committed : rc;
}

int orl_audit_append(struct orl_store *store, const struct orl_audit_event *event, uint64_t now_ms,
        struct orl_id *ret_id, struct orl_err *err)
{
    struct flood flood = {.minute = now_ms / MS_PER_MINUTE};
    if (event->reason != ORL_REASON_NONE && event->client != NULL) {
        orl_audit_prefix(event->client, flood.prefix);
    }
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    uint32_t rows = 0;
    struct entry entry;
    fill(&entry, event, &flood, now_ms);
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : close_counters(store, now_ms, err);
    if (rc >= 0 && flood.prefix[0] != '\0') {
        rc = count_rows(store, &flood, event->reason, &rows, err);
    }
    if (rc >= 0) {
        rc = rows < ORL_AUDIT_ROWS_PER_MINUTE ? write_entry(store, &entry, err)
                                              : count_event(store, event, &flood, &entry, err);
    }
    rc = rc < 0 ? rc : orl_store_tx_commit(&tx, err);
    if (rc == 0) {
        store->last_audit = entry.id;
    }
    if (rc == 0 && ret_id != NULL) {
        *ret_id = entry.id;
    }
    return rc;
}

const char *orl_audit_last_id(const struct orl_store *store)
{
    return store->last_audit.text;
}

/* The oldest rows up to the first that is not older than before_ms: the chain has no holes. One that a wrong clock dated
 * after now stops nothing, and goes with the next old one. */
static int find_end(struct orl_store *store, uint64_t before_ms, uint64_t now_ms,
        unsigned max_count, uint64_t *ret_seq, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(
            store->db, "SELECT seq, time_ms FROM audit WHERE time_ms <= $1 ORDER BY seq LIMIT $2");
    orl_db_put_u64(&q, now_ms);
    orl_db_put_u64(&q, max_count);
    int rc = 0;
    while ((rc = orl_db_step(&q, err)) == 1) {
        uint64_t seq = orl_db_get_u64(&q);
        uint64_t time_ms = orl_db_get_u64(&q);
        rc = orl_db_row_done(&q, err);
        if (rc < 0 || time_ms >= before_ms) {
            return rc;
        }
        *ret_seq = seq;
    }
    return rc;
}

/* The last of the first max_count up to that. */
static int find_last(struct orl_store *store, uint64_t end_seq, unsigned max_count,
        struct orl_audit_link *ret_last, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT seq, chain FROM (SELECT seq, chain FROM audit WHERE seq <= $1 ORDER BY seq"
            " LIMIT $2) AS oldest ORDER BY seq DESC LIMIT 1");
    orl_db_put_u64(&q, end_seq);
    orl_db_put_u64(&q, max_count);
    int rc = orl_db_step(&q, err);
    if (rc < 1) {
        return rc;
    }
    ret_last->seq = orl_db_get_u64(&q);
    orl_db_get_text(&q, ret_last->chain, sizeof(ret_last->chain));
    return orl_db_row_done(&q, err);
}

static int move_anchor(
        struct orl_store *store, const struct orl_audit_link *last, struct orl_err *err)
{
    struct orl_audit_link anchor;
    int rc = orl_audit_chain_get(store, "anchor", &anchor, err);
    if (rc < 0) {
        return rc == ORL_E_NOTFOUND ? 0 : rc;
    }
    return last->seq > anchor.seq ? orl_audit_chain_set(store, "anchor", last, err) : 0;
}

int orl_audit_misses(
        struct orl_store *store, const char *object, uint64_t time_ms, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT count(*), (SELECT count(*) FROM audit WHERE time_ms = $1 AND object = $2)"
            " FROM (SELECT 1 FROM audit WHERE time_ms < $1 LIMIT 1) AS older");
    orl_db_put_u64(&q, time_ms);
    orl_db_put_text(&q, object);
    int rc = orl_db_step(&q, err);
    if (rc < 1) {
        return rc;
    }
    bool goes_back = orl_db_get_u64(&q) > 0;
    bool has_it = orl_db_get_u64(&q) > 0;
    rc = orl_db_row_done(&q, err);
    return rc < 0 ? rc : goes_back && !has_it;
}

int orl_audit_prune(struct orl_store *store, uint64_t before_ms, uint64_t now_ms,
        unsigned max_count, struct orl_err *err)
{
    uint64_t end_seq = 0;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    struct orl_audit_link last = {.seq = 0};
    int rc = orl_store_tx_begin(store, &tx, err);
    rc = rc < 0 ? rc : find_end(store, before_ms, now_ms, max_count, &end_seq, err);
    rc = rc < 0 || end_seq == 0 ? rc : find_last(store, end_seq, max_count, &last, err);
    if (rc < 0 || last.seq == 0) {
        return rc;
    }
    rc = move_anchor(store, &last, err);
    if (rc < 0) {
        return rc;
    }
    int count = 0;
    {
        ORL_DB_AUTO q = orl_db_query(store->db, "DELETE FROM audit WHERE seq <= $1");
        orl_db_put_u64(&q, last.seq);
        count = orl_db_run(&q, err);
    }
    rc = count < 0 ? count : orl_store_tx_commit(&tx, err);
    return rc < 0 ? rc : count;
}
