#include "cli/http.h"

#include "base/secret.h"
#include <curl/curl.h>
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

/* false: an option was refused. body is borrowed. */
static bool set_up(CURL *curl, const struct orl_cli_call *call, const char *url, const char *body,
        struct curl_slist *headers, struct orl_buf *ret_body)
{
    bool is_ok = curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, call->socket) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
                 curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http") == CURLE_OK &&
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
    if (code == CURLE_COULDNT_CONNECT) {
        return orl_err_set(err, ORL_E_CLOSED,
                "no broker answers at %.120s: is oriel-broker running, and may you use it?",
                call->socket);
    }
    if (code != CURLE_OK) {
        return orl_err_set(err, ORL_E_CLOSED, "%.120s: %s", call->socket, curl_easy_strerror(code));
    }
    (void)curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    return 0;
}

int orl_cli_request(
        const struct orl_cli_call *call, struct orl_cli_answer *ret_answer, struct orl_err *err)
{
    ret_answer->status = 0;
    orl_buf_init(&ret_answer->body, ORL_CLI_ANSWER_MAX);
    char url[ORL_CLI_PATH_MAX + 32] = "http://broker";
    orl_msg_text(url + strlen(url), sizeof(url) - strlen(url), call->path);
    char *body = call->body != NULL ? json_dumps(call->body, JSON_COMPACT) : NULL;
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    CURL *curl = curl_easy_init();
    int rc = 0;
    if (curl == NULL || headers == NULL || (call->body != NULL && body == NULL)) {
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
