/* The person's account in this guest: in passwd, group and shadow, without a password of its own. */
#ifndef ORL_GUEST_HOOK_ACCOUNT_H
#define ORL_GUEST_HOOK_ACCOUNT_H
#include "base/hook_wire.h"
#include "guest/hook/prepared.h"
#include "guest/hook/unix_name.h"
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>

struct orl_account {
    char name[ORL_UNIX_NAME_MAX + 1];
    uint32_t uid;    /* and gid, in this guest */
    uint32_t number; /* the person's, the same everywhere: what their home has on its disk */
    char home[64];
};
#define ORL_UID_MIN 10000
#define ORL_UID_MAX 2000000000

/* etc: "/etc"; tests have their own. Makes what is missing; an account of that name and uid is opened again. Its uid
 * is the person's number; with prepared, it is that account, renamed. NULL, or why not. */
const char *orl_account_open(const char *etc, const char *user, uint32_t number,
        const struct orl_prepared *prepared, struct orl_account *ret_account);
/* Whose account orl_account_open() is to open: *prepared (the template's; NULL: it has none) stays, or becomes NULL. One
 * that is there already stays what it is, whatever the pool has become since; else it is the prepared one where it can
 * be: files by NFS are of the person's number at their server, and are not shown as another's; and who comes by RDP has
 * a session of that server's. NULL, or why there is none. */
const char *orl_account_choose(const char *etc, const struct orl_hook_msg *assign, uint32_t number,
        const struct orl_prepared **prepared);
/* The account's password is secret (NULL: none at all) from now on. */
bool orl_account_set_secret(const char *etc, const struct orl_account *account, const char *secret);
/* The home folder as its owner's, with the template's first files where it is new. The mount, if any, is done. */
const char *orl_account_make_home(const struct orl_account *account, bool *ret_is_new);

#endif
