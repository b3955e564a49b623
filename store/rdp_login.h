/* Who logs in at a desktop that is shown by RDP, and the certificate it must show. Its password is the desktop's
 * vnc_password, sealed as that of a VNC server is. A static desktop's is the administrator's; a clone's is a secret
 * for one lease. */
#ifndef ORL_STORE_RDP_LOGIN_H
#define ORL_STORE_RDP_LOGIN_H
#include "base/ipc_msgs.h"
#include "store/store.h"

/* What vnc_target begins with where the rest is an RDP server's. */
#define ORL_RDP_TARGET_PREFIX "rdp:"

struct orl_rdp_login {
    char user[ORL_USER_MAX + 1];
    char domain[ORL_USER_MAX + 1];
    char fingerprint[ORL_FINGERPRINT_MAX +
                     1]; /* SHA-256 in hex, or empty: no certificate is known */
};
/* And where a machine of libvirt comes before it, for its power alone: "domain:NAME[@URI] rdp:HOST:PORT". */
#define ORL_RDP_TARGET_BESIDE " " ORL_RDP_TARGET_PREFIX
/* "HOST:PORT" of both; NULL: another kind of display. */
const char *orl_rdp_target(const char *target);
/* Of a desktop that is there, anew or another. */
ORL_NODISCARD int orl_rdp_login_set(struct orl_store *store, const char *desktop,
        const struct orl_rdp_login *login, struct orl_err *err);
/* Of a clone: what its guest said when it was told whose it is, with the sealed password. Under the lease's fence:
 * ORL_E_CONFLICT: it is another's by now. */
ORL_NODISCARD int orl_rdp_login_give(struct orl_store *store, const char *desktop, uint64_t version,
        const struct orl_rdp_login *login, const char *sealed_password, struct orl_err *err);
/* All empty where none was set. */
ORL_NODISCARD int orl_rdp_login_get(struct orl_store *store, const char *desktop,
        struct orl_rdp_login *ret_login, struct orl_err *err);

#endif
