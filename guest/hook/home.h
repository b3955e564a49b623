/* The person's home: a disk of their own that the host hot-plugged, or a folder of an NFS server. */
#ifndef ORL_GUEST_HOOK_HOME_H
#define ORL_GUEST_HOOK_HOME_H
#include "guest/hook/account.h"

/* Where a mounted home hides a prepared account's folder, that one is here: what the running session was begun with. */
#define ORL_HOME_NOBODY_DIR "/run/oriel/nobody"

/* serial: of the disk, "" for none; nfs: "server:/path", "" for none. NULL, or why not. Done already is success. */
const char *orl_home_mount(const struct orl_account *account, const char *serial, const char *nfs,
        unsigned timeout_ms);
/* Writes everything back and unmounts. False: it is still in use, but written back. */
bool orl_home_unmount(const struct orl_account *account);
/* Whether these bytes from the start of a disk are a blank one's; is_ext4: or one with our file system. */
bool orl_home_is_blank(const unsigned char *head, unsigned len, bool *ret_is_ext4);
/* How large the ext4 whose first bytes these are says it is; 0: nonsense. */
enum { ORL_HOME_HEAD_MIN = 2048 };
uint64_t orl_home_ext4_bytes(const unsigned char head[ORL_HOME_HEAD_MIN]);

#endif
