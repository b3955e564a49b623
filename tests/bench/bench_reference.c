/* oriel-bench-reference SCENE WxH SKIP FRAMES: what others cost on FRAMES frames of that scene after the first
 * SKIP (scenes grow richer): x264 alone on whole frames, FreeRDP's planar codec on whole frames, a memcpy.
 * One JSON object on stdout; CPU time of the process, without the painting. */
#include "display/enc_h264.h"
#include "tests/fakes/scene.h"
#include <freerdp/codec/bitmap.h>
#include <freerdp/codec/color.h>
#include <freerdp/codec/h264.h>
#include <freerdp/codec/planar.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_KBIT_S 100000
#define PLANAR_EVERY 8 /* it takes long, and one frame tells as much as the next */
#define DECODED_FRAMES 60

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct mean {
    double sum;
    unsigned count;
};

static void add(struct mean *mean, double value)
{
    mean->sum += value;
    mean->count++;
}

static double value(const struct mean *mean)
{
    return mean->count > 0 ? mean->sum / mean->count : 0;
}

struct bench {
    struct orl_scene scene;
    struct orl_rect moving; /* where the film is; else all */
    size_t stride_bytes;
    struct orl_h264 *h264;
    H264_CONTEXT *decoder;
    BITMAP_PLANAR_CONTEXT *planar;
    uint8_t *copy, *decoded;
    struct mean x264_ms, x264_bytes, x264_psnr, planar_ms, planar_bytes, memcpy_ms;
};

static struct orl_rect whole(const struct orl_scene *scene)
{
    const struct orl_rect r = {0, 0, (int32_t)scene->width_px, (int32_t)scene->height_px};
    return r;
}

static bool begin(struct bench *b)
{
    struct orl_scene *scene = &b->scene;
    const struct orl_h264_opts opts = {.width_px = scene->width_px,
            .height_px = scene->height_px,
            .colours = ORL_COLOURS_709_FULL,
            .threads = 1,
            .max_kbit_s = BENCH_KBIT_S};
    struct orl_err err = {0};
    b->stride_bytes = (size_t)scene->width_px * 4;
    b->scene.pixels = calloc(scene->height_px, b->stride_bytes);
    b->copy = malloc(b->stride_bytes * scene->height_px);
    b->decoded = calloc(scene->height_px, b->stride_bytes);
    b->decoder = h264_context_new(FALSE);
    b->planar = freerdp_bitmap_planar_context_new(
            PLANAR_FORMAT_HEADER_RLE | PLANAR_FORMAT_HEADER_NA, scene->width_px, scene->height_px);
    return b->scene.pixels != NULL && b->copy != NULL && b->decoded != NULL && b->decoder != NULL &&
           b->planar != NULL && h264_context_reset(b->decoder, scene->width_px, scene->height_px) &&
           orl_h264_new(&opts, &b->h264, &err) == 0;
}

/* Of the three channels together, as 8-bit values, where it moves. */
static double psnr(const struct bench *b)
{
    const struct orl_rect *r = &b->moving;
    uint64_t sum = 0;
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        const size_t at = (size_t)y * b->stride_bytes + (size_t)r->x * 4;
        const uint8_t *source = (const uint8_t *)b->scene.pixels + at;
        for (size_t i = 0; i < (size_t)r->width * 4; i++) {
            const int32_t d = i % 4 == 3 ? 0 : (int32_t)source[i] - b->decoded[at + i];
            sum += (uint64_t)(d * d);
        }
    }
    const double count = (double)r->width * r->height * 3;
    return 10 * log10(255.0 * 255.0 * count / (double)(sum > 0 ? sum : 1));
}

static bool decode(struct bench *b, const struct orl_h264_frame *frame)
{
    const RECTANGLE_16 all = {0, 0, (UINT16)b->scene.width_px, (UINT16)b->scene.height_px};
    return avc420_decompress(b->decoder, frame->data, (UINT32)frame->len, b->decoded,
                   PIXEL_FORMAT_BGRX32, (UINT32)b->stride_bytes, b->scene.width_px,
                   b->scene.height_px, &all, 1) >= 0;
}

/* n 0: the first, a key frame, which nobody sends twice. */
static bool measure_x264(struct bench *b, unsigned n)
{
    const struct orl_rect all = whole(&b->scene);
    const struct orl_region damage = {.count = 1, .rects = {all}};
    struct orl_h264_frame frame = {0};
    struct orl_err err = {0};
    const double begin_ms = cpu_ms();
    if (orl_h264_encode(b->h264, (const uint8_t *)b->scene.pixels, b->stride_bytes, &damage, n == 0,
                &frame, &err) < 0) {
        return false;
    }
    const double end_ms = cpu_ms();
    if (n > 0) {
        add(&b->x264_ms, end_ms - begin_ms);
        add(&b->x264_bytes, (double)frame.len);
    }
    if (n <= DECODED_FRAMES) {
        if (!decode(b, &frame)) {
            return false;
        }
        add(&b->x264_psnr, psnr(b));
    }
    return true;
}

static void measure_memcpy(struct bench *b)
{
    const double begin_ms = cpu_ms();
    memcpy(b->copy, b->scene.pixels, b->stride_bytes * b->scene.height_px);
    add(&b->memcpy_ms, cpu_ms() - begin_ms);
}

static bool measure_planar(struct bench *b)
{
    UINT32 len = 0;
    const double begin_ms = cpu_ms();
    BYTE *data = freerdp_bitmap_compress_planar(b->planar, (const BYTE *)b->scene.pixels,
            PIXEL_FORMAT_BGRX32, b->scene.width_px, b->scene.height_px, (UINT32)b->stride_bytes,
            NULL, &len);
    add(&b->planar_ms, cpu_ms() - begin_ms);
    add(&b->planar_bytes, len);
    free(data);
    return data != NULL;
}

static bool measure(struct bench *b, unsigned skipped, unsigned frames)
{
    bool is_good = true;
    orl_scene_start(&b->scene);
    const bool has_film = b->scene.kind == ORL_SCENE_VIDEO || b->scene.kind == ORL_SCENE_MOTION;
    b->moving = has_film ? orl_scene_film_place(&b->scene) : whole(&b->scene);
    for (unsigned i = 0; i < skipped; i++) {
        (void)orl_scene_step(&b->scene);
    }
    for (unsigned i = 0; i <= frames && is_good; i++) {
        if (i > 0) {
            (void)orl_scene_step(&b->scene);
        }
        is_good = measure_x264(b, i) && (i % PLANAR_EVERY != 0 || measure_planar(b));
        measure_memcpy(b);
    }
    return is_good;
}

static void end(struct bench *b)
{
    orl_h264_free(b->h264);
    h264_context_free(b->decoder);
    freerdp_bitmap_planar_context_free(b->planar);
    free(b->scene.pixels);
    orl_scene_fini(&b->scene);
    free(b->copy);
    free(b->decoded);
}

int main(int argc, char **argv)
{
    struct bench b = {.h264 = NULL};
    struct orl_scene *s = &b.scene;
    unsigned skipped = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    unsigned frames = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (frames == 0 || !orl_scene_parse(argv[1], &s->kind) ||
            sscanf(argv[2], "%ux%u", &s->width_px, &s->height_px) != 2 || s->width_px < 64 ||
            s->width_px > 4096 || s->height_px < 64 || s->height_px > 4096) {
        (void)fprintf(stderr, "oriel-bench-reference SCENE WxH SKIP FRAMES\n");
        return 64;
    }
    const bool is_good = begin(&b) && measure(&b, skipped, frames);
    if (is_good) {
        (void)printf("{\"x264_ms\": %.4f, \"x264_bytes\": %.0f, \"x264_psnr\": %.2f, "
                     "\"planar_ms\": %.4f, \"planar_bytes\": %.0f, \"memcpy_ms\": %.4f, "
                     "\"moving\": [%d, %d, %d, %d]}\n",
                value(&b.x264_ms), value(&b.x264_bytes), value(&b.x264_psnr), value(&b.planar_ms),
                value(&b.planar_bytes), value(&b.memcpy_ms), b.moving.x, b.moving.y, b.moving.width,
                b.moving.height);
    } else {
        (void)fprintf(stderr, "oriel-bench-reference: a codec failed\n");
    }
    end(&b);
    return is_good ? 0 : 1;
}
