/* The account and the certificate of a guest that is shown by its own RDP server: said over the virtio-serial port,
 * where no network can put in a word. */
#include "base/secret.h"
#include "store/rdp_login.h"
#include "vmpool/guest_rdp.h"
#include "vmpool/persons_priv.h"
#include <stdio.h>
#include <string.h>

enum { FINGERPRINT_LEN = 64, PURPOSE_MAX = 48 };

/* SHA-256 in hex, in small letters, and nothing else. */
static bool is_fingerprint(const char *text)
{
    return strlen(text) == FINGERPRINT_LEN && strspn(text, "0123456789abcdef") == FINGERPRINT_LEN;
}

static bool read_answer(
        const struct orl_hook_msg *answer, struct orl_rdp_login *ret_login, struct orl_err *why)
{
    uint64_t port = 0;
    const char *user = orl_hook_msg_get(answer, "user");
    const char *fingerprint = orl_hook_msg_get(answer, "rdp_fingerprint");
    if (!is_fingerprint(fingerprint)) {
        (void)orl_err_set(why, ORL_E_PROTO,
                "the guest's hook names no certificate of an RDP server (rdp_fingerprint)");
        return false;
    }
    if (!orl_hook_msg_get_u64(answer, "rdp_port", &port) || port != ORL_GUEST_RDP_PORT) {
        (void)orl_err_set(why, ORL_E_PROTO,
                "the guest's RDP server is not at port %d (rdp_port), the only one that is let "
                "through",
                ORL_GUEST_RDP_PORT);
        return false;
    }
    if (user[0] == '\0' || strlen(user) > ORL_USER_MAX) {
        (void)orl_err_set(why, ORL_E_PROTO, "the guest's hook names no account (user)");
        return false;
    }
    orl_msg_text(ret_login->user, sizeof ret_login->user, user);
    orl_msg_text(ret_login->fingerprint, sizeof ret_login->fingerprint, fingerprint);
    return true;
}

bool orl_person_note_rdp(
        struct orl_person_memo *memo, const struct orl_hook_msg *answer, struct orl_err *why)
{
    const struct orl_persons *p = memo->persons;
    struct orl_rdp_login login = {.user = ""};
    char sealed[ORL_STORE_SEALED_MAX + 1] = "";
    char purpose[PURPOSE_MAX];
    bool is_good = !answer || read_answer(answer, &login, why);
    if (is_good && answer) {
        (void)snprintf(purpose, sizeof purpose, "vnc:%s", memo->id);
        is_good = orl_seal(p->cfg.key, purpose, memo->secret, strlen(memo->secret), sealed,
                          sizeof sealed) == 0;
        orl_secret_wipe(memo->secret, sizeof memo->secret);
        if (!is_good) {
            (void)orl_err_set(why, ORL_E_NOMEM, "the guest's password could not be sealed");
        }
    }
    return is_good &&
           orl_rdp_login_give(p->cfg.store, memo->id, memo->version, &login, sealed, why) == 0;
}
