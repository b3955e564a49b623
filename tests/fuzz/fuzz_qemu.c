/* A hostile QEMU against a console: any stream of bytes ends in a whole surface or in a refusal. */
#include "protocols/qemu/qemu_reader.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void on_surface(void *ctx, struct orl_surface *surface)
{
    (void)ctx;
    orl_assert(orl_surface_width(surface) >= ORL_SURFACE_MIN_PX);
}

static void on_damage(void *ctx, const struct orl_rect *box)
{
    (void)ctx;
    orl_assert(box->x >= 0 && box->y >= 0 && box->width > 0 && box->height > 0);
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    (void)ctx;
    orl_assert(cursor->width_px <= ORL_CURSOR_MAX_PX && cursor->hot_x < cursor->width_px);
}

static const struct orl_qemu_reader_events events = {
        .on_surface = on_surface, .on_damage = on_damage, .on_cursor = on_cursor};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_qemu_reader *reader = NULL;
    if (orl_qemu_reader_new(&events, NULL, &reader) < 0) {
        return 0;
    }
    int rc = ORL_OK;
    for (size_t at = 0; rc == ORL_OK && at < len;) {
        struct iovec iov[ORL_QEMU_IOV_MAX];
        unsigned count = orl_qemu_reader_room(reader, iov);
        orl_assert(count >= 1 && count <= ORL_QEMU_IOV_MAX);
        size_t got = 0;
        for (unsigned i = 0; i < count && at < len; i++) {
            size_t part = iov[i].iov_len < len - at ? iov[i].iov_len : len - at;
            orl_assert(part > 0);
            memcpy(iov[i].iov_base, data + at, part);
            at += part;
            got += part;
        }
        rc = orl_qemu_reader_got(reader, got);
    }
    orl_qemu_reader_free(reader);
    return 0;
}
