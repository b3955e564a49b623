#include "tests/console/rig.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "tests/fakes/scene.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

#define LOG_MAX_BYTES (1 << 20)
#define ARGS_MAX 24
#define STEP_MS 20

extern char **environ;

static bool is_readable(int fd, int timeout_ms)
{
    struct pollfd pfd = {.fd = fd, .events = POLLIN};
    return poll(&pfd, 1, timeout_ms) > 0;
}

static void pause_ms(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* Runs argv with fd `from` as its fd `to`; everything else of ours is CLOEXEC. */
static pid_t spawn(const char *const *argv, int from, int to)
{
    posix_spawn_file_actions_t actions;
    orl_assert(posix_spawn_file_actions_init(&actions) == 0);
    orl_assert(posix_spawn_file_actions_adddup2(&actions, from, to) == 0);
    pid_t pid = -1;
    int rc = posix_spawn(&pid, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv,
            environ); /* execve() writes nothing there */
    orl_assert(rc == 0);
    (void)posix_spawn_file_actions_destroy(&actions);
    return pid;
}

void rig_stop(pid_t *pid)
{
    if (*pid <= 0) {
        return;
    }
    (void)kill(*pid, SIGTERM);
    for (int i = 0; i < 100; i++) {
        if (waitpid(*pid, NULL, WNOHANG) == *pid) {
            *pid = 0;
            return;
        }
        pause_ms(STEP_MS);
    }
    (void)kill(*pid, SIGKILL);
    (void)waitpid(*pid, NULL, 0);
    *pid = 0;
}

void rig_vncd_start(struct rig_vncd *vncd, const char *const *args)
{
    (void)snprintf(vncd->dir, sizeof(vncd->dir), "/tmp/orl-test-console-XXXXXX");
    orl_assert(mkdtemp(vncd->dir) != NULL);
    (void)snprintf(vncd->socket_path, sizeof(vncd->socket_path), "%s/vnc", vncd->dir);
    (void)snprintf(vncd->log_path, sizeof(vncd->log_path), "%s/log", vncd->dir);
    (void)snprintf(vncd->cut_path, sizeof(vncd->cut_path), "%s/cut", vncd->dir);
    const char *argv[ARGS_MAX] = {VNCD_PATH, "--unix", vncd->socket_path, "--log", vncd->log_path,
            "--max-seconds", "120"};
    for (unsigned i = 7; args != NULL && *args != NULL && i < ARGS_MAX - 1; i++) {
        argv[i] = strcmp(*args, RIG_CUT_FILE) == 0 ? vncd->cut_path : *args;
        args++;
    }
    int out[2];
    orl_assert(pipe2(out, O_CLOEXEC) == 0);
    vncd->pid = spawn(argv, out[1], STDOUT_FILENO);
    close(out[1]);
    char line[8];
    bool is_ready = is_readable(out[0], RIG_WAIT_MS) && read(out[0], line, sizeof(line)) > 0;
    close(out[0]);
    orl_assert(is_ready);
}

void rig_vncd_stop(struct rig_vncd *vncd)
{
    rig_stop(&vncd->pid);
    (void)unlink(vncd->log_path);
    (void)unlink(vncd->cut_path);
    (void)unlink(vncd->socket_path);
    (void)rmdir(vncd->dir);
}

void rig_vncd_copy(const struct rig_vncd *vncd, const char *text)
{
    FILE *f = fopen(vncd->cut_path, "we");
    orl_assert(f != NULL && fputs(text, f) >= 0 && fclose(f) == 0);
    (void)kill(vncd->pid, SIGHUP);
}

int rig_vncd_connect(const struct rig_vncd *vncd)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    memcpy(addr.sun_path, vncd->socket_path, strlen(vncd->socket_path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    orl_assert(fd >= 0 && connect(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0);
    return fd;
}

unsigned rig_vncd_count(const struct rig_vncd *vncd, const char *text)
{
    ORL_AUTO(orl_free_auto) char *log = calloc(1, LOG_MAX_BYTES);
    orl_assert(log != NULL);
    FILE *f = fopen(vncd->log_path, "re");
    if (f == NULL) {
        return 0;
    }
    size_t len = fread(log, 1, LOG_MAX_BYTES - 1, f);
    (void)fclose(f);
    log[len] = '\0';
    unsigned count = 0;
    for (const char *at = log; (at = strstr(at, text)) != NULL; at++) {
        count++;
    }
    return count;
}

bool rig_vncd_logged(const struct rig_vncd *vncd, const char *text)
{
    for (int i = 0; i < RIG_WAIT_MS / STEP_MS; i++) {
        if (rig_vncd_count(vncd, text) > 0) {
            return true;
        }
        pause_ms(STEP_MS);
    }
    return false;
}

pid_t rig_liar_start(const char *lie, int *ret_fd)
{
    int pair[2];
    orl_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) == 0);
    const char *argv[] = {LIAR_PATH, lie, "--fd", "3", NULL};
    pid_t pid = spawn(argv, pair[1], 3);
    close(pair[1]);
    *ret_fd = pair[0];
    return pid;
}

void rig_console_start(struct rig_console *console, int display_fd, const char *password)
{
    rig_console_start_as(console, display_fd, password, ORL_SOURCE_VNC);
}

void rig_console_start_as(
        struct rig_console *console, int display_fd, const char *password, uint32_t source)
{
    rig_console_start_on(console, &display_fd, 1, password, source);
}

void rig_console_start_on(struct rig_console *console, const int *fds, unsigned count,
        const char *password, uint32_t source)
{
    int pair[2];
    struct orl_err err = {0};
    orl_assert(orl_ipc_pair(pair, &err) == 0);
    const char *argv[] = {CONSOLE_PATH, NULL};
    console->pid = spawn(argv, pair[1], 3);
    close(pair[1]);
    console->control = pair[0];
    struct orl_msg msg = {.type = ORL_MSG_START};
    msg.u.start.source = source;
    orl_msg_text(msg.u.start.password, sizeof(msg.u.start.password), password);
    int rc = orl_ipc_send(console->control, &msg, fds, count);
    orl_assert(rc == 0);
    for (unsigned i = 0; i < count; i++) {
        close(fds[i]);
    }
}

enum orl_reason rig_console_reason(struct rig_console *console, int timeout_ms)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    int rc = orl_ipc_recv(console->control, timeout_ms, &msg, &fds);
    orl_ipc_fds_close(&fds);
    if (rc < 0 || msg.type != ORL_MSG_CLOSE) {
        return ORL_REASON_NONE;
    }
    return orl_reason_from_u32(msg.u.close.reason);
}

int rig_console_wait(struct rig_console *console)
{
    int status = 0;
    for (int i = 0; i < RIG_WAIT_MS / STEP_MS; i++) {
        if (waitpid(console->pid, &status, WNOHANG) == console->pid) {
            console->pid = 0;
            return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
        }
        pause_ms(STEP_MS);
    }
    return -1;
}

void rig_console_kill(struct rig_console *console)
{
    orl_close_fd(&console->control);
    rig_stop(&console->pid);
}

void rig_link_open(struct rig_link *link, struct rig_console *console)
{
    int pair[2];
    struct orl_err err = {0};
    orl_assert(orl_ipc_pair(pair, &err) == 0);
    *link = (struct rig_link){.fd = pair[0]};
    orl_clipboard_in_init(&link->text_in, ORL_CLIPBOARD_MAX_BYTES);
    struct orl_msg msg = {.type = ORL_MSG_SURFACE};
    msg.u.surface.permit = (struct orl_permit){.clipboard = ORL_CLIPBOARD_BOTH,
            .clipboard_max_bytes = ORL_CLIPBOARD_MAX_BYTES,
            .has_sound = 1};
    int rc = orl_ipc_send(console->control, &msg, &pair[1], 1);
    orl_assert(rc == 0);
    close(pair[1]);
}

void rig_link_close(struct rig_link *link)
{
    orl_close_fd(&link->fd);
    orl_surface_free(link->surface);
    link->surface = NULL;
    orl_clipboard_in_fini(&link->text_in);
}

static void take_part(struct rig_link *link, const struct orl_clipboard_part *part)
{
    struct orl_clipboard step;
    int rc = orl_clipboard_in_add(&link->text_in, part, &step, NULL);
    orl_assert(rc >= 0);
    if (rc > 0) {
        link->steps++;
        link->step = step;
        (void)snprintf(link->text, sizeof(link->text), "%.*s", (int)step.len,
                step.len > 0 ? step.text : "");
        link->step.text = link->text;
    }
}

static void take_sound(struct rig_link *link, const struct orl_sound *sound)
{
    link->sound_rate_hz = sound->rate_hz;
    link->sound_channels = sound->channels;
    link->sound_bytes += sound->len;
    link->sound_stops += sound->len == 0 ? 1 : 0;
    for (size_t i = 0; i + 1 < sound->len; i += 2) {
        int16_t v = 0;
        memcpy(&v, sound->samples + i, sizeof(v));
        link->loud_samples += v > 8000 || v < -8000 ? 1 : 0;
    }
}

static void send_msg(const struct rig_link *link, const struct orl_link_msg *msg)
{
    int rc = ORL_E_AGAIN;
    for (int i = 0; i < RIG_WAIT_MS / STEP_MS && rc == ORL_E_AGAIN; i++) {
        rc = orl_link_send(link->fd, msg);
        if (rc == ORL_E_AGAIN) {
            pause_ms(STEP_MS);
        }
    }
}

void rig_link_want(struct rig_link *link, uint32_t wants)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_WANT, .wants = wants, .surface_fd = -1};
    send_msg(link, &msg);
}

void rig_link_clipboard(struct rig_link *link, const struct orl_clipboard *step)
{
    struct orl_clipboard_out out;
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD, .surface_fd = -1};
    orl_clipboard_out_init(&out);
    int rc = orl_clipboard_out_add(&out, step, NULL);
    orl_assert(rc == ORL_OK);
    while (orl_clipboard_out_next(&out, &msg.clipboard)) {
        send_msg(link, &msg);
        orl_clipboard_out_sent(&out, &msg.clipboard);
    }
    orl_clipboard_out_fini(&out);
}

bool rig_link_wait_step(struct rig_link *link, enum orl_clipboard_step step)
{
    uint64_t end_us = orl_clock_now_us() + RIG_WAIT_MS * ORL_US_PER_MS;
    unsigned steps = link->steps;
    while (orl_clock_now_us() < end_us && link->closed == ORL_REASON_NONE) {
        if (link->steps > steps) {
            return link->step.step == step;
        }
        (void)rig_link_pump(link, STEP_MS);
    }
    return false;
}

bool rig_link_pump(struct rig_link *link, int timeout_ms)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    if (!is_readable(link->fd, timeout_ms)) {
        return false;
    }
    int rc = orl_link_recv(link->fd, buf, &msg);
    if (rc < 0) {
        link->closed = ORL_REASON_INTERNAL;
        return false;
    }
    if (msg.type == ORL_LINK_CLOSED) {
        link->closed = orl_reason_from_u32(msg.reason);
        return true;
    }
    if (msg.type == ORL_LINK_CLIPBOARD) {
        take_part(link, &msg.clipboard);
        return true;
    }
    if (msg.type == ORL_LINK_SOUND) {
        take_sound(link, &msg.sound);
        return true;
    }
    if (msg.type == ORL_LINK_LOCKS) {
        link->has_locks = true;
        link->locks = msg.locks;
        return true;
    }
    link->is_woken = true;
    if (msg.type == ORL_LINK_WAKE) {
        return true;
    }
    orl_assert(msg.type == ORL_LINK_SURFACE);
    orl_surface_free(link->surface);
    link->surface = NULL;
    rc = orl_surface_open(msg.surface_fd, &link->surface, NULL);
    orl_assert(rc == 0);
    return true;
}

bool rig_link_wait_surface(struct rig_link *link, uint32_t width_px, uint32_t height_px)
{
    uint64_t end_us = orl_clock_now_us() + RIG_WAIT_MS * ORL_US_PER_MS;
    while (orl_clock_now_us() < end_us && link->closed == ORL_REASON_NONE) {
        if (link->surface != NULL && orl_surface_width(link->surface) == width_px &&
                orl_surface_height(link->surface) == height_px) {
            return true;
        }
        (void)rig_link_pump(link, STEP_MS);
    }
    return false;
}

bool rig_link_wait_woken(struct rig_link *link)
{
    while (!link->is_woken && rig_link_pump(link, RIG_WAIT_MS)) {
    }
    bool was_woken = link->is_woken;
    link->is_woken = false;
    return was_woken;
}

void rig_link_input(struct rig_link *link, const struct orl_input *input)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT, .input = *input, .surface_fd = -1};
    send_msg(link, &msg);
}

void rig_link_layout(struct rig_link *link, const struct orl_layout *layout)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_LAYOUT, .layout = *layout, .surface_fd = -1};
    send_msg(link, &msg);
}

void rig_link_key(struct rig_link *link, uint32_t code, bool is_down)
{
    struct orl_input input = {.kind = ORL_INPUT_KEY, .code = code, .is_down = is_down};
    rig_link_input(link, &input);
}

static bool is_scene(const struct orl_surface *surface, const uint32_t *expected)
{
    uint32_t width = orl_surface_width(surface);
    for (uint32_t y = 0; y < orl_surface_height(surface); y++) {
        const uint8_t *row = orl_surface_pixels(surface) + (size_t)y * orl_surface_stride(surface);
        for (uint32_t x = 0; x < width; x++) {
            uint32_t pixel = 0;
            memcpy(&pixel, row + (size_t)x * 4, sizeof(pixel));
            if ((pixel & 0xFFFFFF) != expected[(size_t)y * width + x]) {
                return false;
            }
        }
    }
    return true;
}

bool rig_link_wait_scene(struct rig_link *link, const char *name)
{
    struct orl_scene scene = {.width_px = orl_surface_width(link->surface),
            .height_px = orl_surface_height(link->surface)};
    orl_assert(orl_scene_parse(name, &scene.kind));
    scene.pixels = calloc((size_t)scene.width_px * scene.height_px, sizeof(uint32_t));
    orl_assert(scene.pixels != NULL);
    orl_scene_start(&scene);
    bool is_right = false;
    for (int i = 0; i < RIG_WAIT_MS / STEP_MS && !is_right; i++) {
        is_right = is_scene(link->surface, scene.pixels);
        if (!is_right) {
            pause_ms(STEP_MS);
        }
    }
    free(scene.pixels);
    return is_right;
}

void rig_surface_dump(const struct orl_surface *surface, const char *path)
{
    FILE *f = fopen(path, "wbe");
    if (f == NULL) {
        return;
    }
    uint32_t width = orl_surface_width(surface);
    (void)fprintf(f, "P6\n%u %u\n255\n", width, orl_surface_height(surface));
    for (uint32_t y = 0; y < orl_surface_height(surface); y++) {
        const uint8_t *row = orl_surface_pixels(surface) + (size_t)y * orl_surface_stride(surface);
        for (uint32_t x = 0; x < width; x++) {
            uint8_t bytes[3] = {row[x * 4 + 2], row[x * 4 + 1], row[x * 4]};
            (void)fwrite(bytes, 1, sizeof(bytes), f);
        }
    }
    (void)fclose(f);
}
