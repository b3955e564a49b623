/* One RDP connection on loopback, served by the real viewer and planner from a synthetic picture: for
 * trying real clients by hand and from tests/rdp/run_clients. Not installed. */
#include "base/clock.h"
#include "base/log.h"
#include "base/sandbox.h"
#include "base/secret.h"
#include "display/planner.h"
#include "protocols/rdp/rdp_viewer.h"
#include "tests/fakes/scene.h"
#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { TICK_US = 20000 };

struct demo {
    const char *user, *password, *ticket, *scene, *dump, *refuse;
    uint32_t width, height; /* fixed picture; 0: the client's */
    bool only_lossless, is_sandboxed, has_clear, has_bulk_compression;
    unsigned close_after_ms;
    enum orl_rdp_security security;
    uint32_t max_px;

    struct orl_loop *loop;
    struct orl_timer *tick, *close_timer;
    struct orl_viewer_handle viewer;
    struct orl_viewer_caps caps;
    struct orl_planner *planner;
    uint8_t *pixels;
    uint32_t picture_width, picture_height;
    struct orl_scene desk; /* of a scene "desk-..." */
    uint64_t frames;
    unsigned step;
    bool is_hidden, is_pending;
    int exit_code;
};

static void say(const char *what, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void say(const char *what, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    (void)printf("%s ", what);
    (void)vprintf(format, args);
    (void)printf("\n");
    (void)fflush(stdout);
    va_end(args);
}

static void paint(uint8_t *pixels, uint32_t stride_px, const struct orl_rect *r, uint32_t seed)
{
    for (int32_t y = r->y; y < r->y + r->height; y++) {
        for (int32_t x = r->x; x < r->x + r->width; x++) {
            uint8_t *p = pixels + ((size_t)y * stride_px + (size_t)x) * 4;
            const uint32_t noise = ((uint32_t)x * 2654435761U ^ (uint32_t)y * 40503U) + seed * 977U;
            const bool is_ink = (y / 8) % 2 == 0 && (noise >> 13) % 3 == 0;
            const uint32_t paper =
                    0xFFFFFF - ((uint32_t)x * 3 / 16 << 8 & 0x3F00) - ((uint32_t)y & 0x1F);
            const uint32_t colour = is_ink ? noise & 0x7F7F7F : paper;
            p[0] = (uint8_t)colour;
            p[1] = (uint8_t)(colour >> 8);
            p[2] = (uint8_t)(colour >> 16);
            p[3] = 0;
        }
    }
}

static void paint_box(uint8_t *pixels, uint32_t stride_px, struct orl_rect r, uint32_t colour)
{
    for (int32_t y = r.y; y < r.y + r.height; y++) {
        for (int32_t x = r.x; x < r.x + r.width; x++) {
            uint8_t *p = pixels + ((size_t)y * stride_px + (size_t)x) * 4;
            p[0] = (uint8_t)colour;
            p[1] = (uint8_t)(colour >> 8);
            p[2] = (uint8_t)(colour >> 16);
        }
    }
}

static void damage(struct demo *d, const struct orl_rect *r)
{
    struct orl_region region;
    orl_region_clear(&region);
    orl_region_add(&region, r);
    orl_planner_damage(d->planner, &region, orl_clock_now_us());
}

/* A text desktop that all tests share, in place of our own picture. */
static bool is_desk(struct demo *d)
{
    return strncmp(d->scene, "desk-", 5) == 0 && orl_scene_parse(d->scene + 5, &d->desk.kind);
}

static void new_picture(struct demo *d, uint32_t width, uint32_t height)
{
    struct orl_err err = {0};
    orl_planner_free(d->planner);
    free(d->pixels);
    d->pixels = calloc((size_t)width * height, 4);
    d->picture_width = width;
    d->picture_height = height;
    const struct orl_rect all = {0, 0, (int32_t)width, (int32_t)height};
    if (is_desk(d)) {
        d->desk.pixels = (uint32_t *)(void *)d->pixels;
        d->desk.width_px = width;
        d->desk.height_px = height;
        orl_scene_start(&d->desk);
    } else {
        paint(d->pixels, width, &all, 0);
        paint_box(d->pixels, width, (struct orl_rect){0, 0, 40, 40}, 0xFF0000);
        paint_box(d->pixels, width, (struct orl_rect){(int32_t)width - 40, 0, 40, 40}, 0x00FF00);
        paint_box(d->pixels, width, (struct orl_rect){0, (int32_t)height - 40, 40, 40}, 0x0000FF);
    }
    const struct orl_planner_opts opts = {.width_px = width,
            .height_px = height,
            .has_h264 = d->caps.has_h264 && !d->only_lossless,
            .has_copy = d->caps.has_copy,
            .colours = d->caps.h264_colours,
            .threads = 1};
    if (orl_planner_new(&opts, &d->planner, &err) < 0) {
        say("error", "%s", err.text);
        abort();
    }
    damage(d, &all);
}

static void animate(struct demo *d)
{
    const int32_t width = (int32_t)d->picture_width;
    const int32_t height = (int32_t)d->picture_height;
    d->step++;
    if (is_desk(d) && d->step < (d->desk.kind == ORL_SCENE_VIDEO ? 200 : 80)) {
        const struct orl_rect r = orl_scene_step(&d->desk);
        damage(d, &r);
    } else if (strcmp(d->scene, "motion") == 0) {
        const struct orl_rect r = {width / 4, height / 4, width / 2, height / 2};
        paint(d->pixels, d->picture_width, &r, d->step);
        damage(d, &r);
    } else if (strcmp(d->scene, "burst") == 0 && d->step < 60) { /* moves, then rests */
        const struct orl_rect r = {0, 0, width, height};
        paint(d->pixels, d->picture_width, &r, d->step);
        damage(d, &r);
    } else if (strcmp(d->scene, "type") == 0 && d->step % 5 == 0) {
        const struct orl_rect r = {(int32_t)(d->step * 2) % (width - 16), height / 2, 10, 16};
        paint_box(d->pixels, d->picture_width, r, 0x202020 + d->step);
        damage(d, &r);
    }
}

static void push(struct demo *d)
{
    struct orl_update update;
    struct orl_err err = {0};
    if (d->planner == NULL || d->is_hidden) {
        return;
    }
    for (int i = 0; i < 4; i++) {
        const int got = orl_planner_next(d->planner, d->pixels, (size_t)d->picture_width * 4,
                orl_clock_now_us(), &update, &err);
        if (got < 0) {
            say("error", "%s", err.text);
        }
        if (got <= 0) {
            return;
        }
        const int code = d->viewer.ops->send(d->viewer.viewer, &update);
        if (code < 0) {
            orl_planner_unsent(d->planner);
            if (code != ORL_E_AGAIN) {
                say("send", "%d", code);
            }
            return;
        }
        d->frames++;
    }
}

static void on_tick(void *ctx)
{
    struct demo *d = ctx;
    if (d->planner != NULL) {
        animate(d);
        push(d);
    }
}

static void on_close_timer(void *ctx)
{
    struct demo *d = ctx;
    enum orl_reason reason = ORL_REASON_SHUTDOWN;
    (void)orl_reason_parse(d->refuse != NULL ? d->refuse : "shutdown", &reason);
    d->viewer.ops->close(d->viewer.viewer, reason, NULL);
}

static void on_login(void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *answer)
{
    struct demo *d = ctx;
    const bool ok = (d->user == NULL || strcmp(d->user, login->user) == 0) &&
                    (d->password == NULL || strcmp(d->password, login->password) == 0);
    say("login", "user=%s domain=%s pool=%s name=%s ok=%d", login->user, login->domain, login->pool,
            login->client_name, ok);
    answer->is_accepted = ok && (d->refuse == NULL || d->close_after_ms > 0);
    if (!answer->is_accepted && d->refuse != NULL) {
        (void)orl_reason_parse(d->refuse, &answer->reason);
    }
}

static void hmac_md5(const uint8_t key[16], const uint8_t *data, size_t len, uint8_t ret[16])
{
    unsigned size = 16;
    (void)HMAC(EVP_md5(), key, 16, data, len, ret, &size);
}

/* NTOWFv2 needs MD4, which OpenSSL 3 has only in its legacy provider; orl_rdp_init() has loaded it. */
static bool ntowfv2(const char *user, const char *domain, const char *password, uint8_t ret[16])
{
    uint8_t wide[1024];
    uint8_t md4[16];
    unsigned size = 16;
    size_t n = 0;
    for (const char *p = password; *p != '\0' && n < 500; p++) {
        wide[n++] = (uint8_t)*p;
        wide[n++] = 0;
    }
    if (EVP_Digest(wide, n, md4, &size, EVP_md4(), NULL) != 1) {
        return false;
    }
    n = 0;
    for (const char *p = user; *p != '\0' && n < 500; p++) {
        wide[n++] = (uint8_t)(*p >= 'a' && *p <= 'z' ? *p - 32 : *p);
        wide[n++] = 0;
    }
    for (const char *p = domain; *p != '\0' && n < 1000; p++) {
        wide[n++] = (uint8_t)*p;
        wide[n++] = 0;
    }
    hmac_md5(md4, wide, n, ret);
    return true;
}

/* What the broker does (MS-NLMP 3.3.2, 3.2.5.1.2): the proof is the first 16 bytes of the NT response, which
 * stands in the AUTHENTICATE message; the session key and the MIC follow from it. */
static bool is_proof_good(const struct orl_msg_proof *proof, const uint8_t hash[16])
{
    uint8_t nt_proof[16];
    uint8_t base[16];
    uint8_t exported[16];
    uint8_t mic[16];
    int used = 0;
    hmac_md5(hash, proof->proof, proof->proof_len, nt_proof);
    hmac_md5(hash, nt_proof, sizeof(nt_proof), base);
    EVP_CIPHER_CTX *rc4 = EVP_CIPHER_CTX_new();
    const bool ok = rc4 != NULL && EVP_DecryptInit_ex(rc4, EVP_rc4(), NULL, base, NULL) == 1 &&
                    EVP_DecryptUpdate(rc4, exported, &used, proof->session_key, 16) == 1;
    EVP_CIPHER_CTX_free(rc4);
    hmac_md5(exported, proof->messages, proof->messages_len, mic);
    return ok && orl_secret_is_equal(mic, proof->mic, 16);
}

static void on_proof(void *ctx, struct orl_msg_proof *proof, struct orl_viewer_login_answer *answer)
{
    struct demo *d = ctx;
    uint8_t hash[16];
    const bool ok = d->ticket != NULL && ntowfv2(proof->user, proof->domain, d->ticket, hash) &&
                    is_proof_good(proof, hash);
    say("proof", "user=%s domain=%s ok=%d", proof->user, proof->domain, ok);
    answer->is_accepted = ok;
    answer->reason = ORL_REASON_TICKET_INVALID;
    if (ok) {
        memcpy(answer->ntowfv2, hash, 16);
    }
}

static void set_cursor(struct demo *d)
{
    struct orl_cursor *cursor = calloc(1, sizeof(*cursor));
    *cursor = (struct orl_cursor){
            .is_visible = true, .width_px = 48, .height_px = 48, .hot_x = 24, .hot_y = 24};
    for (uint32_t y = 0; y < 48; y++) {
        for (uint32_t x = 0; x < 48; x++) {
            const bool is_cross = (x > 20 && x < 28) || (y > 20 && y < 28);
            cursor->pixels[y * 48 + x] = is_cross ? 0xFFFF00FF : 0;
        }
    }
    d->viewer.ops->set_cursor(d->viewer.viewer, cursor);
    free(cursor);
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct demo *d = ctx;
    const bool is_first = d->planner == NULL;
    d->caps = *caps;
    say("ready", "h264=%d copy=%d acks=%d resize=%d size=%ux%u", caps->has_h264, caps->has_copy,
            caps->has_acks, caps->has_resize, caps->width_px, caps->height_px);
    if (!is_first) {
        return;
    }
    uint32_t width = d->width != 0 ? d->width : caps->width_px;
    uint32_t height = d->height != 0 ? d->height : caps->height_px;
    const int code = d->viewer.ops->set_size(d->viewer.viewer, width, height);
    if (code < 0) {
        say("set_size", "%d", code);
        width = caps->width_px;
        height = caps->height_px;
    }
    new_picture(d, width, height);
    set_cursor(d);
    orl_timer_start(d->tick, 1, TICK_US);
    if (d->close_after_ms > 0) {
        orl_timer_start(d->close_timer, d->close_after_ms * ORL_US_PER_MS, 0);
    }
    push(d);
}

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    static const char *const names[] = {
            "none", "key", "keysym", "pointer", "relative", "wheel", "locks", "release_all"};
    say("input", "%s code=0x%x down=%u x=%d y=%d", names[input->kind], input->code, input->is_down,
            input->x, input->y);
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    struct demo *d = ctx;
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(layout, &width, &height);
    say("layout", "%ux%u heads=%u", width, height, layout->count);
    if (d->width == 0) {
        const int code = d->viewer.ops->set_size(d->viewer.viewer, width, height);
        say("resized", "%d", code);
        if (code == 0) {
            new_picture(d, width, height);
        }
    }
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    (void)frame_id;
    push(ctx);
}

static void on_writable(void *ctx)
{
    push(ctx);
}

static void on_visible(void *ctx, bool is_visible)
{
    struct demo *d = ctx;
    say("visible", "%d", is_visible);
    d->is_hidden = !is_visible;
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    struct demo *d = ctx;
    say("refresh", "%d,%d %dx%d", r->x, r->y, r->width, r->height);
    if (d->planner != NULL) {
        orl_planner_reset(d->planner, orl_clock_now_us());
    }
}

static void on_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct demo *d = ctx;
    say("closed", "reason=%s text=%s frames=%llu bytes=%llu", orl_reason_code(reason), text,
            (unsigned long long)d->frames,
            (unsigned long long)d->viewer.ops->bytes_out(d->viewer.viewer));
    d->viewer.ops->free(d->viewer.viewer);
    d->viewer.viewer = NULL;
    orl_loop_stop(d->loop);
}

static void dump(const struct demo *d)
{
    char part[4096]; /* renamed when complete: the reader does not wait */
    (void)snprintf(part, sizeof(part), "%s.part", d->dump != NULL ? d->dump : "");
    FILE *out = d->dump != NULL && d->pixels != NULL ? fopen(part, "wbe") : NULL;
    if (out == NULL) {
        return;
    }
    (void)fprintf(out, "P6\n%u %u\n255\n", d->picture_width, d->picture_height);
    for (size_t i = 0; i < (size_t)d->picture_width * d->picture_height; i++) {
        const uint8_t rgb[3] = {d->pixels[i * 4 + 2], d->pixels[i * 4 + 1], d->pixels[i * 4]};
        (void)fwrite(rgb, 1, 3, out);
    }
    (void)fclose(out);
    (void)rename(part, d->dump);
}

static void on_signal(void *ctx, int signum)
{
    struct demo *d = ctx;
    dump(d);
    if (signum == SIGTERM && d->viewer.viewer != NULL) {
        d->viewer.ops->close(d->viewer.viewer, ORL_REASON_SHUTDOWN, NULL);
    }
}

static int accept_one(uint16_t port)
{
    const int on = 1;
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(port)};
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(at);
    const int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (listener < 0 || bind(listener, (struct sockaddr *)&at, size) < 0 ||
            listen(listener, 1) < 0 || getsockname(listener, (struct sockaddr *)&at, &size) < 0) {
        perror("listen");
        return -1;
    }
    say("listening", "%u", ntohs(at.sin_port));
    const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
    (void)close(listener);
    return fd;
}

static char *read_text(const char *path)
{
    FILE *in = fopen(path, "rbe");
    char *text = calloc(1, 65536);
    if (in == NULL || text == NULL) {
        perror(path);
        abort();
    }
    (void)!fread(text, 1, 65535, in);
    (void)fclose(in);
    return text;
}

static void parse_args(
        struct demo *d, int argc, char **argv, uint16_t *port, const char **cert, const char **key)
{
    for (int i = 1; i + 1 < argc; i += 2) {
        const char *name = argv[i];
        const char *value = argv[i + 1];
        if (strcmp(name, "--port") == 0) {
            *port = (uint16_t)strtoul(value, NULL, 10);
        } else if (strcmp(name, "--cert") == 0) {
            *cert = value;
        } else if (strcmp(name, "--key") == 0) {
            *key = value;
        } else if (strcmp(name, "--user") == 0) {
            d->user = value;
        } else if (strcmp(name, "--password") == 0) {
            d->password = value;
        } else if (strcmp(name, "--ticket") == 0) {
            d->ticket = value;
        } else if (strcmp(name, "--scene") == 0) {
            d->scene = value;
        } else if (strcmp(name, "--dump") == 0) {
            d->dump = value;
        } else if (strcmp(name, "--refuse") == 0) {
            d->refuse = value;
        } else if (strcmp(name, "--close-after") == 0) {
            d->close_after_ms = (unsigned)strtoul(value, NULL, 10);
        } else if (strcmp(name, "--max") == 0) {
            d->max_px = (uint32_t)strtoul(value, NULL, 10);
        } else if (strcmp(name, "--sandbox") == 0) {
            d->is_sandboxed = value[0] == '1';
        } else if (strcmp(name, "--lossless") == 0) {
            d->only_lossless = value[0] == '1';
        } else if (strcmp(name, "--clear") == 0) {
            d->has_clear = value[0] == '1';
        } else if (strcmp(name, "--zgfx") == 0) {
            d->has_bulk_compression = value[0] == '1';
        } else if (strcmp(name, "--security") == 0) {
            d->security = strcmp(value, "nla") == 0   ? ORL_RDP_SECURITY_NLA
                          : strcmp(value, "tls") == 0 ? ORL_RDP_SECURITY_TLS
                                                      : ORL_RDP_SECURITY_AUTO;
        } else if (strcmp(name, "--size") == 0) {
            (void)sscanf(value, "%ux%u", &d->width, &d->height);
        } else {
            (void)fprintf(stderr, "unknown option %s\n", name);
            abort();
        }
    }
}

static int serve(struct demo *d, uint16_t port, const char *cert, const char *key)
{
    static const struct orl_viewer_events events = {.on_login = on_login,
            .on_proof = on_proof,
            .on_ready = on_ready,
            .on_input = on_input,
            .on_layout = on_layout,
            .on_ack = on_ack,
            .on_writable = on_writable,
            .on_visible = on_visible,
            .on_refresh = on_refresh,
            .on_closed = on_closed};
    struct orl_err err = {0};
    if (orl_rdp_init(&err) < 0 || orl_loop_new(&d->loop, &err) < 0 ||
            orl_timer_new(d->loop, on_tick, d, &d->tick, &err) < 0 ||
            orl_timer_new(d->loop, on_close_timer, d, &d->close_timer, &err) < 0 ||
            orl_loop_on_signal(d->loop, SIGUSR1, on_signal, d, &err) < 0 ||
            orl_loop_on_signal(d->loop, SIGTERM, on_signal, d, &err) < 0) {
        say("error", "%s", err.text);
        return 1;
    }
    char *cert_pem = read_text(cert);
    char *key_pem = read_text(key);
    const struct orl_rdp_opts opts = {.security = d->security,
            .fd = accept_one(port),
            .cert_pem = cert_pem,
            .key_pem = key_pem,
            .threads = 1,
            .max_width_px = d->max_px,
            .max_height_px = d->max_px,
            .client = "loopback",
            .has_clear = d->has_clear,
            .has_bulk_compression = d->has_bulk_compression};
    int code = 0;
    struct orl_sandbox_report report;
    if (code == 0 && d->is_sandboxed) {
        d->dump = NULL; /* it could not be opened */
        code = orl_sandbox_enter(ORL_SANDBOX_SESSION, &report, &err);
        say("sandbox", "%d", code);
    }
    if (code == 0) {
        code = orl_rdp_viewer_new(d->loop, &opts, &events, d, &d->viewer, &err);
    }
    free(cert_pem);
    free(key_pem);
    if (code == 0) {
        code = orl_rdp_viewer_start(d->viewer.viewer, &err);
    }
    if (code < 0) {
        say("error", "%s", err.text);
        return 1;
    }
    orl_loop_run(d->loop);
    dump(d);
    orl_timer_free(d->tick);
    orl_timer_free(d->close_timer);
    orl_planner_free(d->planner);
    free(d->pixels);
    orl_scene_fini(&d->desk);
    orl_loop_free(d->loop);
    return 0;
}

int main(int argc, char **argv)
{
    struct demo demo = {.scene = "still", .has_clear = true, .has_bulk_compression = true};
    uint16_t port = 0;
    const char *cert = NULL;
    const char *key = NULL;
    parse_args(&demo, argc, argv, &port, &cert, &key);
    if (cert == NULL || key == NULL) {
        (void)fprintf(stderr, "usage: rdp_demo_server --cert FILE --key FILE [--port N] ...\n");
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    orl_log_set_level(getenv("RDP_DEMO_DEBUG") != NULL ? ORL_LOG_DEBUG : ORL_LOG_INFO);
    return serve(&demo, port, cert, key);
}
