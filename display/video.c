#include "display/video.h"
#include "base/clock.h"
#include "base/heap.h"
#include <string.h>

#define IDLE_US (60 * ORL_US_PER_S)
#define BRIEF_IDLE_US (3 * ORL_US_PER_S) /* of one that was opened for a change or two */
#define BRIEF_FRAMES 8
#define PX_BYTES 4
#define PART_MAX_RECTS 8 /* each is a copy at the client */

int orl_video_init(
        struct orl_video *video, const struct orl_tiles *tiles, const struct orl_video_opts *opts)
{
    memset(video, 0, sizeof(*video));
    video->opts = *opts;
    orl_speed_init(&video->speed);
    return orl_slots_init(&video->places, tiles);
}

static void close_slot(struct orl_video_slot *slot)
{
    const bool is_open = slot->h264 != NULL;
    orl_h264_free(slot->h264);
    orl_tiles_fini(&slot->tiles);
    memset(slot, 0, sizeof(*slot));
    if (is_open) {
        orl_heap_trim(); /* tens of megabytes, which malloc would keep for the next one */
    }
}

void orl_video_fini(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        close_slot(&video->slots[i]);
    }
    orl_slots_fini(&video->places);
}

unsigned orl_video_open_slots(const struct orl_video *video)
{
    unsigned open = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        open |= video->slots[i].h264 != NULL ? 1U << i : 0;
    }
    return open;
}

/* By area, so that a pixel is worth the same in each. 0: no bound. */
static uint32_t share_of(const struct orl_video *video, const struct orl_video_slot *slot)
{
    const uint64_t rate = video->opts.max_kbit_s;
    int64_t total_px = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        total_px += orl_rect_area(&video->slots[i].picture);
    }
    const uint64_t share = rate * (uint64_t)orl_rect_area(&slot->picture) / (uint64_t)total_px;
    return share == 0 && rate != 0 ? 1 : (uint32_t)share;
}

static void share_rate(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        const struct orl_video_slot *slot = &video->slots[i];
        if (slot->h264 != NULL) {
            orl_h264_set_rate(slot->h264, share_of(video, slot));
        }
    }
}

void orl_video_set_rate(struct orl_video *video, uint32_t max_kbit_s)
{
    if (max_kbit_s != video->opts.max_kbit_s) {
        video->opts.max_kbit_s = max_kbit_s;
        share_rate(video);
    }
}

void orl_video_unsent(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        struct orl_video_slot *slot = &video->slots[i];
        slot->want_key = slot->want_key || slot->is_in_last;
    }
}

void orl_video_want_keys(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        video->slots[i].want_key = true;
    }
}

static int open_slot(struct orl_video *video, struct orl_video_slot *slot,
        const struct orl_rect *picture, struct orl_err *err)
{
    const uint32_t width_px = (uint32_t)picture->width;
    const uint32_t height_px = (uint32_t)picture->height;
    if (orl_tiles_init(&slot->tiles, width_px, height_px) < 0) {
        return orl_err_set(err, ORL_E_NOMEM, "tiles of %ux%u", width_px, height_px);
    }
    slot->picture = *picture;
    const struct orl_h264_opts opts = {
            .width_px = width_px,
            .height_px = height_px,
            .is_cropped = video->opts.shows_all,
            .colours = video->opts.colours,
            .threads = video->opts.threads,
            .max_kbit_s = share_of(video, slot),
    };
    const int rc = orl_h264_new(&opts, &slot->h264, err);
    if (rc < 0) {
        close_slot(slot);
        return rc;
    }
    orl_h264_set_effort(slot->h264, video->speed.effort);
    return ORL_OK;
}

/* Encoders whose place is another now are closed. */
static void follow_places(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        struct orl_video_slot *slot = &video->slots[i];
        const struct orl_rect *place = &video->places.rects[i];
        if (slot->h264 != NULL && (!orl_rect_contains(place, &slot->picture) ||
                                          !orl_rect_contains(&slot->picture, place))) {
            close_slot(slot);
        }
    }
}

static size_t first_of(const struct orl_tiles *tiles, const struct orl_rect *part, unsigned row)
{
    return ((size_t)part->y / ORL_TILE_PX + row) * tiles->cols + (size_t)part->x / ORL_TILE_PX;
}

/* True: there is something to show. */
static bool take_flags(struct orl_video_slot *slot, const struct orl_tiles *tiles)
{
    for (unsigned row = 0; row < slot->tiles.rows; row++) {
        memcpy(slot->tiles.flags + (size_t)row * slot->tiles.cols,
                tiles->flags + first_of(tiles, &slot->picture, row), slot->tiles.cols);
    }
    orl_tiles_clear_all(&slot->tiles, ORL_TILE_SHOWN);
    return orl_tiles_find(&slot->tiles, 0, ORL_TILE_CODED) < slot->tiles.count;
}

static void give_flags(const struct orl_video_slot *slot, struct orl_tiles *tiles)
{
    for (unsigned row = 0; row < slot->tiles.rows; row++) {
        uint8_t *flags = tiles->flags + first_of(tiles, &slot->picture, row);
        const uint8_t *own = slot->tiles.flags + (size_t)row * slot->tiles.cols;
        for (unsigned col = 0; col < slot->tiles.cols; col++) {
            flags[col] &= (uint8_t)~ORL_TILE_STALE;
            flags[col] |= own[col] & (ORL_TILE_LOSSY | ORL_TILE_SHOWN);
        }
    }
}

/* Shown are the CODED tiles and a border of one tile: its pixels too are coded anew, and leaving them
 * out leaves streaks behind what moves. All of the picture that changed is fed, so whatever is shown is
 * as new as the picture. */
static void choose_shown(struct orl_video_slot *slot, bool is_whole, bool shows_all)
{
    struct orl_tiles *tiles = &slot->tiles;
    struct orl_region *shown = &slot->shown;
    if (shows_all) {
        *shown = (struct orl_region){.rects = {slot->picture}, .count = 1};
        orl_tiles_set_all(tiles, ORL_TILE_LOSSY | ORL_TILE_SHOWN);
        return;
    }
    orl_tiles_set_around(tiles, ORL_TILE_CODED, ORL_TILE_SHOWN);
    shown->count = orl_tiles_rects(
            tiles, ORL_TILE_SHOWN, false, shown->rects, is_whole ? ORL_REGION_MAX : PART_MAX_RECTS);
    for (unsigned i = 0; i < shown->count; i++) {
        orl_tiles_set(tiles, &shown->rects[i], ORL_TILE_LOSSY | ORL_TILE_SHOWN);
        shown->rects[i].x += slot->picture.x;
        shown->rects[i].y += slot->picture.y;
    }
}

static bool is_whole(const struct orl_video *video, const struct orl_rect *r)
{
    return r->width == (int32_t)video->opts.width_px && r->height == (int32_t)video->opts.height_px;
}

static int encode_slot(struct orl_video *video, unsigned index, const uint8_t *pixels,
        size_t stride_bytes, struct orl_op *ret_op, struct orl_err *err)
{
    struct orl_video_slot *slot = &video->slots[index];
    struct orl_region stale;
    stale.count = orl_tiles_rects(&slot->tiles, ORL_TILE_STALE, false, stale.rects, ORL_REGION_MAX);
    struct orl_h264_frame frame;
    const uint8_t *corner =
            pixels + stride_bytes * (size_t)slot->picture.y + (size_t)slot->picture.x * PX_BYTES;
    const int rc =
            orl_h264_encode(slot->h264, corner, stride_bytes, &stale, slot->want_key, &frame, err);
    if (rc < 0) {
        return rc;
    }
    slot->want_key = false;
    slot->is_in_last = true;
    slot->frames++;
    choose_shown(slot, is_whole(video, &slot->picture), video->opts.shows_all);
    *ret_op = (struct orl_op){
            .kind = ORL_OP_H264,
            .rect = orl_region_bounds(&slot->shown),
            .slot = index,
            .picture = slot->picture,
            .data = frame.data,
            .data_len = frame.len,
            .coded_width_px = frame.coded_width_px,
            .coded_height_px = frame.coded_height_px,
            .regions = &slot->shown,
            .qp = frame.qp,
            .is_key = frame.is_key,
    };
    return ORL_OK;
}

static int encode_place(struct orl_video *video, unsigned index, struct orl_tiles *tiles,
        const uint8_t *pixels, size_t stride_bytes, struct orl_op *ret_op, struct orl_err *err)
{
    struct orl_video_slot *slot = &video->slots[index];
    const bool is_new = slot->h264 == NULL;
    int rc = is_new ? open_slot(video, slot, &video->places.rects[index], err) : ORL_OK;
    if (rc < 0 || !take_flags(slot, tiles)) {
        return rc;
    }
    if (is_new) {
        share_rate(video);
    }
    rc = encode_slot(video, index, pixels, stride_bytes, ret_op, err);
    if (rc < 0) {
        return rc;
    }
    give_flags(slot, tiles);
    return 1;
}

static void follow_effort(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if (video->slots[i].h264 != NULL) {
            orl_h264_set_effort(video->slots[i].h264, video->speed.effort);
        }
    }
}

static bool choose_places(struct orl_video *video, struct orl_tiles *tiles, uint64_t now_us)
{
    if (!video->opts.shows_all) {
        return orl_slots_choose(&video->places, tiles, now_us);
    }
    video->places.rects[0] =
            (struct orl_rect){0, 0, (int32_t)video->opts.width_px, (int32_t)video->opts.height_px};
    video->places.used_us[0] = now_us;
    return true;
}

int orl_video_encode(struct orl_video *video, struct orl_tiles *tiles, const uint8_t *pixels,
        size_t stride_bytes, uint64_t now_us, struct orl_op *ret_ops, struct orl_err *err)
{
    const uint64_t begin_us = orl_clock_now_us();
    unsigned count = 0;
    if (!choose_places(video, tiles, now_us)) {
        return 0;
    }
    follow_places(video);
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if (video->places.used_us[i] != now_us) {
            continue;
        }
        const int rc = encode_place(video, i, tiles, pixels, stride_bytes, &ret_ops[count], err);
        if (rc < 0) {
            return rc;
        }
        count += (unsigned)rc;
    }
    video->used_us = now_us;
    if (orl_speed_note(&video->speed, now_us, orl_clock_now_us() - begin_us)) {
        follow_effort(video);
    }
    return (int)count;
}

static uint64_t idle_from_us(const struct orl_video *video, unsigned index)
{
    const struct orl_video_slot *slot = &video->slots[index];
    return video->places.used_us[index] + (slot->frames < BRIEF_FRAMES ? BRIEF_IDLE_US : IDLE_US);
}

void orl_video_begin(struct orl_video *video, uint64_t now_us)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        video->slots[i].is_in_last = false;
        if (video->slots[i].h264 != NULL && now_us >= idle_from_us(video, i)) {
            close_slot(&video->slots[i]);
            orl_slots_drop(&video->places, i);
        }
    }
}

void orl_video_close(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        close_slot(&video->slots[i]);
        orl_slots_drop(&video->places, i);
    }
}

uint64_t orl_video_due_us(const struct orl_video *video)
{
    uint64_t due_us = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if (video->slots[i].h264 != NULL && (due_us == 0 || idle_from_us(video, i) < due_us)) {
            due_us = idle_from_us(video, i);
        }
    }
    return due_us;
}
