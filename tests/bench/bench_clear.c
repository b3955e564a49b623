/* Bytes and CPU of the lossless codecs for text on the graphics channel: planar, ClearCodec as the session chooses
 * it, and both with bulk compression; one thread, one connection per column. */
#include "base/err.h"
#include "protocols/rdp/rdp_gfx_wire.h"
#include "protocols/rdp/rdp_pixels.h"
#include "protocols/rdp/rdp_zgfx.h"
#include "tests/rdp/text_picture.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct scene {
    const char *name;
    uint32_t width_px, height_px;
    unsigned rounds;
    void (*paint)(struct text_picture *picture, unsigned round); /* the next picture to send */
};
struct way {
    const char *name;
    bool has_clear, has_zgfx;
};
struct result {
    double first_bytes, bytes, us; /* of one message; the last two: mean of the others */
};

static double cpu_us(void)
{
    struct timespec now;
    orl_assert(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
    return (double)now.tv_sec * 1e6 + (double)now.tv_nsec / 1e3;
}

static void paint_glyph(struct text_picture *picture, unsigned round)
{
    (void)round;
    /* Letters come as often as squares of a die say: a few of them most of the time. */
    const uint32_t roll = text_picture_random(picture, 10);
    text_picture_glyph(
            picture, 0, 0, 'a' + roll * roll / 4 + text_picture_random(picture, 6), 0, 0xFFFFFF);
}

static void paint_page(struct text_picture *picture, unsigned round)
{
    (void)round;
    text_picture_page(picture, 0, 0xFFFFFF);
}

static void paint_panels(struct text_picture *picture, unsigned round)
{
    (void)round;
    text_picture_panels(picture);
}

/* Two pages in turn, as when one window covers another and gives it free. */
static void paint_flip(struct text_picture *picture, unsigned round)
{
    picture->state = 1 + round % 2;
    text_picture_page(picture, 0, 0xFFFFFF);
}

static void paint_photo(struct text_picture *picture, unsigned round)
{
    (void)round;
    text_picture_photo(picture);
}

static void encode(struct orl_rdp_pixels *pixels, struct orl_buf *pdus,
        const struct text_picture *picture, uint32_t frame)
{
    const struct orl_rdp_picture from = {
            (const uint8_t *)picture->pixels, (size_t)picture->width_px * 4};
    struct orl_rect rest = {0, 0, (int32_t)picture->width_px, (int32_t)picture->height_px};
    orl_gfx_put_start(pdus, frame);
    while (rest.height > 0) {
        struct orl_rect band = rest;
        band.height = orl_rdp_pixels_rows(&from, &rest);
        orl_rdp_pixels_put(pixels, pdus, 1, &from, &band);
        rest.y += band.height;
        rest.height -= band.height;
    }
    orl_gfx_put_end(pdus, frame);
}

static struct result measure(const struct scene *scene, const struct way *way)
{
    struct orl_rdp_pixels pixels;
    struct orl_zgfx *zgfx = NULL;
    struct text_picture picture;
    struct orl_buf pdus;
    struct orl_buf message;
    struct result result = {0};
    orl_assert(orl_rdp_pixels_init(&pixels, way->has_clear) == 0 && orl_zgfx_new(&zgfx) == 0);
    orl_buf_init(&pdus, 64 * 1024 * 1024);
    orl_buf_init(&message, 64 * 1024 * 1024);
    text_picture_init(&picture, scene->width_px, scene->height_px, 99);
    for (unsigned i = 0; i < scene->rounds; i++) {
        scene->paint(&picture, i);
        orl_buf_reset(&pdus);
        orl_buf_reset(&message);
        const double begin = cpu_us();
        encode(&pixels, &pdus, &picture, i);
        if (way->has_zgfx) {
            orl_zgfx_wrap(zgfx, &message, pdus.data, pdus.len, true);
        } else {
            orl_gfx_wrap(&message, pdus.data, pdus.len);
        }
        const double us = cpu_us() - begin;
        if (i == 0) {
            result.first_bytes = (double)message.len;
        } else {
            result.bytes += (double)message.len / (scene->rounds - 1);
            result.us += us / (scene->rounds - 1);
        }
    }
    text_picture_fini(&picture);
    orl_buf_fini(&message);
    orl_buf_fini(&pdus);
    orl_zgfx_free(zgfx);
    orl_rdp_pixels_fini(&pixels);
    return result;
}

int main(void)
{
    static const struct scene scenes[] = {{"glyph 8x16", 8, 16, 400, paint_glyph},
            {"cell 64x32", 64, 32, 200, paint_page}, {"line 1200x18", 1200, 18, 200, paint_page},
            {"page 1920x1080", 1920, 1080, 6, paint_page},
            {"windows 1280x720", 1280, 720, 10, paint_panels},
            {"flip 640x384", 640, 384, 40, paint_flip},
            {"photo 200x150", 200, 150, 10, paint_photo}};
    static const struct way ways[] = {{"planar", false, false}, {"clear", true, false},
            {"planar+zgfx", false, true}, {"clear+zgfx", true, true}};
    (void)printf("bytes of a frame's message: the first, then the mean of the others; us of thread "
                 "CPU\n");
    (void)printf("%-18s", "");
    for (unsigned k = 0; k < 4; k++) {
        (void)printf("| %-25s ", ways[k].name);
    }
    (void)printf("\n");
    for (unsigned i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
        (void)printf("%-18s", scenes[i].name);
        for (unsigned k = 0; k < 4; k++) {
            const struct result result = measure(&scenes[i], &ways[k]);
            (void)printf("| %8.0f %8.0f %7.1f ", result.first_bytes, result.bytes, result.us);
            (void)fflush(stdout);
        }
        (void)printf("\n");
    }
    return 0;
}
