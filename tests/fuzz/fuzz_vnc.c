/* The bytes of a hostile display, from its banner on, through reader thread, source and surface. */
#include "protocols/vnc/vnc_source.h"
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    struct orl_loop *loop;
    struct orl_surface *surface; /* borrowed */
};

static void on_surface(void *ctx, struct orl_surface *surface)
{
    ((struct seen *)ctx)->surface = surface;
}

static void on_damage(void *ctx)
{
    (void)ctx;
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
    static const struct orl_source_events events = {
            .on_surface = on_surface, .on_damage = on_damage, .on_closed = on_closed};
    struct seen seen = {0};
    struct orl_source_handle source;
    int pair[2];
    orl_vnc_prepare();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
            orl_loop_new(&seen.loop, NULL) < 0 ||
            send(pair[1], data, size < PART_MAX ? size : PART_MAX, MSG_DONTWAIT) < 0 ||
            shutdown(pair[1], SHUT_WR) < 0 ||
            orl_vnc_source_new(seen.loop, pair[0], "secret", &events, &seen, &source, NULL) < 0) {
        abort();
    }
    source.ops->set_viewed(source.source, true);
    orl_loop_run(seen.loop);
    source.ops->free(source.source);
    orl_loop_free(seen.loop);
    close(pair[1]);
    return 0;
}
