/* In place of base/loop.c, base/clock.c, base/work.c and the random numbers of base/secret.c: time stands
 * still while a program runs, a job of a worker is done at the end of the turn. */
#include "base/clock.h"
#include "base/loop.h"
#include "base/secret.h"
#include "base/work.h"
#include "sim.h"
#include <stdlib.h>
#include <string.h>

enum { MAX_DEFERRED = 256 };

struct orl_timer {
    struct orl_loop *loop;
    orl_loop_fn fn;
    void *ctx;
    uint64_t due_us, repeat_us;
    bool is_active;
    struct orl_timer *next;
};
struct deferred {
    orl_loop_fn fn;
    void *ctx;
};
struct orl_loop {
    struct orl_timer *timers;
    struct deferred deferred[MAX_DEFERRED];
    unsigned deferred_count;
    struct orl_io *listener;
};
struct orl_io {
    struct orl_loop *loop;
    orl_io_fn fn;
    void *ctx;
};
struct orl_work {
    struct orl_loop *loop;
};
struct task {
    orl_work_done_fn done;
    void *job, *ctx;
};

uint64_t orl_clock_now_us(void)
{
    return sim_the->now_ms * ORL_US_PER_MS;
}

uint64_t orl_clock_wall_ms(void)
{
    return sim_wall_ms(sim_the);
}

void orl_secret_random(void *ret_data, size_t len)
{
    uint8_t *bytes = ret_data;
    for (size_t i = 0; i < len; i++) {
        bytes[i] = (uint8_t)(sim_random64(sim_the) >> 24);
    }
}

int orl_loop_new(struct orl_loop **ret_loop, struct orl_err *err)
{
    (void)err;
    *ret_loop = calloc(1, sizeof **ret_loop);
    return *ret_loop ? 0 : ORL_E_NOMEM;
}

static void run_deferred(struct orl_loop *loop)
{
    for (unsigned i = 0; i < loop->deferred_count; i++) {
        struct deferred d = loop->deferred[i];
        d.fn(d.ctx);
    }
    loop->deferred_count = 0;
}

void orl_loop_free(struct orl_loop *loop)
{
    if (loop) {
        run_deferred(loop);
        free(loop);
    }
}

void orl_loop_run(struct orl_loop *loop)
{
    sim_loop_turn(loop);
}

void orl_loop_stop(struct orl_loop *loop)
{
    (void)loop;
}

uint64_t orl_loop_now_us(const struct orl_loop *loop)
{
    (void)loop;
    return orl_clock_now_us();
}

void orl_loop_defer(struct orl_loop *loop, orl_loop_fn fn, void *ctx)
{
    if (loop->deferred_count == MAX_DEFERRED) {
        abort();
    }
    loop->deferred[loop->deferred_count++] = (struct deferred){.fn = fn, .ctx = ctx};
}

void *orl_loop_uv(struct orl_loop *loop)
{
    return loop;
}

int orl_io_open(struct orl_loop *loop, int fd, unsigned events, orl_io_fn fn, void *ctx,
        struct orl_io **ret_io, struct orl_err *err)
{
    (void)fd;
    (void)events;
    (void)err;
    struct orl_io *io = calloc(1, sizeof *io);
    if (!io) {
        return ORL_E_NOMEM;
    }
    *io = (struct orl_io){.loop = loop, .fn = fn, .ctx = ctx};
    loop->listener = io;
    *ret_io = io;
    return 0;
}

void orl_io_set(struct orl_io *io, unsigned events)
{
    (void)io;
    (void)events;
}

void orl_io_close(struct orl_io *io)
{
    if (io) {
        io->loop->listener = NULL;
        free(io);
    }
}

int orl_timer_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx, struct orl_timer **ret_timer,
        struct orl_err *err)
{
    (void)err;
    struct orl_timer *timer = calloc(1, sizeof *timer);
    if (!timer) {
        return ORL_E_NOMEM;
    }
    *timer = (struct orl_timer){.loop = loop, .fn = fn, .ctx = ctx, .next = loop->timers};
    loop->timers = timer;
    *ret_timer = timer;
    return 0;
}

void orl_timer_start(struct orl_timer *timer, uint64_t in_us, uint64_t repeat_us)
{
    timer->due_us = orl_clock_now_us() + in_us;
    timer->repeat_us = repeat_us;
    timer->is_active = true;
}

void orl_timer_stop(struct orl_timer *timer)
{
    if (timer) {
        timer->is_active = false;
    }
}

bool orl_timer_is_active(const struct orl_timer *timer)
{
    return timer->is_active;
}

void orl_timer_free(struct orl_timer *timer)
{
    if (timer) {
        struct orl_timer **at = &timer->loop->timers;
        while (*at != timer) {
            at = &(*at)->next;
        }
        *at = timer->next;
        free(timer);
    }
}

int orl_wake_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx, struct orl_wake **ret_wake,
        struct orl_err *err)
{
    (void)loop;
    (void)fn;
    (void)ctx;
    *ret_wake = NULL;
    return orl_err_set(err, ORL_E_UNSUPPORTED, "there are no threads here");
}

void orl_wake_send(struct orl_wake *wake)
{
    (void)wake;
}

void orl_wake_free(struct orl_wake *wake)
{
    (void)wake;
}

int orl_loop_on_signal(
        struct orl_loop *loop, int signum, orl_signal_fn fn, void *ctx, struct orl_err *err)
{
    (void)loop;
    (void)signum;
    (void)fn;
    (void)ctx;
    return orl_err_set(err, ORL_E_UNSUPPORTED, "there are no signals here");
}

static struct orl_timer *first_due(struct orl_loop *loop)
{
    struct orl_timer *first = NULL;
    for (struct orl_timer *t = loop->timers; t; t = t->next) {
        bool is_due = t->is_active && t->due_us <= orl_clock_now_us();
        if (is_due && (!first || t->due_us < first->due_us)) {
            first = t;
        }
    }
    return first;
}

void sim_loop_turn(struct orl_loop *loop)
{
    if (sim_the->accepting >= 0 && loop->listener) {
        loop->listener->fn(loop->listener->ctx, ORL_IO_READ);
    }
    run_deferred(loop);
    struct orl_timer *timer = first_due(loop);
    while (timer) { /* what was missed while nobody ran it is missed: libuv does the same */
        timer->is_active = timer->repeat_us > 0;
        timer->due_us = orl_clock_now_us() + timer->repeat_us;
        timer->fn(timer->ctx);
        run_deferred(loop);
        timer = first_due(loop);
    }
}

int orl_work_new(struct orl_loop *loop, unsigned threads, unsigned max_queued,
        struct orl_work **ret_work, struct orl_err *err)
{
    (void)threads;
    (void)max_queued;
    (void)err;
    *ret_work = calloc(1, sizeof **ret_work);
    if (!*ret_work) {
        return ORL_E_NOMEM;
    }
    (*ret_work)->loop = loop;
    return 0;
}

static void finish(void *ctx)
{
    struct task *task = ctx;
    task->done(task->job, task->ctx);
    free(task);
}

int orl_work_submit(
        struct orl_work *work, orl_work_fn run, orl_work_done_fn done, void *job, void *ctx)
{
    struct task *task = calloc(1, sizeof *task);
    if (!task) {
        return ORL_E_NOMEM;
    }
    *task = (struct task){.done = done, .job = job, .ctx = ctx};
    run(job);
    orl_loop_defer(work->loop, finish, task);
    return 0;
}

void orl_work_free(struct orl_work *work)
{
    if (work) {
        run_deferred(work->loop);
        free(work);
    }
}
