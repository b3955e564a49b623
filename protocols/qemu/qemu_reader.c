#include "protocols/qemu/qemu_reader.h"
#include "base/cleanup.h"
#include "protocols/qemu/qemu_map.h"
#include "protocols/qemu/qemu_wire.h"
#include <stdlib.h>
#include <string.h>

#define SCRATCH_BYTES 65536
#define ANSWERS_MAX_BYTES 4096 /* a few dozen; one that asks on and reads nothing is over */
#define ANSWER_MAX_BYTES 256
#define BYTES_PER_PX 4U

enum state { FIXED = 0, FIELDS, ARGS, ROWS, SKIP };

struct orl_qemu_reader {
    const struct orl_qemu_reader_events *events;
    void *ctx;
    enum state state;
    uint8_t head[ORL_QEMU_HEADER_MAX];
    size_t head_len, head_want; /* FIXED, FIELDS; of args: ARGS */
    size_t skip_left;
    struct orl_qemu_header header;
    struct orl_qemu_args args;
    struct orl_qemu_rows rows;
    int fd; /* came with the message that has begun; -1: none */
    struct orl_qemu_map map;
    bool is_map_new; /* nothing of it was read yet */
    size_t copied_bytes;
    struct orl_surface *surface;
    struct orl_surface *next; /* being filled; NULL: the picture's size is as it was */
    struct orl_cursor cursor; /* as told */
    struct orl_cursor shape;  /* being filled */
    struct orl_buf answers;
    uint32_t serial;
    uint8_t scratch[SCRATCH_BYTES];
};

static void expect_message(struct orl_qemu_reader *r)
{
    r->state = FIXED;
    r->head_len = 0;
    r->head_want = ORL_QEMU_FIXED_BYTES;
}

int orl_qemu_reader_new(
        const struct orl_qemu_reader_events *events, void *ctx, struct orl_qemu_reader **ret_reader)
{
    struct orl_qemu_reader *r = calloc(1, sizeof(*r));
    if (r == NULL) {
        return ORL_E_NOMEM;
    }
    r->events = events;
    r->ctx = ctx;
    r->fd = -1;
    orl_qemu_map_init(&r->map);
    orl_buf_init(&r->answers, ANSWERS_MAX_BYTES);
    expect_message(r);
    *ret_reader = r;
    return ORL_OK;
}

void orl_qemu_reader_free(struct orl_qemu_reader *reader)
{
    if (reader != NULL) {
        orl_surface_free(reader->next);
        orl_surface_free(reader->surface);
        orl_buf_fini(&reader->answers);
        orl_qemu_map_close(&reader->map);
        orl_close_fd(&reader->fd);
        free(reader);
    }
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

unsigned orl_qemu_reader_room(struct orl_qemu_reader *reader, struct iovec iov[ORL_QEMU_IOV_MAX])
{
    const struct iovec scratch = {reader->scratch, SCRATCH_BYTES};
    if (reader->state == ROWS) {
        return orl_qemu_rows_room(&reader->rows, scratch, iov);
    }
    if (reader->state == SKIP) {
        iov[0] = (struct iovec){reader->scratch, least(reader->skip_left, SCRATCH_BYTES)};
    } else {
        iov[0] = (struct iovec){
                reader->head + reader->head_len, reader->head_want - reader->head_len};
    }
    return 1;
}

static void tell_cursor(struct orl_qemu_reader *r)
{
    if (r->cursor.width_px > 0) {
        r->events->on_cursor(r->ctx, &r->cursor);
    }
}

/* Guests give colours multiplied by alpha, as DRM's cursor planes want them. */
static uint32_t divide_by_alpha(uint32_t argb)
{
    uint32_t alpha = argb >> 24;
    uint32_t out = alpha << 24;
    if (alpha == 0 || alpha == 255) {
        return alpha == 0 ? 0 : argb;
    }
    for (unsigned shift = 0; shift < 24; shift += 8) {
        uint32_t c = (((argb >> shift) & 0xFF) * 255 + alpha / 2) / alpha;
        out |= (c > 255 ? 255 : c) << shift;
    }
    return out;
}

static void take_shape(struct orl_qemu_reader *r)
{
    size_t pixels = (size_t)r->shape.width_px * r->shape.height_px;
    for (size_t i = 0; i < pixels; i++) {
        r->shape.pixels[i] = divide_by_alpha(r->shape.pixels[i]);
    }
    r->shape.is_visible = true;
    r->cursor = r->shape;
    tell_cursor(r);
}

static void take_surface(struct orl_qemu_reader *r)
{
    const struct orl_rect all = {
            0, 0, (int32_t)orl_surface_width(r->next), (int32_t)orl_surface_height(r->next)};
    struct orl_surface *old = r->surface;
    r->surface = r->next;
    r->next = NULL;
    orl_surface_damage(r->surface, &all);
    r->events->on_surface(r->ctx, r->surface);
    orl_surface_free(old);
}

static void finish_picture(struct orl_qemu_reader *r, const struct orl_rect *box)
{
    expect_message(r);
    if (r->next != NULL) {
        take_surface(r);
    } else {
        orl_surface_damage(r->surface, box); /* a Scanout is at 0, 0 */
        r->events->on_damage(r->ctx, box);
    }
}

static void finish_rows(struct orl_qemu_reader *r)
{
    const struct orl_rect box = {
            r->args.x, r->args.y, (int32_t)r->args.width_px, (int32_t)r->args.height_px};
    if (r->header.call == ORL_QEMU_CURSOR) {
        expect_message(r);
        take_shape(r);
    } else {
        finish_picture(r, &box);
    }
}

static void aim(struct orl_qemu_reader *r, uint8_t *to, size_t to_stride, uint32_t keep_width_px,
        uint32_t keep_rows)
{
    r->state = ROWS;
    r->rows = (struct orl_qemu_rows){.to = to,
            .to_stride = to_stride,
            .keep_bytes = (size_t)keep_width_px * BYTES_PER_PX,
            .src_stride = r->args.stride_bytes,
            .count = r->args.height_px,
            .keep_rows = keep_rows};
}

/* A surface for a whole picture of that size. */
static int choose(struct orl_qemu_reader *r, uint32_t width_px, uint32_t height_px,
        struct orl_surface **ret_to)
{
    *ret_to = r->surface;
    if (r->surface != NULL && orl_surface_width(r->surface) == width_px &&
            orl_surface_height(r->surface) == height_px) {
        return ORL_OK;
    }
    int rc = orl_surface_create(width_px, height_px, &r->next, NULL);
    *ret_to = r->next;
    return rc;
}

static int begin_scanout(struct orl_qemu_reader *r)
{
    struct orl_surface *to = NULL;
    int rc = choose(r, r->args.width_px, r->args.height_px, &to);
    if (rc == ORL_OK) {
        aim(r, orl_surface_pixels_rw(to), orl_surface_stride(to), r->args.width_px,
                r->args.height_px);
    }
    return rc;
}

static int take_map(struct orl_qemu_reader *r)
{
    expect_message(r);
    r->is_map_new = true;
    return orl_qemu_map_open(&r->map, orl_steal_fd(&r->fd), &r->args);
}

/* Of a map that is new all is read, whatever changed in it: QEMU tells its first change right behind it. */
static int take_change(struct orl_qemu_reader *r)
{
    struct orl_rect box = {
            r->args.x, r->args.y, (int32_t)r->args.width_px, (int32_t)r->args.height_px};
    struct orl_surface *to = r->surface;
    if (r->is_map_new) {
        box = (struct orl_rect){0, 0, (int32_t)r->map.width_px, (int32_t)r->map.height_px};
    }
    if (!orl_qemu_map_holds(&r->map, &box)) {
        return ORL_E_PROTO;
    }
    int rc = r->is_map_new ? choose(r, r->map.width_px, r->map.height_px, &to) : ORL_OK;
    rc = rc < 0 ? rc : orl_qemu_map_read(&r->map, &box, to);
    if (rc == ORL_OK) {
        r->is_map_new = false;
        r->copied_bytes += (size_t)box.width * (size_t)box.height * BYTES_PER_PX;
        finish_picture(r, &box);
    }
    return rc;
}

/* QEMU 7.2 tells a new size with the first change of the whole screen only; until then its parts may lie
 * outside of what we have. */
static int grow(struct orl_qemu_reader *r, uint32_t width_px, uint32_t height_px)
{
    uint32_t old_width = r->surface != NULL ? orl_surface_width(r->surface) : ORL_SURFACE_MIN_PX;
    uint32_t old_height = r->surface != NULL ? orl_surface_height(r->surface) : ORL_SURFACE_MIN_PX;
    if (r->surface != NULL && width_px <= old_width && height_px <= old_height) {
        return ORL_OK;
    }
    int rc = orl_surface_create(width_px > old_width ? width_px : old_width,
            height_px > old_height ? height_px : old_height, &r->next, NULL);
    for (uint32_t y = 0; rc == ORL_OK && r->surface != NULL && y < old_height; y++) {
        memcpy(orl_surface_pixels_rw(r->next) + y * orl_surface_stride(r->next),
                orl_surface_pixels(r->surface) + y * orl_surface_stride(r->surface),
                (size_t)old_width * BYTES_PER_PX);
    }
    return rc;
}

static int begin_update(struct orl_qemu_reader *r)
{
    const struct orl_qemu_args *a = &r->args;
    int rc = grow(r, (uint32_t)a->x + a->width_px, (uint32_t)a->y + a->height_px);
    if (rc < 0) {
        return rc;
    }
    struct orl_surface *surface = r->next != NULL ? r->next : r->surface;
    size_t stride = orl_surface_stride(surface);
    uint8_t *to =
            orl_surface_pixels_rw(surface) + (size_t)a->y * stride + (size_t)a->x * BYTES_PER_PX;
    aim(r, to, stride, a->width_px, a->height_px);
    return ORL_OK;
}

static uint32_t clamp_hot(int32_t hot, uint32_t side_px)
{
    uint32_t at = hot > 0 ? (uint32_t)hot : 0;
    return at < side_px ? at : side_px - 1;
}

/* What is larger than our cursor loses its right and bottom. */
static int begin_cursor(struct orl_qemu_reader *r)
{
    struct orl_cursor *shape = &r->shape;
    shape->width_px = (uint32_t)least(r->args.width_px, ORL_CURSOR_MAX_PX);
    shape->height_px = (uint32_t)least(r->args.height_px, ORL_CURSOR_MAX_PX);
    shape->hot_x = clamp_hot(r->args.x, shape->width_px);
    shape->hot_y = clamp_hot(r->args.y, shape->height_px);
    aim(r, (uint8_t *)shape->pixels, (size_t)shape->width_px * BYTES_PER_PX, shape->width_px,
            shape->height_px);
    return ORL_OK;
}

static void take_mouse(struct orl_qemu_reader *r)
{
    expect_message(r);
    if (r->cursor.is_visible != r->args.is_on) {
        r->cursor.is_visible = r->args.is_on;
        tell_cursor(r);
    }
}

static int begin_call(struct orl_qemu_reader *r)
{
    int rc = orl_qemu_wire_args(&r->header, r->head, r->head_len, &r->args);
    if (rc < 0) {
        return rc;
    }
    if (r->header.call == ORL_QEMU_SCANOUT || r->header.call == ORL_QEMU_UPDATE) {
        orl_qemu_map_close(&r->map); /* QEMU copies from now on */
    }
    if (r->args.is_empty && !(r->header.call == ORL_QEMU_UPDATE_MAP && r->is_map_new)) {
        expect_message(r);
        return ORL_OK;
    }
    switch (r->header.call) {
    case ORL_QEMU_SCANOUT:
        return begin_scanout(r);
    case ORL_QEMU_UPDATE:
        return begin_update(r);
    case ORL_QEMU_SCANOUT_MAP:
        return take_map(r);
    case ORL_QEMU_UPDATE_MAP:
        return take_change(r);
    case ORL_QEMU_CURSOR:
        return begin_cursor(r);
    default:
        take_mouse(r);
        return ORL_OK;
    }
}

static void go_dark(struct orl_qemu_reader *r)
{
    orl_qemu_map_close(&r->map);
    if (r->surface != NULL) {
        const struct orl_rect all = {0, 0, (int32_t)orl_surface_width(r->surface),
                (int32_t)orl_surface_height(r->surface)};
        memset(orl_surface_pixels_rw(r->surface), 0,
                orl_surface_stride(r->surface) * orl_surface_height(r->surface));
        orl_surface_damage(r->surface, &all);
        r->events->on_damage(r->ctx, &all);
    }
}

/* QEMU's main loop stands still until ScanoutMap is answered (a second at most), or a question (25). */
static int answer(struct orl_qemu_reader *r)
{
    struct orl_buf one;
    orl_buf_init(&one, ANSWER_MAX_BYTES);
    if (r->header.call == ORL_QEMU_GET_ALL) {
        orl_qemu_wire_put_properties(&one, ++r->serial, r->header.serial, true);
    } else if (r->header.call != ORL_QEMU_OTHER) {
        orl_qemu_wire_put_done(&one, ++r->serial, r->header.serial);
    } else {
        orl_qemu_wire_put_unknown(&one, ++r->serial, r->header.serial);
    }
    orl_buf_put(&r->answers, one.data, one.len);
    bool is_failed = one.is_failed || r->answers.is_failed;
    orl_buf_fini(&one);
    return is_failed ? ORL_E_PROTO : ORL_OK;
}

static int begin_body(struct orl_qemu_reader *r)
{
    int rc = orl_qemu_wire_header(r->head, r->head_len, &r->header);
    size_t args_len = rc < 0 ? 0 : orl_qemu_wire_args_len(r->header.call);
    if (rc < 0 || (args_len > 0 && r->header.body_len < args_len) ||
            (r->fd >= 0) != (r->header.fds > 0)) {
        return ORL_E_PROTO;
    }
    if (r->header.wants_reply) {
        rc = answer(r);
    }
    if (r->header.call == ORL_QEMU_DISABLE) {
        go_dark(r);
    }
    if (args_len > 0) {
        r->state = ARGS;
        r->head_len = 0;
        r->head_want = args_len;
    } else if (r->header.body_len > 0) {
        r->state = SKIP;
        r->skip_left = r->header.body_len;
    } else {
        expect_message(r);
    }
    return rc;
}

static int got_head(struct orl_qemu_reader *r)
{
    if (r->head_len < r->head_want) {
        return ORL_OK;
    }
    if (r->state == FIXED) {
        r->state = FIELDS;
        int rc = orl_qemu_wire_measure(r->head, &r->head_want);
        return rc < 0 || r->head_len < r->head_want ? rc : begin_body(r);
    }
    return r->state == FIELDS ? begin_body(r) : begin_call(r);
}

int orl_qemu_reader_take_fd(struct orl_qemu_reader *reader, int fd)
{
    if (orl_qemu_reader_is_inside(reader) || reader->fd >= 0) {
        orl_close_fd(&fd);
        return ORL_E_PROTO;
    }
    reader->fd = fd;
    return ORL_OK;
}

size_t orl_qemu_reader_copied(struct orl_qemu_reader *reader)
{
    size_t bytes = reader->copied_bytes;
    reader->copied_bytes = 0;
    return bytes;
}

int orl_qemu_reader_got(struct orl_qemu_reader *reader, size_t len)
{
    switch (reader->state) {
    case ROWS:
        if (orl_qemu_rows_got(&reader->rows, len)) {
            finish_rows(reader);
        }
        return ORL_OK;
    case SKIP:
        reader->skip_left -= len;
        if (reader->skip_left == 0) {
            expect_message(reader);
        }
        return ORL_OK;
    default:
        reader->head_len += len;
        return got_head(reader);
    }
}

bool orl_qemu_reader_is_inside(const struct orl_qemu_reader *reader)
{
    return reader->state != FIXED || reader->head_len > 0;
}

struct orl_buf *orl_qemu_reader_answers(struct orl_qemu_reader *reader)
{
    return &reader->answers;
}

struct orl_surface *orl_qemu_reader_surface(struct orl_qemu_reader *reader)
{
    return reader->surface;
}
