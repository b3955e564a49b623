/* Pointer shapes of a server: colour, alpha, one bit, large. Sessions draw them; where the server puts its own pointer
 * is of no interest. */
#include "base/cleanup.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <freerdp/codec/color.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/graphics.h>
#include <string.h>

enum { SERVER_MAX_PX = 384, ARROW_WIDTH = 12, ARROW_HEIGHT = 19 };

static void publish(struct orl_source *s)
{
    if (s->screen.surface != NULL) {
        orl_surface_set_cursor(s->screen.surface, &s->screen.cursor);
    }
    if (s->state == ORL_RDP_SOURCE_UP) {
        s->events->on_damage(s->ctx);
    }
}

static uint32_t at_most(uint32_t value, uint32_t max)
{
    return value < max ? value : max;
}

/* What is beyond the largest cursor of ours is cut off. */
static BOOL on_set(rdpContext *context, rdpPointer *pointer)
{
    struct orl_source *s = orl_rdp_source_of(context);
    struct orl_cursor *cursor = &s->screen.cursor;
    const uint32_t width = pointer->width;
    const uint32_t height = pointer->height;
    if (width == 0 || height == 0 || width > SERVER_MAX_PX || height > SERVER_MAX_PX) {
        cursor->is_visible = false;
        publish(s);
        return TRUE;
    }
    ORL_AUTO(orl_free_auto) uint32_t *pixels = calloc((size_t)width * height, sizeof(*pixels));
    if (pixels == NULL ||
            !freerdp_image_copy_from_pointer_data((BYTE *)pixels, PIXEL_FORMAT_BGRA32, width * 4, 0,
                    0, width, height, pointer->xorMaskData, pointer->lengthXorMask,
                    pointer->andMaskData, pointer->lengthAndMask, pointer->xorBpp,
                    &context->gdi->palette)) {
        return TRUE; /* the former shape stays */
    }
    cursor->is_visible = true;
    cursor->width_px = at_most(width, ORL_CURSOR_MAX_PX);
    cursor->height_px = at_most(height, ORL_CURSOR_MAX_PX);
    cursor->hot_x = at_most(pointer->xPos, cursor->width_px - 1);
    cursor->hot_y = at_most(pointer->yPos, cursor->height_px - 1);
    for (uint32_t y = 0; y < cursor->height_px; y++) {
        memcpy(&cursor->pixels[(size_t)y * cursor->width_px], &pixels[(size_t)y * width],
                (size_t)cursor->width_px * 4);
    }
    publish(s);
    return TRUE;
}

static BOOL on_set_null(rdpContext *context)
{
    struct orl_source *s = orl_rdp_source_of(context);
    s->screen.cursor.is_visible = false;
    publish(s);
    return TRUE;
}

/* The client's own arrow, which a server may ask for without sending one. */
static BOOL on_set_default(rdpContext *context)
{
    static const char *const arrow[ARROW_HEIGHT] = {"#           ", "##          ", "#.#         ",
            "#..#        ", "#...#       ", "#....#      ", "#.....#     ", "#......#    ",
            "#.......#   ", "#........#  ", "#.........# ", "#......#####", "#...#..#    ",
            "#..##..#    ", "#.# #..#    ", "##   #..#   ", "#    #..#   ", "      #..#  ",
            "       ##   "};
    struct orl_source *s = orl_rdp_source_of(context);
    struct orl_cursor *cursor = &s->screen.cursor;
    cursor->is_visible = true;
    cursor->width_px = ARROW_WIDTH;
    cursor->height_px = ARROW_HEIGHT;
    cursor->hot_x = cursor->hot_y = 0;
    for (size_t y = 0; y < ARROW_HEIGHT; y++) {
        for (size_t x = 0; x < ARROW_WIDTH; x++) {
            const char dot = arrow[y][x];
            cursor->pixels[y * ARROW_WIDTH + x] = dot == '#'   ? 0xFF000000
                                                  : dot == '.' ? 0xFFFFFFFF
                                                               : 0;
        }
    }
    publish(s);
    return TRUE;
}

static BOOL on_new(rdpContext *context, rdpPointer *pointer)
{
    (void)context;
    (void)pointer;
    return TRUE;
}

static void on_free(rdpContext *context, rdpPointer *pointer)
{
    (void)context;
    (void)pointer;
}

static BOOL on_set_position(rdpContext *context, UINT32 x, UINT32 y)
{
    (void)context;
    (void)x;
    (void)y;
    return TRUE;
}

bool orl_rdp_source_pointer_setup(rdpContext *context)
{
    rdpPointer prototype = {.size = sizeof(rdpPointer),
            .New = on_new,
            .Free = on_free,
            .Set = on_set,
            .SetNull = on_set_null,
            .SetDefault = on_set_default,
            .SetPosition = on_set_position};
    graphics_register_pointer(context->graphics, &prototype);
    return true;
}
