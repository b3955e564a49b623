#include "vmpool/name_index.h"
#include <stdlib.h>
#include <string.h>

enum { SIZE_MIN = 64 };

static const char *key_at(struct orl_name_keys keys, size_t position)
{
    return (const char *)keys.base + position * keys.stride + keys.offset;
}

/* FNV-1a */
static uint64_t hash(const char *text)
{
    uint64_t h = UINT64_C(14695981039346656037);
    for (; *text; text++) {
        h = (h ^ (uint8_t)*text) * UINT64_C(1099511628211);
    }
    return h ^ h >> 32;
}

/* The slot that has it, or the empty one where it would be. */
static size_t slot_of(
        const struct orl_name_index *index, struct orl_name_keys keys, const char *name)
{
    size_t at = hash(name) & (index->size - 1);
    while (index->slots[at] != 0 && strcmp(key_at(keys, index->slots[at] - 1), name) != 0) {
        at = (at + 1) & (index->size - 1);
    }
    return at;
}

static bool make_room(struct orl_name_index *index, struct orl_name_keys keys, size_t count)
{
    size_t size = SIZE_MIN;
    while (size < 2 * count) {
        size *= 2;
    }
    if (size <= index->size) {
        return true;
    }
    struct orl_name_index bigger = {.slots = calloc(size, sizeof *bigger.slots), .size = size};
    if (!bigger.slots) {
        return false;
    }
    for (size_t i = 0; i < index->size; i++) {
        if (index->slots[i] != 0) {
            bigger.slots[slot_of(&bigger, keys, key_at(keys, index->slots[i] - 1))] =
                    index->slots[i];
        }
    }
    bigger.count = index->count;
    free(index->slots);
    *index = bigger;
    return true;
}

bool orl_name_index_add(struct orl_name_index *index, struct orl_name_keys keys, size_t position)
{
    const char *name = key_at(keys, position);
    if (!name[0]) {
        return true;
    }
    if (position >= UINT32_MAX || !make_room(index, keys, index->count + 1)) {
        return false;
    }
    uint32_t *slot = &index->slots[slot_of(index, keys, name)];
    if (*slot == 0) { /* the first of two that are the same is found */
        *slot = (uint32_t)position + 1;
        index->count++;
    }
    return true;
}

bool orl_name_index_build(struct orl_name_index *index, struct orl_name_keys keys, size_t count)
{
    index->count = 0;
    if (index->slots) {
        memset(index->slots, 0, index->size * sizeof *index->slots);
    }
    if (!make_room(index, keys, count)) {
        orl_name_index_fini(index);
        return false;
    }
    for (size_t i = 0; i < count; i++) {
        if (!orl_name_index_add(index, keys, i)) {
            orl_name_index_fini(index);
            return false;
        }
    }
    return true;
}

size_t orl_name_index_find(
        const struct orl_name_index *index, struct orl_name_keys keys, const char *name)
{
    if (index->size == 0 || !name[0]) {
        return ORL_NAME_INDEX_NONE;
    }
    uint32_t found = index->slots[slot_of(index, keys, name)];
    return found != 0 ? found - 1 : ORL_NAME_INDEX_NONE;
}

void orl_name_index_fini(struct orl_name_index *index)
{
    free(index->slots);
    memset(index, 0, sizeof *index);
}
