/* A console's input on its way to vmpool's side: all in order, keys one by one, and bounded. QEMU hands a key on at once;
 * its USB keyboard has room for sixteen and gives one to the guest every 8 ms, and what finds no room is lost. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_INPUT_H
#define ORL_PROTOCOLS_QEMU_QEMU_INPUT_H
#include "base/loop.h"
#include "display/input.h"

struct orl_qemu_input;
/* fd is borrowed. on_blocked: call orl_qemu_input_flush() when the fd is writable; or no more. */
ORL_NODISCARD int orl_qemu_input_new(struct orl_loop *loop, int fd,
        void (*on_blocked)(void *ctx, bool is_blocked), void *ctx,
        struct orl_qemu_input **ret_input, struct orl_err *err);
void orl_qemu_input_put(struct orl_qemu_input *in, const struct orl_input *input);
void orl_qemu_input_flush(struct orl_qemu_input *in);
void orl_qemu_input_free(struct orl_qemu_input *in);

#endif
