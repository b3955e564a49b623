#include "display/video.h"
#include "base/clock.h"
#include <string.h>

#define PRESET "superfast"
#define RATE_UNKNOWN_KBIT_S 100000
#define IDLE_US (60 * ORL_US_PER_S)

void orl_video_init(struct orl_video *video, const struct orl_video_opts *opts)
{
    memset(video, 0, sizeof(*video));
    video->opts = *opts;
}

static void close_slot(struct orl_video_slot *slot)
{
    orl_h264_free(slot->h264);
    memset(slot, 0, sizeof(*slot));
}

void orl_video_fini(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        close_slot(&video->slots[i]);
    }
    video->used_us = 0;
}

unsigned orl_video_open_slots(const struct orl_video *video)
{
    unsigned open = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        open |= video->slots[i].h264 != NULL ? 1U << i : 0;
    }
    return open;
}

/* By area, so that a pixel is worth the same in each. */
static uint32_t share_of(const struct orl_video *video, const struct orl_video_slot *slot)
{
    const uint64_t rate =
            video->opts.max_kbit_s == 0 ? RATE_UNKNOWN_KBIT_S : video->opts.max_kbit_s;
    int64_t total_px = 0;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        total_px += orl_rect_area(&video->slots[i].picture);
    }
    return (uint32_t)(rate * (uint64_t)orl_rect_area(&slot->picture) / (uint64_t)total_px);
}

static void share_rate(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        struct orl_video_slot *slot = &video->slots[i];
        if (slot->h264 != NULL && orl_h264_set_rate(slot->h264, share_of(video, slot), NULL) < 0) {
            close_slot(slot); /* its next frame opens it with the new bound */
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

void orl_video_want_key(struct orl_video *video)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        video->slots[i].want_key = true;
    }
}

static int open_slot(struct orl_video *video, struct orl_video_slot *slot,
        const struct orl_rect *picture, struct orl_err *err)
{
    slot->picture = *picture;
    const struct orl_h264_opts opts = {
            .width_px = (uint32_t)picture->width,
            .height_px = (uint32_t)picture->height,
            .is_full_range = video->opts.is_full_range,
            .threads = video->opts.threads,
            .max_kbit_s = share_of(video, slot),
            .preset = PRESET,
    };
    return orl_h264_new(&opts, &slot->h264, err);
}

/* Shown are the CODED tiles and a border of one tile: its pixels too are coded anew, and leaving them
 * out leaves streaks behind what moves. All of the picture that changed is fed, so whatever is shown is
 * as new as the picture. */
static void choose_shown(struct orl_video_slot *slot, struct orl_tiles *tiles)
{
    struct orl_region *shown = &slot->shown;
    orl_tiles_set_around(tiles, ORL_TILE_CODED, ORL_TILE_SHOWN);
    shown->count = orl_tiles_rects(tiles, ORL_TILE_SHOWN, false, shown->rects, ORL_REGION_MAX);
    for (unsigned i = 0; i < shown->count; i++) {
        orl_tiles_set(tiles, &shown->rects[i], ORL_TILE_LOSSY | ORL_TILE_SHOWN);
    }
}

int orl_video_encode(struct orl_video *video, struct orl_tiles *tiles, const uint8_t *pixels,
        size_t stride_bytes, uint64_t now_us, struct orl_op *ret_ops, struct orl_err *err)
{
    struct orl_video_slot *slot = &video->slots[0];
    const struct orl_rect whole = {
            0, 0, (int32_t)video->opts.width_px, (int32_t)video->opts.height_px};
    int rc = slot->h264 == NULL ? open_slot(video, slot, &whole, err) : ORL_OK;
    if (rc < 0) {
        return rc;
    }
    struct orl_region stale = {.count = 0};
    stale.count = orl_tiles_rects(tiles, ORL_TILE_STALE, false, stale.rects, ORL_REGION_MAX);
    struct orl_h264_frame frame;
    rc = orl_h264_encode(slot->h264, pixels, stride_bytes, &stale, slot->want_key, &frame, err);
    if (rc < 0) {
        return rc;
    }
    orl_tiles_clear_all(tiles, ORL_TILE_STALE);
    video->used_us = now_us;
    slot->want_key = false;
    choose_shown(slot, tiles);
    ret_ops[0] = (struct orl_op){
            .kind = ORL_OP_H264,
            .rect = orl_region_bounds(&slot->shown),
            .slot = 0,
            .picture = slot->picture,
            .data = frame.data,
            .data_len = frame.len,
            .coded_width_px = frame.coded_width_px,
            .coded_height_px = frame.coded_height_px,
            .regions = &slot->shown,
            .qp = frame.qp,
            .is_key = frame.is_key,
    };
    return 1;
}

void orl_video_close_idle(struct orl_video *video, uint64_t now_us)
{
    const uint64_t due_us = orl_video_due_us(video);
    if (due_us != 0 && now_us >= due_us) {
        orl_video_fini(video);
    }
}

uint64_t orl_video_due_us(const struct orl_video *video)
{
    return orl_video_open_slots(video) == 0 ? 0 : video->used_us + IDLE_US;
}
