#include "base/cert_files.h"
#include "base/cert.h"
#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PEM_MAX_BYTES = 256 * 1024 };

static int read_file(const char *path, uint8_t *ret_data, size_t *ret_len, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return orl_err_sys(err, errno, "%s", path);
    }
    size_t len = 0;
    while (len <= PEM_MAX_BYTES) {
        ssize_t got = read(fd, ret_data + len, PEM_MAX_BYTES + 1 - len);
        if (got < 0) {
            return orl_err_sys(err, errno, "%s: read", path);
        }
        if (got == 0) {
            *ret_len = len;
            return ORL_OK;
        }
        len += (size_t)got;
    }
    return orl_err_set(err, ORL_E_LIMIT, "%s: larger than %d bytes", path, PEM_MAX_BYTES);
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

static int load_into(const char *cert_path, const char *key_path, uint8_t *cert, uint8_t *key,
        struct orl_cert_files *ret_certificate, struct orl_err *err)
{
    size_t cert_len = 0;
    size_t key_len = 0;
    struct orl_cert_files certificate = {.cert_fd = -1, .key_fd = -1};
    int code = read_file(cert_path, cert, &cert_len, err);
    if (code == ORL_OK) {
        code = read_file(key_path, key, &key_len, err);
    }
    if (code == ORL_OK && !orl_cert_is_pair(cert, cert_len, key, key_len)) {
        code = orl_err_set(err, ORL_E_CONFIG, "%s and %s: not a certificate and its key in PEM",
                cert_path, key_path);
    }
    if (code == ORL_OK) {
        code = to_memory("oriel-certificate", cert, cert_len, &certificate.cert_fd, err);
    }
    if (code == ORL_OK) {
        code = to_memory("oriel-key", key, key_len, &certificate.key_fd, err);
    }
    if (code < 0) {
        orl_cert_files_fini(&certificate);
        return code;
    }
    *ret_certificate = certificate;
    return ORL_OK;
}

int orl_cert_files_load(const char *cert_path, const char *key_path,
        struct orl_cert_files *ret_certificate, struct orl_err *err)
{
    const size_t size = (size_t)2 * (PEM_MAX_BYTES + 1);
    uint8_t *data = malloc(size);
    if (data == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "certificate: out of memory");
    }
    int code = load_into(cert_path, key_path, data, data + PEM_MAX_BYTES + 1, ret_certificate, err);
    orl_secret_wipe(data, size);
    free(data);
    return code;
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
