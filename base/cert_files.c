#include "base/cert_files.h"
#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX_BYTES = 256 * 1024 };

/* *ret_data is the caller's, wiped: also on failure; its text ends with a NUL. */
static int read_file(const char *path, char **ret_data, size_t *ret_len, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    char *data = calloc(1, PEM_MAX_BYTES + 2);
    if (data == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    size_t len = 0;
    ssize_t got = 1;
    while (len <= PEM_MAX_BYTES && got > 0) {
        got = read(fd, data + len, PEM_MAX_BYTES + 1 - len);
        len += got > 0 ? (size_t)got : 0;
    }
    *ret_data = data;
    *ret_len = len;
    if (got < 0) {
        return orl_err_sys(err, errno, "%s: read", path);
    }
    return len <= PEM_MAX_BYTES
                   ? ORL_OK
                   : orl_err_set(err, ORL_E_LIMIT, "%s: larger than %d bytes", path, PEM_MAX_BYTES);
}

static int write_all(int fd, const void *data, size_t len)
{
    const uint8_t *at = data;
    while (len > 0) {
        ssize_t wrote = write(fd, at, len);
        if (wrote < 0) {
            return -1;
        }
        at += wrote;
        len -= (size_t)wrote;
    }
    return 0;
}

static int to_memory(
        const char *name, const void *data, size_t len, int *ret_fd, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0 || write_all(fd, data, len) < 0 ||
            fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE | F_SEAL_GROW | F_SEAL_SHRINK | F_SEAL_SEAL) < 0) {
        return orl_err_sys(err, errno, "memory file for the certificate");
    }
    *ret_fd = orl_steal_fd(&fd);
    return ORL_OK;
}

int orl_cert_files_seal(const struct orl_cert_pair *pair, struct orl_cert_files *ret_certificate,
        struct orl_err *err)
{
    struct orl_cert_files certificate = {.cert_fd = -1, .key_fd = -1};
    int code = to_memory(
            "oriel-certificate", pair->cert_pem, pair->cert_len, &certificate.cert_fd, err);
    if (code == ORL_OK) {
        code = to_memory("oriel-key", pair->key_pem, pair->key_len, &certificate.key_fd, err);
    }
    if (code < 0) {
        orl_cert_files_fini(&certificate);
        return code;
    }
    *ret_certificate = certificate;
    return ORL_OK;
}

static bool is_open_to_others(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && (st.st_mode & 0037) != 0;
}

int orl_cert_files_read(const char *cert_path, const char *key_path, struct orl_cert_pair *ret_pair,
        bool *ret_is_key_open, struct orl_err *err)
{
    struct orl_cert_pair pair = {0};
    int code = read_file(cert_path, &pair.cert_pem, &pair.cert_len, err);
    if (code == ORL_OK) {
        code = read_file(key_path, &pair.key_pem, &pair.key_len, err);
    }
    if (code == ORL_OK &&
            !orl_cert_is_pair(pair.cert_pem, pair.cert_len, pair.key_pem, pair.key_len)) {
        code = orl_err_set(err, ORL_E_CONFIG, "%s and %s: not a certificate and its key in PEM",
                cert_path, key_path);
    }
    if (code < 0) {
        orl_cert_pair_fini(&pair);
        return code;
    }
    *ret_is_key_open = is_open_to_others(key_path);
    *ret_pair = pair;
    return ORL_OK;
}

static int put_file(const char *path, const void *data, size_t len, struct orl_err *err)
{
    char draft[512];
    (void)snprintf(draft, sizeof(draft), "%s.new", path);
    (void)unlink(draft);
    ORL_AUTO(orl_close_auto)
    int fd = open(draft, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || write_all(fd, data, len) < 0 || fsync(fd) < 0 || rename(draft, path) < 0) {
        return orl_err_sys(err, errno, "%s: write", path);
    }
    return ORL_OK;
}

int orl_cert_files_ensure(const char *cert_path, const char *key_path, struct orl_err *err)
{
    struct orl_cert_pair pair;
    if (access(cert_path, F_OK) == 0 && access(key_path, F_OK) == 0) {
        return ORL_OK;
    }
    int code = orl_cert_make(&pair, err);
    if (code < 0) {
        return code;
    }
    code = put_file(key_path, pair.key_pem, pair.key_len, err);
    if (code == ORL_OK) {
        code = put_file(cert_path, pair.cert_pem, pair.cert_len, err);
    }
    orl_cert_pair_fini(&pair);
    return code;
}

void orl_cert_files_fini(struct orl_cert_files *certificate)
{
    orl_close_fd(&certificate->cert_fd);
    orl_close_fd(&certificate->key_fd);
}
