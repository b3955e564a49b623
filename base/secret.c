#include "base/secret.h"

#include <errno.h>
#include <malloc.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/random.h>

void orl_secret_random(void *ret_data, size_t len)
{
    uint8_t *at = ret_data;
    while (len > 0) {
        ssize_t got = getrandom(at, len, 0);
        orl_assert(got > 0 || (got < 0 && errno == EINTR));
        if (got > 0) {
            at += got;
            len -= (size_t)got;
        }
    }
}

void orl_secret_wipe(void *data, size_t len)
{
    if (data != NULL && len > 0) {
        OPENSSL_cleanse(data, len);
    }
}

void orl_secret_free(void *data)
{
    orl_secret_wipe(data, malloc_usable_size(data));
    free(data);
}

bool orl_secret_is_equal(const void *a, const void *b, size_t len)
{
    return CRYPTO_memcmp(a, b, len) == 0;
}

void orl_secret_text(char *ret, size_t len)
{
    static const char alphabet[] = "abcdefghijkmnpqrstuvwxyz23456789"; /* 32, without l, o, 0, 1 */
    for (size_t i = 0; i < len; i++) {
        uint8_t byte;
        orl_secret_random(&byte, 1);
        ret[i] = alphabet[byte & 31U];
    }
    ret[len] = '\0';
}
