/* The writer never reads back what it wrote; the reader keeps geometry of its own and masks, clips or
 * re-checks everything else. */
#include "display/surface.h"
#include "base/cleanup.h"
#include "display/surface_priv.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

#define CURSOR_TRIES 4
#define DAMAGE_MERGED_MAX 96
/* SHRINK and GROW: a reader never gets SIGBUS. FUTURE_WRITE: whoever else holds the fd can only map it
 * for reading; the writer's own mapping is older. */
#define SEALS_NEEDED (F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)
#define SEALS_SET (SEALS_NEEDED | F_SEAL_FUTURE_WRITE)

struct orl_surface {
    struct orl_surface_header *header; /* the mapping; a reader's is read-only */
    size_t map_bytes;
    uint32_t width_px, height_px;
    size_t stride_bytes;
    int fd;                /* writer; -1 for a reader */
    uint64_t damage_place; /* reader: what it has seen of damage_head */
    bool has_taken;
    uint32_t cursor_seen;
};

static bool is_size_ok(uint32_t width_px, uint32_t height_px)
{
    return width_px >= ORL_SURFACE_MIN_PX && width_px <= ORL_SURFACE_MAX_PX &&
           height_px >= ORL_SURFACE_MIN_PX && height_px <= ORL_SURFACE_MAX_PX &&
           (uint64_t)width_px * height_px <= ORL_SURFACE_MAX_PIXELS;
}

static size_t stride_of(uint32_t width_px)
{
    return ((size_t)width_px * 4 + 63) & ~(size_t)63;
}

static struct orl_rect bounds_of(const struct orl_surface *surface)
{
    struct orl_rect r = {0, 0, (int32_t)surface->width_px, (int32_t)surface->height_px};
    return r;
}

static int open_memfd(size_t bytes, int *ret_fd, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto)
    int fd = memfd_create("oriel-surface", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0) {
        return orl_err_sys(err, errno, "memfd_create");
    }
    if (ftruncate(fd, (off_t)bytes) < 0) {
        return orl_err_sys(err, errno, "surface of %zu bytes", bytes);
    }
    *ret_fd = orl_steal_fd(&fd);
    return ORL_OK;
}

static void write_geometry(struct orl_surface *surface)
{
    struct orl_surface_header *header = surface->header;
    header->magic = ORL_SURFACE_MAGIC;
    header->version = ORL_SURFACE_VERSION;
    header->width_px = surface->width_px;
    header->height_px = surface->height_px;
    header->stride_bytes = (uint32_t)surface->stride_bytes;
}

static int map_and_seal(struct orl_surface *surface, struct orl_err *err)
{
    void *map = mmap(NULL, surface->map_bytes, PROT_READ | PROT_WRITE, MAP_SHARED, surface->fd, 0);
    if (map == MAP_FAILED) {
        return orl_err_sys(err, errno, "mapping a surface");
    }
    surface->header = map;
    write_geometry(surface);
    if (fcntl(surface->fd, F_ADD_SEALS, SEALS_SET) < 0) {
        return orl_err_sys(err, errno, "sealing a surface");
    }
    return ORL_OK;
}

static void free_auto(struct orl_surface **surface)
{
    orl_surface_free(*surface);
}

int orl_surface_create(uint32_t width_px, uint32_t height_px, struct orl_surface **ret_surface,
        struct orl_err *err)
{
    if (!is_size_ok(width_px, height_px)) {
        return orl_err_set(err, ORL_E_INVAL, "surface of %ux%u pixels", width_px, height_px);
    }
    ORL_AUTO(free_auto) struct orl_surface *surface = calloc(1, sizeof(*surface));
    if (surface == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "surface");
    }
    surface->fd = -1;
    surface->width_px = width_px;
    surface->height_px = height_px;
    surface->stride_bytes = stride_of(width_px);
    surface->map_bytes = ORL_SURFACE_HEADER_BYTES + surface->stride_bytes * height_px;
    int rc = open_memfd(surface->map_bytes, &surface->fd, err);
    if (rc == ORL_OK) {
        rc = map_and_seal(surface, err);
    }
    if (rc < 0) {
        return rc;
    }
    *ret_surface = orl_steal(surface);
    return ORL_OK;
}

uint8_t *orl_surface_pixels_rw(struct orl_surface *surface)
{
    return (uint8_t *)surface->header + ORL_SURFACE_HEADER_BYTES;
}

void orl_surface_damage(struct orl_surface *surface, const struct orl_rect *r)
{
    struct orl_rect bounds = bounds_of(surface);
    struct orl_rect c = orl_rect_intersect(r, &bounds);
    if (orl_rect_is_empty(&c)) {
        return;
    }
    struct orl_surface_header *header = surface->header;
    uint64_t packed = (uint64_t)(uint32_t)c.x | (uint64_t)(uint32_t)c.y << 16 |
                      (uint64_t)(uint32_t)c.width << 32 | (uint64_t)(uint32_t)c.height << 48;
    uint64_t head = surface->damage_place++;
    /* Release on the slot too: a reader that meets a reused slot then also sees the head before it. */
    atomic_store_explicit(&header->ring[head % ORL_SURFACE_RING], packed, memory_order_release);
    atomic_store_explicit(&header->damage_head, head + 1, memory_order_release);
}

void orl_surface_set_cursor(struct orl_surface *surface, const struct orl_cursor *cursor)
{
    if (cursor->width_px < 1 || cursor->width_px > ORL_CURSOR_MAX_PX || cursor->height_px < 1 ||
            cursor->height_px > ORL_CURSOR_MAX_PX || cursor->hot_x >= cursor->width_px ||
            cursor->hot_y >= cursor->height_px) {
        return;
    }
    struct orl_surface_header *h = surface->header;
    uint32_t seq = surface->cursor_seen;
    atomic_store_explicit(&h->cursor_seq, seq + 1, memory_order_relaxed);
    atomic_thread_fence(memory_order_release);
    atomic_store_explicit(&h->cursor_is_visible, cursor->is_visible, memory_order_relaxed);
    atomic_store_explicit(&h->cursor_width_px, cursor->width_px, memory_order_relaxed);
    atomic_store_explicit(&h->cursor_height_px, cursor->height_px, memory_order_relaxed);
    atomic_store_explicit(&h->cursor_hot_x, cursor->hot_x, memory_order_relaxed);
    atomic_store_explicit(&h->cursor_hot_y, cursor->hot_y, memory_order_relaxed);
    size_t count = (size_t)cursor->width_px * cursor->height_px;
    for (size_t i = 0; i < count; i++) {
        atomic_store_explicit(&h->cursor_pixels[i], cursor->pixels[i], memory_order_relaxed);
    }
    surface->cursor_seen = seq + 2 == 0 ? 2 : seq + 2; /* 0 means: none yet */
    atomic_store_explicit(&h->cursor_seq, surface->cursor_seen, memory_order_release);
}

int orl_surface_fd(const struct orl_surface *surface)
{
    return surface->fd;
}

static int check_file(int fd, size_t *ret_bytes, struct orl_err *err)
{
    int seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 || (seals & SEALS_NEEDED) != SEALS_NEEDED) {
        return orl_err_set(err, ORL_E_PROTO, "surface is not sealed");
    }
    struct stat st;
    if (fstat(fd, &st) < 0) {
        return orl_err_sys(err, errno, "surface");
    }
    if (st.st_size <= ORL_SURFACE_HEADER_BYTES ||
            st.st_size > ORL_SURFACE_HEADER_BYTES + (off_t)ORL_SURFACE_MAX_PIXELS * 4 +
                                 (off_t)ORL_SURFACE_MAX_PX * 64) {
        return orl_err_set(err, ORL_E_PROTO, "surface of %lld bytes", (long long)st.st_size);
    }
    *ret_bytes = (size_t)st.st_size;
    return ORL_OK;
}

/* Reads the geometry once; afterwards the surface's own copy counts. */
static int read_geometry(struct orl_surface *surface, struct orl_err *err)
{
    const volatile struct orl_surface_header *header = surface->header;
    if (header->magic != ORL_SURFACE_MAGIC || header->version != ORL_SURFACE_VERSION) {
        return orl_err_set(err, ORL_E_PROTO, "not a surface");
    }
    uint32_t width_px = header->width_px;
    uint32_t height_px = header->height_px;
    uint32_t stride_bytes = header->stride_bytes;
    if (!is_size_ok(width_px, height_px) || stride_bytes != stride_of(width_px) ||
            surface->map_bytes != ORL_SURFACE_HEADER_BYTES + (size_t)stride_bytes * height_px) {
        return orl_err_set(err, ORL_E_PROTO, "surface geometry %ux%u, stride %u in %zu bytes",
                width_px, height_px, stride_bytes, surface->map_bytes);
    }
    surface->width_px = width_px;
    surface->height_px = height_px;
    surface->stride_bytes = stride_bytes;
    return ORL_OK;
}

int orl_surface_open(int fd, struct orl_surface **ret_surface, struct orl_err *err)
{
    ORL_AUTO(orl_close_auto) int owned_fd = fd;
    ORL_AUTO(free_auto) struct orl_surface *surface = calloc(1, sizeof(*surface));
    if (surface == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "surface");
    }
    surface->fd = -1;
    int rc = check_file(owned_fd, &surface->map_bytes, err);
    if (rc < 0) {
        return rc;
    }
    void *map = mmap(NULL, surface->map_bytes, PROT_READ, MAP_SHARED, owned_fd, 0);
    if (map == MAP_FAILED) {
        return orl_err_sys(err, errno, "mapping a surface");
    }
    surface->header = map;
    rc = read_geometry(surface, err);
    if (rc < 0) {
        return rc;
    }
    *ret_surface = orl_steal(surface);
    return ORL_OK;
}

static struct orl_rect unpack(uint64_t packed)
{
    struct orl_rect r = {(int32_t)(packed & 0xFFFF), (int32_t)(packed >> 16 & 0xFFFF),
            (int32_t)(packed >> 32 & 0xFFFF), (int32_t)(packed >> 48 & 0xFFFF)};
    return r;
}

/* Merging many rectangles would take longer than comparing all that lies between them. */
static void add_damage(struct orl_region *region, const struct orl_rect *rects, uint64_t count)
{
    struct orl_rect all = {0, 0, 0, 0};
    for (uint64_t i = 0; i < count; i++) {
        if (count <= DAMAGE_MERGED_MAX) {
            orl_region_add(region, &rects[i]);
        }
        all = orl_rect_union(&all, &rects[i]);
    }
    if (count > DAMAGE_MERGED_MAX) {
        orl_region_add(region, &all);
    }
}

void orl_surface_take_damage(struct orl_surface *surface, struct orl_region *region)
{
    const struct orl_surface_header *header = surface->header;
    const struct orl_rect bounds = bounds_of(surface);
    uint64_t head = atomic_load_explicit(&header->damage_head, memory_order_acquire);
    uint64_t count = head - surface->damage_place; /* a head that went back is a huge count */
    bool is_lost = !surface->has_taken || count > ORL_SURFACE_RING;
    struct orl_rect fresh[ORL_SURFACE_RING];
    for (uint64_t i = 0; !is_lost && i < count; i++) {
        uint64_t slot = (surface->damage_place + i) % ORL_SURFACE_RING;
        fresh[i] = unpack(atomic_load_explicit(&header->ring[slot], memory_order_acquire));
        fresh[i] = orl_rect_intersect(&fresh[i], &bounds);
    }
    if (!is_lost && count > 0) {
        /* The slot at the head may be being written: what was read there must not be one of ours. */
        uint64_t now = atomic_load_explicit(&header->damage_head, memory_order_acquire);
        is_lost = now - surface->damage_place >= ORL_SURFACE_RING;
    }
    if (is_lost) {
        orl_region_add(region, &bounds);
    } else {
        add_damage(region, fresh, count);
    }
    surface->has_taken = true;
    surface->damage_place = head;
}

static bool read_cursor(
        const struct orl_surface_header *h, uint32_t seq, struct orl_cursor *ret_cursor)
{
    ret_cursor->is_visible = atomic_load_explicit(&h->cursor_is_visible, memory_order_relaxed) != 0;
    ret_cursor->width_px = atomic_load_explicit(&h->cursor_width_px, memory_order_relaxed);
    ret_cursor->height_px = atomic_load_explicit(&h->cursor_height_px, memory_order_relaxed);
    ret_cursor->hot_x = atomic_load_explicit(&h->cursor_hot_x, memory_order_relaxed);
    ret_cursor->hot_y = atomic_load_explicit(&h->cursor_hot_y, memory_order_relaxed);
    if (ret_cursor->width_px < 1 || ret_cursor->width_px > ORL_CURSOR_MAX_PX ||
            ret_cursor->height_px < 1 || ret_cursor->height_px > ORL_CURSOR_MAX_PX ||
            ret_cursor->hot_x >= ret_cursor->width_px ||
            ret_cursor->hot_y >= ret_cursor->height_px) {
        return false;
    }
    size_t count = (size_t)ret_cursor->width_px * ret_cursor->height_px;
    for (size_t i = 0; i < count; i++) {
        ret_cursor->pixels[i] = atomic_load_explicit(&h->cursor_pixels[i], memory_order_relaxed);
    }
    atomic_thread_fence(memory_order_acquire);
    return atomic_load_explicit(&h->cursor_seq, memory_order_relaxed) == seq;
}

bool orl_surface_take_cursor(struct orl_surface *surface, struct orl_cursor *ret_cursor)
{
    const struct orl_surface_header *header = surface->header;
    struct orl_cursor cursor;
    for (int i = 0; i < CURSOR_TRIES; i++) {
        uint32_t seq = atomic_load_explicit(&header->cursor_seq, memory_order_acquire);
        if (seq == surface->cursor_seen) {
            return false;
        }
        if ((seq & 1) == 0 && read_cursor(header, seq, &cursor)) {
            surface->cursor_seen = seq;
            *ret_cursor = cursor;
            return true;
        }
    }
    return false;
}

const uint8_t *orl_surface_pixels(const struct orl_surface *surface)
{
    return (const uint8_t *)surface->header + ORL_SURFACE_HEADER_BYTES;
}

uint32_t orl_surface_width(const struct orl_surface *surface)
{
    return surface->width_px;
}

uint32_t orl_surface_height(const struct orl_surface *surface)
{
    return surface->height_px;
}

size_t orl_surface_stride(const struct orl_surface *surface)
{
    return surface->stride_bytes;
}

void orl_surface_free(struct orl_surface *surface)
{
    if (surface == NULL) {
        return;
    }
    if (surface->header != NULL) {
        munmap(surface->header, surface->map_bytes);
    }
    orl_close_fd(&surface->fd);
    free(surface);
}
