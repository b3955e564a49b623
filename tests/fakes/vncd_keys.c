#include "tests/fakes/vncd.h"
#include <string.h>

#define ENCODING_QEMU_KEY (-258)
#define ENCODING_QEMU_LED (-261)
#define QEMU_CODE_SCROLL 0x46
#define QEMU_CODE_NUM 0x45
#define QEMU_CODE_CAPS 0x3A
#define QEMU_CODE_F12 0x58

/* libvncserver 0.9.14 leaks what it notes about an extension's client, and an iterator of each resize. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:rfbEnableExtension\nleak:rfbGetClientIterator\n";
}

static struct vncd_keys *all_keys; /* libvncserver's extensions have no context of their own */
static int pseudo_encodings[] = {ENCODING_QEMU_KEY, ENCODING_QEMU_LED, VNCD_ENCODING_QEMU_AUDIO, 0};

struct client_state {
    bool has_leds;
};

/* A framebuffer update with one pseudo-rectangle. */
static void send_pseudo(rfbClientPtr cl, int encoding, const void *data, int len)
{
    uint8_t msg[32] = {rfbFramebufferUpdate, 0, 0, 1, 0, 0, 0, 0, 0, 1, 0, 1};
    uint32_t enc = (uint32_t)encoding;
    for (int i = 0; i < 4; i++) {
        msg[12 + i] = (uint8_t)(enc >> (24 - 8 * i));
    }
    memcpy(msg + 16, data, (size_t)len);
    (void)rfbWriteExact(cl, (const char *)msg, 16 + len);
}

static void send_leds(rfbClientPtr cl)
{
    uint8_t leds = (uint8_t)all_keys->locks;
    send_pseudo(cl, ENCODING_QEMU_LED, &leds, 1);
}

static rfbBool on_new_client(rfbClientPtr cl, void **data)
{
    (void)cl;
    *data = calloc(1, sizeof(struct client_state));
    return *data != NULL;
}

static void on_close(rfbClientPtr cl, void *data)
{
    vncd_sound_forget(cl);
    free(data);
}

static rfbBool on_encoding(rfbClientPtr cl, void **data, int encoding)
{
    struct client_state *state = *data;
    if (encoding == ENCODING_QEMU_KEY && all_keys->has_ext_keys) {
        send_pseudo(cl, ENCODING_QEMU_KEY, "", 0);
        return TRUE;
    }
    if (encoding == VNCD_ENCODING_QEMU_AUDIO && vncd_sound_is_on()) {
        send_pseudo(cl, VNCD_ENCODING_QEMU_AUDIO, "", 0);
        return TRUE;
    }
    if (encoding == ENCODING_QEMU_LED && all_keys->has_ext_keys && state != NULL) {
        if (!state->has_leds) {
            state->has_leds = true;
            send_leds(cl);
        }
        return TRUE;
    }
    return FALSE;
}

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void toggle_lock(rfbClientPtr cl, uint32_t code)
{
    unsigned bit = code == QEMU_CODE_CAPS ? 4 : code == QEMU_CODE_NUM ? 2 : 1;
    all_keys->locks ^= bit;
    send_leds(cl);
}

static rfbBool on_message(rfbClientPtr cl, void *data, const rfbClientToServerMsg *msg)
{
    struct client_state *state = data;
    uint8_t rest[11] = {255};
    if (msg->type != 255) {
        return FALSE;
    }
    if (rfbReadExact(cl, (char *)rest, 1) > 0 && rest[0] == VNCD_SUB_AUDIO) {
        vncd_sound_message(cl);
        return TRUE;
    }
    if (rest[0] != 0 || rfbReadExact(cl, (char *)rest + 1, sizeof(rest) - 1) <= 0) {
        rfbCloseClient(cl);
        return TRUE;
    }
    bool is_down = rest[2] != 0;
    uint32_t sym = be32(rest + 3);
    uint32_t code = be32(rest + 7);
    (void)fprintf(all_keys->log, "key down=%d sym=0x%04x code=0x%02x\n", is_down, sym, code);
    bool is_lock = code == QEMU_CODE_CAPS || code == QEMU_CODE_NUM || code == QEMU_CODE_SCROLL;
    if (is_lock && is_down && state != NULL && state->has_leds) {
        toggle_lock(cl, code);
    }
    if (is_down) {
        all_keys->on_key(code == QEMU_CODE_F12);
    }
    return TRUE;
}

void vncd_keys_register(struct vncd_keys *keys)
{
    static rfbProtocolExtension extension = {.newClient = on_new_client,
            .pseudoEncodings = pseudo_encodings,
            .enablePseudoEncoding = on_encoding,
            .handleMessage = on_message,
            .close = on_close};
    all_keys = keys;
    rfbRegisterProtocolExtension(&extension);
}
