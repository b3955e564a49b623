/* A hostile QEMU against a console: any stream of bytes, with any fds, ends in a whole surface or in a refusal.
 * The top byte of a message's serial, which means nothing to the reader, says which fd comes with it (its low bits) and how
 * long the shared memory is from then on (its high ones, in 16 KiB). */
#include "base/cleanup.h"
#include "protocols/qemu/qemu_reader.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

#define SERIAL_TOP 11
#define STEP_BYTES (16U << 10)

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

/* Negative: none. */
static int make_fd(unsigned which, int memory)
{
    switch (which) {
    case 1:
    case 2:
        return dup(memory);
    case 3:
        return open("/dev/zero", O_RDONLY | O_CLOEXEC);
    case 4:
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    default:
        return -1;
    }
}

static int give_fds(struct orl_qemu_reader *reader, uint8_t what, int memory)
{
    if (what >> 3 != 0) {
        orl_assert(ftruncate(memory, (off_t)(what >> 3) * STEP_BYTES) == 0);
    }
    int fd = make_fd(what & 7U, memory);
    return fd < 0 ? ORL_OK : orl_qemu_reader_take_fd(reader, fd);
}

/* Returns how many bytes were taken. */
static size_t feed(struct orl_qemu_reader *reader, const uint8_t *data, size_t len)
{
    struct iovec iov[ORL_QEMU_IOV_MAX];
    unsigned count = orl_qemu_reader_room(reader, iov);
    orl_assert(count >= 1 && count <= ORL_QEMU_IOV_MAX);
    size_t got = 0;
    for (unsigned i = 0; i < count && got < len; i++) {
        size_t part = iov[i].iov_len < len - got ? iov[i].iov_len : len - got;
        orl_assert(part > 0);
        memcpy(iov[i].iov_base, data + got, part);
        got += part;
    }
    return got;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_qemu_reader *reader = NULL;
    ORL_AUTO(orl_close_auto) int memory = memfd_create("fuzz", MFD_CLOEXEC);
    if (memory < 0 || orl_qemu_reader_new(&events, NULL, &reader) < 0) {
        return 0;
    }
    int rc = ORL_OK;
    for (size_t at = 0; rc == ORL_OK && at < len;) {
        if (!orl_qemu_reader_is_inside(reader) && at + SERIAL_TOP < len) {
            rc = give_fds(reader, data[at + SERIAL_TOP], memory);
        }
        size_t got = feed(reader, data + at, len - at);
        at += got;
        rc = rc < 0 ? rc : orl_qemu_reader_got(reader, got);
    }
    orl_qemu_reader_free(reader);
    return 0;
}
