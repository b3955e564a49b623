/* The certificate that this program shows to its clients: that of its settings; else the one that an administrator has
 * uploaded; else its own. A new one counts for connections that come; whatever is wrong with it, the one before stays.
 * Not here: TLS; who may upload (broker/certificates.h). */
#ifndef ORL_BASE_SHOWN_CERT_H
#define ORL_BASE_SHOWN_CERT_H
#include "base/cert_look.h"
#include "base/cert_slots.h"
#include "base/ipc_msgs.h"

struct orl_shown_cert {
    enum orl_service service;
    enum orl_cert_source source;
    struct orl_cert_pair pair; /* what is shown; texts end with a NUL */
    struct orl_cert_facts facts;
    bool is_key_open;
    char problem[ORL_TEXT_MAX + 1];
    struct orl_cert_pair own; /* source UPLOADED: what a reset goes back to */
    struct orl_cert_slots slots;
};
/* Fini in any case. setting: paths of the settings, both; may be readable by root only. */
ORL_NODISCARD int orl_shown_cert_read(struct orl_shown_cert *shown, enum orl_service service,
        const char *cert_path, const char *key_path, struct orl_err *err);
/* Of this program's own folder, as the user it is owned by: "<dir>/<name>.crt" and ".key", made where they are not. */
ORL_NODISCARD int orl_shown_cert_own(struct orl_shown_cert *shown, enum orl_service service,
        const char *dir, const char *name, struct orl_err *err);
bool orl_shown_cert_has(const struct orl_shown_cert *shown);
/* On the disk, and shown->pair, when it returns ORL_OK. ORL_E_INVAL, ORL_E_CONFLICT (the settings have one), ORL_E_SYS:
 * all is as it was. */
ORL_NODISCARD int orl_shown_cert_take(struct orl_shown_cert *shown,
        const struct orl_msg_certificate *msg, uint64_t now_ms, struct orl_err *err);
/* For the broker; the ports are the caller's to fill in. */
void orl_shown_cert_tell(const struct orl_shown_cert *shown, struct orl_msg *ret_msg);
void orl_shown_cert_fini(struct orl_shown_cert *shown);

#endif
