#include "base/sha256.h"
#include <errno.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { CHUNK = 1024 * 1024, HASH_LEN = ORL_SHA256_HEX_LEN / 2 };

static int feed(int fd, unsigned char *chunk, EVP_MD_CTX *md, struct orl_err *err)
{
    for (;;) {
        ssize_t n = read(fd, chunk, CHUNK);
        if (n == 0) {
            return 0;
        }
        if (n < 0 && errno != EINTR) {
            return orl_err_sys(err, errno, "read");
        }
        if (n > 0 && EVP_DigestUpdate(md, chunk, (size_t)n) != 1) {
            return orl_err_set(err, ORL_E_BACKEND, "SHA-256");
        }
    }
}

static void to_hex(const unsigned char *hash, char ret_hex[ORL_SHA256_HEX_LEN + 1])
{
    for (unsigned i = 0; i < HASH_LEN; i++) {
        (void)snprintf(ret_hex + (size_t)2 * i, 3, "%02x", hash[i]);
    }
}

int orl_sha256_fd(int fd, char ret_hex[ORL_SHA256_HEX_LEN + 1], struct orl_err *err)
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned len = 0;
    unsigned char *chunk = malloc(CHUNK);
    EVP_MD_CTX *md = EVP_MD_CTX_new();
    int r = chunk && md && EVP_DigestInit_ex(md, EVP_sha256(), NULL) == 1
                    ? feed(fd, chunk, md, err)
                    : orl_err_set(err, ORL_E_NOMEM, "SHA-256");
    if (r == 0 && (EVP_DigestFinal_ex(md, hash, &len) != 1 || len != HASH_LEN)) {
        r = orl_err_set(err, ORL_E_BACKEND, "SHA-256");
    }
    EVP_MD_CTX_free(md);
    free(chunk);
    if (r == 0) {
        to_hex(hash, ret_hex);
    }
    return r;
}

void orl_sha256(const void *data, size_t len, char ret_hex[ORL_SHA256_HEX_LEN + 1])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    unsigned hash_len = 0;
    int ok = EVP_Digest(data, len, hash, &hash_len, EVP_sha256(), NULL);
    orl_assert(ok == 1 && hash_len == HASH_LEN);
    to_hex(hash, ret_hex);
}
