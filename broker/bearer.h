/* Personal access tokens in requests: from `Authorization: Bearer ort_...` to a person and what they may. */
#ifndef ORL_BROKER_BEARER_H
#define ORL_BROKER_BEARER_H
#include "broker/http.h"

struct orl_api_route;

/* Makes a new token's text; wipe it. */
void orl_bearer_new(char ret_token[ORL_BEARER_LEN + 1]);
/* What the store keeps of it. */
void orl_bearer_hash(const char *token, char ret_hash[65]);
/* req->role is the lesser of the token's scope and what its person may now, req->login.user says who. A token that does
 * not live leaves WEB. Negative only when the store fails. */
ORL_NODISCARD int orl_bearer_identify(struct orl_http_req *req, struct orl_err *err);
/* Answers a request whose token does not live; who tries many waits. */
void orl_bearer_refuse(struct orl_http_req *req);
/* Not with a token: what makes other ways in, or belongs to a browser. */
bool orl_bearer_may(const struct orl_http_req *req, const char *pattern);

#endif
