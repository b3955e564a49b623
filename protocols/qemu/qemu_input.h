/* A console's input on its way to vmpool's side, which takes keys one by one: all in order, scancodes only, and bounded. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_INPUT_H
#define ORL_PROTOCOLS_QEMU_QEMU_INPUT_H
#include "display/input.h"

struct orl_qemu_input;
/* fd is borrowed. on_blocked: call orl_qemu_input_flush() when the fd is writable; or no more. */
struct orl_qemu_input *orl_qemu_input_new(
        int fd, void (*on_blocked)(void *ctx, bool is_blocked), void *ctx); /* NULL: no memory */
void orl_qemu_input_put(struct orl_qemu_input *in, const struct orl_input *input);
void orl_qemu_input_flush(struct orl_qemu_input *in);
void orl_qemu_input_free(struct orl_qemu_input *in);

#endif
