/* How the template's own programs tell the hook something: one short datagram. */
#ifndef ORL_GUEST_HOOK_LOCAL_H
#define ORL_GUEST_HOOK_LOCAL_H
#include <stdbool.h>
#include <stddef.h>

int orl_local_open(void); /* -1: none */
bool orl_local_receive(int fd, char *ret_name, size_t size, bool *ret_is_root);
bool orl_local_send(const char *name);

#endif
