/* FreeRDP's software framebuffer is the surface itself. A server's sizes are bounded here: of the desktop, of its
 * off-screen surfaces and of its cache, whose memory is ours. */
#include "base/clock.h"
#include "protocols/rdp/rdp_source_priv.h"
#include <freerdp/codec/h264.h>
#include <freerdp/codecs.h>
#include <freerdp/gdi/gdi.h>
#include <freerdp/gdi/gfx.h>

#define STORM_WINDOW_US (1 * ORL_US_PER_S)
#define STORM_MAX_RESIZES 30 /* per window; a person's dragging makes a few */
#define GFX_MAX_BYTES (2 * (uint64_t)ORL_SURFACE_MAX_PIXELS * 4)
#define CACHE_MAX_BYTES (UINT64_C(128) << 20) /* MS-RDPEGFX 3.3.1.4 has 100 MB */
#define ALIGN_PX 16                           /* as FreeRDP rounds its surfaces up */

static void lie(struct orl_source *s, const char *what)
{
    orl_rdp_source_give_up(s, ORL_REASON_CONSOLE_PROTOCOL, what);
}

static bool is_storm(struct orl_rdp_source_screen *screen)
{
    const uint64_t now_us = orl_clock_now_us();
    if (now_us - screen->storm_start_us > STORM_WINDOW_US) {
        screen->storm_start_us = now_us;
        screen->resizes = 0;
    }
    return ++screen->resizes > STORM_MAX_RESIZES;
}

/* A surface of the size that the settings have. The former stays until its reader has the new one. */
static struct orl_surface *new_surface(struct orl_source *s)
{
    const rdpSettings *settings = s->instance->context->settings;
    struct orl_surface *surface = NULL;
    if (is_storm(&s->screen)) {
        lie(s, "the display changes its size without end");
    } else if (orl_surface_create(freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth),
                       freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight), &surface,
                       NULL) < 0) {
        lie(s, "the display has an impossible size");
    } else {
        orl_surface_set_cursor(surface, &s->screen.cursor);
    }
    return surface;
}

static void take_surface(struct orl_source *s, struct orl_surface *surface)
{
    struct orl_surface *former = s->screen.surface;
    s->screen.surface = surface;
    if (s->state == ORL_RDP_SOURCE_UP) {
        s->events->on_surface(s->ctx, surface);
    }
    orl_surface_free(former);
}

static bool is_same_size(const struct orl_source *s)
{
    const rdpSettings *settings = s->instance->context->settings;
    const struct orl_surface *surface = s->screen.surface;
    return orl_surface_width(surface) ==
                   freerdp_settings_get_uint32(settings, FreeRDP_DesktopWidth) &&
           orl_surface_height(surface) ==
                   freerdp_settings_get_uint32(settings, FreeRDP_DesktopHeight);
}

static BOOL on_resize(rdpContext *context)
{
    struct orl_source *s = orl_rdp_source_of(context);
    if (is_same_size(s)) {
        return TRUE;
    }
    struct orl_surface *surface = new_surface(s);
    if (surface == NULL) {
        return FALSE;
    }
    if (!gdi_resize_ex(context->gdi, orl_surface_width(surface), orl_surface_height(surface),
                (UINT32)orl_surface_stride(surface), PIXEL_FORMAT_BGRX32,
                orl_surface_pixels_rw(surface), NULL)) {
        lie(s, "no memory for the display's size");
        orl_surface_free(surface);
        return FALSE;
    }
    s->size.is_pending = false;
    take_surface(s, surface);
    return TRUE;
}

static BOOL on_begin_paint(rdpContext *context)
{
    HGDI_WND window = context->gdi->primary->hdc->hwnd;
    window->invalid->null = TRUE;
    window->ninvalid = 0;
    return TRUE;
}

static BOOL on_end_paint(rdpContext *context)
{
    struct orl_source *s = orl_rdp_source_of(context);
    HGDI_WND window = context->gdi->primary->hdc->hwnd;
    for (INT32 i = 0; i < window->ninvalid; i++) {
        const HGDI_RGN rgn = &window->cinvalid[i];
        const struct orl_rect r = {rgn->x, rgn->y, rgn->w, rgn->h};
        orl_surface_damage(s->screen.surface, &r);
    }
    const bool is_painted = window->ninvalid > 0;
    window->ninvalid = 0;
    if (is_painted && s->state == ORL_RDP_SOURCE_UP) {
        s->events->on_damage(s->ctx);
    }
    return TRUE;
}

static BOOL on_indicators(rdpContext *context, UINT16 locks)
{
    struct orl_source *s = orl_rdp_source_of(context);
    if (s->state == ORL_RDP_SOURCE_UP && s->events->on_locks != NULL) {
        s->events->on_locks(s->ctx, locks & ORL_LOCKS_ALL);
    }
    return TRUE;
}

/* We announced no H.264: what decodes it has threads of its own, and no server needs it so near. */
static void drop_h264(rdpCodecs *codecs)
{
    if (codecs != NULL && codecs->h264 != NULL) {
        h264_context_free(codecs->h264);
        codecs->h264 = NULL;
    }
}

BOOL orl_rdp_source_post_connect(freerdp *instance)
{
    rdpContext *context = instance->context;
    struct orl_source *s = orl_rdp_source_of(context);
    struct orl_surface *surface = new_surface(s);
    if (surface == NULL) {
        return FALSE;
    }
    take_surface(s, surface);
    if (!gdi_init_ex(instance, PIXEL_FORMAT_BGRX32, (UINT32)orl_surface_stride(surface),
                orl_surface_pixels_rw(surface), NULL)) {
        return FALSE;
    }
    drop_h264(context->codecs);
    context->update->BeginPaint = on_begin_paint;
    context->update->EndPaint = on_end_paint;
    context->update->DesktopResize = on_resize;
    context->update->SetKeyboardIndicators = on_indicators;
    return orl_rdp_source_pointer_setup(context);
}

/* ---- the graphics pipeline ---- */

static struct orl_source *of_gfx(RdpgfxClientContext *gfx)
{
    return orl_rdp_source_of(((rdpGdi *)gfx->custom)->context);
}

static uint64_t rounded_bytes(uint64_t width, uint64_t height)
{
    const uint64_t mask = ALIGN_PX - 1;
    return ((width + mask) & ~mask) * ((height + mask) & ~mask) * 4;
}

/* FreeRDP deletes the surface that has the number already. */
static UINT on_create_surface(RdpgfxClientContext *gfx, const RDPGFX_CREATE_SURFACE_PDU *pdu)
{
    struct orl_source *s = of_gfx(gfx);
    const uint64_t bytes = rounded_bytes(pdu->width, pdu->height);
    if (pdu->width == 0 || pdu->height == 0 || s->screen.gfx_bytes + bytes > GFX_MAX_BYTES) {
        lie(s, "the display makes impossible surfaces");
        return ERROR_INVALID_DATA;
    }
    const UINT rc = s->screen.create_surface(gfx, pdu);
    s->screen.gfx_bytes += rc == CHANNEL_RC_OK ? bytes : 0;
    return rc;
}

static UINT on_delete_surface(RdpgfxClientContext *gfx, const RDPGFX_DELETE_SURFACE_PDU *pdu)
{
    struct orl_source *s = of_gfx(gfx);
    const gdiGfxSurface *surface = gfx->GetSurfaceData(gfx, pdu->surfaceId);
    if (surface != NULL) {
        s->screen.gfx_bytes -= rounded_bytes(surface->width, surface->height);
    }
    return s->screen.delete_surface(gfx, pdu);
}

static uint64_t slot_bytes(RdpgfxClientContext *gfx, UINT16 slot)
{
    const gdiGfxCacheEntry *entry = gfx->GetCacheSlotData(gfx, slot);
    return entry != NULL ? rounded_bytes(entry->width, entry->height) : 0;
}

static UINT on_surface_to_cache(RdpgfxClientContext *gfx, const RDPGFX_SURFACE_TO_CACHE_PDU *pdu)
{
    struct orl_source *s = of_gfx(gfx);
    const RECTANGLE_16 *r = &pdu->rectSrc;
    if (r->right < r->left || r->bottom < r->top) {
        lie(s, "the display sent a rectangle outside itself");
        return ERROR_INVALID_DATA;
    }
    const uint64_t bytes =
            rounded_bytes((uint64_t)(r->right - r->left), (uint64_t)(r->bottom - r->top));
    if (s->screen.cache_bytes - slot_bytes(gfx, pdu->cacheSlot) + bytes > CACHE_MAX_BYTES) {
        lie(s, "the display caches more than there is room for");
        return ERROR_INVALID_DATA;
    }
    const UINT rc = s->screen.surface_to_cache(gfx, pdu); /* evicts what the slot had */
    s->screen.cache_bytes += rc == CHANNEL_RC_OK ? bytes : 0;
    return rc;
}

static UINT on_evict(RdpgfxClientContext *gfx, const RDPGFX_EVICT_CACHE_ENTRY_PDU *pdu)
{
    struct orl_source *s = of_gfx(gfx);
    s->screen.cache_bytes -= slot_bytes(gfx, pdu->cacheSlot);
    return s->screen.evict(gfx, pdu);
}

static UINT on_command(RdpgfxClientContext *gfx, const RDPGFX_SURFACE_COMMAND *command)
{
    struct orl_source *s = of_gfx(gfx);
    switch (command->codecId) {
    case RDPGFX_CODECID_UNCOMPRESSED:
    case RDPGFX_CODECID_CLEARCODEC:
    case RDPGFX_CODECID_PLANAR:
    case RDPGFX_CODECID_CAVIDEO:
    case RDPGFX_CODECID_CAPROGRESSIVE:
    case RDPGFX_CODECID_CAPROGRESSIVE_V2:
    case RDPGFX_CODECID_ALPHA:
        return s->screen.command(gfx, command);
    default:
        lie(s, "the display sends what was not announced");
        return ERROR_INVALID_DATA;
    }
}

/* Only for who announced RemoteApp or scaling; we did neither. */
static UINT on_scaled(RdpgfxClientContext *gfx, const RDPGFX_MAP_SURFACE_TO_SCALED_OUTPUT_PDU *pdu)
{
    (void)pdu;
    lie(of_gfx(gfx), "the display scales its picture");
    return ERROR_INVALID_DATA;
}

/* What it is still asked for goes past us: its pipeline does not lead to our source any more. */
static void let_go(const struct orl_rdp_source_screen *screen)
{
    RdpgfxClientContext *gfx = screen->gfx;
    if (gfx != NULL) {
        gfx->CreateSurface = screen->create_surface;
        gfx->DeleteSurface = screen->delete_surface;
        gfx->SurfaceToCache = screen->surface_to_cache;
        gfx->EvictCacheEntry = screen->evict;
        gfx->SurfaceCommand = screen->command;
        gfx->MapSurfaceToScaledOutput = NULL;
    }
}

void orl_rdp_source_gfx(struct orl_source *s, RdpgfxClientContext *gfx)
{
    struct orl_rdp_source_screen *screen = &s->screen;
    rdpGdi *gdi = s->instance->context->gdi;
    if (gfx == NULL) {
        let_go(screen);
        if (screen->gfx != NULL && gdi != NULL) {
            gdi_graphics_pipeline_uninit(gdi, screen->gfx);
        }
        screen->gfx = NULL;
        return;
    }
    if (screen->gfx != NULL || gdi == NULL || !gdi_graphics_pipeline_init(gdi, gfx)) {
        lie(s, "the display opened its graphics twice");
        return;
    }
    screen->gfx = gfx;
    screen->gfx_bytes = screen->cache_bytes = 0;
    screen->create_surface = gfx->CreateSurface;
    screen->delete_surface = gfx->DeleteSurface;
    screen->surface_to_cache = gfx->SurfaceToCache;
    screen->evict = gfx->EvictCacheEntry;
    screen->command = gfx->SurfaceCommand;
    gfx->CreateSurface = on_create_surface;
    gfx->DeleteSurface = on_delete_surface;
    gfx->SurfaceToCache = on_surface_to_cache;
    gfx->EvictCacheEntry = on_evict;
    gfx->SurfaceCommand = on_command;
    gfx->MapSurfaceToScaledOutput = on_scaled;
    drop_h264(gfx->codecs);
}
