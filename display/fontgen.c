/* Build tool: a PSF font (version 1 or 2, with its Unicode table) on stdin becomes C on stdout.
 *     gzip -dc FONT.psf.gz | oriel-fontgen SYMBOL > SYMBOL.c
 * Format: kbd's psf.h; PSF1 tables are UTF-16LE ended by FFFF, PSF2 tables UTF-8 ended by FF. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define FILE_MAX (1024 * 1024)
#define MAP_MAX 8192

struct entry {
    uint32_t codepoint;
    uint32_t glyph;
};
struct psf {
    const uint8_t *data;
    size_t len;
    bool is_v2;
    uint32_t width, height, glyph_bytes, glyph_count;
    size_t glyphs_at, table_at;
    struct entry map[MAP_MAX];
    size_t map_count;
};

static uint32_t u32_at(const uint8_t *p)
{
    return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool read_header(struct psf *psf)
{
    const uint8_t *d = psf->data;
    if (psf->len >= 32 && u32_at(d) == 0x864AB572) {
        psf->is_v2 = true;
        psf->glyphs_at = u32_at(d + 8);
        psf->glyph_count = u32_at(d + 16);
        psf->glyph_bytes = u32_at(d + 20);
        psf->height = u32_at(d + 24);
        psf->width = u32_at(d + 28);
    } else if (psf->len >= 4 && d[0] == 0x36 && d[1] == 0x04) {
        psf->glyphs_at = 4;
        psf->glyph_count = (d[2] & 1) != 0 ? 512 : 256;
        psf->glyph_bytes = d[3];
        psf->height = d[3];
        psf->width = 8;
    } else {
        return false;
    }
    if (psf->width < 1 || psf->width > 64 || psf->height < 1 || psf->height > 64 ||
            psf->glyph_count < 1 || psf->glyph_count > 512 ||
            psf->glyph_bytes != psf->height * ((psf->width + 7) / 8)) {
        return false;
    }
    psf->table_at = psf->glyphs_at + (size_t)psf->glyph_count * psf->glyph_bytes;
    return psf->glyphs_at < psf->len && psf->table_at < psf->len;
}

static void add(struct psf *psf, uint32_t codepoint, uint32_t glyph)
{
    for (size_t i = 0; i < psf->map_count; i++) {
        if (psf->map[i].codepoint == codepoint) {
            return;
        }
    }
    if (psf->map_count < MAP_MAX) {
        psf->map[psf->map_count++] = (struct entry){codepoint, glyph};
    }
}

/* One character of a PSF2 table; the files are ours, so only the length is checked. */
static size_t utf8_at(const uint8_t *p, size_t left, uint32_t *ret_codepoint)
{
    static const uint8_t masks[] = {0, 0x7F, 0x1F, 0x0F, 0x07};
    size_t len = p[0] < 0x80 ? 1 : p[0] < 0xE0 ? 2 : p[0] < 0xF0 ? 3 : 4;
    if (len > left) {
        return 0;
    }
    *ret_codepoint = p[0] & masks[len];
    for (size_t i = 1; i < len; i++) {
        *ret_codepoint = *ret_codepoint << 6 | (p[i] & 0x3F);
    }
    return len;
}

static void read_table_v1(struct psf *psf)
{
    bool is_sequence = false;
    uint32_t glyph = 0;
    for (size_t at = psf->table_at; at + 2 <= psf->len && glyph < psf->glyph_count; at += 2) {
        uint32_t v = (uint32_t)psf->data[at] | (uint32_t)psf->data[at + 1] << 8;
        if (v == 0xFFFF) {
            glyph++;
            is_sequence = false;
        } else if (v == 0xFFFE) {
            is_sequence = true;
        } else if (!is_sequence) {
            add(psf, v, glyph);
        }
    }
}

static void read_table_v2(struct psf *psf)
{
    bool is_sequence = false;
    uint32_t glyph = 0;
    size_t at = psf->table_at;
    while (at < psf->len && glyph < psf->glyph_count) {
        uint32_t codepoint = 0;
        if (psf->data[at] == 0xFF) {
            glyph++;
            is_sequence = false;
            at++;
        } else if (psf->data[at] == 0xFE) {
            is_sequence = true;
            at++;
        } else {
            size_t len = utf8_at(psf->data + at, psf->len - at, &codepoint);
            if (len == 0) {
                return;
            }
            if (!is_sequence) {
                add(psf, codepoint, glyph);
            }
            at += len;
        }
    }
}

static int by_codepoint(const void *a, const void *b)
{
    uint32_t x = ((const struct entry *)a)->codepoint;
    uint32_t y = ((const struct entry *)b)->codepoint;
    return (x > y) - (x < y);
}

static void write_c(const struct psf *psf, const char *symbol)
{
    printf("/* Made by fontgen from a font of console-setup (Terminus, SIL OFL 1.1). */\n"
           "#include \"display/font.h\"\n\nstatic const uint8_t glyphs[] = {");
    for (size_t i = psf->glyphs_at; i < psf->table_at; i++) {
        printf("%s%u,", (i - psf->glyphs_at) % 24 == 0 ? "\n" : "", psf->data[i]);
    }
    printf("\n};\nstatic const struct orl_font_map map[] = {");
    for (size_t i = 0; i < psf->map_count; i++) {
        printf("%s{%u,%u},", i % 8 == 0 ? "\n" : "", psf->map[i].codepoint, psf->map[i].glyph);
    }
    printf("\n};\nconst struct orl_font %s = {%u, %u, %u, glyphs, map, %zu};\n", symbol, psf->width,
            psf->height, (psf->width + 7) / 8, psf->map_count);
}

int main(int argc, char **argv)
{
    static uint8_t data[FILE_MAX];
    static struct psf psf;
    if (argc != 2) {
        fprintf(stderr, "usage: oriel-fontgen SYMBOL < FONT.psf > FONT.c\n");
        return 64;
    }
    psf.data = data;
    psf.len = fread(data, 1, sizeof(data), stdin);
    if (!read_header(&psf)) {
        fprintf(stderr, "oriel-fontgen: not a PSF font that we know\n");
        return 1;
    }
    if (psf.is_v2) {
        read_table_v2(&psf);
    } else {
        read_table_v1(&psf);
    }
    if (psf.map_count < 128) {
        fprintf(stderr, "oriel-fontgen: the font has no Unicode table\n");
        return 1;
    }
    qsort(psf.map, psf.map_count, sizeof(psf.map[0]), by_codepoint);
    write_c(&psf, argv[1]);
    return fflush(stdout) == 0 ? 0 : 1;
}
