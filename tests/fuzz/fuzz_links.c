/* Hostile sessions against a console: floods, nonsense, foreign fds, never reading, leaving at any point. One honest
 * session is there all the time: what the others do must not change anything for it. */
#include "base/cleanup.h"
#include "base/ipc.h"
#include "console/exchange.h"
#include "display/link.h"
#include "tests/fuzz/script.h"
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

enum { HOSTILE = 9, COMMANDS_MAX = 300, RAW_MAX = 255, FLOOD = 500, SURFACES = 2 };

struct rig {
    struct script script;
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_links *links;
    struct orl_exchange exchange;
    struct orl_surface *surfaces[SURFACES];
    unsigned shown;
    int honest, hostile[HOSTILE]; /* -1: none */
    unsigned count;
};

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    orl_assert(orl_input_is_valid(input));
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    (void)ctx;
    orl_assert(orl_layout_is_valid(layout));
}

static void on_count(void *ctx, unsigned count)
{
    orl_assert(count <= ORL_LINKS_MAX);
    ((struct rig *)ctx)->count = count;
}

static void on_want(void *ctx, unsigned link, uint32_t wants)
{
    struct rig *rig = ctx;
    orl_assert(link < ORL_LINKS_MAX);
    if ((wants & ORL_WANT_CLIPBOARD) != 0) {
        const struct orl_permit *permit = orl_links_permit(rig->links, link);
        orl_exchange_join(&rig->exchange, link, (permit->clipboard & ORL_CLIPBOARD_TO_GUEST) != 0,
                (permit->clipboard & ORL_CLIPBOARD_TO_CLIENT) != 0);
    } else {
        orl_exchange_leave(&rig->exchange, link);
    }
}

static void on_clipboard(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    struct rig *rig = ctx;
    orl_assert(link < ORL_LINKS_MAX && step->len <= ORL_CLIPBOARD_MAX_BYTES);
    orl_exchange_from_link(&rig->exchange, link, step);
}

static void to_source(void *ctx, const struct orl_clipboard *step)
{
    (void)ctx;
    orl_assert(step->step > ORL_CLIPBOARD_NONE && step->step < ORL_CLIPBOARD_STEP_COUNT);
}

static void to_link(void *ctx, unsigned link, const struct orl_clipboard *step)
{
    orl_links_clipboard(((struct rig *)ctx)->links, link, step);
}

static const struct orl_links_events links_events = {.on_input = on_input,
        .on_layout = on_layout,
        .on_count = on_count,
        .on_want = on_want,
        .on_clipboard = on_clipboard};
static const struct orl_exchange_events exchange_events = {
        .to_source = to_source, .to_link = to_link};

static int add_link(struct rig *rig)
{
    const uint8_t rights = script_u8(&rig->script);
    const struct orl_permit may = {.clipboard = ~(uint32_t)rights & ORL_CLIPBOARD_BOTH,
            .clipboard_max_bytes = (rights & 8) == 0 ? 4096 : 16,
            .has_sound = (rights & 4) == 0};
    int pair[2];
    orl_assert(orl_ipc_pair(pair, NULL) == 0);
    if (orl_links_add(rig->links, pair[1], &may, NULL) < 0) {
        orl_assert(orl_links_count(rig->links) == ORL_LINKS_MAX);
        close(pair[0]);
        return -1;
    }
    return pair[0];
}

static void send_msg(int fd, const struct orl_link_msg *msg)
{
    const int rc = orl_link_send(fd, msg);
    (void)rc;
}

static void send_input(struct rig *rig, int fd, unsigned times)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_INPUT,
            .input = {script_u8(&rig->script), script_u16(&rig->script), script_u8(&rig->script),
                    (int32_t)script_u32(&rig->script), (int32_t)script_u32(&rig->script)},
            .surface_fd = -1};
    for (unsigned i = 0; i < times; i++) {
        send_msg(fd, &msg);
    }
}

static void send_clipboard(struct rig *rig, int fd)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD, .surface_fd = -1};
    struct orl_clipboard_part *part = &msg.clipboard;
    part->step = script_u8(&rig->script) % (ORL_CLIPBOARD_STEP_COUNT + 1);
    part->serial = script_u8(&rig->script);
    part->has_text = script_u8(&rig->script) % 3;
    part->total = script_u16(&rig->script) % 8192;
    part->at = script_u16(&rig->script) % 8192;
    part->data = script_bytes(&rig->script, RAW_MAX, &part->len);
    send_msg(fd, &msg);
}

static void send_layout(struct rig *rig, int fd)
{
    struct orl_link_msg msg = {.type = ORL_LINK_LAYOUT, .surface_fd = -1};
    msg.layout.count = script_u8(&rig->script) % (ORL_HEADS_MAX + 2);
    for (unsigned i = 0; i < ORL_HEADS_MAX; i++) {
        struct orl_rect *head = &msg.layout.heads[i];
        *head = (struct orl_rect){(int32_t)script_u16(&rig->script),
                (int32_t)script_u16(&rig->script), (int32_t)script_u16(&rig->script),
                (int32_t)script_u16(&rig->script)};
    }
    send_msg(fd, &msg);
}

static void send_raw(struct rig *rig, int fd)
{
    size_t len = 0;
    const uint8_t *bytes = script_bytes(&rig->script, RAW_MAX, &len);
    (void)send(fd, bytes, len, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void read_some(struct rig *rig, int fd)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    for (unsigned i = script_u8(&rig->script); i > 0 && orl_link_recv(fd, buf, &msg) == 0; i--) {
        orl_close_fd(&msg.surface_fd);
    }
}

static void act_as_session(struct rig *rig)
{
    int *fd = &rig->hostile[script_u8(&rig->script) % HOSTILE];
    if (*fd < 0) {
        *fd = add_link(rig);
        return;
    }
    switch (script_u8(&rig->script) % 9) {
    case 0:
        orl_close_fd(fd);
        break;
    case 1:
        send_input(rig, *fd, 1);
        break;
    case 2:
        send_input(rig, *fd, FLOOD);
        break;
    case 3:
        send_raw(rig, *fd);
        break;
    case 4: {
        const struct orl_link_msg msg = {.type = ORL_LINK_SURFACE, .surface_fd = *fd};
        send_msg(*fd, &msg);
        break;
    }
    case 5: {
        const struct orl_link_msg msg = {
                .type = ORL_LINK_WANT, .wants = script_u8(&rig->script) % 5, .surface_fd = -1};
        send_msg(*fd, &msg);
        break;
    }
    case 6:
        send_clipboard(rig, *fd);
        break;
    case 8:
        send_layout(rig, *fd);
        break;
    default:
        read_some(rig, *fd);
        break;
    }
}

static void act_as_source(struct rig *rig)
{
    static const uint8_t samples[64];
    const struct orl_sound sound = {
            .rate_hz = 48000, .channels = 2, .samples = samples, .len = sizeof(samples)};
    const uint8_t what = script_u8(&rig->script);
    const struct orl_clipboard step = {.step = 1U + what / 4U % 3U,
            .serial = script_u8(&rig->script),
            .has_text = true,
            .text = "some text",
            .len = 1U + what / 4U % 3U == ORL_CLIPBOARD_DATA ? 9 : 0};
    switch (what % 4) {
    case 0:
        rig->shown = (rig->shown + 1) % SURFACES;
        orl_links_set_surface(rig->links, rig->surfaces[rig->shown]);
        break;
    case 1:
        orl_links_sound(rig->links, &sound);
        break;
    case 2:
        orl_exchange_from_source(&rig->exchange, &step);
        break;
    default:
        orl_links_wake(rig->links);
        break;
    }
}

static void on_stop(void *ctx)
{
    orl_loop_stop(((struct rig *)ctx)->loop);
}

static void open_rig(struct rig *rig)
{
    orl_assert(orl_loop_new(&rig->loop, NULL) == 0);
    orl_assert(orl_timer_new(rig->loop, on_stop, rig, &rig->timer, NULL) == 0);
    orl_assert(orl_links_new(rig->loop, &links_events, rig, &rig->links, NULL) == 0);
    orl_exchange_init(&rig->exchange, &exchange_events, rig);
    for (unsigned i = 0; i < SURFACES; i++) {
        orl_assert(orl_surface_create(16 + i, 16, &rig->surfaces[i], NULL) == 0);
    }
    for (unsigned i = 0; i < HOSTILE; i++) {
        rig->hostile[i] = -1;
    }
    rig->honest = add_link(rig);
    orl_links_set_surface(rig->links, rig->surfaces[0]);
}

/* It reads all that waits for it, then is woken once more, and has the newest surface. */
static void check_honest(struct rig *rig)
{
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    uint32_t width = 0;
    bool is_woken = false;
    for (int round = 0; round < 2; round++) {
        while (orl_link_recv(rig->honest, buf, &msg) == 0) {
            is_woken = is_woken || msg.type == ORL_LINK_WAKE;
            struct orl_surface *seen = NULL;
            if (msg.type == ORL_LINK_SURFACE) {
                orl_assert(orl_surface_open(msg.surface_fd, &seen, NULL) == 0);
                width = orl_surface_width(seen);
                orl_surface_free(seen);
            }
        }
        script_turn(rig->loop, rig->timer); /* a surface that it had no room for */
        orl_links_wake(rig->links);
    }
    orl_assert(is_woken && width == orl_surface_width(rig->surfaces[rig->shown]));
}

static void close_rig(struct rig *rig)
{
    orl_links_close_all(rig->links, ORL_REASON_SHUTDOWN);
    orl_assert(orl_links_count(rig->links) == 0);
    orl_links_free(rig->links);
    orl_timer_free(rig->timer);
    orl_loop_free(rig->loop);
    orl_close_fd(&rig->honest);
    for (unsigned i = 0; i < HOSTILE; i++) {
        orl_close_fd(&rig->hostile[i]);
    }
    for (unsigned i = 0; i < SURFACES; i++) {
        orl_surface_free(rig->surfaces[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct rig rig = {.script = {data, len, 0}};
    open_rig(&rig);
    for (unsigned i = 0; i < COMMANDS_MAX && !script_is_over(&rig.script); i++) {
        const uint8_t who = script_u8(&rig.script) % 4;
        if (who < 2) {
            act_as_session(&rig);
        } else if (who == 2) {
            act_as_source(&rig);
        } else {
            script_turn(rig.loop, rig.timer);
        }
    }
    check_honest(&rig);
    close_rig(&rig);
    return 0;
}
