/* The bytes of a hostile display, from its banner on, through reader thread, source and surface. */
#include "base/utf8.h"
#include "display/link.h"
#include "protocols/vnc/vnc_source.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct orl_loop *loop;
    struct orl_surface *surface; /* borrowed */
    struct orl_source_handle source;
};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    static const struct orl_clipboard offer = {
            .step = ORL_CLIPBOARD_OFFER, .serial = 1, .has_text = true};
    struct seen *seen = ctx;
    seen->surface = surface;
    seen->source.ops->clipboard(seen->source.source, &offer);
}

static void on_damage(void *ctx)
{
    (void)ctx;
}

/* A client that asks for whatever is offered, and gives what it is asked for. */
static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    const struct seen *seen = ctx;
    struct orl_clipboard answer = {.serial = step->serial};
    if (step->step == ORL_CLIPBOARD_DATA) {
        orl_assert(!step->has_text || (step->len <= ORL_CLIPBOARD_MAX_BYTES &&
                                              orl_utf8_is_valid(step->text, step->len)));
        return;
    }
    if (step->step == ORL_CLIPBOARD_OFFER) {
        answer.step = ORL_CLIPBOARD_REQUEST;
    } else {
        answer.step = ORL_CLIPBOARD_DATA;
        answer.has_text = true;
        answer.text = "text";
        answer.len = 4;
    }
    seen->source.ops->clipboard(seen->source.source, &answer);
}

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    (void)ctx;
    orl_assert(orl_sound_is_valid(sound));
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct seen *seen = ctx;
    orl_assert(reason != ORL_REASON_NONE && text != NULL);
    orl_loop_stop(seen->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum { PART_MAX = 65536 };
    static const struct orl_source_events events = {.on_surface = on_surface,
            .on_damage = on_damage,
            .on_clipboard = on_clipboard,
            .on_sound = on_sound,
            .on_closed = on_closed};
    struct seen seen = {0};
    int pair[2];
    orl_vnc_prepare();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
            orl_loop_new(&seen.loop, NULL) < 0 ||
            send(pair[1], data, size < PART_MAX ? size : PART_MAX, MSG_DONTWAIT) < 0 ||
            shutdown(pair[1], SHUT_WR) < 0 ||
            orl_vnc_source_new(seen.loop, pair[0], "secret", &events, &seen, &seen.source, NULL) <
                    0) {
        abort();
    }
    seen.source.ops->set_viewed(seen.source.source, true);
    seen.source.ops->set_wanted(seen.source.source, ORL_WANT_CLIPBOARD | ORL_WANT_SOUND);
    orl_loop_run(seen.loop);
    seen.source.ops->free(seen.source.source);
    orl_loop_free(seen.loop);
    close(pair[1]);
    return 0;
}
