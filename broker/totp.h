/* The second factor: time-based codes (RFC 6238: SHA-1, 6 digits, 30 s) by liboath. Pure: what is kept, and that a
 * code counts once, is store/user.h's. */
#ifndef ORL_BROKER_TOTP_H
#define ORL_BROKER_TOTP_H
#include "base/seal.h"
#include <stdbool.h>

#define ORL_TOTP_SECRET_BYTES 20 /* RFC 4226 4, R6 */
#define ORL_TOTP_TEXT_LEN 32     /* the same in base32 */
#define ORL_TOTP_DIGITS 6
#define ORL_TOTP_URI_MAX 511

/* Once, before the first call. */
ORL_NODISCARD int orl_totp_init(struct orl_err *err);
/* A new secret, sealed for its person, and as base32 for the person's device. */
ORL_NODISCARD int orl_totp_new(const struct orl_seal_key *key, const char *user, char *ret_sealed,
        size_t sealed_size, char ret_text[ORL_TOTP_TEXT_LEN + 1]);
/* otpauth://totp/ISSUER:USER?... ; issuer and user are escaped. */
void orl_totp_uri(const char *issuer, const char *user, const char text[ORL_TOTP_TEXT_LEN + 1],
        char ret_uri[ORL_TOTP_URI_MAX + 1]);
/* As people write it: digits, blanks between them. false: not six digits. */
bool orl_totp_parse(const char *text, char ret_code[ORL_TOTP_DIGITS + 1]);
/* Is it the code of now, of the step before or of the one after? *ret_step: whose it is.
 * ORL_E_DENIED: it is none of them. ORL_E_BACKEND: the secret was sealed by another key, or for another person. */
ORL_NODISCARD int orl_totp_check(const struct orl_seal_key *key, const char *user,
        const char *sealed, const char code[ORL_TOTP_DIGITS + 1], uint64_t now_ms,
        uint64_t *ret_step);

#endif
