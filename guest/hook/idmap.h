/* A file system whose files are another number's on the disk than in this guest. */
#ifndef ORL_GUEST_HOOK_IDMAP_H
#define ORL_GUEST_HOOK_IDMAP_H
#include <stdbool.h>
#include <stdint.h>

/* Mounts the ext4 of disk on target, without devices and set-uid programs: what belongs to disk_uid there belongs to
 * uid here, and what uid makes is disk_uid's; root's is root's. False: errno. */
bool orl_idmap_mount(const char *disk, const char *target, uint32_t disk_uid, uint32_t uid);

#endif
