/* A hostile writer: any header, then any changes of it between the reader's calls. */
#include "base/cleanup.h"
#include "display/surface.h"
#include "display/surface_priv.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* The first 8 bytes choose the size (often a true one), the rest overwrites the header in pieces. */
static size_t file_bytes(const uint8_t *data, uint32_t *ret_width, uint32_t *ret_height)
{
    *ret_width = 16U + data[0];
    *ret_height = 16U + data[1];
    size_t stride = ((size_t)*ret_width * 4 + 63) & ~(size_t)63;
    return ORL_SURFACE_HEADER_BYTES + stride * *ret_height + (data[2] == 0 ? data[3] : 0U);
}

static void read_all(struct orl_surface *surface)
{
    static struct orl_cursor cursor;
    struct orl_region region = {.count = 0};
    orl_surface_take_damage(surface, &region);
    const struct orl_rect picture = {
            0, 0, (int32_t)orl_surface_width(surface), (int32_t)orl_surface_height(surface)};
    for (unsigned i = 0; i < region.count; i++) {
        orl_assert(orl_rect_contains(&picture, &region.rects[i]));
    }
    size_t last = orl_surface_stride(surface) * (orl_surface_height(surface) - 1) +
                  (size_t)orl_surface_width(surface) * 4 - 1;
    volatile uint8_t px = orl_surface_pixels(surface)[last];
    (void)px;
    if (orl_surface_take_cursor(surface, &cursor)) {
        orl_assert(cursor.width_px >= 1 && cursor.width_px <= ORL_CURSOR_MAX_PX);
        orl_assert(cursor.hot_y < cursor.height_px);
    }
}

static void overwrite(uint8_t *header, const uint8_t *data, size_t len)
{
    while (len > 3) {
        size_t at = ((size_t)data[0] | (size_t)data[1] << 8) % (24 + 8 + 8 * 8);
        size_t count = data[2] % 32U;
        count = count < len - 3 ? count : len - 3;
        memcpy(header + at, data + 3, count);
        data += 3 + count;
        len -= 3 + count;
    }
}

static void write_true_header(
        struct orl_surface_header *header, uint32_t width_px, uint32_t height_px)
{
    header->magic = ORL_SURFACE_MAGIC;
    header->version = ORL_SURFACE_VERSION;
    header->width_px = width_px;
    header->height_px = height_px;
    header->stride_bytes = (width_px * 4 + 63) & ~63U;
    header->cursor_seq = 2;
    header->cursor_width_px = 4;
    header->cursor_height_px = 4;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    if (len < 8) {
        return 0;
    }
    uint32_t width_px;
    uint32_t height_px;
    size_t bytes = file_bytes(data, &width_px, &height_px);
    ORL_AUTO(orl_close_auto) int fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    orl_assert(fd >= 0 && ftruncate(fd, (off_t)bytes) == 0);
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    orl_assert(map != MAP_FAILED);
    write_true_header(map, width_px, height_px);
    if (data[4] % 4 != 0) {
        orl_assert(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) == 0);
    }
    bool is_early = data[5] % 2 == 0;
    if (is_early) {
        overwrite(map, data + 8, len - 8);
    }
    struct orl_surface *surface = NULL;
    if (orl_surface_open(dup(fd), &surface, NULL) == 0) {
        read_all(surface);
        overwrite(map, data + 8, len - 8);
        read_all(surface);
        read_all(surface);
    }
    orl_surface_free(surface);
    munmap(map, bytes);
    return 0;
}
