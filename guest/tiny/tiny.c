/* The tiny guest: shows the known picture (picture.h), follows the display's size, shows keys and pointer
 * and says on the serial console what it did, one line each, beginning with "oriel-tiny: ":
 *   painted WxH · input NAME · key CODE down|up · button CODE down|up · pointer X Y · wheel V H
 *   motion on|off · poweroff · reboot · crash
 * Ctrl+Alt with Q or the power button: off. R: reboot. C: kernel crash. A: full motion on and off. */
#include "input.h"
#include "screen.h"
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <linux/reboot.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/reboot.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    IDLE_MS = 2000,  /* a lost kernel event costs this, nothing else */
    FRAME_MS = 16,   /* full motion: at most 60 pictures a second */
    DRAIN_MAX = 256, /* events of one device per wake-up */
};

struct tiny {
    struct orl_screen screen;
    struct orl_input input;
    struct orl_picture_state state;
    int uevents;
    uint32_t modifiers; /* held: bits 0, 1 Ctrl left, right; bits 2, 3 Alt left, right */
    bool is_panel_old, is_pointer_old, is_moving;
    uint32_t frame;
};

static int serial_fd = -1;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[160] = "oriel-tiny: ";
    const size_t prefix = strlen(line);
    va_list args;
    va_start(args, format);
    const int n = vsnprintf(line + prefix, sizeof line - prefix - 2, format, args);
    va_end(args);
    if (n < 0) {
        return;
    }
    size_t length = strlen(line);
    line[length++] = '\n';
    /* Bounded: a serial port that nobody drains, or none at all, must not stop the picture. */
    size_t done = 0;
    for (int tries = 0; done < length && tries < 20; tries++) {
        const ssize_t r = write(serial_fd, line + done, length - done);
        if (r > 0) {
            done += (size_t)r;
        } else if (errno != EAGAIN && errno != EINTR) {
            return;
        } else {
            (void)usleep(1000);
        }
    }
}

static void on_device(const char *name)
{
    say("input %s", name);
}

static void end_machine(const char *what, int how)
{
    say("%s", what);
    (void)usleep(50000);
    sync();
    (void)reboot(how);
}

static void crash_machine(void)
{
    say("crash");
    (void)usleep(50000);
    const int fd = open("/proc/sysrq-trigger", O_WRONLY | O_CLOEXEC);
    if (fd >= 0) {
        (void)!write(fd, "c", 1);
        (void)close(fd);
    }
}

static void paint_all(struct tiny *tiny)
{
    const struct orl_canvas *canvas = &tiny->screen.canvas;
    orl_picture_paint(canvas, &tiny->state);
    orl_screen_flush(&tiny->screen, (struct orl_picture_rect){0, 0, canvas->width, canvas->height});
    tiny->is_panel_old = false;
}

static void follow_size(struct tiny *tiny)
{
    const int r = orl_screen_follow(&tiny->screen);
    if (r < 0) {
        say("no mode: %s", strerror(errno));
    }
    if (r <= 0) {
        return;
    }
    paint_all(tiny);
    orl_screen_move_pointer(&tiny->screen, tiny->state.x, tiny->state.y);
    say("painted %ux%u", tiny->screen.canvas.width, tiny->screen.canvas.height);
}

static void toggle_motion(struct tiny *tiny)
{
    tiny->is_moving = !tiny->is_moving;
    tiny->frame = 0;
    say("motion %s", tiny->is_moving ? "on" : "off");
    if (!tiny->is_moving) {
        paint_all(tiny);
    }
}

static void track_modifiers(struct tiny *tiny, uint16_t code, bool is_down)
{
    const uint32_t bit = code == KEY_LEFTCTRL    ? 1
                         : code == KEY_RIGHTCTRL ? 2
                         : code == KEY_LEFTALT   ? 4
                         : code == KEY_RIGHTALT  ? 8
                                                 : 0;
    tiny->modifiers = is_down ? tiny->modifiers | bit : tiny->modifiers & ~bit;
}

static void on_command(struct tiny *tiny, uint16_t code)
{
    const bool is_combined = (tiny->modifiers & 3) != 0 && (tiny->modifiers & 12) != 0;
    if (code == KEY_POWER || (is_combined && code == KEY_Q)) {
        end_machine("poweroff", (int)LINUX_REBOOT_CMD_POWER_OFF);
    } else if (is_combined && code == KEY_R) {
        end_machine("reboot", LINUX_REBOOT_CMD_RESTART);
    } else if (is_combined && code == KEY_C) {
        crash_machine();
    } else if (is_combined && code == KEY_A) {
        toggle_motion(tiny);
    }
}

static void on_button(struct tiny *tiny, uint16_t code, bool is_down)
{
    static const uint16_t order[] = {BTN_LEFT, BTN_RIGHT, BTN_MIDDLE, BTN_SIDE, BTN_EXTRA};
    say("button %u %s", code, is_down ? "down" : "up");
    for (uint32_t i = 0; i < sizeof order / sizeof order[0]; i++) {
        if (order[i] == code) {
            const uint32_t bit = 1U << i;
            tiny->state.buttons = is_down ? tiny->state.buttons | bit : tiny->state.buttons & ~bit;
        }
    }
}

static void on_key(struct tiny *tiny, const struct input_event *event)
{
    const bool is_down = event->value != 0;
    tiny->is_panel_old = true;
    if (event->code >= BTN_MISC && event->code < KEY_OK) {
        on_button(tiny, event->code, is_down);
        return;
    }
    if (event->value == 2) {
        return; /* the kernel's own repeat says nothing about the client */
    }
    say("key %u %s", event->code, is_down ? "down" : "up");
    orl_picture_add_key(&tiny->state, event->code, is_down);
    track_modifiers(tiny, event->code, is_down);
    if (is_down) {
        on_command(tiny, event->code);
    }
}

/* The device's 0..max to 0..side-1, to the nearest pixel's cell. */
static uint32_t scale_axis(int32_t value, int32_t max, uint32_t side)
{
    if (value <= 0 || max <= 0 || side == 0) {
        return 0;
    }
    const uint64_t at = (uint64_t)value * side / ((uint64_t)max + 1);
    return at >= side ? side - 1 : (uint32_t)at;
}

static uint32_t add_clamped(uint32_t at, int32_t delta, uint32_t side)
{
    const int64_t to = (int64_t)at + delta;
    return to < 0 ? 0 : to >= side ? side - 1 : (uint32_t)to;
}

static void on_relative(struct tiny *tiny, const struct input_event *event)
{
    struct orl_picture_state *state = &tiny->state;
    if (event->code == REL_WHEEL || event->code == REL_HWHEEL) {
        state->wheel += event->code == REL_WHEEL ? event->value : 0;
        state->hwheel += event->code == REL_HWHEEL ? event->value : 0;
        say("wheel %d %d", state->wheel, state->hwheel);
        tiny->is_panel_old = true;
    } else if (event->code == REL_X) {
        state->x = add_clamped(state->x, event->value, tiny->screen.canvas.width);
        tiny->is_pointer_old = true;
    } else if (event->code == REL_Y) {
        state->y = add_clamped(state->y, event->value, tiny->screen.canvas.height);
        tiny->is_pointer_old = true;
    }
}

static void on_absolute(
        struct tiny *tiny, const struct orl_input_device *device, const struct input_event *event)
{
    if (event->code == ABS_X) {
        tiny->state.x = scale_axis(event->value, device->max_x, tiny->screen.canvas.width);
        tiny->is_pointer_old = true;
    } else if (event->code == ABS_Y) {
        tiny->state.y = scale_axis(event->value, device->max_y, tiny->screen.canvas.height);
        tiny->is_pointer_old = true;
    }
}

static void on_readable(struct tiny *tiny, struct orl_input_device *device)
{
    struct input_event event;
    for (int i = 0; i < DRAIN_MAX && device->fd >= 0 && orl_input_read(device, &event) > 0; i++) {
        if (event.type == EV_KEY) {
            on_key(tiny, &event);
        } else if (event.type == EV_REL) {
            on_relative(tiny, &event);
        } else if (event.type == EV_ABS) {
            on_absolute(tiny, device, &event);
        }
    }
}

static void repaint(struct tiny *tiny)
{
    if (tiny->screen.canvas.px == NULL) {
        return;
    }
    if (tiny->is_pointer_old) {
        orl_screen_move_pointer(&tiny->screen, tiny->state.x, tiny->state.y);
        say("pointer %u %u", tiny->state.x, tiny->state.y);
    }
    if (tiny->is_pointer_old || tiny->is_panel_old) {
        orl_screen_flush(
                &tiny->screen, orl_picture_paint_panel(&tiny->screen.canvas, &tiny->state));
    }
    tiny->is_pointer_old = false;
    tiny->is_panel_old = false;
    if (tiny->is_moving) {
        orl_screen_flush(
                &tiny->screen, orl_picture_paint_motion(&tiny->screen.canvas, tiny->frame++));
    }
}

static int open_uevents(void)
{
    const int fd =
            socket(AF_NETLINK, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, NETLINK_KOBJECT_UEVENT);
    struct sockaddr_nl kernel = {.nl_family = AF_NETLINK, .nl_groups = 1};
    if (fd >= 0 && bind(fd, (struct sockaddr *)&kernel, sizeof kernel) < 0) {
        (void)close(fd);
        return -1;
    }
    return fd;
}

static void drain_uevents(int fd)
{
    char text[4096];
    for (int i = 0; i < DRAIN_MAX && recv(fd, text, sizeof text, 0) > 0; i++) {
    }
}

static void wait_and_handle(struct tiny *tiny)
{
    struct pollfd fds[ORL_INPUT_MAX + 1];
    for (unsigned i = 0; i < ORL_INPUT_MAX; i++) {
        fds[i] = (struct pollfd){.fd = tiny->input.devices[i].fd, .events = POLLIN};
    }
    fds[ORL_INPUT_MAX] = (struct pollfd){.fd = tiny->uevents, .events = POLLIN};
    const int ready = poll(fds, ORL_INPUT_MAX + 1, tiny->is_moving ? FRAME_MS : IDLE_MS);
    for (unsigned i = 0; i < ORL_INPUT_MAX; i++) {
        if (fds[i].revents != 0) {
            on_readable(tiny, &tiny->input.devices[i]);
        }
    }
    if (fds[ORL_INPUT_MAX].revents != 0 || (ready == 0 && !tiny->is_moving)) {
        drain_uevents(tiny->uevents);
        orl_input_rescan(&tiny->input, on_device);
        follow_size(tiny);
    }
}

static bool is_motion_wanted(void)
{
    char cmdline[2048];
    const int fd = open("/proc/cmdline", O_RDONLY | O_CLOEXEC);
    const ssize_t got = fd < 0 ? 0 : read(fd, cmdline, sizeof cmdline - 1);
    if (fd >= 0) {
        (void)close(fd);
    }
    cmdline[got > 0 ? got : 0] = '\0';
    return strstr(cmdline, "oriel.motion") != NULL;
}

int main(void)
{
    static struct tiny tiny;
    serial_fd = open("/dev/ttyS0", O_WRONLY | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    tiny.uevents = open_uevents();
    tiny.is_moving = is_motion_wanted();
    orl_input_init(&tiny.input);
    if (orl_screen_open(&tiny.screen, 20000) < 0) {
        say("no screen: %s", strerror(errno));
        return 1;
    }
    follow_size(&tiny);
    orl_input_rescan(&tiny.input, on_device);
    for (;;) {
        wait_and_handle(&tiny);
        repaint(&tiny);
    }
}
