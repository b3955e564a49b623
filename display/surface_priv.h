/* Layout of the shared memory, for surface.c and its tests. */
#ifndef ORL_DISPLAY_SURFACE_PRIV_H
#define ORL_DISPLAY_SURFACE_PRIV_H
#include "display/cursor.h"
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_SURFACE_HEADER_BYTES 131072
#define ORL_SURFACE_MAGIC 0x4653524FU /* "ORSF" */
#define ORL_SURFACE_VERSION 1
#define ORL_SURFACE_RING 256 /* a power of two */

/* Single writer, any number of readers. Every field that changes is atomic: the peer is hostile. */
struct orl_surface_header {
    uint32_t magic;
    uint32_t version;
    uint32_t width_px;
    uint32_t height_px;
    uint32_t stride_bytes;
    uint32_t reserved;
    _Atomic uint64_t damage_head;            /* rectangles ever published */
    _Atomic uint64_t ring[ORL_SURFACE_RING]; /* x, y, width, height: 16 bits each, x lowest */
    _Atomic uint32_t cursor_seq;             /* odd while the writer is at it; 0: none yet */
    _Atomic uint32_t cursor_is_visible;
    _Atomic uint32_t cursor_width_px, cursor_height_px;
    _Atomic uint32_t cursor_hot_x, cursor_hot_y;
    _Atomic uint32_t cursor_pixels[ORL_CURSOR_MAX_PX * ORL_CURSOR_MAX_PX];
};
_Static_assert(sizeof(struct orl_surface_header) <= ORL_SURFACE_HEADER_BYTES, "header too large");
_Static_assert((ORL_SURFACE_RING & (ORL_SURFACE_RING - 1)) == 0, "ring not a power of two");
_Static_assert(ATOMIC_LLONG_LOCK_FREE == 2 && ATOMIC_INT_LOCK_FREE == 2, "shared atomics need it");

#endif
