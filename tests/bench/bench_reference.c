/* oriel-bench-reference SCENE WxH SKIP FRAMES: what x264 alone and a memcpy cost on FRAMES frames of that
 * scene after the first SKIP (scenes grow richer). One JSON object on stdout; CPU time of the process,
 * without the painting. */
#include "display/enc_h264.h"
#include "tests/fakes/scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define BENCH_KBIT_S 100000

static double cpu_ms(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

struct sums {
    double x264_ms, memcpy_ms;
    double bytes;
};

static int measure(
        struct orl_scene *scene, unsigned skipped, unsigned frames, struct sums *ret_sums)
{
    struct orl_h264_opts opts = {.width_px = scene->width_px,
            .height_px = scene->height_px,
            .is_full_range = true,
            .threads = 1,
            .max_kbit_s = BENCH_KBIT_S};
    struct orl_err err = {0};
    struct orl_h264 *h264 = NULL;
    size_t stride = (size_t)scene->width_px * 4;
    uint8_t *copy = malloc(stride * scene->height_px);
    if (copy == NULL || orl_h264_new(&opts, &h264, &err) < 0) {
        (void)fprintf(stderr, "oriel-bench-reference: %s\n", err.text);
        free(copy);
        return -1;
    }
    struct orl_region all = {
            .count = 1, .rects = {{0, 0, (int32_t)scene->width_px, (int32_t)scene->height_px}}};
    int rc = 0;
    for (unsigned i = 0; i < skipped; i++) {
        (void)orl_scene_step(scene);
    }
    for (unsigned i = 0; i <= frames && rc == 0; i++) {
        if (i > 0) {
            (void)orl_scene_step(scene);
        }
        struct orl_h264_frame frame = {0};
        double begin = cpu_ms();
        rc = orl_h264_encode(
                h264, (const uint8_t *)scene->pixels, stride, &all, i == 0, &frame, &err);
        double encoded = cpu_ms();
        memcpy(copy, scene->pixels, stride * scene->height_px);
        double copied = cpu_ms();
        if (i > 0) { /* the first is a key frame, which nobody sends twice */
            ret_sums->x264_ms += encoded - begin;
            ret_sums->memcpy_ms += copied - encoded;
            ret_sums->bytes += (double)frame.len;
        }
    }
    orl_h264_free(h264);
    free(copy);
    return rc;
}

int main(int argc, char **argv)
{
    struct orl_scene scene = {0};
    unsigned skipped = argc == 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    unsigned frames = argc == 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (frames == 0 || !orl_scene_parse(argv[1], &scene.kind) ||
            sscanf(argv[2], "%ux%u", &scene.width_px, &scene.height_px) != 2 ||
            scene.width_px < 64 || scene.width_px > 8192 || scene.height_px < 64 ||
            scene.height_px > 8192) {
        (void)fprintf(stderr, "oriel-bench-reference SCENE WxH SKIP FRAMES\n");
        return 64;
    }
    scene.pixels = calloc((size_t)scene.width_px * scene.height_px, sizeof(uint32_t));
    if (scene.pixels == NULL) {
        return 1;
    }
    orl_scene_start(&scene);
    struct sums sums = {0};
    int rc = measure(&scene, skipped, frames, &sums);
    free(scene.pixels);
    orl_scene_fini(&scene);
    if (rc < 0) {
        return 1;
    }
    (void)printf("{\"x264_ms\": %.4f, \"memcpy_ms\": %.4f, \"x264_bytes\": %.0f}\n",
            sums.x264_ms / frames, sums.memcpy_ms / frames, sums.bytes / frames);
    return 0;
}
