#include "store/audit_chain_priv.h"

#include "base/buf.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CANONICAL_BYTES = 16384 };

/* "5:alice," as in netstrings: no two rows give the same bytes. */
static void put_field(struct orl_buf *buf, const char *text)
{
    char head[24];
    size_t len = strlen(text);
    int head_len = snprintf(head, sizeof(head), "%zu:", len);
    orl_buf_put(buf, head, (size_t)head_len);
    orl_buf_put(buf, text, len);
    orl_buf_put_u8(buf, ',');
}

int orl_audit_chain_hash(const char *chain, const char *const fields[ORL_AUDIT_FIELDS],
        char ret_chain[ORL_AUDIT_CHAIN_LEN + 1], struct orl_err *err)
{
    struct orl_buf buf;
    orl_buf_init(&buf, CANONICAL_BYTES);
    put_field(&buf, chain);
    for (unsigned i = 0; i < ORL_AUDIT_FIELDS; i++) {
        put_field(&buf, fields[i]);
    }
    int rc = buf.is_failed ? orl_err_set(err, ORL_E_LIMIT, "an audit row is too long") : 0;
    if (rc == 0) {
        orl_sha256(buf.data, buf.len, ret_chain);
    }
    orl_buf_fini(&buf);
    return rc;
}

int orl_audit_chain_get(struct orl_store *store, const char *key, struct orl_audit_link *ret_link,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db, "SELECT seq, chain FROM audit_chain WHERE key = $1");
    orl_db_put_text(&q, key);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc < 0 ? rc : orl_err_set(err, ORL_E_NOTFOUND, "the audit has no %s", key);
    }
    struct orl_audit_link link = {.seq = orl_db_get_u64(&q)};
    orl_db_get_text(&q, link.chain, sizeof(link.chain));
    rc = orl_db_row_done(&q, err);
    if (rc == 0) {
        *ret_link = link;
    }
    return rc;
}

int orl_audit_chain_set(struct orl_store *store, const char *key, const struct orl_audit_link *link,
        struct orl_err *err)
{
    ORL_DB_AUTO q =
            orl_db_query(store->db, "INSERT INTO audit_chain (key, seq, chain) VALUES ($1, $2, $3)"
                                    " ON CONFLICT (key) DO UPDATE SET seq = $2, chain = $3");
    orl_db_put_text(&q, key);
    orl_db_put_u64(&q, link->seq);
    orl_db_put_text(&q, link->chain);
    int rc = orl_db_run(&q, err);
    return rc < 0 ? rc : 0;
}

static int number_of(struct orl_store *store, const char *sql, uint64_t param, uint64_t *ret_number,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query_once(store->db, sql);
    orl_db_put_u64(&q, param);
    int rc = orl_db_step(&q, err);
    if (rc < 0) {
        return rc;
    }
    *ret_number = rc == 1 ? orl_db_get_u64(&q) : 0;
    return orl_db_row_done(&q, err);
}

int orl_audit_chain_begin(
        struct orl_store *store, struct orl_audit_link *ret_head, struct orl_err *err)
{
    int rc = orl_audit_chain_get(store, "head", ret_head, err);
    if (rc != ORL_E_NOTFOUND) {
        return rc;
    }
    *ret_head = (struct orl_audit_link){0};
    rc = number_of(store, "SELECT COALESCE(max(seq), 0) FROM audit WHERE seq > $1", 0,
            &ret_head->seq, err);
    return rc < 0 ? rc : orl_audit_chain_set(store, "anchor", ret_head, err);
}

int orl_audit_head(struct orl_store *store, struct orl_audit_link *ret_head, struct orl_err *err)
{
    int rc = orl_audit_chain_get(store, "head", ret_head, err);
    if (rc == ORL_E_NOTFOUND) {
        *ret_head = (struct orl_audit_link){0};
        return 0;
    }
    return rc;
}

/* What counters and the rows that close them have to agree on. */
struct count {
    uint64_t seq;
    char id[ORL_ID_LEN + 1];
    bool is_counter;
    uint64_t closed_seq;        /* of the counter */
    char number[24];            /* that it has, or that the closing row says */
    char other[ORL_ID_LEN + 1]; /* the counter that the row closes */
};
enum { MAX_SLICE = 1000 };
struct slice {
    struct count *counts; /* up to MAX_SLICE */
    unsigned count;
    unsigned rows;
};

static void fault(struct orl_audit_walk *walk, uint64_t seq, const char *id, const char *text)
{
    if (walk->bad_seq == 0 || seq < walk->bad_seq) {
        walk->bad_seq = seq > 0 ? seq : 1;
        orl_msg_text(walk->bad_id, sizeof(walk->bad_id), id);
        orl_msg_text(walk->bad_text, sizeof(walk->bad_text), text);
    }
    walk->is_done = true;
}

static void note_count(struct slice *slice, const struct orl_audit_walk *walk,
        const char *const fields[ORL_AUDIT_FIELDS], const char *number, uint64_t closed_seq)
{
    static const char prefix[] = "audit:";
    bool is_counter = strcmp(fields[ORL_AUDIT_IS_COUNTER], "1") == 0;
    bool is_closing = strcmp(fields[ORL_AUDIT_ACTION], ORL_AUDIT_CLOSES) == 0 &&
                      strncmp(fields[ORL_AUDIT_OBJECT], prefix, sizeof(prefix) - 1) == 0;
    if (!is_counter && !is_closing) {
        return;
    }
    struct count *count = &slice->counts[slice->count++];
    *count =
            (struct count){.seq = walk->at.seq, .is_counter = is_counter, .closed_seq = closed_seq};
    orl_msg_text(count->id, sizeof(count->id), fields[ORL_AUDIT_ID]);
    orl_msg_text(
            count->number, sizeof(count->number), is_counter ? number : fields[ORL_AUDIT_DETAIL]);
    orl_msg_text(count->other, sizeof(count->other),
            is_counter ? "" : fields[ORL_AUDIT_OBJECT] + sizeof(prefix) - 1);
}

static int see_row(struct orl_db_query *q, struct orl_audit_walk *walk, struct slice *slice,
        struct orl_err *err)
{
    const char *fields[ORL_AUDIT_FIELDS];
    char chain[ORL_AUDIT_CHAIN_LEN + 1];
    for (unsigned i = 0; i < ORL_AUDIT_FIELDS; i++) {
        fields[i] = orl_db_get_peek(q);
    }
    const char *said = orl_db_get_peek(q);
    uint64_t closed_seq = orl_db_get_u64(q);
    uint64_t seq = orl_db_get_u64(q);
    const char *number = fields[ORL_AUDIT_COUNT];
    bool is_counter = strcmp(fields[ORL_AUDIT_IS_COUNTER], "1") == 0;
    fields[ORL_AUDIT_COUNT] = is_counter ? "" : number;
    if (seq != walk->at.seq + 1) {
        char text[80];
        (void)snprintf(text, sizeof(text), "%llu missing before it",
                (unsigned long long)(seq - walk->at.seq - 1));
        fault(walk, seq, fields[ORL_AUDIT_ID], text);
        return 0;
    }
    int rc = orl_audit_chain_hash(walk->at.chain, fields, chain, NULL);
    if (rc < 0 || strcmp(chain, said) != 0 || (!is_counter && closed_seq != 0)) {
        fault(walk, seq, fields[ORL_AUDIT_ID], "it was changed, or is not in its place");
        return rc == ORL_E_LIMIT || rc == 0 ? 0 : orl_err_set(err, rc, "an audit row");
    }
    walk->at.seq = seq;
    memcpy(walk->at.chain, chain, sizeof(chain));
    walk->has_want = walk->has_want || strcmp(chain, walk->want) == 0;
    walk->rows++;
    note_count(slice, walk, fields, number, closed_seq);
    return 0;
}

static int see_rows(struct orl_store *store, unsigned max_rows, struct orl_audit_walk *walk,
        struct slice *slice, struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT seq, id, time_ms, actor, action, reason, object, user_name, client, detail,"
            " event_count, flood_prefix, flood_minute, is_counter, chain, closed_seq, seq"
            " FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2");
    orl_db_put_u64(&q, walk->at.seq);
    orl_db_put_u64(&q, max_rows);
    int rc = 0;
    while (!walk->is_done && (rc = orl_db_step(&q, err)) == 1) {
        slice->rows++;
        rc = see_row(&q, walk, slice, err);
        rc = rc < 0 ? rc : orl_db_row_done(&q, err);
        if (rc < 0) {
            return rc;
        }
    }
    return rc < 0 ? rc : 0;
}

/* 1: found. The row at the other end: the counter by its id, or what closes one by its seq. */
static int find_other(struct orl_store *store, const struct count *count, struct count *ret_other,
        struct orl_err *err)
{
    ORL_DB_AUTO q = orl_db_query(store->db,
            "SELECT seq, id, is_counter, closed_seq, event_count, action, object, detail FROM audit"
            " WHERE ($1 <> 0 AND seq = $1) OR ($1 = 0 AND id = $2)");
    orl_db_put_u64(&q, count->is_counter ? count->closed_seq : 0);
    orl_db_put_text(&q, count->other);
    int rc = orl_db_step(&q, err);
    if (rc <= 0) {
        return rc;
    }
    struct count other = {.seq = orl_db_get_u64(&q)};
    orl_db_get_text(&q, other.id, sizeof(other.id));
    other.is_counter = orl_db_get_bool(&q);
    other.closed_seq = orl_db_get_u64(&q);
    const char *number = orl_db_get_peek(&q);
    const char *action = orl_db_get_peek(&q);
    const char *object = orl_db_get_peek(&q);
    const char *detail = orl_db_get_peek(&q);
    orl_msg_text(other.number, sizeof(other.number), other.is_counter ? number : detail);
    if (strcmp(action, ORL_AUDIT_CLOSES) == 0 && strncmp(object, "audit:", 6) == 0) {
        orl_msg_text(other.other, sizeof(other.other), object + 6);
    }
    rc = orl_db_row_done(&q, err);
    if (rc == 0) {
        *ret_other = other;
    }
    return rc < 0 ? rc : 1;
}

/* A counter has the number that its closing row says, and each knows the other. */
static int check_count(struct orl_store *store, struct orl_audit_walk *walk,
        const struct count *count, struct orl_err *err)
{
    struct count other = {.seq = 0};
    if (count->is_counter && count->closed_seq == 0) {
        walk->open_counters++;
        return 0;
    }
    int rc = find_other(store, count, &other, err);
    if (rc < 0) {
        return rc;
    }
    bool is_pruned = rc == 0 && !count->is_counter;
    bool is_good = count->is_counter
                           ? rc == 1 && strcmp(other.other, count->id) == 0
                           : rc == 1 && other.is_counter && other.closed_seq == count->seq;
    if (!is_pruned && (!is_good || strcmp(other.number, count->number) != 0)) {
        fault(walk,
                count->is_counter ? count->seq
                : other.seq > 0   ? other.seq
                                  : count->seq,
                count->is_counter ? count->id : count->other,
                "its number is not what it was when its minute was over");
    }
    return 0;
}

bool orl_audit_walk_want(struct orl_audit_walk *walk, const char *text)
{
    const char *hash = strchr(text, ':');
    char *end = NULL;
    uint64_t seq = 0;
    if (hash != NULL) {
        errno = 0;
        seq = strtoull(text, &end, 10);
        if (isdigit((unsigned char)text[0]) == 0 || errno != 0 || end != hash) {
            return false;
        }
    }
    hash = hash != NULL ? hash + 1 : text;
    if (strlen(hash) != ORL_AUDIT_CHAIN_LEN ||
            strspn(hash, "0123456789abcdef") != ORL_AUDIT_CHAIN_LEN) {
        return false;
    }
    walk->want_seq = seq;
    orl_msg_text(walk->want, sizeof(walk->want), hash);
    return true;
}

static void check_end(struct orl_audit_walk *walk, const struct orl_audit_link *anchor,
        const struct orl_audit_link *head)
{
    bool is_missed = walk->want[0] != '\0' && !walk->has_want;
    bool is_pruned = anchor->chain[0] != '\0';

    char text[80];
    if (head->seq > walk->at.seq) {
        (void)snprintf(text, sizeof(text), "the last %llu are missing",
                (unsigned long long)(head->seq - walk->at.seq));
        fault(walk, walk->at.seq + 1, "", text);
    } else if (head->seq != walk->at.seq || strcmp(head->chain, walk->at.chain) != 0) {
        fault(walk, walk->at.seq, "", "the chain's head is another");
    } else if (is_missed && is_pruned && walk->want_seq < anchor->seq) {
        walk->is_want_old = true;
    } else if (is_missed) {
        fault(walk, walk->at.seq, "",
                "the chain never had that head: it was made anew, or rows were removed and others "
                "written");
    }
    walk->is_done = true;
}

/* Where the rows that are there begin: rows before it are from before the chain, or should be gone. */
static int begin_walk(struct orl_store *store, const struct orl_audit_link *anchor,
        struct orl_audit_walk *walk, struct orl_err *err)
{
    const bool is_first = walk->at.seq == 0;
    if (walk->at.seq < anchor->seq || walk->at.chain[0] == '\0') {
        walk->at = *anchor;
        walk->has_want = walk->has_want ||
                         (anchor->chain[0] != '\0' && strcmp(anchor->chain, walk->want) == 0);
    }
    int rc = !is_first ? 0
                       : number_of(store, "SELECT count(*) FROM audit WHERE seq <= $1", anchor->seq,
                                 &walk->old_rows, err);
    if (rc == 0 && is_first && anchor->chain[0] != '\0' && walk->old_rows > 0) {
        fault(walk, anchor->seq, "", "a row stands before the chain's beginning");
    }
    return rc;
}

static int walk_slice(struct orl_store *store, unsigned max_rows, struct orl_audit_walk *walk,
        struct slice *slice, struct orl_err *err)
{
    struct orl_audit_link anchor = {0};
    struct orl_audit_link head = {0};
    int rc = orl_audit_chain_get(store, "anchor", &anchor, err);
    rc = rc < 0 ? rc : orl_audit_chain_get(store, "head", &head, err);
    if (rc == ORL_E_NOTFOUND) {
        uint64_t chained = 0;
        rc = number_of(store, "SELECT count(*) FROM audit WHERE seq > $1 AND chain <> ''", 0,
                &chained, err);
        walk->is_done = true;
        if (rc == 0 && chained > 0) {
            fault(walk, 1, "", "the chain's ends are missing");
        }
        return rc;
    }
    rc = rc < 0 ? rc : begin_walk(store, &anchor, walk, err);
    rc = rc == 0 && !walk->is_done ? see_rows(store, max_rows, walk, slice, err) : rc;
    for (unsigned i = 0; rc == 0 && i < slice->count; i++) {
        rc = check_count(store, walk, &slice->counts[i], err);
    }
    if (rc == 0 && !walk->is_done && slice->rows < max_rows) {
        check_end(walk, &anchor, &head);
    }
    return rc;
}

int orl_audit_walk(struct orl_store *store, unsigned max_rows, struct orl_audit_walk *walk,
        struct orl_err *err)
{
    orl_assert(store->tx_depth == 0);
    if (max_rows == 0 || max_rows > MAX_SLICE) {
        max_rows = MAX_SLICE;
    }
    struct slice slice = {.counts = calloc(MAX_SLICE, sizeof(*slice.counts))};
    if (slice.counts == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    int rc = orl_db_begin_snapshot(store->db, err);
    if (rc == 0) {
        rc = walk_slice(store, max_rows, walk, &slice, err);
        orl_db_rollback(store->db, 0);
    }
    free(slice.counts);
    return rc;
}
