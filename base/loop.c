#include "base/loop.h"

#include "base/clock.h"

#include <stdlib.h>
#include <string.h>
#include <uv.h>

/* Every handle is freed in its uv close callback; *_close() and *_free() only detach it. */
struct orl_io {
    uv_poll_t poll;
    orl_io_fn fn;
    void *ctx;
    unsigned events;
};

struct orl_timer {
    uv_timer_t timer;
    orl_loop_fn fn;
    void *ctx;
};

struct orl_wake {
    uv_async_t async;
    orl_loop_fn fn;
    void *ctx;
};

struct loop_signal {
    uv_signal_t signal;
    orl_signal_fn fn;
    void *ctx;
};

struct deferred {
    orl_loop_fn fn;
    void *ctx;
    struct deferred *next;
};

struct orl_loop {
    uv_loop_t uv;
    uv_check_t check; /* runs deferred calls after each round of I/O */
    uv_idle_t idle;   /* active while something is deferred: the poll does not wait */
    struct deferred *first;
    struct deferred **last;
};

static void run_deferred(struct orl_loop *loop)
{
    /* What these defer again runs in the next round: no endless loop here. */
    struct deferred *item = loop->first;
    loop->first = NULL;
    loop->last = &loop->first;
    while (item != NULL) {
        struct deferred *next = item->next;
        item->fn(item->ctx);
        free(item);
        item = next;
    }
    if (loop->first == NULL) {
        (void)uv_idle_stop(&loop->idle);
    }
}

static void on_check(uv_check_t *check)
{
    run_deferred(check->data);
}

static void on_idle(uv_idle_t *idle)
{
    (void)idle; /* its being active is what counts */
}

static int uv_failed(struct orl_err *err, int code, const char *what)
{
    return orl_err_set(err, ORL_E_SYS, "%s: %s", what, uv_strerror(code));
}

int orl_loop_new(struct orl_loop **ret_loop, struct orl_err *err)
{
    struct orl_loop *loop = calloc(1, sizeof(*loop));
    if (loop == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "event loop: out of memory");
    }
    int code = uv_loop_init(&loop->uv);
    if (code < 0) {
        free(loop);
        return uv_failed(err, code, "event loop");
    }
    loop->last = &loop->first;
    (void)uv_check_init(&loop->uv, &loop->check);
    (void)uv_idle_init(&loop->uv, &loop->idle);
    loop->check.data = loop;
    loop->idle.data = loop;
    (void)uv_check_start(&loop->check, on_check);
    *ret_loop = loop;
    return 0;
}

static void free_handle(uv_handle_t *handle)
{
    free(handle->data);
}

/* handle->data is the heap object that embeds it. */
static void close_owned(uv_handle_t *handle, void *owner)
{
    if (!uv_is_closing(handle)) {
        handle->data = owner;
        uv_close(handle, free_handle);
    }
}

static void close_left_open(uv_handle_t *handle, void *arg)
{
    struct orl_loop *loop = arg;
    if (uv_is_closing(handle)) {
        return;
    }
    bool is_own = handle == (uv_handle_t *)&loop->check || handle == (uv_handle_t *)&loop->idle;
    bool is_ours = handle->type == UV_POLL || handle->type == UV_TIMER ||
                   handle->type == UV_ASYNC || handle->type == UV_SIGNAL;
    uv_close(handle, !is_own && is_ours && handle->data != NULL ? free_handle : NULL);
}

void orl_loop_free(struct orl_loop *loop)
{
    if (loop == NULL) {
        return;
    }
    run_deferred(loop);
    uv_walk(&loop->uv, close_left_open, loop);
    while (uv_loop_close(&loop->uv) == UV_EBUSY) {
        (void)uv_run(&loop->uv, UV_RUN_NOWAIT);
        uv_walk(&loop->uv, close_left_open, loop);
    }
    run_deferred(loop);
    free(loop);
}

void orl_loop_run(struct orl_loop *loop)
{
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
}

void orl_loop_stop(struct orl_loop *loop)
{
    uv_stop(&loop->uv);
}

uint64_t orl_loop_now_us(const struct orl_loop *loop)
{
    (void)loop;
    return orl_clock_now_us(); /* uv_now() has only milliseconds */
}

void orl_loop_defer(struct orl_loop *loop, orl_loop_fn fn, void *ctx)
{
    struct deferred *item = malloc(sizeof(*item));
    orl_assert(item != NULL);
    *item = (struct deferred){.fn = fn, .ctx = ctx};
    *loop->last = item;
    loop->last = &item->next;
    (void)uv_idle_start(&loop->idle, on_idle);
}

void *orl_loop_uv(struct orl_loop *loop)
{
    return &loop->uv;
}

static void on_poll(uv_poll_t *poll, int status, int uv_events)
{
    struct orl_io *io = poll->data;
    unsigned events = 0;
    if (status < 0) {
        events = ORL_IO_HANGUP | (io->events & (ORL_IO_READ | ORL_IO_WRITE));
    } else {
        events |= (uv_events & UV_READABLE) != 0 ? ORL_IO_READ : 0;
        events |= (uv_events & UV_WRITABLE) != 0 ? ORL_IO_WRITE : 0;
        events |= (uv_events & UV_DISCONNECT) != 0 ? ORL_IO_HANGUP : 0;
    }
    if (events != 0) {
        io->fn(io->ctx, events);
    }
}

void orl_io_set(struct orl_io *io, unsigned events)
{
    if (events == io->events) {
        return;
    }
    io->events = events;
    int wanted = 0;
    wanted |= (events & ORL_IO_READ) != 0 ? UV_READABLE : 0;
    wanted |= (events & ORL_IO_WRITE) != 0 ? UV_WRITABLE : 0;
    wanted |= (events & ORL_IO_HANGUP) != 0 ? UV_DISCONNECT : 0;
    if (wanted == 0) {
        (void)uv_poll_stop(&io->poll);
    } else {
        (void)uv_poll_start(&io->poll, wanted, on_poll);
    }
}

int orl_io_open(struct orl_loop *loop, int fd, unsigned events, orl_io_fn fn, void *ctx,
        struct orl_io **ret_io, struct orl_err *err)
{
    struct orl_io *io = calloc(1, sizeof(*io));
    if (io == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "watcher: out of memory");
    }
    int code = uv_poll_init(&loop->uv, &io->poll, fd);
    if (code < 0) {
        free(io);
        return uv_failed(err, code, "watch a file descriptor");
    }
    io->poll.data = io;
    io->fn = fn;
    io->ctx = ctx;
    orl_io_set(io, events);
    *ret_io = io;
    return 0;
}

void orl_io_close(struct orl_io *io)
{
    if (io != NULL) {
        (void)uv_poll_stop(&io->poll);
        close_owned((uv_handle_t *)&io->poll, io);
    }
}

static void on_timer(uv_timer_t *uv)
{
    struct orl_timer *timer = uv->data;
    timer->fn(timer->ctx);
}

int orl_timer_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx, struct orl_timer **ret_timer,
        struct orl_err *err)
{
    struct orl_timer *timer = calloc(1, sizeof(*timer));
    if (timer == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "timer: out of memory");
    }
    (void)uv_timer_init(&loop->uv, &timer->timer);
    timer->timer.data = timer;
    timer->fn = fn;
    timer->ctx = ctx;
    *ret_timer = timer;
    return 0;
}

static uint64_t ms_rounded_up(uint64_t us)
{
    return us / ORL_US_PER_MS + (us % ORL_US_PER_MS != 0 ? 1 : 0);
}

void orl_timer_start(struct orl_timer *timer, uint64_t in_us, uint64_t repeat_us)
{
    uv_update_time(timer->timer.loop);
    (void)uv_timer_start(&timer->timer, on_timer, ms_rounded_up(in_us), ms_rounded_up(repeat_us));
}

void orl_timer_stop(struct orl_timer *timer)
{
    if (timer != NULL) {
        (void)uv_timer_stop(&timer->timer);
    }
}

bool orl_timer_is_active(const struct orl_timer *timer)
{
    return uv_is_active((const uv_handle_t *)&timer->timer) != 0;
}

void orl_timer_free(struct orl_timer *timer)
{
    if (timer != NULL) {
        (void)uv_timer_stop(&timer->timer);
        close_owned((uv_handle_t *)&timer->timer, timer);
    }
}

static void on_async(uv_async_t *async)
{
    struct orl_wake *wake = async->data;
    wake->fn(wake->ctx);
}

int orl_wake_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx, struct orl_wake **ret_wake,
        struct orl_err *err)
{
    struct orl_wake *wake = calloc(1, sizeof(*wake));
    if (wake == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "wake: out of memory");
    }
    int code = uv_async_init(&loop->uv, &wake->async, on_async);
    if (code < 0) {
        free(wake);
        return uv_failed(err, code, "wake");
    }
    wake->async.data = wake;
    wake->fn = fn;
    wake->ctx = ctx;
    *ret_wake = wake;
    return 0;
}

void orl_wake_send(struct orl_wake *wake)
{
    (void)uv_async_send(&wake->async);
}

void orl_wake_free(struct orl_wake *wake)
{
    if (wake != NULL) {
        close_owned((uv_handle_t *)&wake->async, wake);
    }
}

static void on_uv_signal(uv_signal_t *uv, int signum)
{
    struct loop_signal *sig = uv->data;
    sig->fn(sig->ctx, signum);
}

int orl_loop_on_signal(
        struct orl_loop *loop, int signum, orl_signal_fn fn, void *ctx, struct orl_err *err)
{
    struct loop_signal *sig = calloc(1, sizeof(*sig));
    if (sig == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "signal: out of memory");
    }
    (void)uv_signal_init(&loop->uv, &sig->signal);
    sig->signal.data = sig;
    sig->fn = fn;
    sig->ctx = ctx;
    int code = uv_signal_start(&sig->signal, on_uv_signal, signum);
    if (code < 0) {
        close_owned((uv_handle_t *)&sig->signal, sig);
        return uv_failed(err, code, "signal");
    }
    uv_unref((uv_handle_t *)&sig->signal);
    return 0;
}
