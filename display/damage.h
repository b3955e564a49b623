/* What really changed: sources over-report, so damaged tiles are compared with the client's picture. */
#ifndef ORL_DISPLAY_DAMAGE_H
#define ORL_DISPLAY_DAMAGE_H
#include "display/tiles.h"

/* Copies what differs in DAMAGED tiles from src into picture. Tiles that differed, and MUST tiles, become
 * CHANGED with their boxes; those that differed also STALE. Clears DAMAGED and MUST. src may change
 * meanwhile. True: something is CHANGED. */
bool orl_damage_compare(struct orl_tiles *tiles, const uint8_t *src, size_t src_stride,
        uint8_t *picture, size_t stride_bytes);

#endif
