#include "console/links.h"
#include "base/cleanup.h"
#include "base/clock.h"
#include "display/link.h"
#include <errno.h>

#define MSGS_PER_WAKE 64
#define WINDOW_US (100 * ORL_US_PER_MS)
#define MSGS_PER_WINDOW 400 /* a 1000 Hz mouse and two hands; beyond, the session waits */

struct link {
    struct orl_links *links;
    int fd; /* -1: free */
    struct orl_io *io;
    bool owes_surface; /* the session did not take the last one yet */
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
    struct link link[ORL_LINKS_MAX];
};

static void close_link(struct link *l)
{
    orl_io_close(l->io);
    l->io = NULL;
    orl_close_fd(&l->fd);
    l->owes_surface = false;
    l->is_paused = false;
}

static void drop(struct link *l)
{
    close_link(l);
    l->links->events->on_count(l->links->ctx, orl_links_count(l->links));
}

static void watch(struct link *l)
{
    orl_io_set(l->io, (l->is_paused ? 0U : (unsigned)ORL_IO_READ) |
                              (l->owes_surface ? (unsigned)ORL_IO_WRITE : 0U) | ORL_IO_HANGUP);
}

static void offer_surface(struct link *l)
{
    struct orl_link_msg msg = {
            .type = ORL_LINK_SURFACE, .surface_fd = orl_surface_fd(l->links->surface)};
    /* Any other failure is the end of the link, and its watcher tells. */
    l->owes_surface = orl_link_send(l->fd, &msg) == ORL_E_AGAIN;
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

static void read_some(struct link *l)
{
    for (unsigned i = 0; i < MSGS_PER_WAKE; i++) {
        uint8_t buf[ORL_LINK_MSG_MAX];
        struct orl_link_msg msg;
        int rc = orl_link_recv(l->fd, buf, &msg);
        if (rc == ORL_E_AGAIN) {
            return;
        }
        if (rc == ORL_OK && msg.type != ORL_LINK_INPUT) {
            orl_close_fd(&msg.surface_fd);
            rc = ORL_E_PROTO;
        }
        if (rc < 0) {
            drop(l);
            return;
        }
        l->links->events->on_input(l->links->ctx, &msg.input);
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

int orl_links_add(struct orl_links *links, int fd, struct orl_err *err)
{
    struct link *l = find_free(links);
    if (l == NULL) {
        close(fd);
        return orl_err_set(err, ORL_E_LIMIT, "more than %d links", ORL_LINKS_MAX);
    }
    l->fd = fd;
    l->used = 0;
    int rc = orl_io_open(links->loop, fd, ORL_IO_READ | ORL_IO_HANGUP, on_link, l, &l->io, err);
    if (rc < 0) {
        close_link(l);
        return rc;
    }
    if (links->surface != NULL) {
        offer_surface(l);
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
    static const struct orl_link_msg msg = {.type = ORL_LINK_WAKE, .surface_fd = -1};
    for (unsigned i = 0; i < ORL_LINKS_MAX; i++) {
        const struct link *l = &links->link[i];
        if (l->fd >= 0 && !l->owes_surface) {
            /* Full means that it has wakes to read, and looks after the last of them. Any other failure is
             * the end of the link, and its watcher tells. */
            int rc = orl_link_send(l->fd, &msg);
            (void)rc;
        }
    }
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
