#include "protocols/rdp/rdp_clear_cache.h"
#include <stdlib.h>
#include <string.h>

enum {
    CHAIN_STEPS = 8,
    RING_PX_PER_SLOT = 16, /* a line of text; bars of a chart may be longer */
};

int orl_clear_cache_init(struct orl_clear_cache *cache, uint32_t slots, uint64_t key)
{
    orl_assert(slots <= ORL_CLEAR_BARS);
    *cache = (struct orl_clear_cache){
            .slots = slots, .key = key, .ring_px = slots * RING_PX_PER_SLOT};
    cache->heads = calloc(slots, sizeof(*cache->heads));
    cache->older = calloc(slots, sizeof(*cache->older));
    cache->newer = calloc(slots, sizeof(*cache->newer));
    cache->buckets = calloc(slots, sizeof(*cache->buckets));
    cache->lengths = calloc(slots, sizeof(*cache->lengths));
    cache->starts = calloc(slots, sizeof(*cache->starts));
    cache->ring = calloc(cache->ring_px, sizeof(*cache->ring));
    if (cache->heads == NULL || cache->older == NULL || cache->newer == NULL ||
            cache->buckets == NULL || cache->lengths == NULL || cache->starts == NULL ||
            cache->ring == NULL) {
        orl_clear_cache_fini(cache);
        return ORL_E_NOMEM;
    }
    return 0;
}

void orl_clear_cache_fini(struct orl_clear_cache *cache)
{
    free(cache->heads);
    free(cache->older);
    free(cache->newer);
    free(cache->buckets);
    free(cache->lengths);
    free(cache->starts);
    free(cache->ring);
    *cache = (struct orl_clear_cache){0};
}

static uint32_t bucket_of(
        const struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count)
{
    uint64_t hash = cache->key ^ count;
    for (uint32_t i = 0; i < count; i++) {
        hash = (hash ^ pixels[i]) * UINT64_C(0x9FB21C651E98DF25);
        hash ^= hash >> 32;
    }
    return (uint32_t)(hash ^ cache->key >> 32) & (cache->slots - 1);
}

/* The slot's pixels, or NULL when others were written over them. */
static const uint32_t *pixels_of(const struct orl_clear_cache *cache, uint32_t slot)
{
    const uint64_t start = cache->starts[slot];
    return cache->end - start <= cache->ring_px ? cache->ring + (start & (cache->ring_px - 1))
                                                : NULL;
}

int orl_clear_cache_find(
        const struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count)
{
    uint32_t at = cache->heads[bucket_of(cache, pixels, count)];
    for (int i = 0; at != 0 && i < CHAIN_STEPS; i++) {
        const uint32_t slot = at - 1;
        const uint32_t *known = cache->lengths[slot] == count ? pixels_of(cache, slot) : NULL;
        if (known != NULL && memcmp(known, pixels, count * sizeof(*pixels)) == 0) {
            return (int)slot;
        }
        at = cache->older[slot];
    }
    return -1;
}

static void forget(struct orl_clear_cache *cache, uint32_t slot)
{
    if (cache->lengths[slot] == 0) {
        return;
    }
    const uint16_t older = cache->older[slot];
    const uint16_t newer = cache->newer[slot];
    if (newer != 0) {
        cache->older[newer - 1] = older;
    } else {
        cache->heads[cache->buckets[slot]] = older;
    }
    if (older != 0) {
        cache->newer[older - 1] = newer;
    }
    cache->lengths[slot] = 0;
}

static void write_pixels(
        struct orl_clear_cache *cache, uint32_t slot, const uint32_t *pixels, uint32_t count)
{
    const uint64_t left = cache->ring_px - (cache->end & (cache->ring_px - 1));
    cache->end += left < count ? left : 0; /* a bar is in one piece */
    memcpy(cache->ring + (cache->end & (cache->ring_px - 1)), pixels, count * sizeof(*pixels));
    cache->starts[slot] = cache->end;
    cache->end += count;
}

void orl_clear_cache_add(struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count)
{
    const uint32_t slot = cache->cursor;
    forget(cache, slot);
    const uint32_t bucket = bucket_of(cache, pixels, count);
    const uint16_t head = cache->heads[bucket];
    write_pixels(cache, slot, pixels, count);
    cache->lengths[slot] = (uint8_t)count;
    cache->buckets[slot] = (uint16_t)bucket;
    cache->older[slot] = head;
    cache->newer[slot] = 0;
    if (head != 0) {
        cache->newer[head - 1] = (uint16_t)(slot + 1);
    }
    cache->heads[bucket] = (uint16_t)(slot + 1);
    cache->cursor = (slot + 1) & (cache->slots - 1);
}

void orl_clear_cache_undo(struct orl_clear_cache *cache, uint32_t count)
{
    orl_assert(count <= cache->slots);
    for (uint32_t i = 0; i < count; i++) {
        cache->cursor = (cache->cursor - 1) & (cache->slots - 1);
        forget(cache, cache->cursor);
    }
}
