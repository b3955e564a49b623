/* The portal's cookie as browsers send it: text in, token out. Broker and oriel-web read it by the same rule.
 * Not here: making one, and whose it is (broker/weblogin.h). */
#ifndef ORL_BASE_COOKIE_H
#define ORL_BASE_COOKIE_H
#include <stdbool.h>
#include <stddef.h>

#define ORL_COOKIE_NAME "__Host-oriel"
#define ORL_COOKIE_TOKEN_LEN 43   /* 32 random bytes in base64url without padding */
#define ORL_COOKIE_BINDING_LEN 64 /* SHA-256 of the token, in hex */

/* The token in a Cookie header's value (RFC 6265 4.2.1) of len bytes. false: there is none, more than one, or it
 * can't be ours. */
bool orl_cookie_find(const char *header, size_t len, char ret_token[ORL_COOKIE_TOKEN_LEN + 1]);
bool orl_cookie_token_is_valid(const char *token, size_t len);
/* What stands for the token wherever it is kept or passed on. */
void orl_cookie_binding(
        const char token[ORL_COOKIE_TOKEN_LEN + 1], char ret_binding[ORL_COOKIE_BINDING_LEN + 1]);
/* 64 of [0-9a-f]. */
bool orl_cookie_binding_is_valid(const char *binding);

#endif
