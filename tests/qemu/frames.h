/* The messages of QEMU's listener, written for tests: right ones, and with any field wrong. */
#ifndef ORL_TESTS_QEMU_FRAMES_H
#define ORL_TESTS_QEMU_FRAMES_H
#include "base/buf.h"

#define FRAMES_XRGB 0x20020888U

/* A header of a call on Listener that wants no answer; the body follows. */
void frames_put_header(
        struct orl_buf *buf, const char *member, const char *signature, uint32_t body_len);
/* One colour; data_len is what is said, stride * height is what is written. */
void frames_put_scanout(struct orl_buf *buf, uint32_t width, uint32_t height, uint32_t colour);
void frames_put_update(struct orl_buf *buf, uint32_t x, uint32_t y, uint32_t width, uint32_t height,
        uint32_t colour);
void frames_put_cursor(struct orl_buf *buf, uint32_t width, uint32_t height, uint32_t argb);
void frames_put_mouse(struct orl_buf *buf, bool is_on);

/* Of the shared map; ScanoutMap wants an answer, and says that fds come with it. */
struct frames_map {
    uint32_t handle, offset, width, height, stride, format;
    uint32_t fds;
};
void frames_put_scanout_map(struct orl_buf *buf, const struct frames_map *map);
void frames_put_update_map(
        struct orl_buf *buf, uint32_t x, uint32_t y, uint32_t width, uint32_t height);

/* Of the listener for sound; len bytes of samples. */
struct frames_voice {
    uint64_t id;
    uint8_t bits;
    bool is_signed, is_float;
    uint32_t rate_hz;
    uint8_t channels;
    bool is_big_endian;
};
void frames_put_voice_init(struct orl_buf *buf, const struct frames_voice *voice);
void frames_put_voice_fini(struct orl_buf *buf, uint64_t id);
void frames_put_voice_enable(struct orl_buf *buf, uint64_t id, bool is_on);
void frames_put_voice_volume(struct orl_buf *buf, uint64_t id);
void frames_put_voice_write(struct orl_buf *buf, uint64_t id, const void *samples, uint32_t len);

/* QEMU's question for properties, which wants an answer. */
void frames_put_get_all(struct orl_buf *buf);

#endif
