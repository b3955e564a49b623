#include "protocols/rdp/rdp_clear_cache.h"
#include <stdlib.h>
#include <string.h>

enum { CHAIN_STEPS = 8 };

int orl_clear_cache_init(struct orl_clear_cache *cache, uint32_t slots, uint64_t key)
{
    *cache = (struct orl_clear_cache){.slots = slots, .key = key};
    cache->heads = calloc(slots, sizeof(*cache->heads));
    cache->older = calloc(slots, sizeof(*cache->older));
    cache->newer = calloc(slots, sizeof(*cache->newer));
    cache->buckets = calloc(slots, sizeof(*cache->buckets));
    cache->lengths = calloc(slots, sizeof(*cache->lengths));
    cache->pixels = calloc((size_t)slots * ORL_CLEAR_BAR_MAX_PX, sizeof(*cache->pixels));
    if (cache->heads == NULL || cache->older == NULL || cache->newer == NULL ||
            cache->buckets == NULL || cache->lengths == NULL || cache->pixels == NULL) {
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
    free(cache->pixels);
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

static uint32_t *pixels_of(const struct orl_clear_cache *cache, uint32_t slot)
{
    return cache->pixels + (size_t)slot * ORL_CLEAR_BAR_MAX_PX;
}

int orl_clear_cache_find(
        const struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count)
{
    uint32_t at = cache->heads[bucket_of(cache, pixels, count)];
    for (int i = 0; at != 0 && i < CHAIN_STEPS; i++) {
        const uint32_t slot = at - 1;
        if (cache->lengths[slot] == count &&
                memcmp(pixels_of(cache, slot), pixels, count * sizeof(*pixels)) == 0) {
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
    const uint32_t older = cache->older[slot];
    const uint32_t newer = cache->newer[slot];
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

void orl_clear_cache_add(struct orl_clear_cache *cache, const uint32_t *pixels, uint32_t count)
{
    const uint32_t slot = cache->cursor;
    forget(cache, slot);
    const uint32_t bucket = bucket_of(cache, pixels, count);
    const uint32_t head = cache->heads[bucket];
    memcpy(pixels_of(cache, slot), pixels, count * sizeof(*pixels));
    cache->lengths[slot] = (uint8_t)count;
    cache->buckets[slot] = bucket;
    cache->older[slot] = head;
    cache->newer[slot] = 0;
    if (head != 0) {
        cache->newer[head - 1] = slot + 1;
    }
    cache->heads[bucket] = slot + 1;
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
