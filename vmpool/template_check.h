/* Whether a template can be cloned: files there, a sound qcow2 of a sane size that drags in no other
 * file, kernel and initrd readable. Blocks: on workers only. */
#ifndef ORL_VMPOOL_TEMPLATE_CHECK_H
#define ORL_VMPOOL_TEMPLATE_CHECK_H
#include "store/template.h"

struct orl_template_rules {
    bool allows_backing; /* a qcow2 that lies on another file */
    uint64_t max_virtual_mib;
};
/* Writes state, reason, reason_text, disk_format and virtual_bytes of *row; nothing else. */
void orl_template_check(const struct orl_template_rules *rules, struct orl_template_row *row);
/* The same, from what `qemu-img info --output=json` printed. Pure. */
void orl_template_judge(
        const struct orl_template_rules *rules, const char *json, struct orl_template_row *row);

#endif
