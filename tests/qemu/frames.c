#include "frames.h"
#include <string.h>

static void put_pad(struct orl_buf *buf, size_t from)
{
    while ((buf->len - from) % 8 != 0) {
        orl_buf_put_u8(buf, 0);
    }
}

static void put_field(
        struct orl_buf *buf, size_t from, uint8_t code, const char *type, const char *text)
{
    put_pad(buf, from);
    orl_buf_put_u8(buf, code);
    orl_buf_put_u8(buf, 1);
    orl_buf_put(buf, type, 2);
    if (type[0] == 'g') {
        orl_buf_put_u8(buf, (uint8_t)strlen(text));
    } else {
        orl_buf_put_u32le(buf, (uint32_t)strlen(text));
    }
    orl_buf_put(buf, text, strlen(text) + 1);
}

static void put_header_with_fds(struct orl_buf *buf, const char *interface, const char *member,
        const char *signature, uint32_t body_len, uint32_t fds)
{
    static const uint8_t fixed[] = {'l', 1, 1, 1};
    size_t from = buf->len;
    orl_buf_put(buf, fixed, sizeof fixed);
    orl_buf_put_u32le(buf, body_len);
    orl_buf_put_u32le(buf, 2);
    orl_buf_put_u32le(buf, 0);
    put_field(buf, from, 1, "o", "/org/qemu/Display1/Listener");
    put_field(buf, from, 2, "s", interface);
    put_field(buf, from, 8, "g", signature);
    put_field(buf, from, 3, "s", member);
    if (fds > 0) {
        static const uint8_t field[] = {9, 1, 'u', 0};
        put_pad(buf, from);
        orl_buf_put(buf, field, sizeof field);
        orl_buf_put_u32le(buf, fds);
    }
    buf->data[from + 12] = (uint8_t)(buf->len - from - 16);
    put_pad(buf, from);
}

static void put_header(struct orl_buf *buf, const char *interface, const char *member,
        const char *signature, uint32_t body_len)
{
    put_header_with_fds(buf, interface, member, signature, body_len, 0);
}

void frames_put_header(
        struct orl_buf *buf, const char *member, const char *signature, uint32_t body_len)
{
    put_header(buf, "org.qemu.Display1.Listener", member, signature, body_len);
}

void frames_put_get_all(struct orl_buf *buf)
{
    static const char name[] = "org.qemu.Display1.Listener";
    size_t from = buf->len;
    put_header(buf, "org.freedesktop.DBus.Properties", "GetAll", "s", 4 + sizeof name);
    buf->data[from + 2] = 0;
    orl_buf_put_u32le(buf, sizeof name - 1);
    orl_buf_put(buf, name, sizeof name);
}

static void put_pixels(struct orl_buf *buf, uint32_t count, uint32_t colour)
{
    orl_buf_put_u32le(buf, count * 4);
    for (uint32_t i = 0; i < count; i++) {
        orl_buf_put_u32le(buf, colour);
    }
}

void frames_put_scanout(struct orl_buf *buf, uint32_t width, uint32_t height, uint32_t colour)
{
    frames_put_header(buf, "Scanout", "uuuuay", 20 + width * height * 4);
    orl_buf_put_u32le(buf, width);
    orl_buf_put_u32le(buf, height);
    orl_buf_put_u32le(buf, width * 4);
    orl_buf_put_u32le(buf, FRAMES_XRGB);
    put_pixels(buf, width * height, colour);
}

void frames_put_update(struct orl_buf *buf, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
        uint32_t colour)
{
    frames_put_header(buf, "Update", "iiiiuuay", 28 + width * height * 4);
    orl_buf_put_u32le(buf, x);
    orl_buf_put_u32le(buf, y);
    orl_buf_put_u32le(buf, width);
    orl_buf_put_u32le(buf, height);
    orl_buf_put_u32le(buf, width * 4);
    orl_buf_put_u32le(buf, FRAMES_XRGB);
    put_pixels(buf, width * height, colour);
}

void frames_put_cursor(struct orl_buf *buf, uint32_t width, uint32_t height, uint32_t argb)
{
    frames_put_header(buf, "CursorDefine", "iiiiay", 20 + width * height * 4);
    orl_buf_put_u32le(buf, width);
    orl_buf_put_u32le(buf, height);
    orl_buf_put_u32le(buf, 1);
    orl_buf_put_u32le(buf, 1000);
    put_pixels(buf, width * height, argb);
}

void frames_put_mouse(struct orl_buf *buf, bool is_on)
{
    frames_put_header(buf, "MouseSet", "iii", 12);
    orl_buf_put_u32le(buf, 5);
    orl_buf_put_u32le(buf, 6);
    orl_buf_put_u32le(buf, is_on ? 1 : 0);
}

static const char map_interface[] = "org.qemu.Display1.Listener.Unix.Map";

void frames_put_scanout_map(struct orl_buf *buf, const struct frames_map *map)
{
    size_t from = buf->len;
    put_header_with_fds(buf, map_interface, "ScanoutMap", "huuuuu", 24, map->fds);
    buf->data[from + 2] = 0;
    orl_buf_put_u32le(buf, map->handle);
    orl_buf_put_u32le(buf, map->offset);
    orl_buf_put_u32le(buf, map->width);
    orl_buf_put_u32le(buf, map->height);
    orl_buf_put_u32le(buf, map->stride);
    orl_buf_put_u32le(buf, map->format);
}

void frames_put_update_map(
        struct orl_buf *buf, uint32_t x, uint32_t y, uint32_t width, uint32_t height)
{
    put_header(buf, map_interface, "UpdateMap", "iiii", 16);
    orl_buf_put_u32le(buf, x);
    orl_buf_put_u32le(buf, y);
    orl_buf_put_u32le(buf, width);
    orl_buf_put_u32le(buf, height);
}

static void put_voice(struct orl_buf *buf, const char *member, const char *signature,
        uint32_t body_len, uint64_t id)
{
    put_header(buf, "org.qemu.Display1.AudioOutListener", member, signature, body_len);
    orl_buf_put_u32le(buf, (uint32_t)id);
    orl_buf_put_u32le(buf, (uint32_t)(id >> 32));
}

void frames_put_voice_init(struct orl_buf *buf, const struct frames_voice *voice)
{
    uint32_t frame_bytes = (uint32_t)voice->bits / 8 * voice->channels;
    put_voice(buf, "Init", "tybbuyuub", 40, voice->id);
    orl_buf_put_u32le(buf, voice->bits);
    orl_buf_put_u32le(buf, voice->is_signed ? 1 : 0);
    orl_buf_put_u32le(buf, voice->is_float ? 1 : 0);
    orl_buf_put_u32le(buf, voice->rate_hz);
    orl_buf_put_u32le(buf, voice->channels);
    orl_buf_put_u32le(buf, frame_bytes);
    orl_buf_put_u32le(buf, frame_bytes * voice->rate_hz);
    orl_buf_put_u32le(buf, voice->is_big_endian ? 1 : 0);
}

void frames_put_voice_fini(struct orl_buf *buf, uint64_t id)
{
    put_voice(buf, "Fini", "t", 8, id);
}

void frames_put_voice_enable(struct orl_buf *buf, uint64_t id, bool is_on)
{
    put_voice(buf, "SetEnabled", "tb", 12, id);
    orl_buf_put_u32le(buf, is_on ? 1 : 0);
}

void frames_put_voice_volume(struct orl_buf *buf, uint64_t id)
{
    put_voice(buf, "SetVolume", "tbay", 18, id);
    orl_buf_put_u32le(buf, 1);
    orl_buf_put_u32le(buf, 2);
    orl_buf_put_u16le(buf, 0);
}

void frames_put_voice_write(struct orl_buf *buf, uint64_t id, const void *samples, uint32_t len)
{
    put_voice(buf, "Write", "tay", 12 + len, id);
    orl_buf_put_u32le(buf, len);
    orl_buf_put(buf, samples, len);
}
