#include "protocols/qemu/qemu_copy.h"
#include "display/link.h"

#define PARTS_PER_WAKE 16

void orl_qemu_copy_init(struct orl_qemu_copy *copy, int fd)
{
    *copy = (struct orl_qemu_copy){.fd = fd};
    orl_clipboard_in_init(&copy->in, ORL_CLIPBOARD_MAX_BYTES);
    orl_clipboard_out_init(&copy->out);
}

void orl_qemu_copy_fini(struct orl_qemu_copy *copy)
{
    orl_clipboard_in_fini(&copy->in);
    orl_clipboard_out_fini(&copy->out);
}

void orl_qemu_copy_want(struct orl_qemu_copy *copy, uint32_t wants)
{
    copy->is_want_due |= wants != copy->wants;
    copy->wants = wants;
    orl_qemu_copy_flush(copy);
}

void orl_qemu_copy_put(struct orl_qemu_copy *copy, const struct orl_clipboard *step)
{
    if (orl_clipboard_out_add(&copy->out, step, NULL) < 0) {
        const struct orl_clipboard none = {.step = step->step, .serial = step->serial};
        int rc = orl_clipboard_out_add(&copy->out, &none, NULL);
        (void)rc; /* without text nothing is left that could fail */
    }
    orl_qemu_copy_flush(copy);
}

/* A broken link is told by its reader. */
void orl_qemu_copy_flush(struct orl_qemu_copy *copy)
{
    struct orl_link_msg msg = {.type = ORL_LINK_WANT, .wants = copy->wants, .surface_fd = -1};
    int rc = copy->fd < 0 ? ORL_E_AGAIN : ORL_OK;
    if (rc == ORL_OK && copy->is_want_due) {
        rc = orl_link_send(copy->fd, &msg);
        copy->is_want_due = rc == ORL_E_AGAIN;
    }
    msg.type = ORL_LINK_CLIPBOARD;
    for (unsigned i = 0; rc == ORL_OK && i < PARTS_PER_WAKE &&
                         orl_clipboard_out_next(&copy->out, &msg.clipboard);
            i++) {
        rc = orl_link_send(copy->fd, &msg);
        if (rc != ORL_E_AGAIN) {
            orl_clipboard_out_sent(&copy->out, &msg.clipboard);
        }
    }
}

bool orl_qemu_copy_is_due(const struct orl_qemu_copy *copy)
{
    struct orl_clipboard_part part;
    return copy->is_want_due || orl_clipboard_out_next(&copy->out, &part);
}
