/* Between the files that paint scenes. */
#ifndef ORL_TESTS_FAKES_SCENE_PRIV_H
#define ORL_TESTS_FAKES_SCENE_PRIV_H
#include "tests/fakes/scene.h"
#include <stddef.h>

#define ORL_SCENE_CELL_W 8
#define ORL_SCENE_CELL_H 16
#define ORL_SCENE_FILM_MARGIN 512 /* a camera's photo is larger than what it shows */

struct orl_scene_film {
    uint32_t width_px, height_px;
    uint32_t *photo; /* each side ORL_SCENE_FILM_MARGIN longer */
    uint32_t *grain;
};

static inline uint32_t orl_scene_rgb(uint32_t r, uint32_t g, uint32_t b)
{
    return (r & 0xFF) << 16 | (g & 0xFF) << 8 | (b & 0xFF);
}

static inline uint32_t orl_scene_hash(uint32_t v)
{
    v ^= v >> 16;
    v *= 0x7FEB352DU;
    v ^= v >> 15;
    v *= 0x846CA68BU;
    return v ^ v >> 16;
}

/* All of these keep to the picture. */
void orl_scene_fill(struct orl_scene *s, const struct orl_rect *r, uint32_t colour);
void orl_scene_letter(
        struct orl_scene *s, uint32_t x, uint32_t y, uint32_t n, uint32_t ink, uint32_t paper);
/* A line of text, letters and length by its number; the rest of columns is paper. */
void orl_scene_text_line(
        struct orl_scene *s, uint32_t x, uint32_t y, uint32_t columns, uint32_t line);
/* The wallpaper within r: the scene's photo, made when first wanted; false: out of memory. */
bool orl_scene_wallpaper(struct orl_scene *s, const struct orl_rect *r);
/* The film's next picture; where it is. */
struct orl_rect orl_scene_show_film(struct orl_scene *s);
/* A window with a title bar and a line of text. */
void orl_scene_window(struct orl_scene *s, const struct orl_rect *r);

void orl_scene_paint_photo(uint32_t *pixels, uint32_t width_px, uint32_t height_px, uint32_t seed);
uint32_t *orl_scene_new_photo(
        uint32_t width_px, uint32_t height_px, uint32_t seed); /* NULL: no memory */
/* A film of that size in *film, which may hold an older one; false: out of memory. */
bool orl_scene_film_open(struct orl_scene_film **film, uint32_t width_px, uint32_t height_px);
void orl_scene_film_show(
        const struct orl_scene_film *film, uint32_t frame, uint32_t *pixels, size_t stride_px);
void orl_scene_film_free(struct orl_scene_film *film);

/* A person's work, played over and over: types, scrolls, moves a window, watches a film, reads. */
void orl_scene_start_mixed(struct orl_scene *s);
struct orl_rect orl_scene_step_mixed(struct orl_scene *s);

#endif
