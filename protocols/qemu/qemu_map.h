/* The memory that QEMU shares as its picture (org.qemu.Display1.Listener.Unix.Map). Who shares it may write it, and cut it
 * short, at any time: it is read by pread(2) and never mapped, for a page that is gone would end us by SIGBUS. */
#ifndef ORL_PROTOCOLS_QEMU_QEMU_MAP_H
#define ORL_PROTOCOLS_QEMU_QEMU_MAP_H
#include "display/surface.h"
#include "protocols/qemu/qemu_wire.h"

struct orl_qemu_map {
    int fd; /* -1: none */
    uint32_t width_px, height_px;
    uint64_t offset_bytes, stride_bytes;
};
void orl_qemu_map_init(struct orl_qemu_map *map);
/* In place of the one before; args are ScanoutMap's. Takes fd, also on failure: ORL_E_SYS, it is no memory file (others
 * may block who reads them), or ends before the picture does. */
ORL_NODISCARD int orl_qemu_map_open(
        struct orl_qemu_map *map, int fd, const struct orl_qemu_args *args);
void orl_qemu_map_close(struct orl_qemu_map *map);
bool orl_qemu_map_holds(const struct orl_qemu_map *map, const struct orl_rect *box);
/* The box, which the map holds, to the same place of a surface that is as large. ORL_E_SYS: the memory was cut short. */
ORL_NODISCARD int orl_qemu_map_read(
        const struct orl_qemu_map *map, const struct orl_rect *box, struct orl_surface *to);

#endif
