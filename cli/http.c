#include "cli/http.h"

#include "base/secret.h"
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_S 5L
#define ANSWER_S 60L

static size_t on_body(char *data, size_t size, size_t count, void *ctx)
{
    struct orl_buf *body = ctx;
    orl_buf_put(body, data, size * count);
    return body->is_failed ? 0 : size * count;
}

static const char *method_of(enum orl_cli_method method)
{
    switch (method) {
    case ORL_CLI_POST:
        return "POST";
    case ORL_CLI_PATCH:
        return "PATCH";
    case ORL_CLI_DELETE:
        return "DELETE";
    case ORL_CLI_GET:
    default:
        return "GET";
    }
}

/* The portal's certificate is checked: libcurl does so unless told otherwise. */
static bool set_where(CURL *curl, const struct orl_cli_call *call)
{
    if (call->url == NULL) {
        return curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->socket) == CURLE_OK &&
               curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK;
    }
    return curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
           (call->ca_file == NULL ||
                   curl_easy_setopt(curl, CURLOPT_CAINFO, call->ca_file) == CURLE_OK);
}

/* Adds "Authorization: Bearer" of the file's first line. */
static int add_token(
        const struct orl_cli_call *call, struct curl_slist **headers, struct orl_err *err)
{
    char line[128] = "Authorization: Bearer ";
    const size_t head = strlen(line);
    if (call->token_file == NULL) {
        return call->url == NULL ? 0 : orl_err_set(err, ORL_E_INVAL, "--url needs --token FILE");
    }
    FILE *file = fopen(call->token_file, "re");
    bool is_read = file != NULL && fgets(line + head, (int)(sizeof(line) - head), file) != NULL;
    if (file != NULL) {
        (void)fclose(file);
    }
    line[head + strcspn(line + head, "\r\n")] = '\0';
    int rc = 0;
    if (!is_read || strncmp(line + head, "ort_", 4) != 0) {
        rc = orl_err_set(err, ORL_E_INVAL, "%.120s: no token there", call->token_file);
    } else {
        struct curl_slist *longer = curl_slist_append(*headers, line);
        *headers = longer != NULL ? longer : *headers;
        rc = longer != NULL ? 0 : orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    orl_secret_wipe(line, sizeof(line));
    return rc;
}

/* The etag is shown without its quotes, which shells would take. */
static int add_if_match(
        const struct orl_cli_call *call, struct curl_slist **headers, struct orl_err *err)
{
    char line[80];
    if (call->if_match == NULL) {
        return 0;
    }
    size_t len = strlen(call->if_match);
    if (len == 0 || strspn(call->if_match, "0123456789abcdef") != len ||
            (size_t)snprintf(line, sizeof(line), "If-Match: \"%s\"", call->if_match) >=
                    sizeof(line)) {
        return orl_err_set(err, ORL_E_INVAL, "--if-match: not an etag as `show` says it");
    }
    struct curl_slist *longer = curl_slist_append(*headers, line);
    *headers = longer != NULL ? longer : *headers;
    return longer != NULL ? 0 : orl_err_set(err, ORL_E_NOMEM, "out of memory");
}

static void take_etag(CURL *curl, struct orl_cli_answer *answer)
{
    struct curl_header *header = NULL;
    if (curl_easy_header(curl, "etag", 0, CURLH_HEADER, -1, &header) == CURLHE_OK) {
        size_t quote = header->value[0] == '"';
        size_t len = strcspn(header->value + quote, "\"");
        (void)snprintf(answer->etag, sizeof(answer->etag), "%.*s",
                (int)(len < sizeof(answer->etag) ? len : 0), header->value + quote);
    }
}

static void make_url(const struct orl_cli_call *call, char *ret_url, size_t size)
{
    const char *base = call->url != NULL ? call->url : "http://broker";
    size_t len = strlen(base);
    while (len > 0 && base[len - 1] == '/') {
        len--;
    }
    (void)snprintf(
            ret_url, size, "%.*s%s%s", (int)len, base, call->url != NULL ? "/api" : "", call->path);
}

/* false: an option was refused. body is borrowed. */
static bool set_up(CURL *curl, const struct orl_cli_call *call, const char *url, const char *body,
        struct curl_slist *headers, struct orl_buf *ret_body)
{
    bool is_ok = set_where(curl, call) && curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_TIMEOUT, ANSWER_S) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_WRITEDATA, ret_body) == CURLE_OK;
    if (is_ok && body != NULL) {
        is_ok = curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body) == CURLE_OK;
    }
    return is_ok &&
           curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method_of(call->cmd->method)) == CURLE_OK;
}

static int perform(CURL *curl, const struct orl_cli_call *call, struct orl_cli_answer *answer,
        struct orl_err *err)
{
    CURLcode code = curl_easy_perform(curl);
    if (code == CURLE_COULDNT_CONNECT && call->url == NULL) {
        return orl_err_set(err, ORL_E_CLOSED,
                "no broker answers at %.120s: is oriel-broker running, and may you use it?",
                call->socket);
    }
    if (code != CURLE_OK) {
        return orl_err_set(err, ORL_E_CLOSED, "%.120s: %s",
                call->url != NULL ? call->url : call->socket, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    take_etag(curl, answer);
    return 0;
}

int orl_cli_request(
        const struct orl_cli_call *call, struct orl_cli_answer *ret_answer, struct orl_err *err)
{
    ret_answer->status = 0;
    ret_answer->etag[0] = '\0';
    orl_buf_init(&ret_answer->body, ORL_CLI_ANSWER_MAX);
    char url[ORL_CLI_PATH_MAX + 512];
    make_url(call, url, sizeof(url));
    char *body = call->body != NULL ? json_dumps(call->body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    int rc = headers != NULL ? add_token(call, &headers, err) : 0;
    rc = rc == 0 && headers != NULL ? add_if_match(call, &headers, err) : rc;
    if (rc < 0) {
        /* err says it */
    } else if (curl == NULL || headers == NULL || (call->body != NULL && body == NULL)) {
        rc = orl_err_set(err, ORL_E_NOMEM, "out of memory");
    } else if (!set_up(curl, call, url, body, headers, &ret_answer->body)) {
        rc = orl_err_set(err, ORL_E_UNSUPPORTED, "libcurl lacks something");
    } else {
        rc = perform(curl, call, ret_answer, err);
    }
    curl_easy_cleanup(curl);
    curl_slist_free_all(headers);
    if (body != NULL) {
        orl_secret_wipe(body, strlen(body));
    }
    free(body);
    return rc;
}
