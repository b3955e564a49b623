/* What a new home begins with. */
#ifndef ORL_GUEST_HOOK_SKEL_H
#define ORL_GUEST_HOOK_SKEL_H
#include <stdbool.h>
#include <stdint.h>

/* Copies what the folder `from` has into the folder `to`: folders, files and symbolic links, with mode and time; what is there already
 * is written over. False: some of it is missing. Without a program's start, which under emulation takes as long as all of this. */
bool orl_skel_copy(const char *from, const char *to);
/* Gives all in `folder` to uid, and what symbolic links lead to to nobody. Not `folder` itself. */
bool orl_skel_give(const char *folder, uint32_t uid);

#endif
