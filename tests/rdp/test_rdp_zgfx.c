/* Held to FreeRDP's decompressor: every message comes out as it went in, whatever came before. */
#include "protocols/rdp/rdp_zgfx.h"
#include "text_picture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <freerdp/codec/zgfx.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_BYTES = 400000 };

struct pair {
    struct orl_zgfx *zgfx;
    ZGFX_CONTEXT *decoder;
    struct orl_buf out;
    uint8_t *data;
    struct text_picture dice;
    size_t bytes_in, bytes_out;
};

static void pair_init(struct pair *pair, uint64_t seed)
{
    *pair = (struct pair){0};
    assert_int_equal(orl_zgfx_new(&pair->zgfx), 0);
    pair->decoder = zgfx_context_new(FALSE);
    assert_non_null(pair->decoder);
    orl_buf_init(&pair->out, 2 * MAX_BYTES);
    pair->data = malloc(MAX_BYTES);
    assert_non_null(pair->data);
    text_picture_init(&pair->dice, 1, 1, seed);
}

static void pair_fini(struct pair *pair)
{
    orl_zgfx_free(pair->zgfx);
    zgfx_context_free(pair->decoder);
    orl_buf_fini(&pair->out);
    free(pair->data);
    text_picture_fini(&pair->dice);
}

static size_t pass(struct pair *pair, const uint8_t *data, size_t len, bool try_hard)
{
    orl_buf_reset(&pair->out);
    orl_zgfx_wrap(pair->zgfx, &pair->out, data, len, try_hard);
    assert_false(pair->out.is_failed);
    BYTE *got = NULL;
    UINT32 got_len = 0;
    assert_true(zgfx_decompress(pair->decoder, pair->out.data, (UINT32)pair->out.len, &got,
                        &got_len, 0) >= 0);
    assert_int_equal(got_len, len);
    assert_memory_equal(got, data, len);
    free(got);
    /* Never more than the segments' heads on top. */
    assert_true(pair->out.len <= len + 7 + 5 * (len / 65535 + 1));
    pair->bytes_in += len;
    pair->bytes_out += pair->out.len;
    return pair->out.len;
}

static uint32_t roll(struct pair *pair, uint32_t below)
{
    return text_picture_random(&pair->dice, below);
}

static void fill(struct pair *pair, size_t len)
{
    static const char *const words[] = {"screen ", "the ", "of ", "pixel", "\n", "    ", "0x00FF ",
            "return ", "desktop ", "oriel"};
    const uint32_t kind = roll(pair, 5);
    size_t at = 0;
    while (at < len) {
        uint8_t piece[256];
        size_t size = 1 + roll(pair, sizeof(piece));
        if (kind == 0) {
            for (size_t i = 0; i < size; i++) {
                piece[i] = (uint8_t)roll(pair, 256);
            }
        } else if (kind == 1) {
            memset(piece, (int)roll(pair, 3), size);
        } else if (kind == 2 && at > 300) {
            memcpy(piece, pair->data + roll(pair, (uint32_t)at - 256), size);
        } else {
            const char *word = words[roll(pair, 10)];
            size = strlen(word);
            memcpy(piece, word, size);
        }
        size = size < len - at ? size : len - at;
        memcpy(pair->data + at, piece, size);
        at += size;
    }
}

static void every_byte_and_short_message_survives(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 1);
    for (unsigned i = 0; i < 256; i++) {
        pair.data[i] = (uint8_t)i;
    }
    pass(&pair, pair.data, 256, true);
    for (size_t len = 1; len < 300; len++) {
        memset(pair.data, (int)len & 0xFF, len);
        pass(&pair, pair.data, len, true);
        fill(&pair, len);
        pass(&pair, pair.data, len, true);
    }
    pair_fini(&pair);
}

static void long_sequences_survive_across_the_window(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 2);
    for (unsigned i = 0; i < 1500; i++) { /* 2 500 000 bytes of the decoder's history go round */
        const size_t len = 1 + roll(&pair, i % 50 == 0 ? MAX_BYTES : 6000);
        fill(&pair, len);
        pass(&pair, pair.data, len, roll(&pair, 4) != 0);
    }
    assert_true(pair.bytes_in > 8000000);
    pair_fini(&pair);
}

static void far_matches_survive(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 3);
    uint8_t mark[64];
    for (unsigned i = 0; i < sizeof(mark); i++) {
        mark[i] = (uint8_t)roll(&pair, 256);
    }
    for (uint32_t gap = 1; gap < 300000; gap = gap * 5 / 4 + 1) {
        pass(&pair, mark, sizeof(mark), true);
        for (uint32_t i = 0; i < gap; i++) {
            pair.data[i] = (uint8_t)roll(&pair, 256);
        }
        pass(&pair, pair.data, gap, true);
        const size_t len = pass(&pair, mark, sizeof(mark), true);
        if (gap < 260000) {
            assert_true(len < 16);
        }
    }
    pair_fini(&pair);
}

static void segments_of_all_sizes_survive(void **state)
{
    (void)state;
    static const size_t sizes[] = {
            65534, 65535, 65536, 65537, 131070, 131071, 262143, 262144, 262145};
    struct pair pair;
    pair_init(&pair, 4);
    for (unsigned i = 0; i < 3 * sizeof(sizes) / sizeof(sizes[0]); i++) {
        const size_t len = sizes[i % (sizeof(sizes) / sizeof(sizes[0]))];
        fill(&pair, len);
        pass(&pair, pair.data, len, true);
    }
    memset(pair.data, 7, 131072); /* one match as long as a segment */
    assert_true(pass(&pair, pair.data, 131072, true) < 100);
    pair_fini(&pair);
}

static void text_shrinks_and_noise_is_stored(void **state)
{
    (void)state;
    struct pair pair;
    pair_init(&pair, 5);
    size_t len = 0;
    while (len < 20000) {
        len += (size_t)snprintf(
                (char *)pair.data + len, 64, "line %zu: return value of it;\n", len);
    }
    assert_true(pass(&pair, pair.data, len, true) < len / 3);
    assert_true(pass(&pair, pair.data, len, false) > len);
    for (size_t i = 0; i < 20000; i++) {
        pair.data[i] = (uint8_t)roll(&pair, 256);
    }
    assert_int_equal(pass(&pair, pair.data, 20000, true), 20002);
    pair_fini(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_byte_and_short_message_survives),
            cmocka_unit_test(long_sequences_survive_across_the_window),
            cmocka_unit_test(far_matches_survive),
            cmocka_unit_test(segments_of_all_sizes_survive),
            cmocka_unit_test(text_shrinks_and_noise_is_stored),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
