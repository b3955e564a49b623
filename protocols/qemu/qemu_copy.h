/* Clipboard steps on the link between a console and the keeper of its display: the same at both ends. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_COPY_H
#define ORL_PROTOCOLS_QEMU_QEMU_COPY_H
#include "display/clipboard.h"

struct orl_qemu_copy {
    int fd; /* borrowed; -1: none yet */
    struct orl_clipboard_in in;
    struct orl_clipboard_out out;
    bool is_want_due; /* the console's end */
    uint32_t wants;
};
void orl_qemu_copy_init(struct orl_qemu_copy *copy, int fd);
void orl_qemu_copy_fini(struct orl_qemu_copy *copy);
void orl_qemu_copy_want(struct orl_qemu_copy *copy, uint32_t wants);
void orl_qemu_copy_put(struct orl_qemu_copy *copy, const struct orl_clipboard *step);
/* Sends what the peer takes. */
void orl_qemu_copy_flush(struct orl_qemu_copy *copy);
bool orl_qemu_copy_is_due(const struct orl_qemu_copy *copy); /* flush again when it reads */

#endif
