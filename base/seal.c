#include "base/seal.h"

#include "base/cleanup.h"
#include "base/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NONCE_LEN = 12, TAG_LEN = 16, RAW_MAX = NONCE_LEN + ORL_SEAL_PLAIN_MAX + TAG_LEN };

static int read_key(const char *path, struct orl_seal_key *ret_key, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0) {
        return orl_err_sys(err, errno, "opening the key %s", path);
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return orl_err_sys(err, errno, "the key %s", path);
    }
    if (!S_ISREG(st.st_mode) || (st.st_mode & (S_IRWXO | S_IWGRP)) != 0) {
        return orl_err_set(err, ORL_E_DENIED, "the key %s is open to others: chmod 0600 it", path);
    }
    struct orl_seal_key key;
    ssize_t got = read(fd, key.bytes, sizeof(key.bytes));
    if (got != (ssize_t)sizeof(key.bytes) || st.st_size != (off_t)sizeof(key.bytes)) {
        orl_secret_wipe(&key, sizeof(key));
        return orl_err_set(err, ORL_E_INVAL, "%s is not a key of %d bytes", path, ORL_SEAL_KEY_LEN);
    }
    *ret_key = key;
    orl_secret_wipe(&key, sizeof(key));
    return 0;
}

static int write_key(int fd, mode_t mode)
{
    struct orl_seal_key key;
    orl_secret_random(key.bytes, sizeof(key.bytes));
    ssize_t put = write(fd, key.bytes, sizeof(key.bytes));
    orl_secret_wipe(&key, sizeof(key));
    if (put != ORL_SEAL_KEY_LEN || fchmod(fd, mode) < 0 || fsync(fd) < 0) {
        return ORL_E_SYS;
    }
    return 0;
}

/* The name appears with its whole content (link), so that nobody reads half a key. */
static int make_key(const char *path, mode_t mode, struct orl_err *err)
{
    char temp[1024];
    int len = snprintf(temp, sizeof(temp), "%s.XXXXXX", path);
    if (len < 0 || (size_t)len >= sizeof(temp)) {
        return orl_err_set(err, ORL_E_INVAL, "the path of the key is too long");
    }
    ORL_AUTO(orl_close_auto) int fd = mkostemp(temp, O_CLOEXEC);
    if (fd < 0) {
        return orl_err_sys(err, errno, "making the key %s", path);
    }
    int rc = 0;
    if (write_key(fd, mode) < 0) {
        rc = orl_err_sys(err, errno, "writing the key %s", path);
    } else if (link(temp, path) < 0 && errno != EEXIST) {
        rc = orl_err_sys(err, errno, "making the key %s", path);
    }
    (void)unlink(temp);
    return rc;
}

int orl_seal_key_load(
        const char *path, mode_t mode, struct orl_seal_key *ret_key, struct orl_err *err)
{
    if (access(path, F_OK) < 0 && errno == ENOENT) {
        int rc = make_key(path, mode, err);
        if (rc < 0) {
            return rc;
        }
    }
    return read_key(path, ret_key, err);
}

static void to_hex(const uint8_t *raw, size_t len, char *ret_text)
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < len; i++) {
        ret_text[2 * i] = digits[raw[i] >> 4];
        ret_text[2 * i + 1] = digits[raw[i] & 15];
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

static int from_hex(const char *text, uint8_t *ret_raw, size_t max_len)
{
    size_t len = strlen(text);
    if (len % 2 != 0 || len / 2 > max_len) {
        return ORL_E_DENIED;
    }
    for (size_t i = 0; i < len / 2; i++) {
        int high = hex_digit(text[2 * i]);
        int low = hex_digit(text[2 * i + 1]);
        if (high < 0 || low < 0) {
            return ORL_E_DENIED;
        }
        ret_raw[i] = (uint8_t)(high << 4 | low);
    }
    return (int)(len / 2);
}

static bool seal_raw(const struct orl_seal_key *key, const char *label, const void *plain,
        size_t plain_len, uint8_t raw[RAW_MAX])
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    int last = 0;
    uint8_t *body = raw + NONCE_LEN;
    orl_secret_random(raw, NONCE_LEN);
    bool is_done =
            ctx != NULL &&
            EVP_EncryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key->bytes, raw) == 1 &&
            EVP_EncryptUpdate(ctx, NULL, &len, (const uint8_t *)label, (int)strlen(label)) == 1 &&
            EVP_EncryptUpdate(ctx, body, &len, plain, (int)plain_len) == 1 &&
            EVP_EncryptFinal_ex(ctx, body + len, &last) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_GET_TAG, TAG_LEN, body + plain_len) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_done;
}

int orl_seal(const struct orl_seal_key *key, const char *label, const void *plain, size_t plain_len,
        char *ret_text, size_t ret_size)
{
    if (plain_len > ORL_SEAL_PLAIN_MAX) {
        return ORL_E_INVAL;
    }
    size_t raw_len = NONCE_LEN + plain_len + TAG_LEN;
    if (ret_size < 2 * raw_len + 1) {
        return ORL_E_LIMIT;
    }
    uint8_t raw[RAW_MAX];
    if (!seal_raw(key, label, plain, plain_len, raw)) {
        return ORL_E_BACKEND;
    }
    to_hex(raw, raw_len, ret_text);
    return 0;
}

static bool open_raw(const struct orl_seal_key *key, const char *label, uint8_t *raw,
        size_t raw_len, uint8_t *ret_plain)
{
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    size_t body_len = raw_len - NONCE_LEN - TAG_LEN;
    int len = 0;
    int last = 0;
    bool is_done =
            ctx != NULL &&
            EVP_DecryptInit_ex(ctx, EVP_chacha20_poly1305(), NULL, key->bytes, raw) == 1 &&
            EVP_DecryptUpdate(ctx, NULL, &len, (const uint8_t *)label, (int)strlen(label)) == 1 &&
            EVP_DecryptUpdate(ctx, ret_plain, &len, raw + NONCE_LEN, (int)body_len) == 1 &&
            EVP_CIPHER_CTX_ctrl(ctx, EVP_CTRL_AEAD_SET_TAG, TAG_LEN, raw + NONCE_LEN + body_len) ==
                    1 &&
            EVP_DecryptFinal_ex(ctx, ret_plain + len, &last) == 1;
    EVP_CIPHER_CTX_free(ctx);
    return is_done;
}

int orl_seal_open(const struct orl_seal_key *key, const char *label, const char *text,
        void *ret_plain, size_t ret_size)
{
    uint8_t raw[RAW_MAX];
    int raw_len = from_hex(text, raw, sizeof(raw));
    if (raw_len < NONCE_LEN + TAG_LEN) {
        return ORL_E_DENIED;
    }
    size_t plain_len = (size_t)raw_len - NONCE_LEN - TAG_LEN;
    if (plain_len > ret_size) {
        return ORL_E_LIMIT;
    }
    uint8_t plain[ORL_SEAL_PLAIN_MAX];
    int rc = ORL_E_DENIED;
    if (open_raw(key, label, raw, (size_t)raw_len, plain)) {
        memcpy(ret_plain, plain, plain_len);
        rc = (int)plain_len;
    }
    orl_secret_wipe(plain, sizeof(plain));
    return rc;
}
