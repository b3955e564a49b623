/* Requests: what they ask for, whether they may, and what of them reaches the broker. */
#include "base/clock.h"
#include "base/secret.h"
#include "web/server/web_priv.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEADER_LINE = 4300, MAX_PASSED = 12 };

int orl_web_header(struct lws *wsi, enum lws_token_indexes token, char *ret_value, size_t size)
{
    int len = lws_hdr_total_length(wsi, token);
    ret_value[0] = '\0';
    if (len <= 0) {
        return 0;
    }
    if ((size_t)len >= size || lws_hdr_copy(wsi, ret_value, (int)size, token) < 0) {
        return -1;
    }
    return len;
}

static int custom_header(struct lws *wsi, const char *name, char *ret_value, size_t size)
{
    int name_len = (int)strlen(name);
    ret_value[0] = '\0';
    int len = lws_hdr_custom_length(wsi, name, name_len);
    if (len <= 0) {
        return 0;
    }
    return (size_t)len < size ? lws_hdr_custom_copy(wsi, ret_value, (int)size, name, name_len) : -1;
}

static const char *method_of(struct lws *wsi)
{
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } methods[] = {{WSI_TOKEN_GET_URI, "GET"}, {WSI_TOKEN_POST_URI, "POST"},
            {WSI_TOKEN_HEAD_URI, "HEAD"}, {WSI_TOKEN_PATCH_URI, "PATCH"},
            {WSI_TOKEN_PUT_URI, "PUT"}, {WSI_TOKEN_DELETE_URI, "DELETE"}};
    for (size_t i = 0; i < sizeof(methods) / sizeof(methods[0]); i++) {
        if (lws_hdr_total_length(wsi, methods[i].token) > 0) {
            return methods[i].name;
        }
    }
    return "";
}

/* -1: no number, or more than one. */
static long content_length(struct lws *wsi)
{
    char text[16];
    int len = orl_web_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, text, sizeof(text));
    if (len == 0) {
        return 0;
    }
    bool is_number = len > 0 && len < 10 && strspn(text, "0123456789") == (size_t)len;
    return is_number ? strtol(text, NULL, 10) : -1;
}

/* libwebsockets gives the query in pieces, their percent-encoding taken away. */
static bool add_query(struct lws *wsi, char *path, size_t size)
{
    char piece[ORL_REQUEST_PATH_MAX + 1];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) <= 0) {
        return true;
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_URI_ARGS) >= (int)sizeof(piece)) {
        return false;
    }
    for (int i = 0;; i++) {
        int len = lws_hdr_copy_fragment(wsi, piece, (int)sizeof(piece), WSI_TOKEN_HTTP_URI_ARGS, i);
        if (len < 0) {
            return true;
        }
        piece[len] = '\0';
        if (strlen(piece) != (size_t)len || !orl_request_add_query(path, size, piece, i == 0)) {
            return false;
        }
    }
}

bool orl_web_is_same_origin(struct orl_web_conn *conn)
{
    char origin[256];
    char host[256];
    char site[32];
    const char *const *list = (const char *const *)conn->web->origins;
    int len = orl_web_header(conn->wsi, WSI_TOKEN_ORIGIN, origin, sizeof(origin));
    if (len < 0 || orl_web_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host)) <= 0) {
        return false;
    }
    if (len > 0) {
        return orl_request_origin_may(list, origin, host);
    }
    return custom_header(conn->wsi, "sec-fetch-site:", site, sizeof(site)) > 0 &&
           strcmp(site, "same-origin") == 0;
}

static bool is_json(struct lws *wsi)
{
    char type[128];
    static const char json[] = "application/json";
    if (orl_web_header(wsi, WSI_TOKEN_HTTP_CONTENT_TYPE, type, sizeof(type)) <= 0 ||
            strncasecmp(type, json, sizeof(json) - 1) != 0) {
        return false;
    }
    const char *rest = type + sizeof(json) - 1;
    return *rest == '\0' || *rest == ';' || *rest == ' ';
}

/* A line for the broker; false: it does not fit. Absent ones are left out. */
struct passed {
    char *lines[MAX_PASSED + 1]; /* owned; ended by NULL */
    unsigned count;
    bool is_failed;
};

static void pass(struct passed *passed, const char *name, const char *value, int len)
{
    char line[HEADER_LINE];
    if (len == 0) {
        return;
    }
    int size = len > 0 ? snprintf(line, sizeof(line), "%s: %s", name, value) : -1;
    char *copy = size > 0 && (size_t)size < sizeof(line) && passed->count < MAX_PASSED
                         ? strdup(line)
                         : NULL;
    if (copy == NULL || strpbrk(copy, "\r\n") != NULL) {
        free(copy);
        passed->is_failed = true;
        return;
    }
    passed->lines[passed->count++] = copy;
    passed->lines[passed->count] = NULL;
}

static void free_passed(struct passed *passed)
{
    for (unsigned i = 0; i < passed->count; i++) {
        free(passed->lines[i]);
    }
}

/* Nothing else of a browser's request reaches the broker. */
static void collect_headers(struct orl_web_conn *conn, struct passed *passed)
{
    static const struct {
        enum lws_token_indexes token;
        const char *name;
    } known[] = {{WSI_TOKEN_HTTP_COOKIE, "Cookie"}, {WSI_TOKEN_HTTP_ACCEPT, "Accept"},
            {WSI_TOKEN_HTTP_AUTHORIZATION, "Authorization"},
            {WSI_TOKEN_HTTP_CONTENT_TYPE, "Content-Type"},
            {WSI_TOKEN_HTTP_IF_NONE_MATCH, "If-None-Match"}, {WSI_TOKEN_HTTP_IF_MATCH, "If-Match"},
            {WSI_TOKEN_HTTP_IF_MODIFIED_SINCE, "If-Modified-Since"}};
    char value[HEADER_LINE - 64];
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
        int len = orl_web_header(conn->wsi, known[i].token, value, sizeof(value));
        pass(passed, known[i].name, value, len);
    }
    int len = custom_header(conn->wsi, "last-event-id:", value, sizeof(value));
    pass(passed, "Last-Event-ID", value, len);
    /* By what a person tells their logins apart; one that is too long is left out. */
    len = orl_web_header(conn->wsi, WSI_TOKEN_HTTP_USER_AGENT, value, 256);
    if (len > 0) {
        pass(passed, "User-Agent", value, len);
    }
    pass(passed, "X-Oriel-Client", conn->client, 1);
}

/* Answers to logins are held back from who guesses. An address may have twice as many on the way as others then find
 * room for: however many of them guess without end, there is a place for who comes from another. */
static bool may_log_in(const struct orl_web_conn *conn)
{
    static const char path[] = "/v1/login";
    unsigned held = 0;
    if (strcmp(conn->api_path, path) != 0) {
        return true;
    }
    for (const struct orl_web_conn *at = conn->web->conns; at != NULL; at = at->next) {
        held += at->relay != NULL && strcmp(at->api_path, path) == 0 &&
                memcmp(&at->prefix, &conn->prefix, sizeof(at->prefix)) == 0;
    }
    return held < 2 * orl_relays_room(conn->web->relays);
}

static void start_relay(struct orl_web_conn *conn)
{
    struct passed passed = {0};
    collect_headers(conn, &passed);
    struct orl_relay_req req = {.method = conn->method,
            .path = conn->api_path,
            .headers = (const char *const *)passed.lines,
            .body = conn->request_body.len > 0 ? conn->request_body.data : NULL,
            .body_len = conn->request_body.len};
    int code = passed.is_failed    ? ORL_E_INVAL
               : !may_log_in(conn) ? ORL_E_LIMIT
                                   : orl_relay_new(conn->web->relays, &req,
                                             orl_answer_on_relay_news, conn, &conn->relay);
    free_passed(&passed);
    orl_buf_wipe(&conn->request_body);
    orl_buf_reset(&conn->request_body);
    if (code == ORL_OK) {
        orl_answer_relay(conn);
    } else if (code == ORL_E_INVAL) {
        orl_answer_error(conn, 400, "bad_request", "a header is too long");
    } else {
        orl_answer_error(conn, 503, orl_reason_code(ORL_REASON_TOO_MANY_CONNECTIONS),
                orl_reason_text(ORL_REASON_TOO_MANY_CONNECTIONS));
    }
}

static void refuse_api(
        struct orl_web_conn *conn, unsigned status, const char *code, const char *text)
{
    conn->must_close = true; /* a body may follow that nobody wants */
    orl_answer_error(conn, status, code, text);
}

/* Bodies that are longer than most have places of their own. */
enum long_body {
    LONG_TICKET, /* a piece whose ticket is asked about */
    LONG_PIECE,  /* whose ticket is good */
    LONG_SITE,
};

static bool is_long(const struct orl_web_conn *conn, enum long_body kind)
{
    return kind == LONG_TICKET  ? conn->is_asked
           : kind == LONG_PIECE ? conn->is_upload
                                : conn->is_site;
}

static bool has_place(const struct orl_web_conn *conn, enum long_body kind)
{
    static const struct {
        unsigned all, of_prefix;
    } most[] = {[LONG_TICKET] = {ORL_WEB_TICKETS_MAX, ORL_WEB_TICKETS_PER_PREFIX},
            [LONG_PIECE] = {ORL_WEB_UPLOADS_MAX, ORL_WEB_UPLOADS_PER_PREFIX},
            [LONG_SITE] = {ORL_WEB_SITES_MAX, ORL_WEB_SITES_PER_PREFIX}};
    unsigned count = 0;
    unsigned of_prefix = 0;
    for (const struct orl_web_conn *at = conn->web->conns; at != NULL; at = at->next) {
        if (is_long(at, kind)) {
            count++;
            of_prefix += memcmp(&at->prefix, &conn->prefix, sizeof(at->prefix)) == 0;
        }
    }
    return count < most[kind].all && of_prefix < most[kind].of_prefix;
}

static void refuse_place(struct orl_web_conn *conn)
{
    refuse_api(conn, 503, orl_reason_code(ORL_REASON_TOO_MANY_CONNECTIONS),
            "too many files are being sent; try again in a moment");
}

/* A whole site, of somebody who says who they are; whether they are, the broker knows. */
static bool takes_site(const struct orl_web_conn *conn)
{
    return strcmp(conn->method, "POST") == 0 &&
           (strcmp(conn->api_path, "/v1/plan") == 0 || strcmp(conn->api_path, "/v1/apply") == 0) &&
           (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_COOKIE) > 0 ||
                   lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0);
}

static void await_body(struct orl_web_conn *conn, long length)
{
    const bool is_site = length > ORL_WEB_BODY_MAX;
    if (is_site && !has_place(conn, LONG_SITE)) {
        refuse_place(conn);
        return;
    }
    const uint64_t wait_s = is_site ? ORL_WEB_UPLOAD_S : (uint64_t)conn->web->cfg->request_s;
    conn->is_site = is_site;
    conn->phase = ORL_WEB_BODY;
    conn->deadline_us = orl_clock_now_us() + wait_s * ORL_US_PER_S;
    orl_buf_fini(&conn->request_body);
    orl_buf_init(&conn->request_body, (size_t)length);
}

static void on_api(struct orl_web_conn *conn, const char *path, long length)
{
    bool is_change = strcmp(conn->method, "GET") != 0;
    /* No page of another site can make a browser send this one. */
    bool has_bearer = lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION) > 0;
    bool is_known = conn->method[0] != '\0' && strcmp(conn->method, "HEAD") != 0;
    if (!is_known) {
        refuse_api(conn, 405, "method_not_allowed", "GET, POST, PATCH, PUT and DELETE are known");
    } else if (!orl_request_broker_path(path, conn->api_path, sizeof(conn->api_path)) ||
               !add_query(conn->wsi, conn->api_path, sizeof(conn->api_path))) {
        refuse_api(conn, 404, "not_found", "there is nothing at this path");
    } else if (length > ORL_WEB_SITE_BODY_MAX || (length > ORL_WEB_BODY_MAX && !takes_site(conn))) {
        refuse_api(conn, 413, "too_large", "the body is over 64 KiB, or a site over 4 MiB");
    } else if (is_change && !has_bearer && !orl_web_is_same_origin(conn)) {
        refuse_api(conn, 403, "wrong_origin", "this request did not come from the portal's page");
    } else if (is_change && !is_json(conn->wsi)) {
        refuse_api(conn, 415, "not_json", "the body must be application/json");
    } else if (!is_change && length > 0) {
        refuse_api(conn, 400, "bad_request", "GET has no body");
    } else if (length > 0) {
        await_body(conn, length);
    } else {
        start_relay(conn);
    }
}

static void start_upload(struct orl_web_conn *conn)
{
    int code = orl_upload_new(conn->web->loop, &conn->web->upload, &conn->upload_to,
            &conn->request_body, orl_answer_on_relay_news, conn, &conn->upload);
    if (code == ORL_OK) {
        orl_answer_upload(conn);
    } else {
        orl_answer_upload_silent(conn);
    }
}

/* It has been said what to say. */
static void answer_upload(struct orl_web_conn *conn)
{
    orl_answer_upload(conn);
    orl_answer_on_relay_news(conn);
}

/* What vmpool says of the ticket. Until then the piece has no place of those that count, and only a moment. */
static void on_ticket(void *ctx)
{
    struct orl_web_conn *conn = ctx;
    if (!conn->is_asked) {
        orl_answer_on_relay_news(conn);
        return;
    }
    conn->is_asked = false;
    if (!orl_upload_is_good(conn->upload)) {
        /* Who has a ticket hears why; an answer amid what they send could be lost. */
        if (conn->is_body_whole || !orl_upload_has_ticket(conn->upload)) {
            conn->must_close = !conn->is_body_whole;
            answer_upload(conn);
        }
        return;
    }
    orl_upload_free(conn->upload);
    conn->upload = NULL;
    if (!has_place(conn, LONG_PIECE)) {
        if (conn->is_body_whole) {
            refuse_place(conn);
        } else {
            conn->is_placeless = true;
            orl_buf_fini(&conn->request_body);
            conn->deadline_us =
                    orl_clock_now_us() + (uint64_t)conn->web->cfg->request_s * ORL_US_PER_S;
        }
        return;
    }
    conn->is_upload = true;
    conn->deadline_us = orl_clock_now_us() + ORL_WEB_UPLOAD_S * ORL_US_PER_S;
    if (conn->is_body_whole) {
        start_upload(conn);
    }
}

static void ask_for_ticket(struct orl_web_conn *conn)
{
    struct orl_buf none;
    orl_buf_init(&none, 1);
    conn->is_asked = true;
    conn->phase = ORL_WEB_BODY;
    conn->deadline_us = orl_clock_now_us() + ORL_WEB_TICKET_S * ORL_US_PER_S;
    orl_buf_fini(&conn->request_body);
    orl_buf_init(&conn->request_body, ORL_UPLOAD_BODY_MAX);
    if (orl_upload_new(conn->web->loop, &conn->web->upload, &conn->upload_to, &none, on_ticket,
                conn, &conn->upload) < 0) {
        conn->is_asked = false;
        conn->must_close = true;
        orl_answer_upload_silent(conn);
    }
}

/* The ticket in Authorization is what it goes by: no page of another site can make a browser send it. */
static void on_upload(struct orl_web_conn *conn, const char *path, long length)
{
    char query[64] = "";
    char authorization[96];
    int query_len = lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_URI_ARGS) > 0
                            ? lws_hdr_copy(conn->wsi, query, sizeof(query), WSI_TOKEN_HTTP_URI_ARGS)
                            : 0;
    int len = orl_web_header(
            conn->wsi, WSI_TOKEN_HTTP_AUTHORIZATION, authorization, sizeof(authorization));
    if (strcmp(conn->method, "PUT") != 0) {
        refuse_api(conn, 405, "method_not_allowed", "PUT is known here");
    } else if (len <= 0 || query_len < 0 ||
               !orl_upload_parse(path, query, authorization, &conn->upload_to)) {
        refuse_api(conn, 400, "bad_request",
                "a piece is PUT /upload/JOB?offset=N with Authorization: Upload TICKET");
    } else if ((unsigned long)length > ORL_UPLOAD_BODY_MAX) {
        refuse_api(conn, 413, "too_large", "a piece has at most 1 MiB");
    } else if (!has_place(conn, LONG_TICKET)) {
        refuse_place(conn);
    } else if (length > 0) {
        ask_for_ticket(conn);
    } else {
        conn->is_asked = true; /* a question by itself */
        orl_buf_fini(&conn->request_body);
        orl_buf_init(&conn->request_body, ORL_UPLOAD_BODY_MAX);
        start_upload(conn);
    }
    orl_secret_wipe(authorization, sizeof(authorization));
}

static bool has_token(const char *list, const char *token)
{
    size_t len = strlen(token);
    for (const char *at = strcasestr(list, token); at != NULL; at = strcasestr(at + 1, token)) {
        bool is_start = at == list || strchr(", \t", at[-1]) != NULL;
        const char *rest = at + len + strspn(at + len, " \t");
        if (is_start && (*rest == '\0' || *rest == ',' || *rest == ';')) {
            return strncasecmp(rest, ";q=0", 4) != 0 || (rest[4] == '.' && rest[5] != '0');
        }
    }
    return false;
}

static void on_page(struct orl_web_conn *conn, const char *path)
{
    char value[512];
    bool is_head = strcmp(conn->method, "HEAD") == 0;
    if (!is_head && strcmp(conn->method, "GET") != 0) {
        conn->must_close = true;
        orl_answer_text(conn, 405, false);
        return;
    }
    const struct orl_asset *asset =
            conn->web->assets != NULL ? orl_assets_find(conn->web->assets, path) : NULL;
    if (asset == NULL) {
        orl_answer_text(conn, 404, is_head);
        return;
    }
    if (orl_web_header(conn->wsi, WSI_TOKEN_HTTP_IF_NONE_MATCH, value, sizeof(value)) > 0 &&
            strstr(value, asset->etag) != NULL) {
        orl_answer_not_modified(conn, asset);
        return;
    }
    int len = orl_web_header(conn->wsi, WSI_TOKEN_HTTP_ACCEPT_ENCODING, value, sizeof(value));
    orl_answer_page(conn, asset, is_head, len > 0 && has_token(value, "gzip"));
}

/* To the same path at the origin that Host names, else at the first. */
static void on_plain(struct orl_web_conn *conn, const char *path)
{
    char host[256];
    char escaped[3 * ORL_REQUEST_PATH_MAX + 1];
    char location[4096];
    char **origins = conn->web->origins;
    const char *origin = origins[0];
    bool has_host = orl_web_header(conn->wsi, WSI_TOKEN_HOST, host, sizeof(host)) > 0;
    size_t host_len = strcspn(host, ":");
    for (char **at = origins; has_host && *at != NULL; at++) {
        const char *name = *at + strlen("https://");
        if (strcspn(name, ":") == host_len && strncmp(name, host, host_len) == 0) {
            origin = *at;
        }
    }
    bool is_path = orl_request_route(path) != ORL_ROUTE_NONE &&
                   orl_request_escape(path, escaped, sizeof(escaped));
    (void)snprintf(location, sizeof(location), "%s%s", origin, is_path ? escaped : "/");
    orl_answer_redirect(conn, location);
}

/* libwebsockets ends the line at a %0a in its path: what follows would be headers by whoever wrote the link. The
 * version then is missing. */
static bool has_version(struct lws *wsi)
{
    char version[16];
    return orl_web_header(wsi, WSI_TOKEN_HTTP, version, sizeof(version)) > 0 &&
           strncasecmp(version, "HTTP/1.", 7) == 0;
}

static int on_request(struct orl_web_conn *conn, const char *path, size_t path_len)
{
    long length = content_length(conn->wsi);
    if (conn->phase != ORL_WEB_IDLE) {
        return -1;
    }
    orl_answer_reset(conn);
    conn->method = method_of(conn->wsi);
    lws_set_timeout(conn->wsi, NO_PENDING_TIMEOUT, 0); /* web.c's deadlines count */
    bool has_body = strcmp(conn->method, "POST") == 0 || strcmp(conn->method, "PATCH") == 0 ||
                    strcmp(conn->method, "PUT") == 0;
    enum orl_route route =
            strlen(path) == path_len ? orl_request_route(path) : ORL_ROUTE_NONE; /* no NUL */
    if (!has_version(conn->wsi)) {
        refuse_api(conn, 400, "bad_request", "the request's first line is not whole");
    } else if (conn->is_plain) {
        on_plain(conn, path);
    } else if (lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0 ||
               length < 0) {
        /* A body of unsaid length would be read as the next request. */
        refuse_api(conn, 400, "bad_request", "the body's length must be said once, as a number");
    } else if (has_body && lws_hdr_total_length(conn->wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH) <= 0) {
        refuse_api(conn, 411, "length_required", "the body's length must be said");
    } else if (route == ORL_ROUTE_API) {
        on_api(conn, path, length);
    } else if (route == ORL_ROUTE_UPLOAD) {
        on_upload(conn, path, length);
    } else if (length > 0) {
        refuse_api(conn, 400, "bad_request", "no body is taken here");
    } else if (route == ORL_ROUTE_PAGE) {
        on_page(conn, path);
    } else if (route == ORL_ROUTE_DESKTOP || route == ORL_ROUTE_AUX) {
        orl_answer_text(conn, 426, false);
    } else if (strncmp(path, "/api", 4) == 0) {
        refuse_api(conn, 404, "not_found", "there is nothing at this path");
    } else {
        orl_answer_text(conn, 404, strcmp(conn->method, "HEAD") == 0);
    }
    return 0;
}

static int on_body(struct orl_web_conn *conn, const void *data, size_t len)
{
    bool is_refused = conn->upload != NULL && !conn->is_asked;
    if (conn->phase == ORL_WEB_BODY && (is_refused || conn->is_placeless)) {
        return 0;
    }
    if (conn->phase == ORL_WEB_BODY) {
        orl_buf_put(&conn->request_body, data, len);
        return conn->request_body.is_failed ? -1 : 0;
    }
    return conn->must_close ? 0 : -1;
}

static int on_body_end(struct orl_web_conn *conn)
{
    if (conn->phase == ORL_WEB_BODY && conn->is_upload) {
        start_upload(conn);
    } else if (conn->phase == ORL_WEB_BODY && conn->is_placeless) {
        refuse_place(conn);
    } else if (conn->phase == ORL_WEB_BODY && conn->is_asked) {
        conn->is_body_whole = true;
    } else if (conn->phase == ORL_WEB_BODY && conn->upload != NULL) {
        answer_upload(conn);
    } else if (conn->phase == ORL_WEB_BODY) {
        start_relay(conn);
    }
    return 0;
}

/* Before libwebsockets changes anything. `in` may be gone: an Upgrade that it does not know has been answered. */
static int on_upgrade(struct orl_web_conn *conn)
{
    char upgrade[16];
    char *path = NULL;
    int path_len = 0;
    char copy[ORL_REQUEST_PATH_MAX + 1];
    if (orl_web_header(conn->wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof(upgrade)) <= 0 ||
            strcasecmp(upgrade, "websocket") != 0 || conn->phase != ORL_WEB_IDLE ||
            !has_version(conn->wsi) || conn->is_plain) {
        return -1;
    }
    if (lws_http_get_uri_and_method(conn->wsi, &path, &path_len) < 0 || path_len < 0 ||
            (size_t)path_len >= sizeof(copy)) {
        return -1;
    }
    memcpy(copy, path, (size_t)path_len);
    copy[path_len] = '\0';
    unsigned status = orl_ws_check(conn, orl_request_route(copy));
    if (status != 0) {
        orl_answer_refuse_upgrade(conn, status);
        return -1;
    }
    conn->is_upgrade_good = true;
    return 0;
}

static void on_closed(struct orl_web_conn *conn)
{
    conn->phase = ORL_WEB_GONE;
    conn->wsi = NULL;
    orl_answer_reset(conn);
    orl_ws_release(conn);
}

int orl_web_on_http_event(
        struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t len)
{
    struct orl_web_conn *conn = lws_get_opaque_user_data(wsi);
    if (conn == NULL) {
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
    switch ((int)reason) {
    case LWS_CALLBACK_SERVER_NEW_CLIENT_INSTANTIATED:
        conn->wsi = wsi;
        return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        on_closed(conn);
        lws_set_opaque_user_data(wsi, NULL);
        conn->is_destroyed = true;
        if (!conn->is_adopting) {
            orl_web_conn_free(conn);
        }
        return 0;
    case LWS_CALLBACK_HTTP:
        conn->wsi = wsi;
        return on_request(conn, in, len);
    case LWS_CALLBACK_HTTP_BODY:
        return on_body(conn, in, len);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return on_body_end(conn);
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return orl_answer_on_writable(conn);
    case LWS_CALLBACK_CLOSED_HTTP:
        on_closed(conn);
        return 0;
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        conn->wsi = wsi;
        return on_upgrade(conn);
    case LWS_CALLBACK_RAW_ADOPT: /* libwebsockets' idea of CONNECT */
    case LWS_CALLBACK_RAW_CONNECTED:
    case LWS_CALLBACK_RAW_RX:
    case LWS_CALLBACK_RAW_WRITEABLE:
        return -1;
    case LWS_CALLBACK_RAW_CLOSE:
        on_closed(conn);
        return 0;
    case LWS_CALLBACK_FILTER_PROTOCOL_CONNECTION:
        return -1; /* a WebSocket without a subprotocol of ours */
    default:
        return lws_callback_http_dummy(wsi, reason, user, in, len);
    }
}
