#include "tests/fakes/vncd.h"
#include "base/clock.h"
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define PATH_BYTES 512
#define POLL_MAX_US 5000
#define KEYSYM_F12 0xFFC9
#define ROUND_FRAMES 600 /* of the mixed scene */

struct vncd {
    struct vncd_options options;
    FILE *log;
    int listen_fd;
    rfbScreenInfoPtr screen;
    struct orl_scene scene;
    struct vncd_keys keys;
    uint32_t key_count;
    int clients;
    bool is_paused;
    uint64_t paused_us;
    uint64_t paint_us; /* CPU time of the scene */
};
static struct vncd vncd; /* libvncserver's hooks have no context of their own */
static volatile sig_atomic_t want_end, want_dump, want_counts, want_cut;

static void on_signal(int signum)
{
    if (signum == SIGUSR1) {
        want_dump = 1;
    } else if (signum == SIGUSR2) {
        want_counts = 1;
    } else if (signum == SIGHUP) {
        want_cut = 1;
    } else {
        want_end = 1;
    }
}

static void quiet(const char *format, ...)
{
    (void)format;
}

static void damage(const struct orl_rect *r)
{
    if (!orl_rect_is_empty(r)) {
        rfbMarkRectAsModified(vncd.screen, r->x, r->y, r->x + r->width, r->y + r->height);
    }
}

/* The sum is made when the rest is over: until then the clients have the processor. */
static void toggle_pause(void)
{
    uint64_t now_us = orl_clock_now_us();
    vncd.is_paused = !vncd.is_paused;
    if (vncd.is_paused) {
        vncd.paused_us = now_us;
        return;
    }
    const struct orl_scene *s = &vncd.scene;
    (void)fprintf(vncd.log, "rest us=%llu sum=%016llx\n", (unsigned long long)vncd.paused_us,
            (unsigned long long)orl_scene_sum(
                    s->pixels, s->width_px, s->height_px, (size_t)s->width_px * 4));
}

static void on_any_key(bool is_pause)
{
    static const uint32_t colours[] = {0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF};
    if (is_pause && vncd.options.want_echo) {
        toggle_pause();
        return;
    }
    uint32_t colour = colours[vncd.key_count++ % (sizeof(colours) / sizeof(colours[0]))];
    if (vncd.options.want_echo) {
        struct orl_rect r = orl_scene_stamp(&vncd.scene, colour);
        damage(&r);
        (void)fprintf(vncd.log, "stamp us=%llu colour=%06x\n",
                (unsigned long long)orl_clock_now_us(), colour);
    }
}

static void on_key(rfbBool is_down, rfbKeySym sym, rfbClientPtr cl)
{
    (void)cl;
    (void)fprintf(vncd.log, "key down=%d sym=0x%04x code=0x00\n", is_down != 0, (unsigned)sym);
    if (is_down) {
        on_any_key(sym == KEYSYM_F12);
    }
}

static void on_pointer(int buttons, int x, int y, rfbClientPtr cl)
{
    (void)fprintf(vncd.log, "pointer x=%d y=%d buttons=0x%02x\n", x, y, (unsigned)buttons);
    rfbDefaultPtrAddEvent(buttons, x, y, cl);
}

static void on_client_gone(rfbClientPtr cl)
{
    (void)cl;
    vncd.clients--;
    (void)fprintf(vncd.log, "client gone\n");
}

static enum rfbNewClientAction on_client(rfbClientPtr cl)
{
    cl->clientGoneHook = on_client_gone;
    vncd.clients++;
    (void)fprintf(vncd.log, "client in\n");
    return RFB_CLIENT_ACCEPT;
}

/* BGRX in memory, as clients of ours ask for it: nothing to convert. */
static void set_format(rfbScreenInfoPtr screen)
{
    screen->serverFormat.redShift = 16;
    screen->serverFormat.blueShift = 0;
    rfbClientIteratorPtr it = rfbGetClientIterator(screen);
    for (rfbClientPtr cl; (cl = rfbClientIteratorNext(it)) != NULL;) {
        (void)rfbSetTranslateFunction(cl);
    }
    rfbReleaseClientIterator(it);
}

static bool new_picture(int width, int height)
{
    uint32_t *old = vncd.scene.pixels;
    uint32_t *pixels = calloc((size_t)width * (size_t)height, sizeof(*pixels));
    if (pixels == NULL) {
        return false;
    }
    vncd.scene.pixels = pixels;
    vncd.scene.width_px = (uint32_t)width;
    vncd.scene.height_px = (uint32_t)height;
    orl_scene_start(&vncd.scene);
    if (vncd.screen != NULL && old != NULL) {
        rfbNewFramebuffer(vncd.screen, (char *)pixels, width, height, 8, 3, 4);
        set_format(vncd.screen);
    }
    free(old);
    return true;
}

static int on_size(
        int width, int height, int count, struct rfbExtDesktopScreen *screens, rfbClientPtr cl)
{
    (void)count;
    (void)screens;
    (void)cl;
    bool is_ok = !vncd.options.is_resize_refused && width >= 64 && height >= 64 && width <= 8192 &&
                 height <= 8192;
    (void)fprintf(vncd.log, "size %dx%d %s\n", width, height, is_ok ? "ok" : "refused");
    if (!is_ok) {
        return rfbExtDesktopSize_ResizeProhibited;
    }
    return new_picture(width, height) ? rfbExtDesktopSize_Success
                                      : rfbExtDesktopSize_OutOfResources;
}

static void dump(void)
{
    char path[PATH_BYTES];
    (void)snprintf(path, sizeof(path), "%s.new", vncd.options.dump_path);
    FILE *f = fopen(path, "wb");
    if (f == NULL) {
        return;
    }
    (void)fprintf(f, "P6\n%u %u\n255\n", vncd.scene.width_px, vncd.scene.height_px);
    size_t count = (size_t)vncd.scene.width_px * vncd.scene.height_px;
    for (size_t i = 0; i < count; i++) {
        uint32_t p = vncd.scene.pixels[i];
        uint8_t bytes[3] = {(uint8_t)(p >> 16), (uint8_t)(p >> 8), (uint8_t)p};
        (void)fwrite(bytes, 1, sizeof(bytes), f);
    }
    (void)fclose(f);
    (void)rename(path, vncd.options.dump_path);
}

static uint64_t cpu_us(clockid_t clock)
{
    struct timespec t;
    (void)clock_gettime(clock, &t);
    return (uint64_t)t.tv_sec * ORL_US_PER_S + (uint64_t)t.tv_nsec / 1000;
}

/* What serving its clients has cost so far: all CPU time but the painter's, and their bytes. */
static void log_counts(void)
{
    unsigned long long bytes = 0;
    rfbClientIteratorPtr it = rfbGetClientIterator(vncd.screen);
    for (rfbClientPtr cl; (cl = rfbClientIteratorNext(it)) != NULL;) {
        bytes += (unsigned long long)rfbStatGetSentBytes(cl);
    }
    rfbReleaseClientIterator(it);
    (void)fprintf(vncd.log, "counts cpu_us=%llu bytes=%llu\n",
            (unsigned long long)(cpu_us(CLOCK_PROCESS_CPUTIME_ID) - vncd.paint_us), bytes);
}

static void step_scene(void)
{
    const uint64_t begin_us = cpu_us(CLOCK_THREAD_CPUTIME_ID);
    const struct orl_rect r = orl_scene_step(&vncd.scene);
    vncd.paint_us += cpu_us(CLOCK_THREAD_CPUTIME_ID) - begin_us;
    damage(&r);
}

static int listen_unix(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof(addr.sun_path)) {
        return -1;
    }
    memcpy(addr.sun_path, path, strlen(path));
    (void)unlink(path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0)) {
        close(fd);
        return -1;
    }
    return fd;
}

static int listen_tcp(int *port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET, .sin_port = htons((uint16_t)*port)};
    addr.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t len = sizeof(addr);
    int one = 1;
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    if (fd >= 0 && (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(fd, 8) < 0 ||
                           getsockname(fd, (struct sockaddr *)&addr, &len) < 0)) {
        close(fd);
        return -1;
    }
    *port = ntohs(addr.sin_port);
    return fd;
}

static void set_cursor(rfbScreenInfoPtr screen)
{
    static char arrow[] = "x           "
                          "xx          "
                          "xxx         "
                          "xxxx        "
                          "xxxxx       "
                          "xxxxxx      "
                          "xxxxxxx     "
                          "xxxx        "
                          "xx xx       "
                          "x  xx       "
                          "    xx      "
                          "    xx      ";
    rfbCursorPtr cursor = rfbMakeXCursor(12, 12, arrow, arrow);
    cursor->xhot = 1;
    cursor->yhot = 2;
    uint32_t *pixels = calloc(12 * 12, sizeof(*pixels));
    for (unsigned i = 0; pixels != NULL && i < 12 * 12; i++) {
        pixels[i] = arrow[i] == 'x' ? 0xFF8000 : 0;
    }
    cursor->richSource = (unsigned char *)pixels;
    cursor->cleanupRichSource = TRUE;
    rfbSetCursor(screen, cursor);
}

static bool open_screen(void)
{
    static char *passwords[2];
    const struct vncd_options *o = &vncd.options;
    vncd.scene.kind = o->scene;
    vncd.scene.first_frame = (uint32_t)o->first_frame;
    if (!new_picture(o->width, o->height)) {
        return false;
    }
    rfbLog = quiet;
    rfbErr = quiet;
    vncd.keys = (struct vncd_keys){
            .log = vncd.log, .has_ext_keys = o->has_ext_keys, .on_key = on_any_key};
    vncd_sound_open(vncd.log, o->sine_hz);
    if (o->has_ext_keys || vncd_sound_is_on()) {
        vncd_keys_register(&vncd.keys);
    }
    rfbScreenInfoPtr s = rfbGetScreen(NULL, NULL, o->width, o->height, 8, 3, 4);
    if (s == NULL) {
        return false;
    }
    vncd.screen = s;
    s->frameBuffer = (char *)vncd.scene.pixels;
    s->desktopName = "oriel-test-vncd";
    s->port = 0; /* it does not listen: we accept */
    s->ipv6port = 0;
    s->autoPort = FALSE;
    s->alwaysShared = TRUE;
    s->deferUpdateTime = 0;
    s->kbdAddEvent = on_key;
    s->ptrAddEvent = on_pointer;
    s->newClientHook = on_client;
    s->setDesktopSizeHook = on_size;
    if (o->password != NULL) {
        passwords[0] = strdup(o->password);
        s->authPasswdData = passwords;
        s->passwordCheck = rfbCheckPasswordByList;
    }
    if (o->has_cursor) {
        set_cursor(s);
    } else {
        rfbSetCursor(s, NULL);
    }
    vncd_cut_open(s, vncd.log);
    rfbInitServer(s);
    set_format(s);
    return true;
}

static void accept_all(void)
{
    struct pollfd pfd = {.fd = vncd.listen_fd, .events = POLLIN};
    while (poll(&pfd, 1, 0) > 0) {
        int fd = accept4(vncd.listen_fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0) {
            return;
        }
        (void)rfbNewClient(vncd.screen, fd);
    }
}

/* In each child: which one it is; in the parent, when all are over: negative. */
static int fork_copies(int copies)
{
    pid_t parent = getpid();
    for (int i = 0; i < copies; i++) {
        pid_t pid = fork();
        if (pid == 0) {
            (void)prctl(PR_SET_PDEATHSIG, SIGTERM);
            return getppid() == parent ? i : -1;
        }
    }
    while (!want_end && waitpid(-1, NULL, 0) > 0) {
    }
    return -1;
}

/* The pictures that took long to paint are shared; each copy is at another place of the scene. */
static bool become_copy(void)
{
    static char path[PATH_BYTES];
    struct vncd_options *o = &vncd.options;
    int which = fork_copies(o->copies);
    if (which < 0) {
        return false;
    }
    (void)snprintf(path, sizeof(path), "%s.%d", o->unix_path, which);
    o->unix_path = path;
    vncd.scene.frame += (uint32_t)(which * ROUND_FRAMES / o->copies);
    return true;
}

static bool is_held(void)
{
    const char *path = vncd.options.hold_path;
    if (path != NULL && access(path, F_OK) == 0) {
        vncd.options.hold_path = NULL;
    }
    return vncd.options.hold_path != NULL;
}

static void run(void)
{
    uint64_t start_us = orl_clock_now_us();
    uint64_t frame_us = ORL_US_PER_S / (uint64_t)vncd.options.fps;
    uint64_t next_us = start_us + frame_us;
    uint64_t end_us = start_us + (uint64_t)vncd.options.max_seconds * ORL_US_PER_S;
    for (uint64_t now_us = start_us; !want_end && now_us < end_us; now_us = orl_clock_now_us()) {
        if (want_dump) {
            want_dump = 0;
            dump();
        }
        if (want_counts) {
            want_counts = 0;
            log_counts();
        }
        if (want_cut) {
            want_cut = 0;
            vncd_cut_send(vncd.screen, &vncd.options);
        }
        vncd_sound_step(now_us);
        accept_all();
        if (now_us >= next_us) {
            /* Frames that nobody could see are not made up for. */
            next_us = next_us + frame_us > now_us ? next_us + frame_us : now_us + frame_us;
            if (!vncd.is_paused && !is_held()) {
                step_scene();
            }
        }
        uint64_t wait_us = next_us - now_us;
        rfbProcessEvents(vncd.screen, (long)(wait_us < POLL_MAX_US ? wait_us : POLL_MAX_US));
    }
}

int main(int argc, char **argv)
{
    if (!vncd_parse_options(argc, argv, &vncd.options)) {
        return 64;
    }
    struct sigaction action = {.sa_handler = on_signal};
    (void)sigaction(SIGTERM, &action, NULL);
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGUSR1, &action, NULL);
    (void)sigaction(SIGUSR2, &action, NULL);
    (void)sigaction(SIGHUP, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    const struct vncd_options *o = &vncd.options;
    vncd.log = fopen(o->log_path != NULL ? o->log_path : "/dev/null", "ae");
    if (vncd.log == NULL || !open_screen()) {
        (void)fprintf(stderr, "oriel-test-vncd: %s\n", strerror(errno));
        return 1;
    }
    (void)setvbuf(vncd.log, NULL, _IOLBF, 0);
    if (o->copies > 0 && !become_copy()) {
        return 0;
    }
    vncd.listen_fd =
            o->unix_path != NULL ? listen_unix(o->unix_path) : listen_tcp(&vncd.options.port);
    if (vncd.listen_fd < 0) {
        (void)fprintf(stderr, "oriel-test-vncd: cannot listen: %s\n", strerror(errno));
        return 1;
    }
    (void)printf("ready %s %d\n", o->unix_path != NULL ? o->unix_path : "port", o->port);
    (void)fflush(stdout);
    run();
    rfbShutdownServer(vncd.screen, TRUE);
    if (o->unix_path != NULL) {
        (void)unlink(o->unix_path);
    }
    close(vncd.listen_fd);
    free(vncd.scene.pixels);
    orl_scene_fini(&vncd.scene);
    rfbScreenCleanup(vncd.screen);
    (void)fclose(vncd.log);
    return 0;
}
