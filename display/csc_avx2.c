/* The rows of csc.c, 16 pixels at a time; compiled with -mavx2, called only where the processor has it. */
#include "display/csc_priv.h"
#include <immintrin.h>
#include <stddef.h>
#include <string.h>

struct weights {
    __m256i y, u, v, y_bias, uv_bias;
};

static __m256i spread(const int16_t w[4])
{
    int64_t four;
    memcpy(&four, w, sizeof(four));
    return _mm256_set1_epi64x(four);
}

static __m256i load8(const uint8_t *src)
{
    return _mm256_loadu_si256((const __m256i_u *)src);
}

/* Luma of 8 pixels as 32-bit numbers, in order: hadd undoes what unpack does within each lane. */
static __m256i luma8(const struct weights *w, __m256i lo, __m256i hi)
{
    __m256i sum = _mm256_hadd_epi32(_mm256_madd_epi16(lo, w->y), _mm256_madd_epi16(hi, w->y));
    return _mm256_srai_epi32(_mm256_add_epi32(sum, w->y_bias), ORL_CSC_BITS);
}

/* U and V of 4 blocks: u0 u1 v0 v1 | u2 u3 v2 v3, from the sums of both rows. */
static __m256i chroma4(const struct weights *w, __m256i lo, __m256i hi)
{
    __m256i blocks = _mm256_add_epi16(_mm256_unpacklo_epi64(lo, hi), _mm256_unpackhi_epi64(lo, hi));
    __m256i sum =
            _mm256_hadd_epi32(_mm256_madd_epi16(blocks, w->u), _mm256_madd_epi16(blocks, w->v));
    return _mm256_srai_epi32(_mm256_add_epi32(sum, w->uv_bias), ORL_CSC_BITS + 2);
}

static void store_luma16(uint8_t *dst, __m256i first, __m256i second)
{
    __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(first, second), 0xD8);
    __m256i bytes = _mm256_permute4x64_epi64(_mm256_packus_epi16(words, words), 0xD8);
    _mm_storeu_si128((__m128i_u *)dst, _mm256_castsi256_si128(bytes));
}

static void store_chroma8(uint8_t *u, uint8_t *v, __m256i first, __m256i second)
{
    const __m256i order = _mm256_setr_epi32(0, 4, 2, 6, 1, 5, 3, 7);
    __m256i words = _mm256_permutevar8x32_epi32(_mm256_packs_epi32(first, second), order);
    __m256i bytes = _mm256_packus_epi16(words, words);
    _mm_storel_epi64((__m128i_u *)u, _mm256_castsi256_si128(bytes));
    _mm_storel_epi64((__m128i_u *)v, _mm256_extracti128_si256(bytes, 1));
}

static void convert16(const struct weights *w, const struct orl_csc_rows *rows, size_t block)
{
    const __m256i zero = _mm256_setzero_si256();
    __m256i chroma[2];
    __m256i luma[2][2];
    for (size_t half = 0; half < 2; half++) {
        __m256i lo[2];
        __m256i hi[2];
        for (size_t row = 0; row < 2; row++) {
            __m256i px = load8(rows->src[row] + (block * 2 + half * 8) * 4);
            lo[row] = _mm256_unpacklo_epi8(px, zero);
            hi[row] = _mm256_unpackhi_epi8(px, zero);
            luma[row][half] = luma8(w, lo[row], hi[row]);
        }
        chroma[half] = chroma4(w, _mm256_add_epi16(lo[0], lo[1]), _mm256_add_epi16(hi[0], hi[1]));
    }
    store_luma16(rows->y[0] + block * 2, luma[0][0], luma[0][1]);
    store_luma16(rows->y[1] + block * 2, luma[1][0], luma[1][1]);
    store_chroma8(rows->u + block, rows->v + block, chroma[0], chroma[1]);
}

void orl_csc_rows_avx2(const struct orl_csc_matrix *m, const struct orl_csc_rows *rows)
{
    const struct weights w = {
            .y = spread(m->y),
            .u = spread(m->u),
            .v = spread(m->v),
            .y_bias = _mm256_set1_epi32(m->y_bias),
            .uv_bias = _mm256_set1_epi32(m->uv_bias),
    };
    unsigned block = 0;
    for (; block + 8 <= rows->blocks; block += 8) {
        convert16(&w, rows, block);
    }
    struct orl_csc_rows rest = *rows;
    for (unsigned i = 0; i < 2; i++) {
        rest.src[i] += (size_t)block * 8;
        rest.y[i] += (size_t)block * 2;
    }
    rest.u += block;
    rest.v += block;
    rest.blocks = rows->blocks - block;
    orl_csc_rows_portable(m, &rest);
}
