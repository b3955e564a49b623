/* Files with a certificate and its key: read, or made once and kept; and both as sealed memory files (read with pread(2):
 * the offset is shared), so that a session needs no path. PEM itself: base/cert.h. */
#ifndef ORL_BASE_CERT_FILES_H
#define ORL_BASE_CERT_FILES_H
#include "base/cert.h"

struct orl_cert_files {
    int cert_fd; /* sealed memory files; owned */
    int key_fd;
};
/* Reads both files; they must belong together. The texts end with a NUL. */
ORL_NODISCARD int orl_cert_files_read(const char *cert_path, const char *key_path,
        struct orl_cert_pair *ret_pair, bool *ret_is_key_open, struct orl_err *err);
ORL_NODISCARD int orl_cert_files_seal(const struct orl_cert_pair *pair,
        struct orl_cert_files *ret_certificate, struct orl_err *err);
/* Makes a self-signed one for the host's name, unless both files are there. Each file appears whole
 * or not at all, 0600. Not for root: the folder is an ordinary user's, who could put links there. */
ORL_NODISCARD int orl_cert_files_ensure(
        const char *cert_path, const char *key_path, struct orl_err *err);
void orl_cert_files_fini(struct orl_cert_files *certificate);

#endif
