#include "protocols/qemu/qemu_map.h"
#include "base/cleanup.h"
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define BYTES_PER_PX 4U

void orl_qemu_map_init(struct orl_qemu_map *map)
{
    *map = (struct orl_qemu_map){.fd = -1};
}

void orl_qemu_map_close(struct orl_qemu_map *map)
{
    orl_close_fd(&map->fd);
}

int orl_qemu_map_open(struct orl_qemu_map *map, int fd, const struct orl_qemu_args *args)
{
    struct stat st;
    orl_qemu_map_close(map);
    *map = (struct orl_qemu_map){.fd = fd,
            .width_px = args->width_px,
            .height_px = args->height_px,
            .offset_bytes = args->offset_bytes,
            .stride_bytes = args->stride_bytes};
    /* The last row has no gap behind it: a picture may be a part of a wider one. */
    uint64_t end = map->offset_bytes + (map->height_px - 1) * map->stride_bytes +
                   (uint64_t)map->width_px * BYTES_PER_PX;
    bool is_memory = fcntl(fd, F_GET_SEALS) >= 0; /* files of tmpfs and hugetlbfs have seals */
    if (!is_memory || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size < 0 ||
            (uint64_t)st.st_size < end) {
        orl_qemu_map_close(map);
        return ORL_E_SYS;
    }
    return ORL_OK;
}

bool orl_qemu_map_holds(const struct orl_qemu_map *map, const struct orl_rect *box)
{
    return map->fd >= 0 && (uint32_t)box->x + (uint32_t)box->width <= map->width_px &&
           (uint32_t)box->y + (uint32_t)box->height <= map->height_px;
}

static int read_all(int fd, uint8_t *to, size_t len, uint64_t at)
{
    while (len > 0) {
        ssize_t n = pread(fd, to, len, (off_t)at);
        if (n <= 0 && (n == 0 || errno != EINTR)) {
            return ORL_E_SYS;
        }
        size_t got = n > 0 ? (size_t)n : 0;
        to += got;
        at += got;
        len -= got;
    }
    return ORL_OK;
}

int orl_qemu_map_read(
        const struct orl_qemu_map *map, const struct orl_rect *box, struct orl_surface *to)
{
    size_t to_stride = orl_surface_stride(to);
    size_t row_bytes = (size_t)box->width * BYTES_PER_PX;
    size_t left = (size_t)box->x * BYTES_PER_PX;
    uint64_t from = map->offset_bytes + (uint64_t)box->y * map->stride_bytes + left;
    uint8_t *at = orl_surface_pixels_rw(to) + (size_t)box->y * to_stride + left;
    if (row_bytes == to_stride && row_bytes == map->stride_bytes) {
        return read_all(map->fd, at, row_bytes * (size_t)box->height, from);
    }
    int rc = ORL_OK;
    for (int32_t row = 0; rc == ORL_OK && row < box->height; row++) {
        rc = read_all(map->fd, at, row_bytes, from);
        at += to_stride;
        from += map->stride_bytes;
    }
    return rc;
}
