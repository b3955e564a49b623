/* Whether a template can be cloned: files there, a sound qcow2 of a sane size that drags in no other
 * file, kernel and initrd readable. Blocks: on workers only. */
#ifndef ORL_VMPOOL_TEMPLATE_CHECK_H
#define ORL_VMPOOL_TEMPLATE_CHECK_H
#include "store/template.h"

/* What the file was when its checksum was taken; another one is read anew. */
struct orl_template_stamp {
    uint64_t size_bytes, mtime_ns, inode, device;
    char sha256[65]; /* of that file; empty: none taken */
};
struct orl_template_rules {
    bool allows_backing; /* a qcow2 that lies on another file */
    uint64_t max_virtual_mib;
};
/* Writes state, reason, reason_text, disk_format, virtual_bytes and sha256 of *row; nothing else. A row whose
 * state is checking gets the file's checksum; later, another checksum means corrupt: clones lie on it. */
void orl_template_check(const struct orl_template_rules *rules, struct orl_template_stamp *stamp,
        struct orl_template_row *row);
/* The same, from what `qemu-img info --output=json` printed. Pure. */
void orl_template_judge(
        const struct orl_template_rules *rules, const char *json, struct orl_template_row *row);

#endif
