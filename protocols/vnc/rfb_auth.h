/* The handshake from the protocol version to ClientInit (RFC 6143 7.1 to 7.3, VeNCrypt 0.2), bytes in, bytes out.
 * Over a network there is one way: VeNCrypt with X509Plain, a user and a password inside TLS with our certificate.
 * TLSPlain is not offered: its TLS has no certificate, so that whoever is in between reads the password.
 * Security None is for a socket pair whose other end has spoken TLS (oriel-web).
 * Not here: TLS itself (base/tls.h), who may log in (the broker). */
#ifndef ORL_VNC_RFB_AUTH_H
#define ORL_VNC_RFB_AUTH_H
#include "base/buf.h"
#include "base/err.h"
#include "base/ipc_msgs.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orl_rfb_auth_state {
    ORL_RFB_AUTH_VERSION = 0, /* waits for the client's */
    ORL_RFB_AUTH_TYPE,
    ORL_RFB_AUTH_VENCRYPT_VERSION,
    ORL_RFB_AUTH_SUBTYPE,
    ORL_RFB_AUTH_TLS,   /* the caller's turn: TLS, then orl_rfb_auth_secured() */
    ORL_RFB_AUTH_PLAIN, /* waits for user and password */
    ORL_RFB_AUTH_LOGIN, /* the caller's turn: orl_rfb_auth_answer() */
    ORL_RFB_AUTH_CLIENT_INIT,
    ORL_RFB_AUTH_DONE,
    ORL_RFB_AUTH_REFUSED /* said so; only the end is left */
};
struct orl_rfb_auth {
    enum orl_rfb_auth_state state;
    bool is_secure_pair; /* a socket pair: security None */
    unsigned minor;      /* of the version: 3, 7 or 8 */
    char user[ORL_USER_MAX + 1];
    char password[ORL_PASSWORD_MAX + 1];
};

/* Appends the server's version. */
void orl_rfb_auth_begin(struct orl_rfb_auth *auth, bool is_secure_pair, struct orl_buf *out);
/* Takes one step. Bytes used, 0: more are needed, or it is the caller's turn; ORL_E_PROTO: the client broke the
 * protocol; ORL_E_UNSUPPORTED: it lacks what we need, and was told so. */
ORL_NODISCARD int orl_rfb_auth_step(
        struct orl_rfb_auth *auth, const uint8_t *data, size_t len, struct orl_buf *out);
void orl_rfb_auth_secured(struct orl_rfb_auth *auth);
/* text: why not; NULL: accepted. Wipes the password. */
void orl_rfb_auth_answer(struct orl_rfb_auth *auth, const char *text, struct orl_buf *out);
void orl_rfb_auth_fini(struct orl_rfb_auth *auth);

#endif
