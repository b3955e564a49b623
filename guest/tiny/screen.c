/* See screen.h. */
#include "screen.h"
#include <drm.h>
#include <drm_fourcc.h>
#include <drm_mode.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

enum { OBJECTS_MAX = 16, MODES_MAX = 64, CURSOR_SIDE = 64 };

static int retry_ioctl(int fd, unsigned long request, void *arg)
{
    int r = -1;
    do {
        r = ioctl(fd, request, arg);
    } while (r < 0 && (errno == EINTR || errno == EAGAIN));
    return r;
}

static void *map_dumb(int fd, uint32_t handle, uint64_t size_bytes)
{
    struct drm_mode_map_dumb map = {.handle = handle};
    if (retry_ioctl(fd, DRM_IOCTL_MODE_MAP_DUMB, &map) < 0) {
        return NULL;
    }
    void *at = mmap(NULL, size_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, (off_t)map.offset);
    return at == MAP_FAILED ? NULL : at;
}

static void destroy_dumb(int fd, uint32_t handle)
{
    struct drm_mode_destroy_dumb destroy = {.handle = handle};
    (void)retry_ioctl(fd, DRM_IOCTL_MODE_DESTROY_DUMB, &destroy);
}

static uint32_t first_crtc(int fd, uint32_t encoder_id, const uint32_t *crtcs, uint32_t count)
{
    struct drm_mode_get_encoder encoder = {.encoder_id = encoder_id};
    if (retry_ioctl(fd, DRM_IOCTL_MODE_GETENCODER, &encoder) < 0) {
        return 0;
    }
    for (uint32_t i = 0; i < count && i < 32; i++) {
        if (encoder.possible_crtcs >> i & 1) {
            return crtcs[i];
        }
    }
    return 0;
}

struct wanted {
    struct orl_head heads[ORL_SCREEN_HEADS];
    struct drm_mode_modeinfo modes[ORL_SCREEN_HEADS];
    uint32_t count, width, height;
};

static void add_head(struct wanted *wanted, uint32_t connector, uint32_t crtc,
        const struct drm_mode_modeinfo *mode)
{
    wanted->modes[wanted->count] = *mode;
    wanted->heads[wanted->count++] = (struct orl_head){.connector = connector,
            .crtc = crtc,
            .x = wanted->width,
            .width = mode->hdisplay,
            .height = mode->vdisplay};
    wanted->width += mode->hdisplay;
    wanted->height = wanted->height > mode->vdisplay ? wanted->height : mode->vdisplay;
}

static const struct drm_mode_modeinfo *preferred(
        const struct drm_mode_modeinfo *modes, uint32_t count)
{
    for (uint32_t m = 0; m < count; m++) {
        if (modes[m].type & DRM_MODE_TYPE_PREFERRED) {
            return &modes[m];
        }
    }
    return &modes[0];
}

/* The connected connectors and the mode that each prefers. */
static int find_modes(const struct orl_screen *screen, struct wanted *ret_wanted)
{
    uint32_t crtcs[OBJECTS_MAX] = {0};
    uint32_t connectors[OBJECTS_MAX] = {0};
    struct drm_mode_card_res res = {.crtc_id_ptr = (uintptr_t)crtcs,
            .connector_id_ptr = (uintptr_t)connectors,
            .count_crtcs = OBJECTS_MAX,
            .count_connectors = OBJECTS_MAX};
    *ret_wanted = (struct wanted){0};
    if (retry_ioctl(screen->fd, DRM_IOCTL_MODE_GETRESOURCES, &res) < 0) {
        return -1;
    }
    for (uint32_t i = 0; i < res.count_connectors && i < OBJECTS_MAX; i++) {
        struct drm_mode_modeinfo modes[MODES_MAX];
        uint32_t encoders[OBJECTS_MAX] = {0};
        /* With no room for modes the kernel asks the display anew. */
        struct drm_mode_get_connector probe = {.connector_id = connectors[i]};
        struct drm_mode_get_connector get = {.connector_id = connectors[i],
                .modes_ptr = (uintptr_t)modes,
                .count_modes = MODES_MAX,
                .encoders_ptr = (uintptr_t)encoders,
                .count_encoders = OBJECTS_MAX};
        if (retry_ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &probe) < 0 ||
                retry_ioctl(screen->fd, DRM_IOCTL_MODE_GETCONNECTOR, &get) < 0 ||
                get.connection != 1 || get.count_modes == 0 || get.count_modes > MODES_MAX ||
                get.count_encoders == 0) {
            continue;
        }
        const uint32_t crtc = first_crtc(screen->fd, encoders[0], crtcs, res.count_crtcs);
        if (crtc != 0 && ret_wanted->count < ORL_SCREEN_HEADS) {
            add_head(ret_wanted, connectors[i], crtc, preferred(modes, get.count_modes));
        }
    }
    errno = ENODEV;
    return ret_wanted->count > 0 ? 0 : -1;
}

/* An arrow with a black rim: its shape reaches the client as the guest's cursor. */
static void paint_arrow(uint32_t *px)
{
    for (uint32_t y = 0; y < 22; y++) {
        for (uint32_t x = 0; x <= y * 2 / 3; x++) {
            const int is_rim = x == 0 || y == 21 || x == y * 2 / 3;
            px[y * CURSOR_SIDE + x] = is_rim ? 0xff000000 : 0xffffffff;
        }
    }
}

static void set_cursor(struct orl_screen *screen)
{
    if (screen->cursor_handle == 0) {
        struct drm_mode_create_dumb dumb = {.width = CURSOR_SIDE, .height = CURSOR_SIDE, .bpp = 32};
        if (retry_ioctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) {
            return;
        }
        uint32_t *px = map_dumb(screen->fd, dumb.handle, dumb.size);
        if (px == NULL) {
            destroy_dumb(screen->fd, dumb.handle);
            return;
        }
        memset(px, 0, dumb.size);
        paint_arrow(px);
        (void)munmap(px, dumb.size);
        screen->cursor_handle = dumb.handle;
    }
    for (uint32_t i = 0; i < screen->head_count; i++) {
        struct drm_mode_cursor2 cursor = {.flags = DRM_MODE_CURSOR_BO,
                .crtc_id = screen->heads[i].crtc,
                .width = CURSOR_SIDE,
                .height = CURSOR_SIDE,
                .handle = screen->cursor_handle};
        (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_CURSOR2, &cursor);
    }
}

int orl_screen_open(struct orl_screen *screen, int wait_ms)
{
    *screen = (struct orl_screen){.fd = -1};
    for (;; wait_ms -= 20) {
        screen->fd = open("/dev/dri/card0", O_RDWR | O_CLOEXEC);
        if (screen->fd >= 0) {
            return 0;
        }
        if (wait_ms <= 0) {
            return -1;
        }
        (void)usleep(20000);
    }
}

static int set_heads(const struct orl_screen *screen, struct wanted *wanted, uint32_t fb)
{
    for (uint32_t i = 0; i < wanted->count; i++) {
        struct drm_mode_crtc crtc = {.set_connectors_ptr = (uintptr_t)&wanted->heads[i].connector,
                .count_connectors = 1,
                .crtc_id = wanted->heads[i].crtc,
                .x = wanted->heads[i].x,
                .fb_id = fb,
                .mode_valid = 1,
                .mode = wanted->modes[i]};
        if (retry_ioctl(screen->fd, DRM_IOCTL_MODE_SETCRTC, &crtc) < 0) {
            return -1;
        }
    }
    for (uint32_t i = wanted->count; i < screen->head_count; i++) {
        struct drm_mode_crtc off = {.crtc_id = screen->heads[i].crtc};
        (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_SETCRTC, &off);
    }
    return 0;
}

/* Makes a buffer and shows it; the old one is released only afterwards, so that nothing flickers. */
static int show_modes(struct orl_screen *screen, struct wanted *wanted)
{
    struct drm_mode_create_dumb dumb = {
            .width = wanted->width, .height = wanted->height, .bpp = 32};
    if (retry_ioctl(screen->fd, DRM_IOCTL_MODE_CREATE_DUMB, &dumb) < 0) {
        return -1;
    }
    uint32_t *px = map_dumb(screen->fd, dumb.handle, dumb.size);
    struct drm_mode_fb_cmd2 fb = {.width = dumb.width,
            .height = dumb.height,
            .pixel_format = DRM_FORMAT_XRGB8888,
            .handles = {dumb.handle},
            .pitches = {dumb.pitch}};
    if (px == NULL || retry_ioctl(screen->fd, DRM_IOCTL_MODE_ADDFB2, &fb) < 0) {
        goto fail_buffer;
    }
    memset(px, 0, dumb.size);
    if (set_heads(screen, wanted, fb.fb_id) < 0) {
        (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_RMFB, &fb.fb_id);
        goto fail_buffer;
    }
    if (screen->canvas.px != NULL) {
        (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_RMFB, &screen->fb);
        (void)munmap(screen->canvas.px, screen->size_bytes);
        destroy_dumb(screen->fd, screen->handle);
    }
    memcpy(screen->heads, wanted->heads, sizeof(screen->heads));
    screen->head_count = wanted->count;
    screen->fb = fb.fb_id;
    screen->handle = dumb.handle;
    screen->size_bytes = dumb.size;
    screen->canvas = (struct orl_canvas){px, dumb.pitch / 4, dumb.width, dumb.height};
    return 0;

fail_buffer:
    if (px != NULL) {
        (void)munmap(px, dumb.size);
    }
    destroy_dumb(screen->fd, dumb.handle);
    return -1;
}

int orl_screen_follow(struct orl_screen *screen)
{
    struct wanted wanted;
    if (find_modes(screen, &wanted) < 0) {
        return -1;
    }
    if (screen->canvas.px != NULL && screen->head_count == wanted.count &&
            memcmp(screen->heads, wanted.heads, sizeof(screen->heads)) == 0) {
        return 0;
    }
    if (wanted.width == 0 || wanted.width > ORL_PICTURE_MAX || wanted.height == 0 ||
            wanted.height > ORL_PICTURE_MAX || show_modes(screen, &wanted) < 0) {
        return -1;
    }
    set_cursor(screen);
    return 1;
}

void orl_screen_flush(const struct orl_screen *screen, struct orl_picture_rect area)
{
    struct drm_clip_rect clip = {.x1 = (unsigned short)area.x,
            .y1 = (unsigned short)area.y,
            .x2 = (unsigned short)(area.x + area.w),
            .y2 = (unsigned short)(area.y + area.h)};
    struct drm_mode_fb_dirty_cmd dirty = {
            .fb_id = screen->fb, .num_clips = 1, .clips_ptr = (uintptr_t)&clip};
    (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_DIRTYFB, &dirty);
}

void orl_screen_move_pointer(const struct orl_screen *screen, uint32_t x, uint32_t y)
{
    for (uint32_t i = 0; i < screen->head_count; i++) {
        const struct orl_head *head = &screen->heads[i];
        struct drm_mode_cursor cursor = {.flags = DRM_MODE_CURSOR_MOVE,
                .crtc_id = head->crtc,
                .x = (int)x - (int)head->x,
                .y = (int)y};
        (void)retry_ioctl(screen->fd, DRM_IOCTL_MODE_CURSOR, &cursor);
    }
}
