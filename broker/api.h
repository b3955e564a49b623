/* The REST API: one table of routes (api_routes.c), handlers by resource (api_*.c). What it does is
 * documented in docs/api.md; a test compares the two. */
#ifndef ORL_BROKER_API_H
#define ORL_BROKER_API_H
#include "broker/api_fields.h"
#include "broker/http.h"

#define ORL_API_SEGMENT_MAX 255
#define ORL_API_MAX_SEGMENTS 6

/* What stood in the places of the pattern's capital words. */
struct orl_api_args {
    char arg[2][ORL_API_SEGMENT_MAX + 1];
};
typedef void (*orl_api_fn)(struct orl_http_req *req, const struct orl_api_args *args);

struct orl_api_route {
    enum orl_http_method method;
    const char *pattern;     /* "/v1/users/NAME": capital words are arguments */
    enum orl_http_role role; /* the least; up to USER: what a person has, and a uid has not */
    orl_api_fn handler;
    const char *query; /* names of what the query may have, separated by blanks; NULL: nothing */
};
extern const struct orl_api_route orl_api_routes[]; /* ended by a pattern of NULL */
const char *orl_api_method_name(enum orl_http_method method);
const char *orl_api_role_name(enum orl_http_role role); /* "user", "viewer", "operator", "admin" */

/* The caller's role against the least of the route; false: refused, with an audit row where it is a person. */
bool orl_api_check_role(struct orl_http_req *req);
/* Segment by segment; pattern words in capitals take any text that is not empty. */
bool orl_api_path_matches(const char *pattern, const char *path, struct orl_api_args *ret_args);
/* Finds the route, checks the role, calls the handler, which answers exactly once. */
void orl_api_dispatch(struct orl_http_req *req);
/* Its body may be a whole site. */
bool orl_api_takes_site(const struct orl_http_req *req);
/* By what the store says now; nothing of req changes. */
bool orl_api_is_admin(const struct orl_http_req *req);
/* A problem by RFC 9457; for faults of the request that need no audit row. A 400 whose text says
 * "field 'NAME'" names that field in `errors`. */
void orl_api_refuse(struct orl_http_req *req, unsigned status, const char *code, const char *text);
/* The same with one member more; takes value. */
void orl_api_refuse_with(struct orl_http_req *req, unsigned status, const char *code,
        const char *text, const char *member, json_t *value);
/* The same with a reason, and an audit row whose id the answer has. */
void orl_api_refuse_reason(struct orl_http_req *req, unsigned status, enum orl_reason reason,
        const char *object, const char *text);
/* From a function that failed: 400, 404, 409, 500. */
void orl_api_fail(struct orl_http_req *req, const struct orl_err *err);
/* The same with all that the row shall say; what is NULL is filled in. */
void orl_api_refuse_event(struct orl_http_req *req, unsigned status,
        const struct orl_audit_event *event, const char *text);
/* Before the first change: it and its audit row become one transaction, which orl_api_done() commits
 * and every refusal rolls back. In it the caller's role is looked at once more: while a password was hashed it
 * may have been taken away. false: it has answered. */
bool orl_api_begin(struct orl_http_req *req);
/* By itself where the answer does neither: then connections that were to be closed are closed, or are not. */
ORL_NODISCARD int orl_api_commit(struct orl_http_req *req, struct orl_err *err);
void orl_api_rollback(struct orl_http_req *req);
/* Who asks, by what the store says now; a uid stays. */
ORL_NODISCARD int orl_api_identify_again(struct orl_http_req *req, struct orl_err *err);
/* The audit row of a deed (action NULL: the store has written it); inside its transaction. */
ORL_NODISCARD int orl_api_record(struct orl_http_req *req, const char *action, const char *object,
        const char *user, struct orl_id *ret_audit, struct orl_err *err);
/* The answer gets an ETag: of `changeable`, an object of what a PATCH may change. Takes it. */
void orl_api_etag_set(struct orl_http_req *req, json_t *changeable);
/* If-Match against the object as it is now; inside the transaction that changes it, or where nothing comes between. Takes
 * both. false: it has answered 412 with `current`. */
bool orl_api_etag_ok(struct orl_http_req *req, json_t *changeable, json_t *current);
#define ORL_API_ACTOR_MAX (ORL_USER_MAX + 8)
/* Records who changed what (action NULL: the store has done so), commits, answers. body is taken. */
void orl_api_done(struct orl_http_req *req, unsigned status, const char *action, const char *object,
        json_t *body);
/* The same, and whom it is about. */
void orl_api_done_of(struct orl_http_req *req, unsigned status, const char *action,
        const char *object, const char *user, json_t *body);
/* "admin:1000", "user:alice", "token:ID", "uid:1000", "portal" */
void orl_api_actor(const struct orl_http_req *req, char *ret_actor, size_t size);
/* The body as an object by the table; answers 400 itself and gives false. */
bool orl_api_body(struct orl_http_req *req, const struct orl_api_field *fields, void *ret,
        uint64_t *ret_seen);
/* A value of the query, percent-decoded; false: not there, or not good. */
bool orl_http_query_get(
        const struct orl_http_req *req, const char *name, char *ret_value, size_t size);

#endif
