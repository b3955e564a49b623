/* What a browser's request says: path, query, origin, host, subprotocols, cookie; one a line. */
#include "base/cookie.h"
#include "base/err.h"
#include "web/server/request.h"
#include "web/server/upload.h"
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { FIELDS = 6, FIELD_BYTES = 1500 };

/* No byte of an encoded path ends or changes a request's line. */
static void check_path(const char *path)
{
    for (const char *at = path; *at != '\0'; at++) {
        orl_assert(*at > ' ' && *at < 0x7f);
    }
    orl_assert(strncmp(path, "/v1/", 4) == 0 && strstr(path, "/../") == NULL);
}

static void run(char fields[FIELDS][FIELD_BYTES])
{
    static const char *const list[] = {"https://portal.example", "https://127.0.0.1:8443", NULL};
    char path[3 * ORL_REQUEST_PATH_MAX + 1];
    char token[ORL_COOKIE_TOKEN_LEN + 1];
    struct orl_offer offer;
    if (orl_request_broker_path(fields[0], path, sizeof(path))) {
        orl_assert(orl_request_route(fields[0]) == ORL_ROUTE_API);
        check_path(path);
        if (orl_request_add_query(path, sizeof(path), fields[1], true)) {
            check_path(path);
        }
    }
    if (orl_request_origin_may(list, fields[2], fields[3])) {
        orl_assert(strcmp(fields[2], list[0]) == 0 || strcmp(fields[2], list[1]) == 0);
    }
    struct orl_upload_to to;
    char json[700];
    unsigned status = 0;
    if (orl_upload_parse(fields[0], fields[1], fields[4], &to)) {
        orl_assert(orl_id_is_valid(to.job) && strlen(to.ticket) == ORL_UPLOAD_TICKET_LEN);
    }
    if (orl_upload_answer_json(fields[5], &status, json, sizeof(json))) {
        orl_assert(status >= 200 && status < 600 && json[strlen(json) - 1] == '}');
    }
    if (orl_offer_parse(fields[4], &offer)) {
        orl_assert(strlen(offer.ticket) == ORL_OFFER_TICKET_LEN);
        orl_assert(strlen(offer.password) == ORL_OFFER_PASSWORD_LEN);
    }
    if (orl_cookie_find(fields[5], strlen(fields[5]), token)) {
        orl_assert(orl_cookie_token_is_valid(token, strlen(token)));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    char fields[FIELDS][FIELD_BYTES] = {{0}};
    for (unsigned i = 0; i < FIELDS && len > 0; i++) {
        const uint8_t *end = memchr(data, '\n', len);
        size_t part = end != NULL ? (size_t)(end - data) : len;
        memcpy(fields[i], data, part < FIELD_BYTES - 1 ? part : FIELD_BYTES - 1);
        data += part + (end != NULL);
        len -= part + (end != NULL);
    }
    run(fields);
    return 0;
}
