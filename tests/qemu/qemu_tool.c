/* oriel-test-qemu dbus|vnc: in vmpool's, the gateway's and the session's place, with a real console, on the display
 * socket that is fd 3. Commands on standard input, one answer each:
 *   size W H | key CODE DOWN | sym KEYSYM DOWN | locks BITS | pointer X Y BUTTONS | shot PATH | wait W H | signal NUMBER | reason | latency CODE N
 *   want BITS | copy TEXT | paste (answered by "text ..." of what the desktop offers, or "nothing")
 *   sound (answered by how many bytes there were so far, and how many loud samples)
 *   frames MS (answered by how often the picture changed in that time, and the console's number)
 * "over WHY" comes by itself when the display is over. For tests/qemu/vm_qemu.py and the bench. */
#include "base/clock.h"
#include "base/loop.h"
#include "protocols/qemu/qemu_display.h"
#include "tests/console/rig.h"
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DISPLAY_FD 3
#define QUIET_MS 60
#define LATENCY_MAX 1000
#define TEXT_MAX 200

struct tool {
    struct orl_loop *loop;
    struct orl_qemu_display *display;
    struct orl_io *commands;
    struct orl_timer *turn;
    struct rig_console console;
    struct rig_link link;
    uint32_t want_width, want_height; /* an answer is due at that size */
    uint64_t pressed_us;              /* an answer is due at the next damage */
    uint64_t quiet_us;                /* nothing changed since */
    uint64_t counted_us;              /* an answer is due at that time */
    unsigned frames;                  /* until then */
    char copied[TEXT_MAX + 1];        /* the client's clipboard */
    uint32_t copied_serial;
    unsigned steps; /* seen of the link's */
    bool has_offer; /* of the desktop */
    uint32_t offered_serial;
    uint32_t code;
    unsigned left;
    bool is_down;
};

static void say(const char *text)
{
    (void)printf("%s\n", text);
    (void)fflush(stdout);
}

static void begin(struct tool *t, const int *fds, unsigned count, uint32_t source)
{
    rig_console_start_on(&t->console, fds, count, "", source);
    rig_link_open(&t->link, &t->console);
    say("open");
}

static void on_open(void *ctx, int stream_fd, int input_fd, bool has_sound)
{
    (void)has_sound;
    const int fds[] = {stream_fd, input_fd};
    begin(ctx, fds, 2, ORL_SOURCE_QEMU);
}

static void on_closed(void *ctx, const char *why)
{
    struct tool *t = ctx;
    (void)printf("over %s\n", why);
    (void)fflush(stdout);
    orl_qemu_display_free(t->display);
    t->display = NULL;
}

static const struct orl_qemu_display_events events = {.on_open = on_open, .on_closed = on_closed};

static void press(struct tool *t)
{
    t->is_down = !t->is_down;
    t->link.is_woken = false;
    t->pressed_us = orl_clock_now_us();
    rig_link_key(&t->link, t->code, t->is_down);
}

/* Presses when the picture was still for a moment, and takes the time to the next damage. */
static void step_latency(struct tool *t, bool is_damaged)
{
    uint64_t now_us = orl_clock_now_us();
    if (is_damaged && t->pressed_us != 0) {
        if (t->is_down) {
            (void)printf("%llu ", (unsigned long long)(now_us - t->pressed_us));
            t->left--;
        }
        t->pressed_us = 0;
    }
    if (is_damaged) {
        t->quiet_us = now_us;
    } else if (t->pressed_us == 0 && now_us - t->quiet_us > QUIET_MS * ORL_US_PER_MS) {
        press(t);
    } else if (t->pressed_us != 0 && now_us - t->pressed_us > ORL_US_PER_S) {
        t->pressed_us = 0; /* releasing a key changes nothing on this screen */
        t->quiet_us = 0;
    }
    if (t->left == 0) {
        say("");
    }
}

static void check_wait(struct tool *t)
{
    if (t->want_width != 0 && t->link.surface != NULL &&
            orl_surface_width(t->link.surface) == t->want_width &&
            orl_surface_height(t->link.surface) == t->want_height) {
        t->want_width = 0;
        say("ok");
    }
}

static void take_step(struct tool *t)
{
    struct orl_clipboard data = {.step = ORL_CLIPBOARD_DATA,
            .serial = t->link.step.serial,
            .has_text = true,
            .text = t->copied,
            .len = strlen(t->copied)};
    t->steps = t->link.steps;
    switch (t->link.step.step) {
    case ORL_CLIPBOARD_OFFER:
        t->has_offer = t->link.step.has_text;
        t->offered_serial = t->link.step.serial;
        break;
    case ORL_CLIPBOARD_REQUEST:
        rig_link_clipboard(&t->link, &data);
        break;
    default:
        (void)printf("%s%s\n", t->link.step.has_text ? "text " : "nothing", t->link.text);
        (void)fflush(stdout);
    }
}

static void on_turn(void *ctx)
{
    struct tool *t = ctx;
    for (unsigned i = 0; i < 64 && t->link.fd > 0 && rig_link_pump(&t->link, 0); i++) {
        if (t->link.steps != t->steps) {
            take_step(t);
        }
    }
    check_wait(t);
    bool is_damaged = t->link.is_woken;
    t->link.is_woken = false;
    if (t->left > 0) {
        step_latency(t, is_damaged);
    }
    t->frames += is_damaged ? 1 : 0;
    if (t->counted_us != 0 && orl_clock_now_us() >= t->counted_us) {
        t->counted_us = 0;
        (void)printf("%u %d\n", t->frames, (int)t->console.pid);
        (void)fflush(stdout);
    }
}

/* False: it is none of these; *ret_is_late: it answers itself, or the desktop does. */
static bool run_aside(struct tool *t, const char *line, bool *ret_is_late)
{
    int wants = 0; /* or milliseconds */
    struct orl_clipboard step = {.step = ORL_CLIPBOARD_OFFER, .has_text = true};
    *ret_is_late = false;
    if (sscanf(line, "want %d", &wants) == 1) {
        rig_link_want(&t->link, (uint32_t)wants);
    } else if (sscanf(line, "copy %200[^\n]", t->copied) == 1) {
        step.serial = ++t->copied_serial;
        rig_link_clipboard(&t->link, &step);
    } else if (strncmp(line, "paste", 5) == 0) {
        step = (struct orl_clipboard){.step = ORL_CLIPBOARD_REQUEST, .serial = t->offered_serial};
        *ret_is_late = t->has_offer;
        if (t->has_offer) {
            rig_link_clipboard(&t->link, &step);
        } else {
            say("nothing");
            *ret_is_late = true;
        }
    } else if (sscanf(line, "frames %d", &wants) == 1) {
        t->frames = 0;
        t->counted_us = orl_clock_now_us() + (uint64_t)wants * ORL_US_PER_MS;
        *ret_is_late = true;
    } else if (strncmp(line, "sound", 5) == 0) {
        (void)printf("%llu %llu\n", (unsigned long long)t->link.sound_bytes,
                (unsigned long long)t->link.loud_samples);
        (void)fflush(stdout);
        *ret_is_late = true;
    } else {
        return false;
    }
    return true;
}

static void run(struct tool *t, const char *line)
{
    bool is_late = false;
    if (run_aside(t, line, &is_late)) {
        if (!is_late) {
            say("ok");
        }
        return;
    }

    char path[256];
    int a = 0;
    int b = 0;
    int c = 0;
    struct orl_rect r[2];
    if (sscanf(line, "key %i %i", &a, &b) == 2) {
        rig_link_key(&t->link, (uint32_t)a, b != 0);
    } else if (sscanf(line, "pointer %d %d %d", &a, &b, &c) == 3) {
        const struct orl_input in = {
                .kind = ORL_INPUT_POINTER, .code = (uint32_t)c, .x = a, .y = b};
        rig_link_input(&t->link, &in);
    } else if (sscanf(line, "sym %i %i", &a, &b) == 2) {
        const struct orl_input in = {
                .kind = ORL_INPUT_KEYSYM, .code = (uint32_t)a, .is_down = b != 0};
        rig_link_input(&t->link, &in);
    } else if (sscanf(line, "locks %d", &a) == 1) {
        const struct orl_input in = {.kind = ORL_INPUT_LOCKS, .code = (uint32_t)a};
        rig_link_input(&t->link, &in);
    } else if (sscanf(line, "size %d %d", &a, &b) == 2) {
        const struct orl_layout layout = orl_layout_one((uint32_t)a, (uint32_t)b);
        rig_link_layout(&t->link, &layout);
    } else if (sscanf(line, "heads %d %d %d %d %d %d %d %d", &r[0].x, &r[0].y, &r[0].width,
                       &r[0].height, &r[1].x, &r[1].y, &r[1].width, &r[1].height) == 8) {
        const struct orl_layout layout = {.count = 2, .heads = {r[0], r[1]}};
        rig_link_layout(&t->link, &layout);
    } else if (sscanf(line, "shot %255s", path) == 1) {
        rig_surface_dump(t->link.surface, path);
    } else if (sscanf(line, "signal %d", &a) == 1) {
        (void)kill(t->console.pid, a);
    } else if (sscanf(line, "wait %d %d", &a, &b) == 2) {
        t->want_width = (uint32_t)a;
        t->want_height = (uint32_t)b;
        return;
    } else if (sscanf(line, "latency %i %d", &a, &b) == 2 && b > 0 && b <= LATENCY_MAX) {
        t->code = (uint32_t)a;
        t->left = (unsigned)b;
        t->quiet_us = orl_clock_now_us();
        return;
    }
    say("ok");
}

static void on_command(void *ctx, unsigned io)
{
    struct tool *t = ctx;
    char text[512];
    (void)io;
    ssize_t n = read(STDIN_FILENO, text, sizeof(text) - 1);
    if (n <= 0) {
        orl_loop_stop(t->loop);
        return;
    }
    text[n] = '\0';
    run(t, text);
}

int main(int argc, char **argv)
{
    struct tool t = {.console.control = -1, .link.fd = -1};
    struct orl_err err = {0};
    bool is_dbus = argc == 2 && strcmp(argv[1], "dbus") == 0;
    if (orl_loop_new(&t.loop, &err) < 0 ||
            orl_io_open(t.loop, STDIN_FILENO, ORL_IO_READ, on_command, &t, &t.commands, &err) < 0 ||
            orl_timer_new(t.loop, on_turn, &t, &t.turn, &err) < 0 ||
            (is_dbus &&
                    orl_qemu_display_new(t.loop, DISPLAY_FD, &events, &t, &t.display, &err) < 0)) {
        (void)fprintf(stderr, "oriel-test-qemu: %s\n", err.text);
        return 1;
    }
    if (!is_dbus) {
        const int fd = DISPLAY_FD;
        begin(&t, &fd, 1, ORL_SOURCE_VNC);
    }
    orl_timer_start(t.turn, ORL_US_PER_MS, ORL_US_PER_MS);
    orl_loop_run(t.loop);
    if (t.console.pid > 0) {
        (void)kill(t.console.pid, SIGCONT);
        rig_link_close(&t.link);
        rig_console_kill(&t.console);
    }
    orl_qemu_display_free(t.display);
    orl_io_close(t.commands);
    orl_timer_free(t.turn);
    orl_loop_free(t.loop);
    return 0;
}
