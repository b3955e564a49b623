#include "base/seal.h"

#include "base/cleanup.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { SEAL_MAX_BYTES = 4096 };

static int read_key(const char *path, struct orl_seal_key *ret_key, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return errno == ENOENT ? ORL_E_NOTFOUND : orl_err_sys(err, errno, "%s", path);
    }
    uint8_t bytes[ORL_SEAL_KEY_BYTES + 1];
    ssize_t got = read(fd, bytes, sizeof(bytes));
    int code = 0;
    if (got == ORL_SEAL_KEY_BYTES) {
        memcpy(ret_key->bytes, bytes, ORL_SEAL_KEY_BYTES);
    } else {
        code = orl_err_set(err, ORL_E_CONFIG, "%s: not a key of %d bytes; restore it from a backup",
                path, ORL_SEAL_KEY_BYTES);
    }
    orl_secret_wipe(bytes, sizeof(bytes));
    return code;
}

static int write_new(const char *path, const struct orl_seal_key *key, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    if (fchmod(fd, 0640) < 0 || write(fd, key->bytes, sizeof(key->bytes)) != sizeof(key->bytes) ||
            fsync(fd) < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    return 0;
}

/* link() publishes the whole file or fails: nobody ever reads half a key. */
static int make_key(const char *path, struct orl_err *err)
{
    char temporary[PATH_MAX];
    char unique[9];
    orl_secret_text(unique, sizeof(unique) - 1);
    int len = snprintf(temporary, sizeof(temporary), "%s.%s", path, unique);
    if (len < 0 || (size_t)len >= sizeof(temporary)) {
        return orl_err_set(err, ORL_E_INVAL, "%s: too long", path);
    }
    struct orl_seal_key key;
    orl_secret_random(key.bytes, sizeof(key.bytes));
    int code = write_new(temporary, &key, err);
    orl_secret_wipe(&key, sizeof(key));
    if (code == 0 && link(temporary, path) < 0 && errno != EEXIST) {
        code = orl_err_sys(err, errno, "%s", path);
    }
    (void)unlink(temporary);
    return code;
}

int orl_seal_key_load(const char *path, struct orl_seal_key *ret_key, struct orl_err *err)
{
    int code = read_key(path, ret_key, err);
    if (code == ORL_E_NOTFOUND) {
        code = make_key(path, err);
        if (code == 0) {
            code = read_key(path, ret_key, err);
        }
    }
    return code;
}

static bool cipher_start(EVP_CIPHER_CTX *ctx, const struct orl_seal_key *key, const uint8_t *nonce,
        const char *purpose, int is_sealing)
{
    int len;
    return EVP_CipherInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key->bytes, nonce, is_sealing) ==
                   1 &&
           EVP_CipherUpdate(ctx, NULL, &len, (const uint8_t *)purpose, (int)strlen(purpose)) == 1;
}

static void to_hex(const uint8_t *data, size_t len, char *ret_text)
{
    static const char hex[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = hex[data[i] >> 4];
        ret_text[2 * i + 1] = hex[data[i] & 15U];
    }
    ret_text[2 * len] = '\0';
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') {
        return c - '0';
    }
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool from_hex(const char *text, size_t len, uint8_t *ret_data)
{
    for (size_t i = 0; i < len; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return false;
        }
        ret_data[i] = (uint8_t)(high << 4 | low);
    }
    return true;
}

int orl_seal(const struct orl_seal_key *key, const char *purpose, const void *secret, size_t len,
        char *ret_text, size_t size)
{
    if (len > SEAL_MAX_BYTES || size < ORL_SEAL_TEXT_LEN(len) + 1) {
        return ORL_E_INVAL;
    }
    uint8_t sealed[ORL_SEAL_NONCE_BYTES + SEAL_MAX_BYTES + ORL_SEAL_TAG_BYTES];
    uint8_t *body = sealed + ORL_SEAL_NONCE_BYTES;
    orl_secret_random(sealed, ORL_SEAL_NONCE_BYTES);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int out = 0;
    int rest = 0;
    bool is_good =
            ctx != NULL && cipher_start(ctx, key, sealed, purpose, 1) &&
            EVP_CipherUpdate(ctx, body, &out, secret, (int)len) == 1 &&
            EVP_CipherFinal_ex(ctx, body + out, &rest) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, ORL_SEAL_TAG_BYTES, body + len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (!is_good) {
        return ORL_E_NOMEM;
    }
    to_hex(sealed, ORL_SEAL_NONCE_BYTES + len + ORL_SEAL_TAG_BYTES, ret_text);
    return 0;
}

int orl_unseal(const struct orl_seal_key *key, const char *purpose, const char *text,
        void *ret_secret, size_t size, size_t *ret_len)
{
    const size_t around = ORL_SEAL_NONCE_BYTES + ORL_SEAL_TAG_BYTES;
    size_t text_len = strnlen(text, ORL_SEAL_TEXT_LEN(SEAL_MAX_BYTES) + 1);
    if (text_len % 2 != 0 || text_len < 2 * around ||
            text_len > ORL_SEAL_TEXT_LEN(SEAL_MAX_BYTES) || text_len / 2 - around > size) {
        return ORL_E_DENIED;
    }
    uint8_t sealed[ORL_SEAL_NONCE_BYTES + SEAL_MAX_BYTES + ORL_SEAL_TAG_BYTES];
    uint8_t opened[SEAL_MAX_BYTES];
    size_t len = text_len / 2 - around;
    if (!from_hex(text, text_len / 2, sealed)) {
        return ORL_E_DENIED;
    }
    uint8_t *body = sealed + ORL_SEAL_NONCE_BYTES;
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int out = 0;
    int rest = 0;
    bool is_good =
            ctx != NULL && cipher_start(ctx, key, sealed, purpose, 0) &&
            EVP_CipherUpdate(ctx, opened, &out, body, (int)len) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, ORL_SEAL_TAG_BYTES, body + len) == 1 &&
            EVP_CipherFinal_ex(ctx, opened + out, &rest) == 1;
    EVP_CIPHER_CTX_free(ctx);
    if (is_good) {
        memcpy(ret_secret, opened, len);
        *ret_len = len;
    }
    orl_secret_wipe(opened, sizeof(opened));
    return is_good ? 0 : ORL_E_DENIED;
}
