/* A console whose desktop is this program, for tests of clipboard and sound: put in oriel-console's place. The
 * desktop's "password" is a folder; commands come by datagram to its guest.sock, events go to its guest.events.
 *   offer FILE     the guest copies this text          none         it has no text any more
 *   paste FILE     the guest pastes; the client's text goes there
 *   hang ON        0: texts are given; 1: the guest answers nothing
 *   tone HZ MS     a sine at 48 kHz, in time, and a white picture when it begins; HZ 0: silence */
#include "base/clock.h"
#include "base/ipc.h"
#include "console/exchange.h"
#include "display/link.h"
#include "display/surface.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum {
    CONTROL_FD = 3,
    TEXT_MAX = 8 << 20,
    RATE_HZ = 48000,
    PIECE_MS = 10,
    WIDTH = 640,
    HEIGHT = 480
};
static const double LOUD = 12000.0;

struct guest {
    struct orl_loop *loop;
    struct orl_ipc *control;
    struct orl_links *links;
    struct orl_exchange exchange;
    struct orl_surface *surface;
    struct orl_io *commands;
    int command_fd;
    FILE *events;
    char *text; /* what the guest has copied */
    size_t text_len;
    uint32_t serial, client_serial;
    bool hangs;
    char paste_path[256];
    struct orl_timer *player;
    double hz;
    uint64_t played, to_play, begun_us; /* frames */
};

static void say(struct guest *g, const char *what, unsigned long a, unsigned long b)
{
    (void)fprintf(g->events, "%s %lu %lu\n", what, a, b);
    (void)fflush(g->events);
}

static void paint(struct guest *g, int value)
{
    const struct orl_rect all = {0, 0, WIDTH, HEIGHT};
    memset(orl_surface_pixels_rw(g->surface), value, orl_surface_stride(g->surface) * HEIGHT);
    orl_surface_damage(g->surface, &all);
    orl_links_wake(g->links);
}

/* ---- clipboard ---- */

static void from_guest(
        struct guest *g, enum orl_clipboard_step step, uint32_t serial, bool has_text)
{
    const struct orl_clipboard said = {.step = step,
            .serial = serial,
            .has_text = has_text,
            .text = step == ORL_CLIPBOARD_DATA ? g->text : NULL,
            .len = step == ORL_CLIPBOARD_DATA && has_text ? g->text_len : 0};
    orl_exchange_from_source(&g->exchange, &said);
}

static void keep_pasted(struct guest *g, const struct orl_clipboard *data)
{
    FILE *file = data->has_text ? fopen(g->paste_path, "wb") : NULL;
    if (file != NULL) {
        (void)fwrite(data->text, 1, data->len, file);
        (void)fclose(file);
    }
    say(g, data->has_text ? "pasted" : "not-pasted", data->serial, data->len);
}

static void to_source(void *ctx, const struct orl_clipboard *step)
{
    struct guest *g = ctx;
    if (step->step == ORL_CLIPBOARD_OFFER) {
        g->client_serial = step->has_text ? step->serial : 0;
        say(g, step->has_text ? "client-offers" : "client-has-none", step->serial, 0);
    } else if (step->step == ORL_CLIPBOARD_REQUEST) {
        say(g, "client-asks", step->serial, g->serial);
        if (!g->hangs) {
            from_guest(g, ORL_CLIPBOARD_DATA, step->serial,
                    step->serial == g->serial && g->text != NULL);
        }
    } else {
        keep_pasted(g, step);
    }
}

static void to_link(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct guest *g = ctx;
    orl_links_clipboard(g->links, link, step);
}

static void copy_file(struct guest *g, const char *path)
{
    free(g->text);
    g->text = calloc(1, TEXT_MAX);
    FILE *file = fopen(path, "rb");
    g->text_len = file != NULL && g->text != NULL ? fread(g->text, 1, TEXT_MAX, file) : 0;
    if (file != NULL) {
        (void)fclose(file);
    }
    from_guest(g, ORL_CLIPBOARD_OFFER, ++g->serial, true);
}

/* ---- sound ---- */

static void play_piece(struct guest *g)
{
    enum { FRAMES = RATE_HZ * PIECE_MS / 1000 };
    int16_t samples[FRAMES][2];
    for (unsigned i = 0; i < FRAMES; i++) {
        const double at = (double)(g->played + i) / RATE_HZ;
        samples[i][0] = (int16_t)(LOUD * sin(2 * 3.14159265358979 * g->hz * at));
        samples[i][1] = samples[i][0];
    }
    const struct orl_sound sound = {.rate_hz = RATE_HZ,
            .channels = 2,
            .samples = (const uint8_t *)samples,
            .len = sizeof(samples)};
    orl_links_sound(g->links, &sound);
    g->played += FRAMES;
}

static void on_play(void *ctx)
{
    struct guest *g = ctx;
    const uint64_t due = (orl_clock_now_us() - g->begun_us) * RATE_HZ / ORL_US_PER_S;
    while (g->played < due && g->played < g->to_play) {
        play_piece(g);
    }
    if (g->played >= g->to_play) {
        orl_timer_stop(g->player);
        say(g, "tone-over", (unsigned long)g->played, 0);
    }
}

static void begin_tone(struct guest *g, double hz, unsigned long ms)
{
    g->hz = hz;
    g->played = 0;
    g->to_play = (uint64_t)ms * RATE_HZ / 1000;
    g->begun_us = orl_clock_now_us();
    say(g, "tone", (unsigned long)hz, orl_links_wants(g->links));
    paint(g, hz > 0 ? 0xFF : 0x40);
    orl_timer_start(g->player, PIECE_MS * ORL_US_PER_MS, PIECE_MS * ORL_US_PER_MS);
}

/* ---- commands and links ---- */

static void on_command(void *ctx, unsigned events)
{
    struct guest *g = ctx;
    char line[300] = {0};
    char word[16] = {0};
    char arg[256] = {0};
    double number = 0;
    unsigned long ms = 0;
    (void)events;
    if (recv(g->command_fd, line, sizeof(line) - 1, MSG_DONTWAIT) <= 0 ||
            sscanf(line, "%15s %255s", word, arg) < 1) {
        return;
    }
    if (strcmp(word, "offer") == 0) {
        copy_file(g, arg);
    } else if (strcmp(word, "none") == 0) {
        from_guest(g, ORL_CLIPBOARD_OFFER, ++g->serial, false);
    } else if (strcmp(word, "hang") == 0) {
        g->hangs = arg[0] == '1';
    } else if (strcmp(word, "paste") == 0) {
        memcpy(g->paste_path, arg, sizeof(arg));
        from_guest(g, ORL_CLIPBOARD_REQUEST, g->client_serial, true);
    } else if (sscanf(line, "tone %lf %lu", &number, &ms) == 2) {
        begin_tone(g, number, ms);
    }
}

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    (void)input;
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    (void)ctx;
    (void)layout;
}

static void on_count(void *ctx, unsigned count)
{
    struct guest *g = ctx;
    if (count == 0 && g->control == NULL) {
        orl_loop_stop(g->loop);
    }
}

static void on_want(void *ctx, unsigned link, uint32_t wants)
{
    struct guest *g = ctx;
    const struct orl_permit *permit = orl_links_permit(g->links, link);
    say(g, "wants", link, wants);
    if ((wants & ORL_WANT_CLIPBOARD) != 0) {
        orl_exchange_join(&g->exchange, link, (permit->clipboard & ORL_CLIPBOARD_TO_GUEST) != 0,
                (permit->clipboard & ORL_CLIPBOARD_TO_CLIENT) != 0);
    } else {
        orl_exchange_leave(&g->exchange, link);
    }
}

static void on_link_clipboard(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct guest *g = ctx;
    orl_exchange_from_link(&g->exchange, link, step);
}

static int on_control(void *ctx, struct orl_ipc *ipc, struct orl_msg *msg, struct orl_ipc_fds *fds)
{
    struct guest *g = ctx;
    (void)ipc;
    if (msg->type != ORL_MSG_SURFACE || fds->count != 1) {
        orl_loop_stop(g->loop);
        return ORL_OK;
    }
    return orl_links_add(g->links, orl_ipc_fds_take(fds, 0), &msg->u.surface.permit, NULL);
}

static void on_control_closed(void *ctx, struct orl_ipc *ipc, int code)
{
    struct guest *g = ctx;
    (void)code;
    orl_ipc_free(ipc);
    g->control = NULL;
    if (orl_links_count(g->links) == 0) {
        orl_loop_stop(g->loop);
    }
}

static void open_folder(struct guest *g, const char *folder)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char path[256];
    orl_assert(snprintf(at.sun_path, sizeof(at.sun_path), "%s/guest.sock", folder) <
               (int)sizeof(at.sun_path));
    orl_assert(snprintf(path, sizeof(path), "%s/guest.events", folder) < (int)sizeof(path));
    (void)unlink(at.sun_path);
    g->events = fopen(path, "ae");
    g->command_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    orl_assert(g->events != NULL && g->command_fd >= 0);
    orl_assert(bind(g->command_fd, (const struct sockaddr *)&at, sizeof(at)) == 0);
}

int main(void)
{
    static const struct orl_links_events links_events = {.on_input = on_input,
            .on_layout = on_layout,
            .on_count = on_count,
            .on_want = on_want,
            .on_clipboard = on_link_clipboard};
    static const struct orl_ipc_events control_events = {
            .on_msg = on_control, .on_closed = on_control_closed};
    static const struct orl_exchange_events exchange_events = {
            .to_source = to_source, .to_link = to_link};
    static struct guest g;
    struct orl_msg start;
    struct orl_ipc_fds fds;
    orl_assert(orl_ipc_recv(CONTROL_FD, 10000, &start, &fds) == ORL_OK);
    orl_ipc_fds_close(&fds);
    open_folder(&g, start.u.start.password);
    orl_assert(orl_loop_new(&g.loop, NULL) == 0);
    orl_assert(orl_surface_create(WIDTH, HEIGHT, &g.surface, NULL) == 0);
    orl_assert(orl_links_new(g.loop, &links_events, &g, &g.links, NULL) == 0);
    orl_assert(orl_ipc_new(g.loop, CONTROL_FD, 8, &control_events, &g, &g.control, NULL) == 0);
    orl_assert(orl_timer_new(g.loop, on_play, &g, &g.player, NULL) == 0);
    orl_assert(
            orl_io_open(g.loop, g.command_fd, ORL_IO_READ, on_command, &g, &g.commands, NULL) == 0);
    orl_exchange_init(&g.exchange, &exchange_events, &g);
    orl_links_set_surface(g.links, g.surface);
    paint(&g, 0x40);
    say(&g, "ready", 0, 0);
    orl_loop_run(g.loop);
    return 0;
}
