/* Glue: scroll.c says what only moved, damage.c what else changed, classify.c how it is sent, refine.c what is
 * made exact later.
 * Invariant: a tile that is neither MUST nor LOSSY is shown by the client exactly as in `picture`. */
#include "display/planner.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/classify.h"
#include "display/damage.h"
#include "display/hold.h"
#include "display/refine.h"
#include "display/scroll.h"
#include "display/surface.h"
#include "display/tiles.h"
#include "display/video.h"
#include <stdlib.h>
#include <string.h>

#define BAND_ROWS 128
#define SEARCH_PATIENCE 6
#define SEARCH_EVERY 8
/* Moves, h264 ops, and these: within ORL_UPDATE_MAX_OPS. */
#define LOSSLESS_MAX_RECTS 64
#define LOSSLESS_MAX_OPS 160
#define REFINE_MAX_RECTS 32
#define REFINE_MAX_OPS 64
#define PHOTO_MAX_RECTS 16
#define SHOWS_ALL_PART 4 /* of the picture that moves, at least a fourth: the rest loses with it */
_Static_assert(ORL_H264_SLOTS <= PHOTO_MAX_RECTS &&
                       ORL_SCROLL_MAX_MOVES + PHOTO_MAX_RECTS + LOSSLESS_MAX_OPS + REFINE_MAX_OPS <=
                               ORL_UPDATE_MAX_OPS,
        "too many ops");

struct orl_planner {
    struct orl_planner_opts opts;
    uint8_t *picture; /* as the client has it, or will have after the last update */
    size_t stride_bytes;
    struct orl_tiles tiles;
    struct orl_classify classify;
    struct orl_refine refine;
    struct orl_hold hold;
    bool is_held;
    uint64_t held_us; /* when the oldest damage that was held came; 0: none */
    int64_t lossless_max_px, refine_max_px;
    struct orl_region pending; /* damage not looked at yet */
    uint64_t pending_us;       /* when its oldest part came; 0: none */
    struct orl_video video;
    uint64_t now_us;    /* of the last orl_planner_next() */
    uint64_t damage_us; /* of the last update */
    uint32_t frame_id;
    bool has_last, is_last_refine;
    struct orl_region moved;    /* where the copy ops come from and go to */
    unsigned fruitless;         /* searches in a row that found no move */
    int32_t moved_dx, moved_dy; /* the first move of the last one: who scrolls goes on */
    struct orl_op ops[ORL_UPDATE_MAX_OPS];
    unsigned op_count;
    bool has_lossy_op; /* H264 or PHOTO */
};

static struct orl_rect bounds_of(const struct orl_planner *planner)
{
    struct orl_rect r = {0, 0, (int32_t)planner->opts.width_px, (int32_t)planner->opts.height_px};
    return r;
}

static int check_opts(const struct orl_planner_opts *opts)
{
    bool is_ok = opts->width_px >= 1 && opts->width_px <= ORL_SURFACE_MAX_PX &&
                 opts->height_px >= 1 && opts->height_px <= ORL_SURFACE_MAX_PX &&
                 opts->threads >= 1 && opts->threads <= 4;
    return is_ok ? ORL_OK : ORL_E_INVAL;
}

/* H.264's pictures have even sizes: one that is shown as a whole would reach beyond the surface. */
static bool can_code(const struct orl_planner_opts *opts)
{
    return opts->has_h264 &&
           (!opts->h264_shows_all || (opts->width_px % 2 == 0 && opts->height_px % 2 == 0));
}

static int alloc_parts(struct orl_planner *planner)
{
    planner->stride_bytes = ((size_t)planner->opts.width_px * 4 + 63) & ~(size_t)63;
    planner->picture = calloc(planner->opts.height_px, planner->stride_bytes);
    int rc = planner->picture == NULL ? ORL_E_NOMEM : ORL_OK;
    if (rc == ORL_OK) {
        rc = orl_tiles_init(&planner->tiles, planner->opts.width_px, planner->opts.height_px);
    }
    if (rc == ORL_OK) {
        rc = orl_classify_init(&planner->classify, &planner->tiles);
    }
    if (rc == ORL_OK) {
        rc = orl_refine_init(&planner->refine, &planner->tiles);
    }
    if (rc == ORL_OK) {
        rc = orl_hold_init(&planner->hold, &planner->tiles);
    }
    if (rc == ORL_OK) {
        const struct orl_video_opts video = {.width_px = planner->opts.width_px,
                .height_px = planner->opts.height_px,
                .colours = planner->opts.colours,
                .shows_all = planner->opts.h264_shows_all,
                .threads = planner->opts.threads,
                .max_kbit_s = planner->opts.max_kbit_s};
        rc = orl_video_init(&planner->video, &planner->tiles, &video);
    }
    return rc;
}

static void free_auto(struct orl_planner **planner)
{
    orl_planner_free(*planner);
}

int orl_planner_new(
        const struct orl_planner_opts *opts, struct orl_planner **ret_planner, struct orl_err *err)
{
    if (check_opts(opts) < 0) {
        return orl_err_set(err, ORL_E_INVAL, "planner of %ux%u pixels, %u threads", opts->width_px,
                opts->height_px, opts->threads);
    }
    ORL_AUTO(free_auto) struct orl_planner *planner = calloc(1, sizeof(*planner));
    if (planner == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "planner");
    }
    planner->opts = *opts;
    planner->opts.has_h264 = can_code(opts);
    planner->frame_id = opts->frame_id;
    if (alloc_parts(planner) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "planner of %ux%u", opts->width_px, opts->height_px);
    }
    planner->lossless_max_px = planner->refine_max_px = INT64_MAX;
    orl_planner_reset(planner, 0);
    *ret_planner = orl_steal(planner);
    return ORL_OK;
}

void orl_planner_damage(
        struct orl_planner *planner, const struct orl_region *damage, uint64_t now_us)
{
    const struct orl_rect bounds = bounds_of(planner);
    for (unsigned i = 0; i < damage->count; i++) {
        struct orl_rect r = orl_rect_intersect(&damage->rects[i], &bounds);
        orl_region_add(&planner->pending, &r);
    }
    if (planner->pending.count > 0 && planner->pending_us == 0) {
        planner->pending_us = now_us;
    }
}

void orl_planner_reset(struct orl_planner *planner, uint64_t now_us)
{
    orl_tiles_set_all(&planner->tiles, ORL_TILE_MUST | ORL_TILE_DAMAGED);
    planner->pending_us = now_us;
    orl_video_want_keys(&planner->video);
    planner->has_last = false;
}

void orl_planner_unsent(struct orl_planner *planner)
{
    if (!planner->has_last) {
        return;
    }
    planner->has_last = false;
    orl_tiles_set_where(&planner->tiles, ORL_TILE_SHOWN,
            planner->is_last_refine ? ORL_TILE_LOSSY : ORL_TILE_MUST);
    if (!planner->is_last_refine) {
        orl_video_unsent(&planner->video);
        if (planner->pending_us == 0 || planner->damage_us < planner->pending_us) {
            planner->pending_us = planner->damage_us;
        }
    }
}

void orl_planner_rest(struct orl_planner *planner)
{
    orl_video_close(&planner->video);
}

void orl_planner_set_rate(struct orl_planner *planner, uint32_t max_kbit_s)
{
    orl_video_set_rate(&planner->video, max_kbit_s);
}

void orl_planner_hold(struct orl_planner *planner, bool is_held)
{
    planner->is_held = is_held;
}

void orl_planner_set_lossless(
        struct orl_planner *planner, int64_t lossless_max_px, int64_t refine_max_px)
{
    planner->lossless_max_px = lossless_max_px;
    planner->refine_max_px = refine_max_px;
}

/* Of what waits, the oldest is known by its time. */
static void note_held(struct orl_planner *planner)
{
    if (planner->held_us == 0) {
        planner->held_us = planner->damage_us;
    }
}

static bool is_one_colour(
        const struct orl_planner *planner, const struct orl_rect *r, uint32_t *ret_colour)
{
    const uint8_t *first =
            planner->picture + planner->stride_bytes * (size_t)r->y + (size_t)r->x * 4;
    for (int32_t y = 0; y < r->height; y++) {
        const uint8_t *px = first + planner->stride_bytes * (size_t)y;
        for (int32_t x = 0; x < r->width; x++, px += 4) {
            if (px[0] != first[0] || px[1] != first[1] || px[2] != first[2]) {
                return false;
            }
        }
    }
    *ret_colour = (uint32_t)first[2] << 16 | (uint32_t)first[1] << 8 | first[0];
    return true;
}

static void add_lossless_rect(struct orl_planner *planner, const struct orl_rect *r, bool is_refine)
{
    struct orl_op op = {.kind = ORL_OP_LOSSLESS, .rect = *r, .is_refine = is_refine};
    if (is_one_colour(planner, r, &op.colour)) {
        op.kind = ORL_OP_FILL;
    }
    planner->ops[planner->op_count++] = op;
    orl_tiles_clear_inside(&planner->tiles, r, ORL_TILE_LOSSY);
    orl_tiles_set(&planner->tiles, r, ORL_TILE_SHOWN);
}

/* Rows of a band such that no more than max_ops bands come out. */
static int32_t choose_band(const struct orl_rect *rects, unsigned count, unsigned max_ops)
{
    for (int32_t rows = BAND_ROWS;; rows *= 2) {
        unsigned ops = 0;
        for (unsigned i = 0; i < count; i++) {
            ops += (unsigned)((rects[i].height + rows - 1) / rows);
        }
        if (ops <= max_ops) {
            return rows;
        }
    }
}

/* Ops for the tiles that have PICK, which is cleared. */
static void add_lossless(struct orl_planner *planner, bool is_refine)
{
    struct orl_rect rects[LOSSLESS_MAX_RECTS];
    unsigned count = orl_tiles_rects(&planner->tiles, ORL_TILE_PICK, !is_refine, rects,
            is_refine ? REFINE_MAX_RECTS : LOSSLESS_MAX_RECTS);
    orl_tiles_clear_all(&planner->tiles, ORL_TILE_PICK);
    int32_t rows = choose_band(rects, count, is_refine ? REFINE_MAX_OPS : LOSSLESS_MAX_OPS);
    for (unsigned i = 0; i < count; i++) {
        const int32_t bottom = rects[i].y + rects[i].height;
        for (int32_t y = rects[i].y; y < bottom; y += rows) {
            const struct orl_rect band = {
                    rects[i].x, y, rects[i].width, y + rows < bottom ? rows : bottom - y};
            add_lossless_rect(planner, &band, is_refine);
        }
    }
}

/* Changed tiles that do not go by H.264. Where the client shows H.264, the whole tile is sent: it is
 * exact then. */
static void pick_lossless(struct orl_planner *planner)
{
    struct orl_tiles *tiles = &planner->tiles;
    int64_t picked_px = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_CHANGED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_CHANGED)) {
        if ((tiles->flags[i] & ORL_TILE_CODED) != 0) {
            continue;
        }
        if (picked_px >= planner->lossless_max_px) {
            orl_hold_changed(&planner->hold, tiles, i);
            note_held(planner);
            continue;
        }
        picked_px += ORL_TILE_AREA_PX;
        tiles->flags[i] |= ORL_TILE_PICK;
        if ((tiles->flags[i] & ORL_TILE_LOSSY) != 0) {
            const struct orl_rect r = orl_tiles_rect(tiles, i);
            tiles->boxes[i] = (struct orl_tile_box){0, 0, (uint8_t)r.width, (uint8_t)r.height};
        }
    }
}

/* Where picture after picture nothing has moved (a video), a search is not worth its time; now and then
 * it is tried again. The client has nothing to move in a tile that is MUST. */
static bool can_search(struct orl_planner *planner)
{
    const int64_t waiting = (int64_t)orl_tiles_count(&planner->tiles, ORL_TILE_DAMAGED);
    const int64_t damage_px = orl_region_area(&planner->pending) + waiting * ORL_TILE_AREA_PX;
    if (!planner->opts.has_copy || damage_px < ORL_SCROLL_MIN_PX ||
            orl_tiles_find(&planner->tiles, 0, ORL_TILE_MUST) < planner->tiles.count) {
        return false;
    }
    if (planner->fruitless >= SEARCH_PATIENCE &&
            (planner->fruitless - SEARCH_PATIENCE) % SEARCH_EVERY != SEARCH_EVERY - 1) {
        planner->fruitless++;
        return false;
    }
    return true;
}

static void make_moves(struct orl_planner *planner, const uint8_t *src, size_t stride_bytes)
{
    const struct orl_scroll_view view = {src, stride_bytes, planner->picture, planner->stride_bytes,
            &planner->tiles, planner->moved_dx, planner->moved_dy};
    struct orl_move moves[ORL_SCROLL_MAX_MOVES];
    const unsigned count = orl_scroll_take(&view, moves);
    planner->fruitless = count > 0 ? 0 : planner->fruitless + 1;
    planner->moved_dx = count > 0 ? moves[0].dx : 0;
    planner->moved_dy = count > 0 ? moves[0].dy : 0;
    for (unsigned i = 0; i < count; i++) {
        const struct orl_rect from = orl_move_from(&moves[i]);
        planner->ops[planner->op_count++] = (struct orl_op){
                .kind = ORL_OP_COPY, .rect = moves[i].to, .from_x = from.x, .from_y = from.y};
        orl_region_add(&planner->moved, &from);
        orl_region_add(&planner->moved, &moves[i].to);
    }
}

/* After the regions of H.264 were chosen: these do not cover what was moved. */
static void show_moves(struct orl_planner *planner)
{
    for (unsigned i = 0; i < planner->op_count && planner->ops[i].kind == ORL_OP_COPY; i++) {
        orl_tiles_set(&planner->tiles, &planner->ops[i].rect, ORL_TILE_SHOWN);
    }
}

static bool is_for_video(const struct orl_planner *planner)
{
    return planner->opts.has_h264 &&
           (!planner->opts.h264_shows_all ||
                   orl_tiles_count(&planner->tiles, ORL_TILE_CODED) * SHOWS_ALL_PART >=
                           planner->tiles.count);
}

static int add_video(struct orl_planner *planner, uint64_t now_us, struct orl_err *err)
{
    const int count = orl_video_encode(&planner->video, &planner->tiles, planner->picture,
            planner->stride_bytes, now_us, planner->ops + planner->op_count, err);
    if (count >= 0) {
        planner->op_count += (unsigned)count;
        planner->has_lossy_op = count > 0;
    }
    return count;
}

static void add_photos(struct orl_planner *planner)
{
    struct orl_rect rects[PHOTO_MAX_RECTS];
    const unsigned count =
            orl_tiles_rects(&planner->tiles, ORL_TILE_CODED, false, rects, PHOTO_MAX_RECTS);
    for (unsigned i = 0; i < count; i++) {
        planner->ops[planner->op_count++] = (struct orl_op){.kind = ORL_OP_PHOTO, .rect = rects[i]};
        orl_tiles_set(&planner->tiles, &rects[i], ORL_TILE_LOSSY | ORL_TILE_SHOWN);
    }
    planner->has_lossy_op = true;
}

/* What was found to move: by H.264, as photos, or like anything else. */
static int plan_moving(struct orl_planner *planner, uint64_t now_us, struct orl_err *err)
{
    if (planner->is_held) {
        orl_hold_coded(&planner->hold, &planner->tiles);
        note_held(planner);
        return ORL_OK;
    }
    if (is_for_video(planner)) {
        return add_video(planner, now_us, err);
    }
    if (planner->opts.has_photo) {
        add_photos(planner);
    } else {
        orl_tiles_clear_all(&planner->tiles, ORL_TILE_CODED);
    }
    return ORL_OK;
}

static int plan_changed(struct orl_planner *planner, uint64_t now_us, struct orl_err *err)
{
    const struct orl_classify_view view = {
            planner->picture, planner->stride_bytes, &planner->moved};
    const bool is_coded = (planner->opts.has_h264 || planner->opts.has_photo) &&
                          orl_classify_choose(&planner->classify, &planner->tiles, &view, now_us);
    const int rc = is_coded ? plan_moving(planner, now_us, err) : ORL_OK;
    if (rc < 0) {
        return rc;
    }
    /* What only moved goes on resting: a window that was H.264 once is made exact while it is dragged, else
     * its rim would be sent as whole tiles for as long as that lasts. */
    orl_refine_touch(&planner->refine, &planner->tiles, ORL_TILE_CHANGED | ORL_TILE_SHOWN, now_us);
    show_moves(planner);
    pick_lossless(planner);
    add_lossless(planner, false);
    return ORL_OK;
}

static void take_pending(struct orl_planner *planner)
{
    for (unsigned i = 0; i < planner->pending.count; i++) {
        orl_tiles_set(&planner->tiles, &planner->pending.rects[i], ORL_TILE_DAMAGED);
    }
    orl_region_clear(&planner->pending);
}

/* Refinement alone would come between the frames of what moves: one more update for the client to show. */
static uint64_t alone_from_us(const struct orl_planner *planner)
{
    return orl_video_open_slots(&planner->video) == 0
                   ? 0
                   : planner->video.used_us + ORL_REFINE_REST_MS * ORL_US_PER_MS;
}

/* Bands of refinement: alone at rest; a few beside H.264, else a video would keep text elsewhere from
 * ever becoming exact. Never beside a key press. */
static void plan_refine(struct orl_planner *planner, uint64_t now_us)
{
    bool is_alone = planner->op_count == 0 && now_us >= alone_from_us(planner);
    if (planner->is_held || (!is_alone && !planner->has_lossy_op)) {
        return;
    }
    int64_t budget_px = planner->has_lossy_op ? ORL_REFINE_BUDGET_BUSY_PX : ORL_REFINE_BUDGET_PX;
    budget_px = budget_px < planner->refine_max_px ? budget_px : planner->refine_max_px;
    if (orl_refine_pick(&planner->refine, &planner->tiles, now_us, budget_px)) {
        add_lossless(planner, true);
    }
}

static void fill_update(struct orl_planner *planner, struct orl_update *ret_update)
{
    *ret_update = (struct orl_update){
            .frame_id = ++planner->frame_id,
            .pixels = planner->picture,
            .stride_bytes = planner->stride_bytes,
            .width_px = planner->opts.width_px,
            .height_px = planner->opts.height_px,
            .ops = planner->ops,
            .op_count = planner->op_count,
            .h264_slots = orl_video_open_slots(&planner->video),
            .damage_us = planner->damage_us,
    };
}

static bool compare(struct orl_planner *planner, const uint8_t *src, size_t stride_bytes)
{
    return orl_damage_compare(
            &planner->tiles, src, stride_bytes, planner->picture, planner->stride_bytes);
}

/* The pixels of what is damaged. True: something changed. */
static bool look(struct orl_planner *planner, const uint8_t *src, size_t stride_bytes)
{
    if (planner->held_us != 0) {
        planner->damage_us = planner->held_us;
        planner->held_us = 0;
    }
    const bool is_searched = can_search(planner);
    take_pending(planner);
    if (is_searched) {
        make_moves(planner, src, stride_bytes);
    }
    const bool has_changed = compare(planner, src, stride_bytes);
    return has_changed || planner->op_count > 0;
}

/* As above, of the small damage that came since. */
static bool look_held(
        struct orl_planner *planner, const uint8_t *src, size_t stride_bytes, uint64_t now_us)
{
    if (planner->pending.count == 0) {
        return false;
    }
    note_held(planner);
    const bool may_go = orl_hold_damage(
            &planner->hold, &planner->tiles, &planner->classify, &planner->pending, now_us);
    orl_region_clear(&planner->pending);
    return may_go && compare(planner, src, stride_bytes);
}

static void begin_update(struct orl_planner *planner, uint64_t now_us)
{
    planner->now_us = now_us;
    planner->has_last = false;
    planner->op_count = 0;
    planner->has_lossy_op = false;
    planner->damage_us = planner->pending_us == 0 ? now_us : planner->pending_us;
    planner->pending_us = 0;
    orl_region_clear(&planner->moved);
    orl_video_begin(&planner->video, now_us);
    orl_tiles_clear_all(&planner->tiles, ORL_TILE_SHOWN);
}

int orl_planner_next(struct orl_planner *planner, const uint8_t *src, size_t stride_bytes,
        uint64_t now_us, struct orl_update *ret_update, struct orl_err *err)
{
    const uint64_t due_us = orl_planner_due_us(planner);
    if (due_us == 0 || due_us > now_us) {
        planner->has_last = false;
        return 0;
    }
    begin_update(planner, now_us);
    const bool has_changed = planner->is_held ? look_held(planner, src, stride_bytes, now_us)
                                              : look(planner, src, stride_bytes);
    if (has_changed) {
        int rc = plan_changed(planner, now_us, err);
        if (rc < 0) {
            show_moves(planner);
            orl_tiles_set_where(&planner->tiles, ORL_TILE_CHANGED | ORL_TILE_SHOWN, ORL_TILE_MUST);
            orl_tiles_clear_all(&planner->tiles, ORL_TILE_CHANGED | ORL_TILE_CODED);
            orl_hold_end(&planner->hold, &planner->tiles);
            orl_video_want_keys(&planner->video);
            return rc;
        }
    }
    plan_refine(planner, now_us);
    orl_tiles_clear_all(&planner->tiles, ORL_TILE_CHANGED | ORL_TILE_CODED);
    orl_hold_end(&planner->hold, &planner->tiles);
    if (planner->op_count == 0) {
        return 0;
    }
    planner->has_last = true;
    planner->is_last_refine = !has_changed;
    fill_update(planner, ret_update);
    return 1;
}

uint64_t orl_planner_due_us(const struct orl_planner *planner)
{
    if (planner->pending.count > 0 ||
            orl_tiles_find(&planner->tiles, 0, ORL_TILE_MUST | ORL_TILE_DAMAGED) <
                    planner->tiles.count) {
        return planner->now_us == 0 ? 1 : planner->now_us;
    }
    uint64_t due_us = orl_refine_due_us(&planner->refine, &planner->tiles);
    if (due_us != 0 && due_us < alone_from_us(planner)) {
        return alone_from_us(planner);
    }
    return due_us == 0 ? orl_video_due_us(&planner->video) : due_us;
}

void orl_planner_free(struct orl_planner *planner)
{
    if (planner == NULL) {
        return;
    }
    orl_video_fini(&planner->video);
    orl_hold_fini(&planner->hold);
    orl_refine_fini(&planner->refine);
    orl_classify_fini(&planner->classify);
    orl_tiles_fini(&planner->tiles);
    free(planner->picture);
    free(planner);
}
