/* Moving pictures, the same on every run: what the fake desktop shows and what the benchmarks encode. */
#ifndef ORL_TESTS_FAKES_SCENE_H
#define ORL_TESTS_FAKES_SCENE_H
#include "display/region.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orl_scene_kind {
    ORL_SCENE_STILL = 0, /* one colour and a line of text */
    ORL_SCENE_PATTERN,   /* text, gradients, fine lines; does not move */
    ORL_SCENE_TYPING,    /* the pattern, and one more character each frame */
    ORL_SCENE_SCROLL,    /* a page of text that moves up by one line each frame */
    ORL_SCENE_DRAG,      /* a window dragged over the photo */
    ORL_SCENE_VIDEO,     /* a film of 1280x720, or two thirds of each side, over the pattern */
    ORL_SCENE_MOTION,    /* a film everywhere */
    ORL_SCENE_PHOTO,     /* as a camera's; does not move */
    ORL_SCENE_MIXED, /* a person's work: types, scrolls, drags, watches, reads; 20 s at 30 frames/s */
    ORL_SCENE_COUNT
};
struct orl_scene {
    enum orl_scene_kind kind;
    uint32_t *pixels; /* BGRX, rows of width_px; borrowed */
    uint32_t width_px, height_px;
    uint32_t first_frame; /* to start in the middle */
    uint32_t frame;
    bool has_stamp; /* orl_scene_stamp() was called: the block stays on top */
    uint32_t stamp;
    uint32_t *photo; /* these two made when first wanted */
    uint32_t photo_width_px, photo_height_px;
    struct orl_scene_film *film;
    uint32_t *under; /* what a window or a film covers, rows of covered.width */
    struct orl_rect covered;
};
bool orl_scene_parse(const char *name, enum orl_scene_kind *ret_kind);
void orl_scene_start(struct orl_scene *scene); /* paints everything */
void orl_scene_fini(struct orl_scene *scene);  /* not the pixels */
/* Paints the next frame; what it changed (empty: nothing moves). */
struct orl_rect orl_scene_step(struct orl_scene *scene);
/* Where its film plays, if it has one. */
struct orl_rect orl_scene_film_place(const struct orl_scene *scene);
/* Of what can be seen: the fourth byte of each pixel does not count. */
uint64_t orl_scene_sum(
        const void *pixels, uint32_t width_px, uint32_t height_px, size_t stride_bytes);
/* A block of 32 x 32 pixels at the top left in that colour. */
struct orl_rect orl_scene_stamp(struct orl_scene *scene, uint32_t colour);

#endif
