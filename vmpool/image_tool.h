/* qemu-img on a file that may be anybody's: confined to that file, and to what it writes.
 * Not here: what its answers mean (vmpool/image_convert.h, vmpool/template_check.h). */
#ifndef ORL_VMPOOL_IMAGE_TOOL_H
#define ORL_VMPOOL_IMAGE_TOOL_H
#include "base/buf.h"
#include <stdatomic.h>
#include <stdint.h>

struct orl_image_tool {    /* borrowed for the call */
    const char *from;      /* read */
    const char *to;        /* written: a file that is there; NULL: none */
    uint64_t to_max_bytes; /* no file gets larger */
    unsigned timeout_ms;
    const atomic_bool *is_cancelled; /* NULL: it can't be */
};
/* words: "info", "--output=json" ..., ended by NULL. Otherwise as orl_proc_run_with(). Blocks: on workers only. */
ORL_NODISCARD int orl_image_tool_run(const struct orl_image_tool *tool, const char *const *words,
        struct orl_buf *out, struct orl_err *err);

#endif
