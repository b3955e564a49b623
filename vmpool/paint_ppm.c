/* PPM, "P6 WIDTH HEIGHT 255" and three bytes a pixel; netpbm's ppm(5). */
#include "vmpool/paint_priv.h"
#include <string.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* The next number of a header that ends with NUL; 0: there is none in range. Comments are not for us:
 * QEMU writes none. */
static uint32_t next_number(const char **at)
{
    uint32_t value = 0;
    while (is_space(**at)) {
        (*at)++;
    }
    for (unsigned digits = 0; **at >= '0' && **at <= '9'; (*at)++) {
        if (++digits > 5) {
            return 0;
        }
        value = value * 10 + (uint32_t)(**at - '0');
    }
    return is_space(**at) ? value : 0;
}

/* The header ends with the single space after its third number. */
static bool is_whole(const struct orl_paint_ppm *ppm)
{
    unsigned words = 0;
    for (size_t i = 1; i < ppm->head_len; i++) {
        words += is_space(ppm->head[i]) && !is_space(ppm->head[i - 1]);
    }
    return words == 4;
}

static int read_head(struct orl_paint_ppm *ppm, struct orl_paint_count *count)
{
    const char *at = ppm->head + 2;
    uint32_t width = next_number(&at);
    uint32_t height = next_number(&at);
    uint32_t highest = next_number(&at);
    return highest == UINT8_MAX ? orl_paint_set_size(count, width, height) : ORL_E_PROTO;
}

static int feed_head(
        struct orl_paint_ppm *ppm, struct orl_paint_count *count, const uint8_t *data, size_t len)
{
    size_t used = 0;
    while (used < len && !is_whole(ppm)) {
        ppm->head[ppm->head_len++] = (char)data[used++];
        if (ppm->head_len == sizeof ppm->head - 1 ||
                (ppm->head_len == 3 &&
                        (memcmp(ppm->head, "P6", 2) != 0 || !is_space(ppm->head[2])))) {
            return ORL_E_PROTO;
        }
    }
    int r = is_whole(ppm) ? read_head(ppm, count) : 0;
    return r < 0 ? r : (int)used; /* at most sizeof head */
}

int orl_paint_ppm_feed(
        struct orl_paint_ppm *ppm, struct orl_paint_count *count, const uint8_t *data, size_t len)
{
    if (count->total == 0) {
        int used = feed_head(ppm, count, data, len);
        if (used < 0) {
            return used;
        }
        data += used;
        len -= (size_t)used;
    }
    while (len > 0 && ppm->pixel_len > 0 && count->pixels < count->total) {
        ppm->pixel[ppm->pixel_len++] = *data++;
        len--;
        if (ppm->pixel_len == sizeof ppm->pixel) {
            orl_paint_add(count, ppm->pixel, 1, sizeof ppm->pixel);
            ppm->pixel_len = 0;
        }
    }
    uint64_t left = count->total - count->pixels;
    size_t whole = len / sizeof ppm->pixel;
    whole = whole < left ? whole : (size_t)left;
    orl_paint_add(count, data, whole, sizeof ppm->pixel);
    len -= whole * sizeof ppm->pixel;
    if (len > 0 && count->pixels < count->total) {
        memcpy(ppm->pixel, data + whole * sizeof ppm->pixel, len); /* fewer than a pixel has */
        ppm->pixel_len = len;
    }
    return 0;
}
