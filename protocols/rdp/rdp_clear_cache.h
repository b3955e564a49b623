/* The encoder's image of one of ClearCodec's bar caches (MS-RDPEGFX 3.3.1.10 to 3.3.1.13): a ring of pixel columns
 * that the decoder fills in the same order. Whole pixels are kept and compared: a hash alone would let
 * whoever chooses pixels on the desktop put wrong ones on the viewer's screen. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLEAR_CACHE_H
#define ORL_PROTOCOLS_RDP_RDP_CLEAR_CACHE_H
#include "base/err.h"
#include <stdint.h>

#define ORL_CLEAR_BAR_MAX_PX 52 /* 2.2.4.1.1.2.1 */
#define ORL_CLEAR_BARS 32768
#define ORL_CLEAR_SHORT_BARS 16384

/* Their pixels are in a ring of their own, which most often holds all of them; a bar that was overwritten there
 * is one that we no longer refer to. */
struct orl_clear_cache {
    uint32_t slots;          /* a power of two, at most ORL_CLEAR_BARS */
    uint32_t cursor;         /* where the next bar goes */
    uint64_t key;            /* of the hash; secret, so that chains cannot be made long */
    uint16_t *heads;         /* slot + 1 of a chain's newest bar; 0: none */
    uint16_t *older, *newer; /* slot + 1 within the chain; 0: none */
    uint16_t *buckets;       /* of each slot */
    uint8_t *lengths;        /* pixels of each slot; 0: empty */
    uint64_t *starts;        /* of each slot's pixels, counted since the connection began */
    uint32_t ring_px;        /* a power of two */
    uint64_t end;            /* where the next pixels go, counted as starts are; never turns over */
    uint32_t *ring;          /* pages are touched as they are used */
};

ORL_NODISCARD int orl_clear_cache_init(struct orl_clear_cache *cache, uint32_t slots, uint64_t key);
void orl_clear_cache_fini(struct orl_clear_cache *cache); /* zeroed or half-built is fine */
/* The slot that holds just these pixels, or -1. count: 1 .. ORL_CLEAR_BAR_MAX_PX. */
int orl_clear_cache_find(
        const struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count);
void orl_clear_cache_add(struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count);
/* Takes back the last count additions (at most slots of them): the cursor is where it was. What they overwrote was the
 * oldest; the decoder still has it, we no longer refer to it. */
void orl_clear_cache_undo(struct orl_clear_cache *cache, uint32_t count);

#endif
