/* Vectors of the compiler's: SSE2 on x86-64, NEON on arm64, words elsewhere. */
#include "display/equal.h"
#include <stdbool.h>
#include <string.h>

#define PX_BYTES 4
#define BLOCK_PX 16 /* of four vectors */

typedef uint64_t vector __attribute__((vector_size(16)));

static inline vector vector_at(const uint8_t *at)
{
    vector v;
    memcpy(&v, at, sizeof(v));
    return v;
}

/* True, and what differs of BLOCK_PX pixels. Spelt out: in a loop the compiler keeps them in memory. */
static inline bool differs(const uint8_t *a, const uint8_t *b, vector ret_difference[4])
{
    const vector d0 = vector_at(a) ^ vector_at(b);
    const vector d1 = vector_at(a + 16) ^ vector_at(b + 16);
    const vector d2 = vector_at(a + 32) ^ vector_at(b + 32);
    const vector d3 = vector_at(a + 48) ^ vector_at(b + 48);
    const vector any = (d0 | d1) | (d2 | d3);
    if (__builtin_expect((any[0] | any[1]) == 0, 1)) {
        return false;
    }
    ret_difference[0] = d0;
    ret_difference[1] = d1;
    ret_difference[2] = d2;
    ret_difference[3] = d3;
    return true;
}

static inline uint32_t difference_px(const uint8_t *a, const uint8_t *b)
{
    uint32_t x;
    uint32_t y;
    memcpy(&x, a, sizeof(x));
    memcpy(&y, b, sizeof(y));
    return x ^ y;
}

size_t orl_equal_px(const uint8_t *a, const uint8_t *b, size_t count)
{
    vector difference[4];
    size_t i = 0;
    for (; i + BLOCK_PX <= count; i += BLOCK_PX) {
        if (differs(a + i * PX_BYTES, b + i * PX_BYTES, difference)) {
            uint32_t px[BLOCK_PX];
            memcpy(px, difference, sizeof(px));
            while (px[i % BLOCK_PX] == 0) {
                i++;
            }
            return i;
        }
    }
    while (i < count && difference_px(a + i * PX_BYTES, b + i * PX_BYTES) == 0) {
        i++;
    }
    return i;
}

size_t orl_equal_px_back(const uint8_t *a_end, const uint8_t *b_end, size_t count)
{
    vector difference[4];
    size_t i = 0;
    for (; i + BLOCK_PX <= count; i += BLOCK_PX) {
        const size_t back = (i + BLOCK_PX) * PX_BYTES;
        if (differs(a_end - back, b_end - back, difference)) {
            uint32_t px[BLOCK_PX];
            memcpy(px, difference, sizeof(px));
            while (px[BLOCK_PX - 1 - i % BLOCK_PX] == 0) {
                i++;
            }
            return i;
        }
    }
    while (i < count &&
            difference_px(a_end - (i + 1) * PX_BYTES, b_end - (i + 1) * PX_BYTES) == 0) {
        i++;
    }
    return i;
}
