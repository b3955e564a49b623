#include "cli/backup.h"

#include "base/cleanup.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIECE = 65536, SEALED_PIECE = PIECE + crypto_secretstream_xchacha20poly1305_ABYTES };
enum { HEADER = crypto_secretstream_xchacha20poly1305_HEADERBYTES };

static const char magic[] = "oriel-backup-1\n";
enum { MAGIC = sizeof(magic) - 1 };

static void close_file(FILE **file)
{
    if (*file != NULL) {
        (void)fclose(*file);
    }
}

static int make_key(const char *path, struct orl_err *err)
{
    uint8_t key[ORL_BACKUP_KEY_BYTES];
    char hex[2 * ORL_BACKUP_KEY_BYTES + 1];
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return orl_err_sys(err, errno, "backup key %s", path);
    }
    randombytes_buf(key, sizeof(key));
    (void)sodium_bin2hex(hex, sizeof(hex), key, sizeof(key));
    hex[sizeof(hex) - 1] = '\n';
    bool is_written = write(fd, hex, sizeof(hex)) == (ssize_t)sizeof(hex) && fsync(fd) == 0;
    int why = errno;
    close(fd);
    orl_secret_wipe(key, sizeof(key));
    orl_secret_wipe(hex, sizeof(hex));
    return is_written ? 0 : orl_err_sys(err, why, "backup key %s", path);
}

static int read_key(const char *path, uint8_t ret_key[ORL_BACKUP_KEY_BYTES], struct orl_err *err)
{
    char hex[2 * ORL_BACKUP_KEY_BYTES];
    struct stat st;
    size_t len = 0;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return orl_err_sys(err, errno, "backup key %s", path);
    }
    bool is_ours = fstat(fd, &st) == 0 && (st.st_mode & (S_IRWXG | S_IRWXO)) == 0;
    bool is_key = is_ours && read(fd, hex, sizeof(hex)) == (ssize_t)sizeof(hex) &&
                  sodium_hex2bin(
                          ret_key, ORL_BACKUP_KEY_BYTES, hex, sizeof(hex), NULL, &len, NULL) == 0 &&
                  len == ORL_BACKUP_KEY_BYTES;
    close(fd);
    orl_secret_wipe(hex, sizeof(hex));
    if (!is_ours) {
        return orl_err_set(err, ORL_E_CONFIG, "backup key %s: others may read it: chmod 600", path);
    }
    return is_key ? 0 : orl_err_set(err, ORL_E_CONFIG, "backup key %s: not 64 hex digits", path);
}

int orl_backup_key_load(const char *path, bool can_make, uint8_t ret_key[ORL_BACKUP_KEY_BYTES],
        bool *ret_is_new, struct orl_err *err)
{
    *ret_is_new = false;
    if (sodium_init() < 0) {
        return orl_err_set(err, ORL_E_BACKEND, "libsodium does not start");
    }
    if (can_make && access(path, F_OK) < 0 && errno == ENOENT) {
        int rc = make_key(path, err);
        if (rc < 0) {
            return rc;
        }
        *ret_is_new = true;
    }
    return read_key(path, ret_key, err);
}

static int open_both(
        const char *from, const char *to, FILE **ret_in, FILE **ret_out, struct orl_err *err)
{
    *ret_in = fopen(from, "re");
    if (*ret_in == NULL) {
        return orl_err_sys(err, errno, "%s", from);
    }
    int fd = open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0) {
        return errno == EEXIST ? orl_err_set(err, ORL_E_EXISTS, "%s is there already", to)
                               : orl_err_sys(err, errno, "%s", to);
    }
    *ret_out = fdopen(fd, "w");
    if (*ret_out == NULL) {
        close(fd);
        return orl_err_sys(err, errno, "%s", to);
    }
    return 0;
}

static int finish(FILE *out, const char *to, struct orl_err *err)
{
    return fflush(out) == 0 && fsync(fileno(out)) == 0 ? 0 : orl_err_sys(err, errno, "%s", to);
}

static int seal_pieces(FILE *in, FILE *out, const uint8_t *key)
{
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t header[HEADER];
    uint8_t piece[PIECE];
    uint8_t sealed[SEALED_PIECE];
    unsigned long long len = 0;
    bool is_last = false;
    (void)crypto_secretstream_xchacha20poly1305_init_push(&state, header, key);
    bool is_fine = fwrite(magic, MAGIC, 1, out) == 1 && fwrite(header, HEADER, 1, out) == 1;
    while (is_fine && !is_last) {
        size_t got = fread(piece, 1, PIECE, in);
        is_last = got < PIECE;
        (void)crypto_secretstream_xchacha20poly1305_push(&state, sealed, &len, piece, got, NULL, 0,
                is_last ? crypto_secretstream_xchacha20poly1305_TAG_FINAL : 0);
        is_fine = ferror(in) == 0 && fwrite(sealed, len, 1, out) == 1;
    }
    orl_secret_wipe(&state, sizeof(state));
    orl_secret_wipe(piece, sizeof(piece));
    return is_fine ? 0 : -1;
}

int orl_backup_seal(const char *plain, const char *sealed, const uint8_t key[ORL_BACKUP_KEY_BYTES],
        struct orl_err *err)
{
    ORL_AUTO(close_file) FILE *in = NULL;
    ORL_AUTO(close_file) FILE *out = NULL;
    int rc = open_both(plain, sealed, &in, &out, err);
    if (in == NULL || out == NULL) {
        return rc;
    }
    rc = seal_pieces(in, out, key) < 0 ? orl_err_sys(err, errno, "%s", sealed)
                                       : finish(out, sealed, err);
    if (rc < 0) {
        (void)unlink(sealed);
    }
    return rc;
}

/* false: what is there was not written with this key, or ends too early, or goes on. */
static bool open_pieces(FILE *in, FILE *out, const uint8_t *key, bool *ret_is_written)
{
    crypto_secretstream_xchacha20poly1305_state state;
    uint8_t head[MAGIC + HEADER];
    uint8_t sealed[SEALED_PIECE];
    uint8_t piece[PIECE];
    unsigned char tag = 0;
    bool is_ours = fread(head, sizeof(head), 1, in) == 1 && memcmp(head, magic, MAGIC) == 0 &&
                   crypto_secretstream_xchacha20poly1305_init_pull(&state, head + MAGIC, key) == 0;
    *ret_is_written = true;
    while (is_ours && *ret_is_written && tag != crypto_secretstream_xchacha20poly1305_TAG_FINAL) {
        unsigned long long len = 0;
        size_t got = fread(sealed, 1, sizeof(sealed), in);
        is_ours = crypto_secretstream_xchacha20poly1305_pull(
                          &state, piece, &len, &tag, sealed, got, NULL, 0) == 0;
        *ret_is_written = !is_ours || len == 0 || fwrite(piece, len, 1, out) == 1;
    }
    orl_secret_wipe(&state, sizeof(state));
    orl_secret_wipe(piece, sizeof(piece));
    return is_ours && fgetc(in) == EOF;
}

int orl_backup_open(const char *sealed, const char *plain, const uint8_t key[ORL_BACKUP_KEY_BYTES],
        struct orl_err *err)
{
    ORL_AUTO(close_file) FILE *in = NULL;
    ORL_AUTO(close_file) FILE *out = NULL;
    bool is_written = false;
    int rc = open_both(sealed, plain, &in, &out, err);
    if (in == NULL || out == NULL) {
        return rc;
    }
    if (!open_pieces(in, out, key, &is_written)) {
        rc = orl_err_set(err, ORL_E_DENIED, "%s: not of this key, or damaged", sealed);
    } else {
        rc = is_written ? finish(out, plain, err) : orl_err_sys(err, errno, "%s", plain);
    }
    if (rc < 0) {
        (void)unlink(plain);
    }
    return rc;
}

int orl_backup_is_sealed(const char *path, bool *ret_is_sealed, struct orl_err *err)
{
    char head[MAGIC];
    ORL_AUTO(close_file) FILE *in = fopen(path, "re");
    if (in == NULL) {
        return orl_err_sys(err, errno, "%s", path);
    }
    *ret_is_sealed = fread(head, MAGIC, 1, in) == 1 && memcmp(head, magic, MAGIC) == 0;
    return 0;
}
