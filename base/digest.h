/* MD4, HMAC-MD5 and RC4 for the NTLM check (MS-NLMP), which knows nothing better; for nothing else.
 * They come from OpenSSL's legacy provider in a library context of its own, so that nothing else in
 * the process can use them. */
#ifndef ORL_BASE_DIGEST_H
#define ORL_BASE_DIGEST_H
#include "base/err.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_DIGEST_LEN 16

struct orl_digest; /* one owner */
/* ORL_E_UNSUPPORTED: OpenSSL has no legacy provider. */
ORL_NODISCARD int orl_digest_new(struct orl_digest **ret_digest, struct orl_err *err);
void orl_digest_free(struct orl_digest *digest);

/* Each: 0 or ORL_E_BACKEND. */
ORL_NODISCARD int orl_digest_md4(const struct orl_digest *digest, const void *data, size_t len,
        uint8_t ret_hash[ORL_DIGEST_LEN]);
ORL_NODISCARD int orl_digest_hmac_md5(const struct orl_digest *digest,
        const uint8_t key[ORL_DIGEST_LEN], const void *data, size_t len,
        uint8_t ret_mac[ORL_DIGEST_LEN]);
ORL_NODISCARD int orl_digest_rc4(const struct orl_digest *digest, const uint8_t key[ORL_DIGEST_LEN],
        const uint8_t in[ORL_DIGEST_LEN], uint8_t ret_out[ORL_DIGEST_LEN]);

#endif
