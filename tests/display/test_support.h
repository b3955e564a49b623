/* What the tests of display/ share: cmocka with its prerequisites, random numbers that print their seed. */
#ifndef ORL_TESTS_DISPLAY_TEST_SUPPORT_H
#define ORL_TESTS_DISPLAY_TEST_SUPPORT_H
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct rng {
    uint64_t state;
};

/* ORIEL_SEED repeats a run. */
static inline struct rng rng_new(const char *what, uint64_t fallback)
{
    const char *text = getenv("ORIEL_SEED");
    struct rng rng = {text == NULL ? fallback : strtoull(text, NULL, 0)};
    print_message("%s: ORIEL_SEED=%" PRIu64 "\n", what, rng.state);
    rng.state = rng.state * 2 + 1;
    return rng;
}

/* xorshift64* */
static inline uint32_t rng_u32(struct rng *rng)
{
    rng->state ^= rng->state >> 12;
    rng->state ^= rng->state << 25;
    rng->state ^= rng->state >> 27;
    return (uint32_t)((rng->state * UINT64_C(2685821657736338717)) >> 32);
}

static inline int32_t rng_in(struct rng *rng, int32_t low, int32_t high)
{
    return low + (int32_t)(rng_u32(rng) % (uint32_t)(high - low + 1));
}

#endif
