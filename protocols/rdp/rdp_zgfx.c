#include "protocols/rdp/rdp_zgfx.h"
#include <stdlib.h>
#include <string.h>

enum {
    WINDOW_BYTES = 256 * 1024, /* how far back matches reach; decoders keep 2 500 000 bytes */
    HISTORY_BYTES = 2 * WINDOW_BYTES,
    HEADS = 32768,
    CHAIN_STEPS = 4,
    MATCH_MIN = 3,
    MATCH_ENOUGH = 128,
    LITERAL_BITS = 9,
    SEGMENT_MAX = 65535,
    SEGMENT_SINGLE = 0xE0,
    SEGMENT_MULTIPART = 0xE1,
    TYPE_RDP8 = 0x04,
    FLAG_COMPRESSED = 0x20,
    PROBE_BYTES = 4096, /* after so many a segment that does not shrink is given up */
};
/* Positions count all bytes of the connection; before they overflow the chains start anew. */
static const uint32_t POSITION_MAX = UINT32_C(0xF0000000);

struct code {
    uint16_t bits;
    uint8_t length;
};

struct orl_zgfx {
    uint8_t history[HISTORY_BYTES];
    uint32_t base;                /* position of history[0] */
    uint32_t end;                 /* position after the last byte */
    uint32_t heads[HEADS];        /* position + 1 of the newest with that hash; 0: none */
    uint32_t older[WINDOW_BYTES]; /* position + 1, by position modulo WINDOW_BYTES */
    struct code literals[256];
};

struct bits {
    uint8_t *at;  /* NULL: no room left */
    uint8_t *end; /* of the room */
    uint64_t held;
    unsigned count; /* held bits; below 8 between calls */
};

struct distance_code {
    uint32_t base;
    uint8_t value_bits;
    struct code prefix;
};
/* 3.1.9.1.2: the classes that a distance up to WINDOW_BYTES needs. */
static const struct distance_code DISTANCES[] = {{0, 5, {0x11, 5}}, {32, 7, {0x12, 5}},
        {160, 9, {0x13, 5}}, {672, 10, {0x14, 5}}, {1696, 12, {0x15, 5}}, {5792, 14, {0x2C, 6}},
        {22176, 15, {0x2D, 6}}, {54944, 18, {0x5C, 7}}};
enum { DISTANCE_CLASSES = sizeof(DISTANCES) / sizeof(DISTANCES[0]) };

/* Literals with a code of their own; the others are 0 and eight bits. */
static const struct {
    uint8_t value;
    struct code code;
} LITERALS[] = {{0x00, {0x18, 5}}, {0x01, {0x19, 5}}, {0x02, {0x34, 6}}, {0x03, {0x35, 6}},
        {0xFF, {0x36, 6}}, {0x04, {0x6E, 7}}, {0x05, {0x6F, 7}}, {0x06, {0x70, 7}},
        {0x07, {0x71, 7}}, {0x08, {0x72, 7}}, {0x09, {0x73, 7}}, {0x0A, {0x74, 7}},
        {0x0B, {0x75, 7}}, {0x3A, {0x76, 7}}, {0x3B, {0x77, 7}}, {0x3C, {0x78, 7}},
        {0x3D, {0x79, 7}}, {0x3E, {0x7A, 7}}, {0x3F, {0x7B, 7}}, {0x40, {0x7C, 7}},
        {0x80, {0x7D, 7}}, {0x0C, {0xFC, 8}}, {0x38, {0xFD, 8}}, {0x39, {0xFE, 8}},
        {0x66, {0xFF, 8}}};

int orl_zgfx_new(struct orl_zgfx **ret_zgfx)
{
    struct orl_zgfx *zgfx = calloc(1, sizeof(*zgfx));
    if (zgfx == NULL) {
        return ORL_E_NOMEM;
    }
    for (unsigned i = 0; i < 256; i++) {
        zgfx->literals[i] = (struct code){(uint16_t)i, LITERAL_BITS};
    }
    for (unsigned i = 0; i < sizeof(LITERALS) / sizeof(LITERALS[0]); i++) {
        zgfx->literals[LITERALS[i].value] = LITERALS[i].code;
    }
    *ret_zgfx = zgfx;
    return 0;
}

void orl_zgfx_free(struct orl_zgfx *zgfx)
{
    free(zgfx);
}

static void put_bits(struct bits *out, uint32_t value, unsigned count)
{
    out->held = out->held << count | value;
    out->count += count;
    while (out->count >= 8) {
        out->count -= 8;
        if (out->at == out->end) {
            out->at = NULL;
            out->end = NULL;
        }
        if (out->at != NULL) {
            *out->at++ = (uint8_t)(out->held >> out->count);
        }
    }
}

static void put_code(struct bits *out, struct code code)
{
    put_bits(out, code.bits, code.length);
}

static const struct distance_code *class_of(uint32_t distance)
{
    unsigned i = DISTANCE_CLASSES - 1;
    while (DISTANCES[i].base > distance) {
        i--;
    }
    return &DISTANCES[i];
}

static unsigned log2_of(uint32_t value)
{
    return 31U - (unsigned)__builtin_clz(value);
}

static unsigned match_bits(uint32_t length, uint32_t distance)
{
    const struct distance_code *class = class_of(distance);
    const unsigned length_bits = length == MATCH_MIN ? 1 : 2 * log2_of(length);
    return class->prefix.length + class->value_bits + length_bits;
}

static void put_match(struct bits *out, uint32_t length, uint32_t distance)
{
    const struct distance_code *class = class_of(distance);
    put_code(out, class->prefix);
    put_bits(out, distance - class->base, class->value_bits);
    if (length == MATCH_MIN) {
        put_bits(out, 0, 1);
        return;
    }
    const unsigned power = log2_of(length); /* power - 1 ones, a zero, the rest of the length */
    put_bits(out, (1U << power) - 2, power);
    put_bits(out, length - (1U << power), power);
}

static void append(struct orl_zgfx *zgfx, const uint8_t *data, uint32_t len)
{
    if (zgfx->end > POSITION_MAX) {
        memset(zgfx->heads, 0, sizeof(zgfx->heads));
        zgfx->end -= zgfx->base;
        zgfx->base = 0;
    }
    const uint32_t used = zgfx->end - zgfx->base;
    if (used + len > HISTORY_BYTES) {
        const uint32_t shift = used - WINDOW_BYTES;
        memmove(zgfx->history, zgfx->history + shift, WINDOW_BYTES);
        zgfx->base += shift;
    }
    memcpy(zgfx->history + (zgfx->end - zgfx->base), data, len);
    zgfx->end += len;
}

static uint32_t *head_of(struct orl_zgfx *zgfx, const uint8_t *at)
{
    const uint32_t three = at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16;
    return &zgfx->heads[(three * UINT32_C(2654435761)) >> 17];
}

static void learn(struct orl_zgfx *zgfx, uint32_t position)
{
    if (zgfx->end - position < MATCH_MIN) {
        return;
    }
    uint32_t *head = head_of(zgfx, zgfx->history + (position - zgfx->base));
    zgfx->older[position % WINDOW_BYTES] = *head;
    *head = position + 1;
}

static uint32_t common_length(const uint8_t *a, const uint8_t *b, uint32_t max)
{
    uint32_t length = 0;
    while (length < max && a[length] == b[length]) {
        length++;
    }
    return length;
}

/* The longest of the newest matches; 0: none. */
static uint32_t find(struct orl_zgfx *zgfx, uint32_t position, uint32_t *ret_distance)
{
    const uint32_t max = zgfx->end - position;
    if (max < MATCH_MIN) {
        return 0;
    }
    const uint8_t *at = zgfx->history + (position - zgfx->base);
    uint32_t best = MATCH_MIN - 1;
    uint32_t next = *head_of(zgfx, at);
    uint32_t last = position;
    for (int i = 0; i < CHAIN_STEPS && next != 0 && best < max; i++) {
        const uint32_t candidate = next - 1;
        if (candidate >= last || position - candidate >= WINDOW_BYTES) {
            break; /* overwritten, or too far */
        }
        const uint8_t *from = zgfx->history + (candidate - zgfx->base);
        if (from[best] == at[best]) {
            const uint32_t length = common_length(from, at, max);
            if (length > best) {
                best = length;
                *ret_distance = position - candidate;
            }
        }
        if (best >= MATCH_ENOUGH) {
            break;
        }
        last = candidate;
        next = zgfx->older[candidate % WINDOW_BYTES];
    }
    return best >= MATCH_MIN ? best : 0;
}

static bool is_worth(
        const struct orl_zgfx *zgfx, uint32_t position, uint32_t length, uint32_t distance)
{
    if (length > MATCH_MIN + 1) {
        return true;
    }
    unsigned literal_bits = 0;
    for (uint32_t i = 0; i < length; i++) {
        literal_bits += zgfx->literals[zgfx->history[position - zgfx->base + i]].length;
    }
    return match_bits(length, distance) < literal_bits;
}

/* Encodes the history's last len bytes. Returns false when they do not shrink. */
static bool encode(struct orl_zgfx *zgfx, struct bits *out, uint32_t len)
{
    const uint32_t begin = zgfx->end - len;
    const uint8_t *first = out->at;
    uint32_t position = begin;
    while (position < zgfx->end && out->at != NULL) {
        uint32_t distance = 0;
        uint32_t length = find(zgfx, position, &distance);
        if (length > 0 && is_worth(zgfx, position, length, distance)) {
            put_match(out, length, distance);
        } else {
            put_code(out, zgfx->literals[zgfx->history[position - zgfx->base]]);
            length = 1;
        }
        for (uint32_t i = 0; i < length; i++) {
            learn(zgfx, position + i);
        }
        position += length;
        if (out->at != NULL && position - begin >= PROBE_BYTES &&
                (size_t)(out->at - first) >= position - begin) {
            return false;
        }
    }
    const unsigned unused = (8 - out->count) % 8;
    put_bits(out, 0, unused);
    put_bits(out, unused, 8); /* 2.2.5.3: the last byte says how many bits are padding */
    return out->at != NULL;
}

static void put_segment(struct orl_zgfx *zgfx, struct orl_buf *out, const uint8_t *data,
        uint32_t len, bool try_hard)
{
    append(zgfx, data, len);
    const size_t begin = out->len;
    if (try_hard && len > MATCH_MIN) {
        orl_buf_put_u8(out, TYPE_RDP8 | FLAG_COMPRESSED);
        uint8_t *at = orl_buf_extend(out, len - 1);
        struct bits bits = {.at = at, .end = at != NULL ? at + len - 1 : NULL};
        if (at != NULL && encode(zgfx, &bits, len)) {
            out->len = (size_t)(bits.at - out->data);
            return;
        }
        out->len = begin;
    }
    orl_buf_put_u8(out, TYPE_RDP8);
    orl_buf_put(out, data, len);
}

static void patch_u32(struct orl_buf *out, size_t at, uint32_t value)
{
    for (unsigned i = 0; i < 4 && !out->is_failed; i++) {
        out->data[at + i] = (uint8_t)(value >> (8 * i));
    }
}

void orl_zgfx_wrap(
        struct orl_zgfx *zgfx, struct orl_buf *out, const uint8_t *data, size_t len, bool try_hard)
{
    if (len <= SEGMENT_MAX) {
        orl_buf_put_u8(out, SEGMENT_SINGLE);
        put_segment(zgfx, out, data, (uint32_t)len, try_hard);
        return;
    }
    const size_t count = (len + SEGMENT_MAX - 1) / SEGMENT_MAX;
    orl_assert(count <= UINT16_MAX);
    orl_buf_put_u8(out, SEGMENT_MULTIPART);
    orl_buf_put_u16le(out, (uint16_t)count);
    orl_buf_put_u32le(out, (uint32_t)len);
    for (size_t at = 0; at < len; at += SEGMENT_MAX) {
        const size_t part = len - at < SEGMENT_MAX ? len - at : SEGMENT_MAX;
        const size_t begin = out->len;
        orl_buf_put_u32le(out, 0);
        put_segment(zgfx, out, data + at, (uint32_t)part, try_hard);
        patch_u32(out, begin, (uint32_t)(out->len - begin - 4));
    }
}
