/* Is the audit what was written? A page of it at a time, so that nobody waits for a long one. */
#include "broker/api_handlers.h"
#include "store/audit_chain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CURSOR_BYTES = 120 };

static bool is_chain(const char *text)
{
    return strlen(text) == ORL_AUDIT_CHAIN_LEN &&
           strspn(text, "0123456789abcdef") == ORL_AUDIT_CHAIN_LEN;
}

/* "SEQ.CHAIN.0": where it goes on, and whether the head that is looked for was met. */
static bool read_cursor(char *text, struct orl_audit_walk *walk)
{
    char *end = NULL;
    errno = 0;
    unsigned long long seq = strtoull(text, &end, 10);
    if (text[0] < '0' || text[0] > '9' || errno != 0 || seq > INT64_MAX ||
            strlen(end) != ORL_AUDIT_CHAIN_LEN + 3 || end[0] != '.' ||
            end[ORL_AUDIT_CHAIN_LEN + 1] != '.') {
        return false;
    }
    char flag = end[ORL_AUDIT_CHAIN_LEN + 2];
    end[ORL_AUDIT_CHAIN_LEN + 1] = '\0';
    walk->at.seq = seq;
    walk->has_want = flag == '1';
    orl_msg_text(walk->at.chain, sizeof(walk->at.chain), end + 1);
    return is_chain(end + 1) && (flag == '0' || flag == '1');
}

static json_t *to_json(const struct orl_audit_walk *walk)
{
    char cursor[CURSOR_BYTES];
    json_t *body = json_pack("{s:b, s:I, s:I, s:I, s:I, s:s, s:b}", "is_good", walk->bad_seq == 0,
            "rows", (json_int_t)walk->rows, "old_rows", (json_int_t)walk->old_rows, "open_counters",
            (json_int_t)walk->open_counters, "seq", (json_int_t)walk->at.seq, "head",
            walk->at.chain, "has_head", walk->has_want);
    if (walk->is_want_old) {
        (void)json_object_set_new(body, "is_head_old", json_true());
    }
    if (walk->bad_seq != 0) {
        (void)json_object_set_new(body, "fault",
                json_pack("{s:I, s:s, s:s}", "seq", (json_int_t)walk->bad_seq, "id", walk->bad_id,
                        "text", walk->bad_text));
    } else if (!walk->is_done) {
        (void)snprintf(cursor, sizeof(cursor), "%llu.%s.%d", (unsigned long long)walk->at.seq,
                walk->at.chain, walk->has_want ? 1 : 0);
        (void)json_object_set_new(body, "next", json_string(cursor));
    }
    return body;
}

void orl_api_audit_verify(struct orl_http_req *req, const struct orl_api_args *args)
{
    struct orl_err err = {0};
    struct orl_audit_walk walk = {.rows = 0};
    char cursor[CURSOR_BYTES];
    (void)args;
    char head[ORL_AUDIT_WANT_MAX + 1];
    bool has_head = orl_http_query_get(req, "head", head, sizeof(head));
    bool has_cursor = orl_http_query_get(req, "after", cursor, sizeof(cursor));
    if ((has_head && !orl_audit_walk_want(&walk, head)) ||
            (has_cursor && !read_cursor(cursor, &walk))) {
        orl_api_refuse(
                req, 400, "bad_request", "head: 64 hex digits, or SEQ:HASH; after: as `next` was");
        return;
    }
    if (orl_audit_walk(req->broker->store, 0, &walk, &err) < 0) {
        orl_api_fail(req, &err);
        return;
    }
    orl_http_reply(req, 200, to_json(&walk));
}
