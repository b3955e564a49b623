/* The keys by which the SSH server of this machine is known: a copy must not have those of what it was copied from. */
#ifndef ORL_GUEST_HOOK_SSH_KEYS_H
#define ORL_GUEST_HOOK_SSH_KEYS_H
#include <stdbool.h>

/* Where there are any below root ("/"), they are gone when this returns; new ones are made after. False: some are left. */
bool orl_ssh_keys_renew(const char *root);

#endif
