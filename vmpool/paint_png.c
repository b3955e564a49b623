/* PNG (W3C, second edition) as QEMU writes it: 8 bits a colour, RGB or RGBA, not interlaced. Chunk
 * checksums are not looked at: zlib's is over all that counts. */
#include "base/rd.h"
#include "vmpool/paint_priv.h"
#include <stdlib.h>
#include <string.h>
#define ZLIB_CONST /* next_in is const */
#include <zlib.h>

enum {
    SIGNATURE_LEN = 8,
    CHUNK_HEAD_LEN = 8,
    CHUNK_CRC_LEN = 4,
    IHDR_LEN = 13,
    CHUNK_MAX = 64 * 1024 * 1024,
    COLOUR_RGB = 2,
    COLOUR_RGBA = 6,
    SMALL_MAX = 16,
};
#define TYPE(a, b, c, d)                                                                           \
    ((uint32_t)(a) << 24 | (uint32_t)(b) << 16 | (uint32_t)(c) << 8 | (uint32_t)(d))

enum stage { SIGNATURE = 0, CHUNK_HEAD, IHDR, IDAT, SKIP };

struct orl_paint_png {
    enum stage stage;
    uint8_t small[SMALL_MAX]; /* collects what a stage needs as a whole */
    size_t small_len;
    uint32_t left; /* of the chunk; with SKIP its checksum is counted in */
    z_stream z;
    bool has_z;
    size_t pixel_bytes;
    size_t row_len; /* with the filter's byte in front */
    uint8_t *row;   /* being filled; owns both rows */
    uint8_t *above; /* unfiltered; zeroes above the first */
    size_t row_at;
    uint8_t *rows;
};

struct orl_paint_png *orl_paint_png_new(void)
{
    return calloc(1, sizeof(struct orl_paint_png));
}

void orl_paint_png_free(struct orl_paint_png *png)
{
    if (!png) {
        return;
    }
    if (png->has_z) {
        (void)inflateEnd(&png->z);
    }
    free(png->rows);
    free(png);
}

static int read_ihdr(struct orl_paint_png *png, struct orl_paint_count *count)
{
    struct orl_rd rd;
    orl_rd_init(&rd, png->small, IHDR_LEN);
    uint32_t width = orl_rd_u32be(&rd);
    uint32_t height = orl_rd_u32be(&rd);
    uint8_t depth = orl_rd_u8(&rd);
    uint8_t colour = orl_rd_u8(&rd);
    orl_rd_skip(&rd, 2);
    bool is_interlaced = orl_rd_u8(&rd) != 0;
    if (depth != 8 || (colour != COLOUR_RGB && colour != COLOUR_RGBA) || is_interlaced) {
        return ORL_E_PROTO;
    }
    int r = orl_paint_set_size(count, width, height);
    if (r < 0) {
        return r;
    }
    png->pixel_bytes = colour == COLOUR_RGB ? 3 : 4;
    png->row_len = 1 + width * png->pixel_bytes;
    png->rows = calloc(2, png->row_len);
    if (!png->rows || inflateInit(&png->z) != Z_OK) {
        return ORL_E_NOMEM;
    }
    png->has_z = true;
    png->row = png->rows;
    png->above = png->rows + png->row_len;
    return 0;
}

/* 9.4: the one of the three that is nearest to their sum. */
static uint8_t paeth(uint8_t left, uint8_t up, uint8_t corner)
{
    int p = left + up - corner;
    int from_left = abs(p - left);
    int from_up = abs(p - up);
    int from_corner = abs(p - corner);
    if (from_left <= from_up && from_left <= from_corner) {
        return left;
    }
    return from_up <= from_corner ? up : corner;
}

/* 9.2, in place: row[0] names the filter. */
static int unfilter(struct orl_paint_png *png)
{
    uint8_t filter = png->row[0];
    if (filter > 4) {
        return ORL_E_PROTO;
    }
    for (size_t i = 1; i < png->row_len && filter > 0; i++) {
        bool is_first = i <= png->pixel_bytes;
        uint8_t left = is_first ? 0 : png->row[i - png->pixel_bytes];
        uint8_t corner = is_first ? 0 : png->above[i - png->pixel_bytes];
        uint8_t up = png->above[i];
        int guess = filter == 1   ? left
                    : filter == 2 ? up
                    : filter == 3 ? (left + up) / 2
                                  : paeth(left, up, corner);
        png->row[i] = (uint8_t)(png->row[i] + guess);
    }
    return 0;
}

static int end_row(struct orl_paint_png *png, struct orl_paint_count *count)
{
    int r = unfilter(png);
    if (r < 0) {
        return r;
    }
    orl_paint_add(count, png->row + 1, (png->row_len - 1) / png->pixel_bytes, png->pixel_bytes);
    uint8_t *row = png->row;
    png->row = png->above;
    png->above = row;
    png->row_at = 0;
    return 0;
}

static int feed_idat(
        struct orl_paint_png *png, struct orl_paint_count *count, const uint8_t *data, size_t len)
{
    png->z.next_in = data;
    png->z.avail_in = (uInt)len;
    while (count->pixels < count->total) {
        png->z.next_out = png->row + png->row_at;
        png->z.avail_out = (uInt)(png->row_len - png->row_at);
        int z = inflate(&png->z, Z_NO_FLUSH);
        png->row_at = png->row_len - png->z.avail_out;
        if (png->row_at == png->row_len) {
            int r = end_row(png, count);
            if (r < 0) {
                return r;
            }
        } else if (z == Z_BUF_ERROR || (z == Z_OK && png->z.avail_in == 0)) {
            return 0; /* wants more */
        }
        if (z != Z_OK && z != Z_BUF_ERROR && count->pixels < count->total) {
            return ORL_E_PROTO; /* a fault, or an end before the last row */
        }
    }
    return 0;
}

static int begin_chunk(struct orl_paint_png *png, const struct orl_paint_count *count)
{
    struct orl_rd rd;
    orl_rd_init(&rd, png->small, CHUNK_HEAD_LEN);
    uint32_t len = orl_rd_u32be(&rd);
    uint32_t type = orl_rd_u32be(&rd);
    bool has_size = count->total > 0;
    if (len > CHUNK_MAX || has_size != (type != TYPE('I', 'H', 'D', 'R')) ||
            (!has_size && len != IHDR_LEN) || type == TYPE('I', 'E', 'N', 'D')) {
        return ORL_E_PROTO;
    }
    png->stage = !has_size ? IHDR : type == TYPE('I', 'D', 'A', 'T') ? IDAT : SKIP;
    png->left = png->stage == SKIP ? len + CHUNK_CRC_LEN : len;
    return 0;
}

/* small[] holds all that the stage needs. */
static int end_small(struct orl_paint_png *png, struct orl_paint_count *count)
{
    static const uint8_t signature[SIGNATURE_LEN] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
    png->small_len = 0;
    if (png->stage == SIGNATURE) {
        png->stage = CHUNK_HEAD;
        return memcmp(png->small, signature, sizeof signature) == 0 ? 0 : ORL_E_PROTO;
    }
    if (png->stage == CHUNK_HEAD) {
        return begin_chunk(png, count);
    }
    png->stage = SKIP;
    png->left = CHUNK_CRC_LEN;
    return read_ihdr(png, count);
}

int orl_paint_png_feed(
        struct orl_paint_png *png, struct orl_paint_count *count, const uint8_t *data, size_t len)
{
    int r = 0;
    while (r == 0 && len > 0 && (count->total == 0 || count->pixels < count->total)) {
        if (png->stage == IDAT || png->stage == SKIP) {
            size_t part = len < png->left ? len : png->left;
            r = png->stage == IDAT ? feed_idat(png, count, data, part) : 0;
            data += part;
            len -= part;
            png->left -= (uint32_t)part;
            if (png->left == 0) {
                png->left = CHUNK_CRC_LEN;
                png->stage = png->stage == IDAT ? SKIP : CHUNK_HEAD;
            }
            continue;
        }
        size_t need = png->stage == IHDR ? IHDR_LEN : SIGNATURE_LEN; /* a chunk's head is as long */
        png->small[png->small_len++] = *data++;
        len--;
        r = png->small_len == need ? end_small(png, count) : 0;
    }
    return r;
}
