/* H.264 by the graphics pipeline. The whole picture is decoded where it is shown. A part of it has a surface of
 * its own that is not mapped to the output, because clients keep one decoder for each surface; what is shown is
 * copied from there within the same frame. */
#include "protocols/rdp/rdp_priv.h"

static void end_slot(struct orl_viewer *v, struct orl_rdp_slot *slot)
{
    if (slot->surface != 0) {
        orl_gfx_put_delete(&v->gfx.pdus, slot->surface);
        *slot = (struct orl_rdp_slot){0};
    }
}

void orl_rdp_video_keep(struct orl_viewer *v, unsigned h264_slots)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if ((h264_slots >> i & 1U) == 0) {
            end_slot(v, &v->gfx.slots[i]);
        }
    }
}

static void size_slot(struct orl_viewer *v, struct orl_rdp_slot *slot, const struct orl_op *op)
{
    if (slot->surface != 0 && slot->width_px == op->coded_width_px &&
            slot->height_px == op->coded_height_px) {
        return;
    }
    orl_assert(op->is_key);
    end_slot(v, slot);
    *slot = (struct orl_rdp_slot){orl_rdp_gfx_take_id(v), op->coded_width_px, op->coded_height_px};
    orl_gfx_put_create(&v->gfx.pdus, slot->surface, slot->width_px, slot->height_px);
}

static void put_part(struct orl_viewer *v, struct orl_rdp_slot *slot, const struct orl_op *op)
{
    struct orl_buf *pdus = &v->gfx.pdus;
    struct orl_region regions = *op->regions;
    for (unsigned i = 0; i < regions.count; i++) {
        regions.rects[i].x -= op->picture.x;
        regions.rects[i].y -= op->picture.y;
    }
    size_slot(v, slot, op);
    const struct orl_rect all = {0, 0, (int32_t)slot->width_px, (int32_t)slot->height_px};
    orl_gfx_put_avc420(pdus, slot->surface, &all, &regions, op->qp, op->data, op->data_len);
    for (unsigned i = 0; i < regions.count; i++) {
        orl_gfx_put_copy(pdus, slot->surface, v->gfx.surface, &op->regions->rects[i],
                regions.rects[i].x, regions.rects[i].y);
    }
}

void orl_rdp_video_put(struct orl_viewer *v, const struct orl_op *op)
{
    const struct orl_rect all = {0, 0, (int32_t)v->gfx.width_px, (int32_t)v->gfx.height_px};
    orl_assert(op->slot < ORL_H264_SLOTS && orl_rect_contains(&all, &op->picture));
    struct orl_rdp_slot *slot = &v->gfx.slots[op->slot];
    v->gfx.has_video = true;
    if (!orl_rect_contains(&op->picture, &all)) {
        put_part(v, slot, op);
        return;
    }
    end_slot(v, slot);
    orl_gfx_put_avc420(
            &v->gfx.pdus, v->gfx.surface, &all, op->regions, op->qp, op->data, op->data_len);
}
