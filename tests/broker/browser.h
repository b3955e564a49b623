/* A browser as the broker sees it: requests that oriel-web would bring, with a cookie jar of one. */
#ifndef ORL_TESTS_BROWSER_H
#define ORL_TESTS_BROWSER_H
#include "base/cookie.h"
#include "broker_fixture.h"

struct browser {
    struct broker *b;
    char client[40];                          /* "10.0.0.1:5" */
    char cookie[ORL_COOKIE_TOKEN_LEN + 8];    /* what it sends; empty: none */
    char binding[ORL_COOKIE_BINDING_LEN + 1]; /* of that */
    char set_cookie[200];                     /* of the last answer; empty: none */
    unsigned retry_s;                         /* of the last answer */
};

struct browser browser_at(struct broker *b, const char *client);
/* The answer as JSON; the caller decrefs it. A Set-Cookie goes into the jar. */
json_t *browse(
        struct browser *w, const char *method, const char *path, const char *body, int status);
/* The same without the answer; asserts the error's code (NULL: there is none). */
void browse_ok(struct browser *w, const char *method, const char *path, const char *body);
void browse_error(struct browser *w, const char *method, const char *path, const char *body,
        int status, const char *code);
/* Logs NAME in with "password-NAME". */
void browser_login(struct browser *w, const char *name);
/* A request's bytes, for those who send it themselves. */
size_t browser_request(const struct browser *w, const char *method, const char *path,
        const char *body, char *ret_text, size_t size);
/* A socket on which that request was sent. */
int browser_send(const struct browser *w, const char *method, const char *path, const char *body);
/* Reads until text has come, or the end: false. What came is in ret_text. */
bool browser_reads(int fd, const char *text, char *ret_text, size_t size);

struct opened {
    char ticket[24];
    char password[24];
};
struct opened browser_open(struct browser *w, const char *pool);
/* What the gateway makes of a desktop's WebSocket. */
uint32_t browser_connect(struct browser *w, int gw, const struct opened *opened);

#endif
