/* A person's name as a name of an account: as it is where that is possible, else made legal, with a mark of the
 * whole name so that two persons never get one account. Pure. */
#ifndef ORL_GUEST_HOOK_UNIX_NAME_H
#define ORL_GUEST_HOOK_UNIX_NAME_H

#define ORL_UNIX_NAME_MAX 31

/* user: UTF-8, not empty. The same in every guest, for ever: homes on NFS are called so. */
void orl_unix_name(const char *user, char ret_name[ORL_UNIX_NAME_MAX + 1]);

#endif
