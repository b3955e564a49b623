#include "console/links.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include "display/permit.h"
#include <errno.h>

#define MSGS_PER_WAKE 64
#define WINDOW_US (100 * ORL_US_PER_MS)
#define MSGS_PER_WINDOW 400 /* a 1000 Hz mouse and two hands; beyond, the session waits */
#define PARTS_PER_WAKE 16

struct link {
    struct orl_links *links;
    int fd; /* -1: free */
    struct orl_io *io;
    bool owes_surface; /* the session did not take the last one yet */
    bool owes_wake;    /* nor this */
    bool owes_locks;   /* nor this */
    struct orl_permit permit;
    uint32_t wants;
    struct orl_clipboard_in text_in;
    struct orl_clipboard_out text_out;
    uint64_t window_us;
    unsigned used; /* messages in this window */
    bool is_paused;
};
struct orl_links {
    struct orl_loop *loop;
    const struct orl_links_events *events;
    void *ctx;
    struct orl_timer *resume;
    const struct orl_surface *surface;
    bool has_locks;
    uint32_t locks; /* the guest's */
    struct link link[ORL_LINKS_MAX];
};

static void close_link(struct link *l)
{
    orl_io_close(l->io);
    l->io = NULL;
    orl_close_fd(&l->fd);
    l->owes_surface = l->owes_wake = l->owes_locks = false;
    l->is_paused = false;
    l->wants = 0;
    orl_clipboard_in_fini(&l->text_in);
    orl_clipboard_out_fini(&l->text_out);
}

static unsigned number_of(const struct link *l)
{
    return (unsigned)(l - l->links->link);
}

static void drop(struct link *l)
{
    bool had_wants = l->wants != 0;
    close_link(l);
    if (had_wants) {
        l->links->events->on_want(l->links->ctx, number_of(l), 0);
    }
    l->links->events->on_count(l->links->ctx, orl_links_count(l->links));
}

static void watch(struct link *l)
{
    struct orl_clipboard_part part;
    bool owes = l->owes_surface || l->owes_wake || l->owes_locks ||
                orl_clipboard_out_next(&l->text_out, &part);
    orl_io_set(l->io, (l->is_paused ? 0U : (unsigned)ORL_IO_READ) |
                              (owes ? (unsigned)ORL_IO_WRITE : 0U) | ORL_IO_HANGUP);
}

static void offer_surface(struct link *l)
{
    struct orl_link_msg msg = {
            .type = ORL_LINK_SURFACE, .surface_fd = orl_surface_fd(l->links->surface)};
    /* Any other failure is the end of the link, and its watcher tells. */
    l->owes_surface = orl_link_send(l->fd, &msg) == ORL_E_AGAIN;
    watch(l);
}

static void offer_wake(struct link *l)
{
    static const struct orl_link_msg msg = {.type = ORL_LINK_WAKE, .surface_fd = -1};
    bool did_owe = l->owes_wake;
    l->owes_wake = orl_link_send(l->fd, &msg) == ORL_E_AGAIN;
    if (l->owes_wake != did_owe) {
        watch(l);
    }
}

static void offer_locks(struct link *l)
{
    const struct orl_link_msg msg = {
            .type = ORL_LINK_LOCKS, .locks = l->links->locks, .surface_fd = -1};
    l->owes_locks = orl_link_send(l->fd, &msg) == ORL_E_AGAIN;
    watch(l);
}

static void offer_text(struct link *l)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLIPBOARD, .surface_fd = -1};
    int rc = ORL_OK;
    for (unsigned i = 0; i < PARTS_PER_WAKE && rc == ORL_OK &&
                         orl_clipboard_out_next(&l->text_out, &msg.clipboard);
            i++) {
        rc = orl_link_send(l->fd, &msg);
        if (rc != ORL_E_AGAIN) {
            orl_clipboard_out_sent(&l->text_out, &msg.clipboard);
        }
    }
    watch(l);
}

/* True when it may go on in this window. */
static bool count_one(struct link *l)
{
    uint64_t now_us = orl_clock_now_us();
    if (now_us - l->window_us >= WINDOW_US) {
        l->window_us = now_us;
        l->used = 0;
    }
    return ++l->used <= MSGS_PER_WINDOW;
}

static void pause_link(struct link *l)
{
    l->is_paused = true;
    watch(l);
    if (!orl_timer_is_active(l->links->resume)) {
        orl_timer_start(l->links->resume, WINDOW_US, 0);
    }
}

static void on_resume(void *ctx)
{
    struct orl_links *links = ctx;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        struct link *l = &links->link[i];
        if (l->fd >= 0 && l->is_paused) {
            l->is_paused = false;
            watch(l);
        }
    }
}

static void take_want(struct link *l, uint32_t wants)
{
    wants &= orl_permit_wants(&l->permit);
    if (wants != l->wants) {
        l->wants = wants;
        l->links->events->on_want(l->links->ctx, number_of(l), wants);
    }
}

static int take_clipboard(struct link *l, const struct orl_clipboard_part *part)
{
    struct orl_clipboard step;
    if ((l->wants & ORL_WANT_CLIPBOARD) == 0) {
        return ORL_OK;
    }
    int rc = orl_clipboard_in_add(&l->text_in, part, &step, NULL);
    if (rc > 0) {
        l->links->events->on_clipboard(l->links->ctx, number_of(l), &step);
    }
    if (rc > 0 && step.len > 0 && l->fd >= 0) {
        orl_clipboard_in_reset(&l->text_in, orl_permit_max_bytes(&l->permit));
    }
    return rc < 0 ? rc : ORL_OK;
}

static int take_msg(struct link *l, struct orl_link_msg *msg)
{
    switch (msg->type) {
    case ORL_LINK_INPUT:
        if (l->permit.is_view_only == 0) {
            l->links->events->on_input(l->links->ctx, &msg->input);
        }
        return ORL_OK;
    case ORL_LINK_LAYOUT:
        if (l->permit.is_view_only == 0) {
            l->links->events->on_layout(l->links->ctx, &msg->layout);
        }
        return ORL_OK;
    case ORL_LINK_WANT:
        take_want(l, msg->wants);
        return ORL_OK;
    case ORL_LINK_CLIPBOARD:
        return take_clipboard(l, &msg->clipboard);
    default:
        orl_close_fd(&msg->surface_fd);
        return ORL_E_PROTO;
    }
}

static void read_some(struct link *l)
{
    for (unsigned i = 0; i < MSGS_PER_WAKE; i++) {
        uint8_t buf[ORL_LINK_MSG_MAX];
        struct orl_link_msg msg;
        int rc = orl_link_recv(l->fd, buf, &msg);
        if (rc == ORL_E_AGAIN) {
            return;
        }
        rc = rc < 0 ? rc : take_msg(l, &msg);
        if (l->fd < 0) {
            return; /* what it sent ended the console */
        }
        if (rc < 0) {
            drop(l);
            return;
        }
        if (!count_one(l)) {
            pause_link(l);
            return;
        }
    }
}

static void on_link(void *ctx, unsigned events)
{
    struct link *l = ctx;
    if ((events & ORL_IO_WRITE) != 0 && l->owes_surface) {
        offer_surface(l);
    }
    if ((events & ORL_IO_WRITE) != 0 && l->owes_wake && !l->owes_surface) {
        offer_wake(l);
    }
    if ((events & ORL_IO_WRITE) != 0 && l->owes_locks) {
        offer_locks(l);
    }
    if ((events & ORL_IO_WRITE) != 0 && !l->owes_wake && !l->owes_surface) {
        offer_text(l);
    }
    if ((events & ORL_IO_READ) != 0) {
        read_some(l);
    } else if ((events & ORL_IO_HANGUP) != 0) {
        drop(l);
    }
}

int orl_links_new(struct orl_loop *loop, const struct orl_links_events *events, void *ctx,
        struct orl_links **ret_links, struct orl_err *err)
{
    struct orl_links *links = calloc(1, sizeof(*links));
    if (links == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "links");
    }
    links->loop = loop;
    links->events = events;
    links->ctx = ctx;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        links->link[i] = (struct link){.links = links, .fd = -1};
    }
    int rc = orl_timer_new(loop, on_resume, links, &links->resume, err);
    if (rc < 0) {
        free(links);
        return rc;
    }
    *ret_links = links;
    return ORL_OK;
}

void orl_links_free(struct orl_links *links)
{
    if (links == NULL) {
        return;
    }
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        close_link(&links->link[i]);
    }
    orl_timer_free(links->resume);
    free(links);
}

static struct link *find_free(struct orl_links *links)
{
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        if (links->link[i].fd < 0) {
            return &links->link[i];
        }
    }
    return NULL;
}

int orl_links_add(
        struct orl_links *links, int fd, const struct orl_permit *permit, struct orl_err *err)
{
    struct link *l = find_free(links);
    if (l == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_LIMIT, "more than %d links", ORL_LINKS_MAX);
    }
    l->fd = fd;
    l->used = 0;
    l->permit = *permit;
    orl_clipboard_in_init(&l->text_in, orl_permit_max_bytes(permit));
    orl_clipboard_out_init(&l->text_out);
    int rc = orl_io_open(links->loop, fd, ORL_IO_READ | ORL_IO_HANGUP, on_link, l, &l->io, err);
    if (rc < 0) {
        close_link(l);
        return rc;
    }
    if (links->surface != NULL) {
        offer_surface(l);
    }
    if (links->has_locks) {
        offer_locks(l);
    }
    links->events->on_count(links->ctx, orl_links_count(links));
    return ORL_OK;
}

void orl_links_set_surface(struct orl_links *links, const struct orl_surface *surface)
{
    links->surface = surface;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        if (links->link[i].fd >= 0) {
            offer_surface(&links->link[i]);
        }
    }
}

void orl_links_wake(struct orl_links *links)
{
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        struct link *l = &links->link[i];
        if (l->fd >= 0 && !l->owes_surface) {
            offer_wake(l);
        }
    }
}

const struct orl_permit *orl_links_permit(const struct orl_links *links, unsigned link)
{
    return &links->link[link].permit;
}

void orl_links_clipboard(struct orl_links *links, unsigned link, const struct orl_clipboard *step)
{
    struct link *l = &links->link[link];
    struct orl_clipboard given = *step;
    if (l->fd < 0) {
        return;
    }
    if (given.len > orl_permit_max_bytes(&l->permit)) {
        given = (struct orl_clipboard){.step = given.step, .serial = given.serial};
    }
    if (orl_clipboard_out_add(&l->text_out, &given, NULL) < 0) {
        given = (struct orl_clipboard){.step = given.step, .serial = given.serial};
        int rc = orl_clipboard_out_add(&l->text_out, &given, NULL);
        (void)rc; /* without text nothing is left that could fail */
    }
    watch(l);
}

void orl_links_sound(struct orl_links *links, const struct orl_sound *sound)
{
    const struct orl_link_msg msg = {.type = ORL_LINK_SOUND, .sound = *sound, .surface_fd = -1};
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        const struct link *l = &links->link[i];
        if (l->fd >= 0 && (l->wants & ORL_WANT_SOUND) != 0) {
            int rc = orl_link_send(l->fd, &msg);
            (void)rc; /* as orl_links_wake(): what is late is not wanted any more */
        }
    }
}

void orl_links_locks(struct orl_links *links, uint32_t locks)
{
    links->has_locks = true;
    links->locks = locks;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        if (links->link[i].fd >= 0) {
            offer_locks(&links->link[i]);
        }
    }
}

uint32_t orl_links_wants(const struct orl_links *links)
{
    uint32_t wants = 0;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        wants |= links->link[i].wants;
    }
    return wants;
}

void orl_links_close_all(struct orl_links *links, enum orl_reason reason)
{
    struct orl_link_msg msg = {.type = ORL_LINK_CLOSED, .reason = reason, .surface_fd = -1};
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        if (links->link[i].fd >= 0) {
            int rc = orl_link_send(links->link[i].fd, &msg);
            (void)rc; /* not sent: it sees the socket close */
            close_link(&links->link[i]);
        }
    }
}

unsigned orl_links_count(const struct orl_links *links)
{
    unsigned count = 0;
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        count += links->link[i].fd >= 0 ? 1 : 0;
    }
    return count;
}
