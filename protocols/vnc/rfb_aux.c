#include "protocols/vnc/rfb_aux.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc_msgs.h"
#include "base/secret.h"
#include "base/utf8.h"
#include "display/enc_opus.h"
#include "display/pcm.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    READS_PER_WAKE = 16,
    JSON_BYTES = 512,
    BLOCK_MS = 20,
    BEHIND_MS = 200,    /* the guest paused: time stamps begin anew */
    SILENT_BLOCKS = 25, /* half a second of silence is sent, and no more */
    CHANNELS = 2,
};
#define KEY_US (40 * ORL_US_PER_MS) /* of a typed character: no faster than guests take keys */
#define STATS_US ORL_US_PER_S

/* X protocol, appendix A. */
enum { KEYSYM_TAB = 0xFF09, KEYSYM_RETURN = 0xFF0D, KEYSYM_UNICODE = 0x01000000 };

struct orl_rfb_aux {
    struct orl_loop *loop;
    struct orl_rfb_aux_events events;
    void *ctx;
    int fd;            /* owned; -1: closed */
    struct orl_io *io; /* NULL: closed */
    struct orl_timer *stats_timer;
    struct orl_timer *key_timer;
    uint8_t codec; /* ORL_AUX_CODEC_*; 0: it plays nothing */
    bool is_format_said;
    struct orl_pcm pcm; /* in_hz 0: not begun */
    struct orl_enc_opus *opus;
    unsigned silent;  /* blocks in a row */
    uint64_t next_ms; /* of the next block */
    uint32_t keys[ORL_AUX_TEXT_MAX];
    size_t key_at, key_count;
    char said[ORL_TEXT_MAX + 1];
};

static void close_socket(struct orl_rfb_aux *aux)
{
    orl_io_close(aux->io);
    aux->io = NULL;
    orl_close_fd(&aux->fd);
    orl_timer_stop(aux->stats_timer);
    aux->codec = 0;
}

/* A datagram goes at once or never. */
static void post(struct orl_rfb_aux *aux, struct orl_buf *msg)
{
    if (aux->fd >= 0 && !msg->is_failed) {
        (void)send(aux->fd, msg->data, msg->len, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    orl_buf_fini(msg);
}

/* ---- typed text ---- */

static uint32_t keysym_of(uint32_t codepoint)
{
    switch (codepoint) {
    case '\n':
    case '\r':
        return KEYSYM_RETURN;
    case '\t':
        return KEYSYM_TAB;
    default:
        break;
    }
    const bool is_latin1 =
            (codepoint >= 0x20 && codepoint <= 0x7E) || (codepoint >= 0xA0 && codepoint <= 0xFF);
    return is_latin1 ? codepoint : KEYSYM_UNICODE | codepoint;
}

static void press(struct orl_rfb_aux *aux, uint32_t keysym)
{
    struct orl_input input = {.kind = ORL_INPUT_KEYSYM, .code = keysym, .is_down = 1};
    aux->events.on_input(aux->ctx, &input);
    input.is_down = 0;
    aux->events.on_input(aux->ctx, &input);
}

static void on_key_due(void *ctx)
{
    struct orl_rfb_aux *aux = ctx;
    press(aux, aux->keys[aux->key_at++]);
    if (aux->key_at == aux->key_count) {
        orl_timer_stop(aux->key_timer);
        orl_secret_wipe(aux->keys, sizeof(aux->keys)); /* may have been a password */
        aux->key_at = aux->key_count = 0;
    }
}

/* What finds no room is dropped: nobody types so fast. */
static void on_text(struct orl_rfb_aux *aux, const char *text, size_t len)
{
    for (size_t at = 0, step = 1; at < len && step > 0 && aux->key_count < ORL_AUX_TEXT_MAX;
            at += step) {
        uint32_t codepoint = 0;
        step = orl_utf8_next((const uint8_t *)text + at, len - at, &codepoint);
        aux->keys[aux->key_count++] = keysym_of(codepoint);
    }
    if (!orl_timer_is_active(aux->key_timer)) {
        orl_timer_start(aux->key_timer, 0, KEY_US);
    }
}

/* ---- sound ---- */

static void begin_sound(struct orl_rfb_aux *aux, uint8_t codecs)
{
    aux->codec = (codecs & ORL_AUX_CODEC_OPUS) != 0 ? ORL_AUX_CODEC_OPUS : codecs;
    if (aux->codec == ORL_AUX_CODEC_OPUS && aux->opus == NULL &&
            orl_enc_opus_new(&aux->opus, NULL) < 0) {
        aux->codec = codecs & ORL_AUX_CODEC_PCM;
    }
    aux->is_format_said = false;
    aux->pcm.in_hz = 0;
}

static void say_format(struct orl_rfb_aux *aux)
{
    struct orl_buf msg;
    if (!aux->is_format_said) {
        aux->is_format_said = true;
        orl_buf_init(&msg, ORL_AUX_MAX_BYTES);
        orl_aux_put_sound_format(&msg, aux->codec, CHANNELS, ORL_ENC_OPUS_RATE_HZ);
        post(aux, &msg);
    }
}

static uint32_t stamp(struct orl_rfb_aux *aux)
{
    const uint64_t now_ms = orl_clock_now_us() / ORL_US_PER_MS;
    if (aux->next_ms + BEHIND_MS < now_ms) {
        aux->next_ms = now_ms;
    }
    const uint32_t stamp_ms = (uint32_t)aux->next_ms;
    aux->next_ms += BLOCK_MS;
    return stamp_ms;
}

static void send_block(struct orl_rfb_aux *aux)
{
    struct orl_buf msg;
    uint8_t packet[ORL_ENC_OPUS_PACKET_MAX];
    orl_buf_init(&msg, ORL_AUX_MAX_BYTES);
    say_format(aux);
    if (aux->codec == ORL_AUX_CODEC_PCM) {
        /* Little endian here, as all this project's hosts. */
        orl_aux_put_sound(
                &msg, stamp(aux), aux->pcm.block, aux->pcm.count * sizeof(aux->pcm.block[0]));
        post(aux, &msg);
        return;
    }
    const int len = orl_enc_opus_encode(aux->opus, aux->pcm.block[0], packet);
    if (len > 0) {
        orl_aux_put_sound(&msg, stamp(aux), packet, (size_t)len);
    }
    msg.is_failed = msg.is_failed || len <= 0;
    post(aux, &msg);
}

static void on_block(struct orl_rfb_aux *aux)
{
    aux->silent = aux->pcm.is_audible ? 0 : aux->silent + 1;
    if (aux->silent <= SILENT_BLOCKS) {
        send_block(aux);
    } else {
        aux->silent = SILENT_BLOCKS + 1;
    }
}

void orl_rfb_aux_sound(struct orl_rfb_aux *aux, const struct orl_sound *sound)
{
    if (!orl_rfb_aux_plays(aux)) {
        return;
    }
    struct orl_pcm *pcm = &aux->pcm;
    if (sound->len == 0) {
        pcm->in_hz = 0;
        return;
    }
    if (pcm->in_hz != sound->rate_hz || pcm->channels != sound->channels) {
        orl_pcm_init(pcm, sound->rate_hz, sound->channels, ORL_ENC_OPUS_RATE_HZ);
        aux->silent = SILENT_BLOCKS; /* it begins when something is heard */
    }
    size_t at = 0;
    while (orl_pcm_next(pcm, sound, &at)) {
        on_block(aux);
    }
}

static void say_again(struct orl_rfb_aux *aux)
{
    struct orl_buf msg;
    orl_buf_init(&msg, ORL_AUX_MAX_BYTES);
    orl_aux_put_notice(&msg, aux->said);
    post(aux, &msg);
}

void orl_rfb_aux_say(struct orl_rfb_aux *aux, const char *text)
{
    if (aux != NULL && strcmp(aux->said, text) != 0) {
        orl_msg_text(aux->said, sizeof(aux->said), text);
        say_again(aux);
    }
}

bool orl_rfb_aux_plays(const struct orl_rfb_aux *aux)
{
    return aux != NULL && aux->codec != 0;
}

/* ---- life ---- */

static void on_stats_due(void *ctx)
{
    struct orl_rfb_aux *aux = ctx;
    char json[JSON_BYTES] = "";
    struct orl_buf msg;
    aux->events.on_stats_due(aux->ctx, json, sizeof(json));
    orl_buf_init(&msg, ORL_AUX_MAX_BYTES);
    orl_aux_put_stats(&msg, json);
    post(aux, &msg);
}

static void on_msg(struct orl_rfb_aux *aux, const struct orl_aux_msg *msg)
{
    switch (msg->type) {
    case ORL_AUX_HELLO:
        begin_sound(aux, msg->u.codecs);
        if (aux->said[0] != '\0') {
            say_again(aux);
        }
        aux->events.on_hello(aux->ctx);
        break;
    case ORL_AUX_TEXT:
        on_text(aux, msg->u.text.data, msg->u.text.len);
        break;
    case ORL_AUX_QUALITY:
        aux->events.on_quality(aux->ctx, msg->u.quality);
        break;
    case ORL_AUX_STATS_WANTED:
        if (msg->u.is_wanted) {
            orl_timer_start(aux->stats_timer, STATS_US, STATS_US);
        } else {
            orl_timer_stop(aux->stats_timer);
        }
        break;
    case ORL_AUX_NONE:
        break;
    }
}

static void on_io(void *ctx, unsigned events)
{
    struct orl_rfb_aux *aux = ctx;
    (void)events;
    for (unsigned i = 0; i < READS_PER_WAKE && aux->fd >= 0; i++) {
        uint8_t data[ORL_AUX_MAX_BYTES];
        struct orl_aux_msg msg;
        const ssize_t got = recv(aux->fd, data, sizeof(data), MSG_DONTWAIT | MSG_TRUNC);
        if (got < 0 && (errno == EAGAIN || errno == EINTR)) {
            return;
        }
        if (got <= 0) {
            close_socket(aux); /* oriel-web is gone, and says so on the other socket */
            return;
        }
        if ((size_t)got > sizeof(data) || orl_aux_parse(data, (size_t)got, &msg) < 0) {
            close_socket(aux);
            aux->events.on_broken(aux->ctx);
            return;
        }
        on_msg(aux, &msg);
        orl_secret_wipe(data, (size_t)got);
    }
}

int orl_rfb_aux_new(struct orl_loop *loop, int fd, const struct orl_rfb_aux_events *events,
        void *ctx, struct orl_rfb_aux **ret_aux, struct orl_err *err)
{
    struct orl_rfb_aux *aux = calloc(1, sizeof(*aux));
    if (aux == NULL) {
        orl_close_fd(&fd);
        return orl_err_set(err, ORL_E_NOMEM, "aux: out of memory");
    }
    aux->loop = loop;
    aux->events = *events;
    aux->ctx = ctx;
    aux->fd = fd;
    int code = orl_timer_new(loop, on_stats_due, aux, &aux->stats_timer, err);
    if (code == ORL_OK) {
        code = orl_timer_new(loop, on_key_due, aux, &aux->key_timer, err);
    }
    if (code == ORL_OK) {
        code = orl_io_open(loop, fd, ORL_IO_READ, on_io, aux, &aux->io, err);
    }
    if (code < 0) {
        orl_rfb_aux_free(aux);
        return code;
    }
    *ret_aux = aux;
    return ORL_OK;
}

void orl_rfb_aux_free(struct orl_rfb_aux *aux)
{
    if (aux != NULL) {
        orl_timer_stop(aux->stats_timer);
        close_socket(aux);
        orl_timer_free(aux->stats_timer);
        orl_timer_free(aux->key_timer);
        orl_enc_opus_free(aux->opus);
        orl_secret_wipe(aux, sizeof(*aux));
        free(aux);
    }
}
