/* Finds elements of an array by a text in them: positions in a hash table. The array may move; what is
 * found must still be there when it is asked for. Names are ours, never a peer's. */
#ifndef ORL_VMPOOL_NAME_INDEX_H
#define ORL_VMPOOL_NAME_INDEX_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_NAME_INDEX_NONE SIZE_MAX

struct orl_name_index {
    uint32_t *slots; /* position + 1; 0: empty */
    size_t size;     /* of slots: a power of two, or 0 */
    size_t count;
};
/* The array and where the text is in an element. */
struct orl_name_keys {
    const void *base;
    size_t stride;
    size_t offset;
};
#define ORL_NAME_KEYS(array, member)                                                               \
    ((struct orl_name_keys){(array), sizeof *(array), offsetof(__typeof__(*(array)), member)})

/* All of the array anew; empty texts are left out. false: memory ran out, and it finds nothing. */
bool orl_name_index_build(struct orl_name_index *index, struct orl_name_keys keys, size_t count);
/* One more at position. false: memory ran out. */
bool orl_name_index_add(struct orl_name_index *index, struct orl_name_keys keys, size_t position);
size_t orl_name_index_find(
        const struct orl_name_index *index, struct orl_name_keys keys, const char *name);
void orl_name_index_fini(struct orl_name_index *index); /* NULL members are fine */

#endif
