/* oriel-bench-plan SCENE WxH SKIP FRAMES [HOW] [each]: what planner and codecs alone do with FRAMES frames of that
 * scene after the first SKIP, without sockets or another process: CPU time and bytes per frame, how many frames
 * had which operations. HOW: rdp; or RFB to our page (web), to clients with Tight and JPEG (photo), with Tight or
 * ZRLE alone (tight, zrle). `each` prints every frame. */
#include "base/clock.h"
#include "display/planner.h"
#include "protocols/rdp/rdp_gfx_wire.h"
#include "protocols/rdp/rdp_pixels.h"
#include "protocols/rdp/rdp_zgfx.h"
#include "protocols/vnc/rfb_enc.h"
#include "tests/fakes/scene.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define FRAME_US (ORL_US_PER_S / 30)
#define PDUS_MAX_BYTES (64U << 20)
#define KINDS (ORL_OP_PHOTO + 1)

struct how {
    const char *name;
    bool is_rfb, has_h264, has_photo;
    int32_t encodings[4];
};
static const struct how hows[] = {
        {"rdp", false, true, false, {0}},
        {"web", true, true, false,
                {ORL_RFB_COPY_RECT, ORL_RFB_H264, ORL_RFB_TIGHT, ORL_RFB_QUALITY_0 + 6}},
        {"photo", true, false, true,
                {ORL_RFB_COPY_RECT, ORL_RFB_TIGHT, ORL_RFB_QUALITY_0 + 6, ORL_RFB_RAW}},
        {"tight", true, false, false, {ORL_RFB_COPY_RECT, ORL_RFB_TIGHT, ORL_RFB_RAW, ORL_RFB_RAW}},
        {"zrle", true, false, false, {ORL_RFB_COPY_RECT, ORL_RFB_ZRLE, ORL_RFB_RAW, ORL_RFB_RAW}},
};

struct sums {
    double plan_us, code_us;
    size_t bytes;
    unsigned frames[KINDS]; /* that had such an operation */
    double px[KINDS];
};
struct bench {
    struct orl_scene scene;
    struct orl_planner *planner;
    struct orl_rdp_pixels codecs;
    struct orl_zgfx *zgfx;
    const struct how *how;
    struct orl_rfb_enc *enc;
    struct orl_buf pdus, message;
    uint64_t now_us;
};

static double cpu_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void put_op(struct bench *b, const struct orl_update *u, const struct orl_op *op)
{
    const struct orl_rdp_picture picture = {u->pixels, u->stride_bytes};
    struct orl_rect rest = op->rect;
    if (op->kind == ORL_OP_COPY) {
        orl_gfx_put_copy(&b->pdus, 1, 1, &op->rect, op->from_x, op->from_y);
    } else if (op->kind == ORL_OP_FILL) {
        orl_gfx_put_fill(&b->pdus, 1, op->colour, &op->rect);
    } else if (op->kind == ORL_OP_H264) {
        orl_buf_put(&b->pdus, op->data, op->data_len);
    }
    while (op->kind == ORL_OP_LOSSLESS && rest.height > 0) {
        struct orl_rect band = rest;
        band.height = orl_rdp_pixels_rows(&picture, &rest);
        orl_rdp_pixels_put(&b->codecs, &b->pdus, 1, &picture, &band);
        rest.y += band.height;
        rest.height -= band.height;
    }
}

static void count(struct sums *sums, const struct orl_update *u)
{
    bool has[KINDS] = {0};
    for (unsigned i = 0; i < u->op_count; i++) {
        has[u->ops[i].kind] = true;
        sums->px[u->ops[i].kind] += (double)orl_rect_area(&u->ops[i].rect);
    }
    for (unsigned k = 0; k < KINDS; k++) {
        sums->frames[k] += has[k];
    }
}

static int code(struct bench *b, const struct orl_update *update)
{
    orl_buf_reset(&b->pdus);
    orl_buf_reset(&b->message);
    if (b->how->is_rfb) {
        return orl_rfb_enc_update(b->enc, update, &b->message);
    }
    for (unsigned i = 0; i < update->op_count; i++) {
        put_op(b, update, &update->ops[i]);
    }
    orl_zgfx_wrap(b->zgfx, &b->message, b->pdus.data, b->pdus.len, true);
    return 0;
}

/* What there is to send now, planned and coded. */
static int send(struct bench *b, struct sums *sums)
{
    struct orl_update update;
    struct orl_err err = {0};
    const double begin = cpu_us();
    int rc = orl_planner_next(b->planner, (const uint8_t *)b->scene.pixels,
            (size_t)b->scene.width_px * 4, b->now_us, &update, &err);
    const double planned = cpu_us();
    if (rc > 0) {
        rc = code(b, &update) < 0 ? -1 : rc;
        count(sums, &update);
        sums->bytes += b->message.len;
    }
    sums->plan_us += planned - begin;
    sums->code_us += cpu_us() - planned;
    return rc;
}

/* The scene's next frame; refinement that is due comes between two. */
static int step(struct bench *b, struct sums *sums)
{
    const struct orl_rect r = orl_scene_step(&b->scene);
    struct orl_region damage = {.count = 0};
    orl_region_add(&damage, &r);
    b->now_us += FRAME_US / 2;
    orl_planner_damage(b->planner, &damage, b->now_us);
    int rc = send(b, sums);
    b->now_us += FRAME_US - FRAME_US / 2;
    const uint64_t due_us = orl_planner_due_us(b->planner);
    if (rc >= 0 && due_us != 0 && due_us <= b->now_us) {
        rc = send(b, sums);
    }
    return rc;
}

static void show(const char *what, const struct sums *s, unsigned frames)
{
    static const char *const names[] = {"none", "copy", "fill", "lossless", "h264", "photo"};
    (void)printf("%s plan_us=%.0f code_us=%.0f bytes=%.0f", what, s->plan_us / frames,
            s->code_us / frames, (double)s->bytes / frames);
    for (unsigned k = ORL_OP_COPY; k < KINDS; k++) {
        (void)printf(" %s=%u/%.0fpx", names[k], s->frames[k], s->px[k] / frames);
    }
    (void)putchar('\n');
}

static int run(struct bench *b, unsigned skipped, unsigned frames, bool is_each)
{
    struct sums warm_up = {0};
    struct sums all = {0};
    int rc = 0;
    for (unsigned i = 0; i < skipped && rc >= 0; i++) {
        rc = step(b, &warm_up);
    }
    for (unsigned i = 0; i < frames && rc >= 0; i++) {
        const struct sums before = all;
        rc = step(b, &all);
        if (is_each) {
            struct sums one = {.plan_us = all.plan_us - before.plan_us,
                    .code_us = all.code_us - before.code_us,
                    .bytes = all.bytes - before.bytes};
            for (unsigned k = 0; k < KINDS; k++) {
                one.frames[k] = all.frames[k] - before.frames[k];
                one.px[k] = all.px[k] - before.px[k];
            }
            show("frame", &one, 1);
        }
    }
    show("mean", &all, frames);
    return rc;
}

static bool open_bench(struct bench *b)
{
    const struct orl_planner_opts opts = {.width_px = b->scene.width_px,
            .height_px = b->scene.height_px,
            .has_h264 = b->how->has_h264,
            .has_photo = b->how->has_photo,
            .has_copy = true,
            .colours = ORL_COLOURS_709_FULL,
            .threads = 1};
    orl_buf_init(&b->pdus, PDUS_MAX_BYTES);
    orl_buf_init(&b->message, PDUS_MAX_BYTES + PDUS_MAX_BYTES / 1024);
    b->now_us = ORL_US_PER_S;
    if (orl_rfb_enc_new(true, &b->enc) < 0) {
        return false;
    }
    orl_rfb_enc_set_encodings(b->enc, b->how->encodings, 4);
    b->scene.pixels = calloc((size_t)b->scene.width_px * b->scene.height_px, sizeof(uint32_t));
    return b->scene.pixels != NULL && orl_planner_new(&opts, &b->planner, NULL) == 0 &&
           orl_rdp_pixels_init(&b->codecs, true) == 0 && orl_zgfx_new(&b->zgfx) == 0;
}

static void close_bench(struct bench *b)
{
    orl_planner_free(b->planner);
    orl_rdp_pixels_fini(&b->codecs);
    orl_zgfx_free(b->zgfx);
    orl_rfb_enc_free(b->enc);
    orl_buf_fini(&b->pdus);
    orl_buf_fini(&b->message);
    free(b->scene.pixels);
    orl_scene_fini(&b->scene);
}

static const struct how *how_of(const char *name)
{
    for (size_t i = 0; i < sizeof(hows) / sizeof(hows[0]); i++) {
        if (strcmp(hows[i].name, name) == 0) {
            return &hows[i];
        }
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct bench b = {0};
    const bool is_each = argc > 5 && strcmp(argv[argc - 1], "each") == 0;
    b.how = argc - is_each > 5 ? how_of(argv[5]) : &hows[0];
    const unsigned skipped = argc >= 5 ? (unsigned)strtoul(argv[3], NULL, 10) : 0;
    const unsigned frames = argc >= 5 ? (unsigned)strtoul(argv[4], NULL, 10) : 0;
    if (frames == 0 || argc - is_each > 6 || b.how == NULL ||
            !orl_scene_parse(argv[1], &b.scene.kind) ||
            sscanf(argv[2], "%ux%u", &b.scene.width_px, &b.scene.height_px) != 2 ||
            b.scene.width_px < 64 || b.scene.width_px > 8192 || b.scene.height_px < 64 ||
            b.scene.height_px > 8192) {
        (void)fprintf(stderr, "oriel-bench-plan SCENE WxH SKIP FRAMES [HOW] [each]\n");
        return 64;
    }
    int rc = -1;
    if (open_bench(&b)) {
        orl_scene_start(&b.scene);
        rc = run(&b, skipped, frames, is_each);
    }
    close_bench(&b);
    return rc < 0 ? 1 : 0;
}
