/* SHA-256 of a file, in pieces, or of bytes. Not here: passwords (libsodium in broker/), what NTLM needs (base/digest.h). */
#ifndef ORL_BASE_SHA256_H
#define ORL_BASE_SHA256_H
#include "base/err.h"
#include <stddef.h>

#define ORL_SHA256_HEX_LEN 64

/* Of all that fd (borrowed) holds from its position on, in lower-case hex. Blocks. */
ORL_NODISCARD int orl_sha256_fd(int fd, char ret_hex[ORL_SHA256_HEX_LEN + 1], struct orl_err *err);

/* Of len bytes at data; aborts when OpenSSL has no SHA-256. */
void orl_sha256(const void *data, size_t len, char ret_hex[ORL_SHA256_HEX_LEN + 1]);

#endif
