/* A hostile console against a session: what it may send, share and change at any moment, also while the session
 * works, through link, surface, picture, stream and planner, clipboard and sound. */
#include "base/cleanup.h"
#include "base/ipc.h"
#include "display/surface_priv.h"
#include "session/aside.h"
#include "session/picture.h"
#include "session/stream.h"
#include "tests/fuzz/script.h"
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum {
    FILES = 2,
    COMMANDS_MAX = 200,
    RAW_MAX = 255,
    TEXT_MAX = 200, /* of the policy */
    HEAD_EDIT_BYTES = 24 + 8 + 8 * 8
};

struct file {
    int fd; /* -1: none */
    uint8_t *map;
    size_t bytes;
};
struct rig {
    struct script script;
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_picture *picture;
    struct orl_stream *stream;
    struct orl_aside aside;
    struct orl_viewer_handle viewer;
    struct file files[FILES];
    int link; /* the console's end */
    uint32_t frame_id, width, height;
    bool edits_inside; /* the console is at it while the session is */
    uint32_t sum;
};

/* ---- the console ---- */

static void close_file(struct file *file)
{
    if (file->fd >= 0) {
        munmap(file->map, file->bytes);
        orl_close_fd(&file->fd);
    }
}

/* Often a true surface; else too short, too long, or not sealed. */
static void make_file(struct rig *rig)
{
    struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    const uint32_t width = 16U + script_u8(&rig->script);
    const uint32_t height = 16U + script_u8(&rig->script);
    const uint8_t lie = script_u8(&rig->script);
    const uint32_t stride = (width * 4 + 63) & ~63U;
    close_file(file);
    file->bytes = ORL_SURFACE_HEADER_BYTES + (size_t)stride * height;
    file->bytes -= lie % 8 == 1 ? 1 : 0;
    file->bytes += lie % 8 == 2 ? 4096 : 0;
    file->fd = memfd_create("fuzz", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    orl_assert(file->fd >= 0 && ftruncate(file->fd, (off_t)file->bytes) == 0);
    file->map = mmap(NULL, file->bytes, PROT_READ | PROT_WRITE, MAP_SHARED, file->fd, 0);
    orl_assert(file->map != MAP_FAILED);
    struct orl_surface_header *header = (struct orl_surface_header *)(void *)file->map;
    header->magic = ORL_SURFACE_MAGIC;
    header->version = ORL_SURFACE_VERSION;
    header->width_px = width;
    header->height_px = height;
    header->stride_bytes = stride;
    static const int seals[] = {
            F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL, F_SEAL_GROW, F_SEAL_SHRINK, F_SEAL_SEAL};
    (void)fcntl(file->fd, F_ADD_SEALS, seals[lie / 64]);
}

/* What was refused may change its size; what was taken cannot. */
static void resize_file(struct rig *rig)
{
    struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    if (file->fd >= 0 && ftruncate(file->fd, script_u16(&rig->script)) == 0) {
        const struct file was = *file;
        file->fd = -1;
        munmap(was.map, was.bytes);
        (void)close(was.fd);
    }
}

static void edit_head(struct rig *rig)
{
    const struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    const size_t at = script_u16(&rig->script) % HEAD_EDIT_BYTES;
    size_t len = 0;
    const uint8_t *bytes = script_bytes(&rig->script, 64, &len);
    if (file->fd >= 0 && len > 0) {
        memcpy(file->map + at, bytes, len);
    }
}

static void edit_cursor(struct rig *rig)
{
    const struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    if (file->fd >= 0) {
        struct orl_surface_header *header = (struct orl_surface_header *)(void *)file->map;
        header->cursor_seq = header->cursor_seq + script_u8(&rig->script) % 4;
        header->cursor_width_px = script_u8(&rig->script);
        header->cursor_height_px = script_u8(&rig->script);
        header->cursor_hot_x = script_u8(&rig->script);
        header->cursor_hot_y = script_u8(&rig->script);
    }
}

/* As an honest console would, but for the rectangle it tells. */
static void paint(struct rig *rig)
{
    const struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    if (file->fd < 0 || file->bytes <= ORL_SURFACE_HEADER_BYTES + RAW_MAX) {
        return;
    }
    struct orl_surface_header *header = (struct orl_surface_header *)(void *)file->map;
    const size_t room = file->bytes - ORL_SURFACE_HEADER_BYTES;
    const size_t from = script_u16(&rig->script) * 16U % room;
    size_t count = (size_t)script_u16(&rig->script) * 4;
    count = count < room - from ? count : room - from;
    memset(file->map + ORL_SURFACE_HEADER_BYTES + from, script_u8(&rig->script), count);
    uint64_t told = script_u32(&rig->script);
    told |= (uint64_t)script_u32(&rig->script) << 32;
    const uint64_t head = header->damage_head;
    header->ring[head % ORL_SURFACE_RING] = told;
    header->damage_head = head + 1;
}

static void send_raw(struct rig *rig)
{
    size_t len = 0;
    const uint8_t *bytes = script_bytes(&rig->script, RAW_MAX, &len);
    (void)send(rig->link, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void send_type(const struct rig *rig, uint16_t type, uint32_t reason)
{
    const struct orl_link_msg msg = {.type = type, .reason = reason, .surface_fd = -1};
    const int rc = orl_link_send(rig->link, &msg);
    (void)rc;
}

static void send_surface(struct rig *rig)
{
    const struct file *file = &rig->files[script_u8(&rig->script) % FILES];
    const uint8_t lie = script_u8(&rig->script);
    const int fd = lie % 16 == 1 ? rig->link : file->fd;
    if (fd >= 0) {
        const struct orl_link_msg msg = {.type = ORL_LINK_SURFACE, .surface_fd = fd};
        const int rc = orl_link_send(rig->link, &msg);
        (void)rc;
    }
}

static void send_clipboard(struct rig *rig)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD, .surface_fd = -1};
    struct orl_clipboard_part *part = &msg.clipboard;
    part->step = script_u8(&rig->script) % (ORL_CLIPBOARD_STEP_COUNT + 1);
    part->serial = script_u8(&rig->script) % 4;
    part->has_text = script_u8(&rig->script) % 3;
    part->total = script_u8(&rig->script);
    part->at = script_u8(&rig->script);
    part->data = script_bytes(&rig->script, RAW_MAX, &part->len);
    const int rc = orl_link_send(rig->link, &msg);
    (void)rc;
}

static void send_sound(struct rig *rig)
{
    struct orl_link_msg msg = {.type = ORL_LINK_SOUND, .surface_fd = -1};
    msg.sound.rate_hz = script_u16(&rig->script);
    msg.sound.channels = script_u8(&rig->script);
    msg.sound.samples = script_bytes(&rig->script, RAW_MAX, &msg.sound.len);
    const int rc = orl_link_send(rig->link, &msg);
    (void)rc;
}

static void attach(struct rig *rig)
{
    int pair[2];
    orl_close_fd(&rig->link);
    orl_assert(orl_ipc_pair(pair, NULL) == 0);
    rig->link = pair[0];
    orl_assert(orl_picture_attach(rig->picture, pair[1], NULL) == 0);
    orl_aside_attached(&rig->aside);
}

static void act_as_console(struct rig *rig)
{
    switch (script_u8(&rig->script) % 11) {
    case 0:
        make_file(rig);
        break;
    case 1:
        resize_file(rig);
        break;
    case 2:
        edit_head(rig);
        break;
    case 3:
        edit_cursor(rig);
        break;
    case 4:
        paint(rig);
        break;
    case 5:
        send_raw(rig);
        break;
    case 6:
        send_surface(rig);
        break;
    case 8:
        send_type(rig, ORL_LINK_CLOSED, script_u8(&rig->script));
        break;
    case 9:
        send_clipboard(rig);
        break;
    case 10:
        send_sound(rig);
        break;
    default:
        send_type(rig, ORL_LINK_WAKE, 0);
        break;
    }
}

/* ---- the session around picture and stream ---- */

static struct rig *rig_of(const struct orl_viewer *viewer)
{
    return (struct rig *)(uintptr_t)viewer;
}

static void while_at_it(struct rig *rig)
{
    if (rig->edits_inside && !script_is_over(&rig->script)) {
        act_as_console(rig);
    }
}

static int viewer_send(struct orl_viewer *viewer, const struct orl_update *update)
{
    struct rig *rig = rig_of(viewer);
    const struct orl_rect all = {0, 0, (int32_t)update->width_px, (int32_t)update->height_px};
    orl_assert(update->width_px == rig->width && update->height_px == rig->height);
    orl_assert(update->op_count >= 1 && update->op_count <= ORL_UPDATE_MAX_OPS);
    for (unsigned i = 0; i < update->op_count; i++) {
        const struct orl_op *op = &update->ops[i];
        const struct orl_rect from = {op->from_x, op->from_y, op->rect.width, op->rect.height};
        orl_assert(orl_rect_contains(&all, &op->rect));
        orl_assert(op->kind != ORL_OP_COPY || orl_rect_contains(&all, &from));
    }
    rig->frame_id = update->frame_id;
    for (uint32_t y = 0; y < update->height_px; y++) {
        rig->sum += update->pixels[y * update->stride_bytes + (size_t)update->width_px * 4 - 1];
    }
    while_at_it(rig);
    return 0;
}

static void viewer_clipboard(struct orl_viewer *viewer, const struct orl_clipboard *step)
{
    struct rig *rig = rig_of(viewer);
    orl_assert(step->len <= TEXT_MAX);
    for (size_t i = 0; i < step->len; i++) {
        rig->sum += (uint8_t)step->text[i];
    }
}

static void viewer_sound(struct orl_viewer *viewer, const struct orl_sound *sound)
{
    (void)viewer;
    orl_assert(orl_sound_is_valid(sound));
}

static const struct orl_viewer_ops viewer_ops = {
        .send = viewer_send, .clipboard = viewer_clipboard, .sound = viewer_sound};

static void on_damage(void *ctx)
{
    struct rig *rig = ctx;
    if (rig->stream != NULL) {
        orl_stream_on_damage(rig->stream);
    }
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    struct rig *rig = ctx;
    orl_assert(cursor->width_px >= 1 && cursor->width_px <= ORL_CURSOR_MAX_PX);
    orl_assert(cursor->height_px >= 1 && cursor->height_px <= ORL_CURSOR_MAX_PX);
    orl_assert(cursor->hot_x < cursor->width_px && cursor->hot_y < cursor->height_px);
    while_at_it(rig);
}

static void set_size(struct rig *rig, uint32_t width, uint32_t height)
{
    orl_assert(orl_picture_set_size(rig->picture, width, height) == 0);
    rig->width = width;
    rig->height = height;
    if (rig->stream != NULL) {
        orl_stream_on_size(rig->stream);
    }
}

/* A client follows, or keeps its size and has the picture fitted. */
static void on_source(void *ctx, uint32_t width_px, uint32_t height_px)
{
    struct rig *rig = ctx;
    orl_assert(width_px >= ORL_SURFACE_MIN_PX && height_px >= ORL_SURFACE_MIN_PX);
    while_at_it(rig);
    if (width_px % 2 == 0) {
        set_size(rig, width_px, height_px);
    }
}

static void on_lost(void *ctx, enum orl_reason reason)
{
    struct rig *rig = ctx;
    orl_assert(!orl_picture_is_live(rig->picture) && reason < ORL_REASON_COUNT);
    orl_aside_lost(&rig->aside);
}

static void on_broken(void *ctx)
{
    const struct rig *rig = ctx;
    orl_assert(orl_picture_link_fd(rig->picture) < 0);
}

static void on_writable(void *ctx)
{
    orl_aside_flush(&((struct rig *)ctx)->aside);
}

static int on_aside(void *ctx, const struct orl_link_msg *msg)
{
    return orl_aside_on_link(&((struct rig *)ctx)->aside, msg);
}

static void on_failed(void *ctx, enum orl_reason reason, const char *text)
{
    (void)ctx;
    (void)text;
    orl_assert(reason == ORL_REASON_NONE); /* memory is there, and nobody stalls */
}

/* Also a fresh pacer: real time hardly passes here. */
static void set_caps(struct rig *rig)
{
    const uint8_t what = script_u8(&rig->script);
    const struct orl_viewer_caps caps = {.has_h264 = what % 16 == 1,
            .has_copy = (what & 0x20) == 0,
            .has_acks = (what & 0x40) != 0,
            .has_resize = true,
            .h264_colours = ORL_COLOURS_709_FULL,
            .width_px = rig->width,
            .height_px = rig->height,
            .has_clipboard = true,
            .has_sound = true,
            .max_in_flight = 2};
    const struct orl_permit permit = {.clipboard = what % 8 == 7 ? 0 : ORL_CLIPBOARD_BOTH,
            .clipboard_max_bytes = TEXT_MAX,
            .has_sound = what % 8 != 6};
    orl_stream_set_caps(rig->stream, &caps);
    orl_aside_set(&rig->aside, &rig->viewer, &caps, &permit);
}

/* The client offers text, asks for the guest's, or answers. */
static void act_as_client(struct rig *rig)
{
    const enum orl_clipboard_step step = 1U + script_u8(&rig->script) % 3U;
    const struct orl_clipboard said = {.step = step,
            .serial = script_u8(&rig->script) % 4,
            .has_text = true,
            .text = "text",
            .len = step == ORL_CLIPBOARD_DATA ? 4 : 0};
    orl_aside_on_client(&rig->aside, &said);
}

static void act_as_session(struct rig *rig)
{
    switch (script_u8(&rig->script) % 9) {
    case 0:
        set_size(rig, 200U + script_u8(&rig->script), 200U + script_u8(&rig->script));
        break;
    case 1:
        orl_picture_notice(rig->picture, "Title", "Text", NULL, 0);
        break;
    case 2:
        orl_picture_resume(rig->picture);
        break;
    case 3:
        orl_stream_refresh(rig->stream);
        break;
    case 4:
        orl_stream_on_ack(rig->stream, rig->frame_id);
        break;
    case 5:
        attach(rig);
        break;
    case 6:
        rig->edits_inside = !rig->edits_inside;
        break;
    case 8:
        act_as_client(rig);
        break;
    default:
        set_caps(rig);
        break;
    }
}

static void on_stop(void *ctx)
{
    orl_loop_stop(((struct rig *)ctx)->loop);
}

static void open_rig(struct rig *rig)
{
    static const struct orl_picture_events events = {.on_damage = on_damage,
            .on_cursor = on_cursor,
            .on_source = on_source,
            .on_lost = on_lost,
            .on_broken = on_broken,
            .on_writable = on_writable,
            .on_aside = on_aside};
    static const struct orl_stream_events stream_events = {.on_failed = on_failed};
    struct orl_stream *stream = NULL;
    rig->viewer = (struct orl_viewer_handle){&viewer_ops, (struct orl_viewer *)(void *)rig};
    orl_assert(orl_loop_new(&rig->loop, NULL) == 0);
    orl_assert(orl_timer_new(rig->loop, on_stop, rig, &rig->timer, NULL) == 0);
    orl_assert(orl_picture_new(rig->loop, &events, rig, &rig->picture, NULL) == 0);
    orl_assert(orl_aside_init(&rig->aside, rig->loop, rig->picture, NULL) == 0);
    set_size(rig, 256, 208);
    orl_assert(orl_stream_new(rig->loop, rig->picture, &rig->viewer, 1, &stream_events, rig,
                       &stream, NULL) == 0);
    rig->stream = stream;
    set_caps(rig);
    attach(rig);
}

static void close_rig(struct rig *rig)
{
    orl_stream_free(rig->stream);
    rig->stream = NULL;
    orl_aside_fini(&rig->aside);
    orl_picture_free(rig->picture);
    orl_timer_free(rig->timer);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->link);
    for (unsigned i = 0; i < FILES; i++) {
        close_file(&rig->files[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rig rig = {.script = {data, len, 0}, .link = -1};
    for (unsigned i = 0; i < FILES; i++) {
        rig.files[i].fd = -1;
    }
    open_rig(&rig);
    for (unsigned i = 0; i < COMMANDS_MAX && !script_is_over(&rig.script); i++) {
        const uint8_t who = script_u8(&rig.script) % 4;
        if (who < 2) {
            act_as_console(&rig);
        } else if (who == 2) {
            act_as_session(&rig);
        } else {
            script_turn(rig.loop, rig.timer);
        }
    }
    script_turn(rig.loop, rig.timer);
    close_rig(&rig);
    return 0;
}
