#include "tests/fakes/scene_priv.h"
#include <stdlib.h>
#include <string.h>

/* Frames of one round. */
enum {
    TYPE_END = 240,   /* ten letters a second */
    SCROLL_END = 300, /* fifteen lines a second */
    DRAG_END = 360,
    FILM_END = 450,
    ROUND = 600 /* until here only the clock changes, once a second */
};
enum { TYPE_EVERY = 3, SCROLL_EVERY = 2, CLOCK_EVERY = 30, CLOCK_LETTERS = 8 };

static const struct orl_rect nothing = {0, 0, 0, 0};

/* Whole letters: half of the picture's width and height. */
static struct orl_rect editor_place(const struct orl_scene *s)
{
    const struct orl_rect r = {ORL_SCENE_CELL_W * 4, ORL_SCENE_CELL_H * 3,
            (int32_t)(s->width_px / 2 / ORL_SCENE_CELL_W * ORL_SCENE_CELL_W),
            (int32_t)(s->height_px / 2 / ORL_SCENE_CELL_H * ORL_SCENE_CELL_H)};
    return r;
}

static struct orl_rect window_place(const struct orl_scene *s, uint32_t step)
{
    const struct orl_rect r = {(int32_t)(s->width_px * 5 / 8 - step * 8),
            (int32_t)(s->height_px * 5 / 8 - step * 4), (int32_t)s->width_px / 4,
            (int32_t)s->height_px / 4};
    return r;
}

static void paint_editor(struct orl_scene *s)
{
    const struct orl_rect r = editor_place(s);
    for (int32_t y = 0; y < r.height; y += ORL_SCENE_CELL_H) {
        orl_scene_text_line(s, (uint32_t)r.x, (uint32_t)(r.y + y),
                (uint32_t)r.width / ORL_SCENE_CELL_W, (uint32_t)y / ORL_SCENE_CELL_H);
    }
}

static void copy_rect(
        uint32_t *to, size_t to_px, const uint32_t *from, size_t from_px, const struct orl_rect *r)
{
    for (int32_t y = 0; y < r->height; y++) {
        memcpy(to + (size_t)y * to_px, from + (size_t)y * from_px, (size_t)r->width * sizeof(*to));
    }
}

/* Keeps what is there, until uncover(). */
static void cover(struct orl_scene *s, const struct orl_rect *r)
{
    const struct orl_rect all = {0, 0, (int32_t)s->width_px, (int32_t)s->height_px};
    const struct orl_rect part = orl_rect_intersect(r, &all);
    free(s->under);
    s->under = malloc((size_t)orl_rect_area(&part) * sizeof(*s->under));
    s->covered = s->under != NULL ? part : nothing;
    copy_rect(s->under, (size_t)part.width,
            s->pixels + (size_t)part.y * s->width_px + (size_t)part.x, s->width_px, &s->covered);
}

/* Where something was covered; empty: nowhere, as when the scene began in the middle. */
static struct orl_rect uncover(struct orl_scene *s)
{
    const struct orl_rect r = s->covered;
    copy_rect(s->pixels + (size_t)r.y * s->width_px + (size_t)r.x, s->width_px, s->under,
            (size_t)r.width, &r);
    s->covered = nothing;
    return r;
}

static struct orl_rect type_letter(struct orl_scene *s, uint32_t at)
{
    const struct orl_rect editor = editor_place(s);
    uint32_t columns = (uint32_t)editor.width / ORL_SCENE_CELL_W;
    uint32_t rows = (uint32_t)editor.height / ORL_SCENE_CELL_H;
    uint32_t n = at / TYPE_EVERY % (columns * rows);
    const struct orl_rect r = {editor.x + (int32_t)(n % columns) * ORL_SCENE_CELL_W,
            editor.y + (int32_t)(n / columns) * ORL_SCENE_CELL_H, ORL_SCENE_CELL_W,
            ORL_SCENE_CELL_H};
    orl_scene_letter(s, (uint32_t)r.x, (uint32_t)r.y, orl_scene_hash(s->frame),
            orl_scene_rgb(0, 90, 0), orl_scene_rgb(250, 250, 245));
    return r;
}

static struct orl_rect scroll_editor(struct orl_scene *s)
{
    const struct orl_rect r = editor_place(s);
    for (int32_t y = r.y; y < r.y + r.height - ORL_SCENE_CELL_H; y++) {
        uint32_t *row = s->pixels + (size_t)y * s->width_px + (size_t)r.x;
        memmove(row, row + (size_t)s->width_px * ORL_SCENE_CELL_H, (size_t)r.width * sizeof(*row));
    }
    orl_scene_text_line(s, (uint32_t)r.x, (uint32_t)(r.y + r.height - ORL_SCENE_CELL_H),
            (uint32_t)r.width / ORL_SCENE_CELL_W, s->frame);
    return r;
}

static struct orl_rect drag_window(struct orl_scene *s, uint32_t step)
{
    const struct orl_rect now = window_place(s, step);
    const struct orl_rect old = uncover(s);
    cover(s, &now);
    orl_scene_window(s, &now);
    return orl_rect_union(&old, &now);
}

static struct orl_rect play_film(struct orl_scene *s)
{
    const struct orl_rect r = orl_scene_film_place(s);
    if (orl_rect_is_empty(&s->covered)) {
        cover(s, &r);
    }
    return orl_scene_show_film(s);
}

static struct orl_rect show_clock(struct orl_scene *s, uint32_t second)
{
    const struct orl_rect r = {(int32_t)s->width_px - 80, (int32_t)s->height_px - 32,
            CLOCK_LETTERS * ORL_SCENE_CELL_W, ORL_SCENE_CELL_H};
    for (uint32_t i = 0; i < CLOCK_LETTERS; i++) {
        orl_scene_letter(s, (uint32_t)r.x + i * ORL_SCENE_CELL_W, (uint32_t)r.y,
                i < CLOCK_LETTERS - 1 ? i : second, 0, orl_scene_rgb(220, 220, 220));
    }
    return r;
}

void orl_scene_start_mixed(struct orl_scene *s)
{
    const struct orl_rect all = {0, 0, (int32_t)s->width_px, (int32_t)s->height_px};
    const struct orl_rect film = orl_scene_film_place(s);
    s->covered = nothing;
    (void)orl_scene_wallpaper(s, &all);
    (void)orl_scene_film_open(&s->film, (uint32_t)film.width, (uint32_t)film.height);
    paint_editor(s);
}

struct orl_rect orl_scene_step_mixed(struct orl_scene *s)
{
    uint32_t at = s->frame % ROUND;
    if (at < TYPE_END) {
        return at % TYPE_EVERY == 0 ? type_letter(s, at) : nothing;
    }
    if (at < SCROLL_END) {
        return at % SCROLL_EVERY == 0 ? scroll_editor(s) : nothing;
    }
    if (at < DRAG_END) {
        return drag_window(s, at - SCROLL_END);
    }
    if (at == DRAG_END || at == FILM_END) {
        return uncover(s);
    }
    if (at < FILM_END) {
        return play_film(s);
    }
    return at % CLOCK_EVERY == 0 ? show_clock(s, at / CLOCK_EVERY) : nothing;
}
