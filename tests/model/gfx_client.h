/* libfreerdp's graphics channel and its decoders without a connection: channel messages in, a picture out. */
#ifndef ORL_TESTS_MODEL_GFX_CLIENT_H
#define ORL_TESTS_MODEL_GFX_CLIENT_H
#include <freerdp/freerdp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct gfx_client; /* opaque; one owner */
struct gfx_client_opts {
    uint32_t width, height;
    bool has_h264, has_v10; /* what it says that it can */
    bool suspends_acks;     /* from its first frame on */
};
/* What it wants to send; messages of the channel. */
typedef void (*gfx_client_write_fn)(void *ctx, const uint8_t *data, size_t len);

/* Once per process. From then on what FreeRDP complains about is printed and counted. */
void gfx_client_init_once(void);
unsigned gfx_client_complaints(void);

/* Says its capabilities at once. */
struct gfx_client *gfx_client_new(
        const struct gfx_client_opts *opts, gfx_client_write_fn write, void *ctx);
void gfx_client_free(struct gfx_client *client);
/* False: it cannot be decoded. */
bool gfx_client_receive(struct gfx_client *client, const uint8_t *data, size_t len);
/* What it shows, BGRX. */
const uint8_t *gfx_client_pixels(const struct gfx_client *client, size_t *ret_stride,
        uint32_t *ret_width, uint32_t *ret_height);
struct gfx_client_seen {
    unsigned started, ended; /* frames */
    uint32_t frame_id;       /* of the last that ended */
    unsigned torn;           /* times that something was shown but by the end of a frame */
};
struct gfx_client_seen gfx_client_seen(const struct gfx_client *client);
rdpContext *gfx_client_context(struct gfx_client *client);

#endif
