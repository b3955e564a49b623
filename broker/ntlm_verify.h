/* Checks an NTLMv2 proof (MS-NLMP) against the NT hash of a ticket: pure, no store, no I/O.
 * MD4, MD5 and RC4 are in base/digest.h. Not here: which ticket it is, and whether it may be used. */
#ifndef ORL_BROKER_NTLM_VERIFY_H
#define ORL_BROKER_NTLM_VERIFY_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_NTLM_HASH_LEN 16

struct orl_ntlm;

/* ORL_E_UNSUPPORTED: OpenSSL has no legacy provider. */
ORL_NODISCARD int orl_ntlm_new(struct orl_ntlm **ret_ntlm, struct orl_err *err);
void orl_ntlm_free(struct orl_ntlm *ntlm); /* NULL is fine */

/* MS-NLMP 3.3.1 NTOWFv1: MD4 of the password as UTF-16LE. ORL_E_INVAL: password is not ASCII (those
 * of tickets always are) or longer than 127. */
ORL_NODISCARD int orl_ntlm_nt_hash(
        struct orl_ntlm *ntlm, const char *password, uint8_t ret_hash[ORL_NTLM_HASH_LEN]);

struct orl_ntlm_proof {   /* borrowed */
    const char *user;     /* ASCII: a ticket's id as the client wrote it */
    const char *domain;   /* UTF-8, as the client wrote it; may be empty */
    const uint8_t *proof; /* ServerChallenge and temp, 3.3.2 */
    size_t proof_len;
    const uint8_t *messages; /* NEGOTIATE, CHALLENGE, AUTHENTICATE; its MIC zeroed */
    size_t messages_len;
    const uint8_t *session_key; /* EncryptedRandomSessionKey, 16 bytes */
    const uint8_t *mic;         /* 16 bytes */
};
/* 0 and NTOWFv2 (3.3.2) only if the MIC (3.1.5.1.2) proves that the client knows the password.
 * A client without MIC or without key exchange has no proof. ORL_E_DENIED: it does not hold.
 * ORL_E_INVAL: user or domain can't be what a client wrote, or a blob is too short. */
ORL_NODISCARD int orl_ntlm_verify(struct orl_ntlm *ntlm, const uint8_t nt_hash[ORL_NTLM_HASH_LEN],
        const struct orl_ntlm_proof *proof, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN]);
/* NTOWFv2 alone, for tests and for the header's golden vectors; same errors. */
ORL_NODISCARD int orl_ntlm_ntowfv2(struct orl_ntlm *ntlm, const uint8_t nt_hash[ORL_NTLM_HASH_LEN],
        const char *user, const char *domain, uint8_t ret_ntowfv2[ORL_NTLM_HASH_LEN]);

#endif
