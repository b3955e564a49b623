/* One event loop per process, on libuv, passed explicitly. Everything here is loop thread only,
 * except orl_wake_send(). Callbacks never block and handle a bounded amount per call. */
#ifndef ORL_BASE_LOOP_H
#define ORL_BASE_LOOP_H
#include "base/err.h"
#include <stdbool.h>
#include <stdint.h>

struct orl_loop;
struct orl_io;
struct orl_timer;
struct orl_wake;

enum { ORL_IO_READ = 1, ORL_IO_WRITE = 2, ORL_IO_HANGUP = 4 };

typedef void (*orl_loop_fn)(void *ctx);
typedef void (*orl_io_fn)(void *ctx, unsigned events); /* events: ORL_IO_* that hold */
typedef void (*orl_signal_fn)(void *ctx, int signum);

ORL_NODISCARD int orl_loop_new(struct orl_loop **ret_loop, struct orl_err *err);
/* Runs deferred calls, closes what is still open (borrowed fds stay open). NULL is fine. */
void orl_loop_free(struct orl_loop *loop);
void orl_loop_run(struct orl_loop *loop); /* until orl_loop_stop() */
void orl_loop_stop(struct orl_loop *loop);
uint64_t orl_loop_now_us(const struct orl_loop *loop); /* as orl_clock_now_us(), cached per wake */
/* Calls fn(ctx) once, later in this same wake, when no other callback of ours is on the stack. */
void orl_loop_defer(struct orl_loop *loop, orl_loop_fn fn, void *ctx);
void *orl_loop_uv(struct orl_loop *loop); /* the uv_loop_t, for libraries that embed in one */

/* Watches fd (borrowed, must outlive the watcher) for events (ORL_IO_*; 0 pauses). */
ORL_NODISCARD int orl_io_open(struct orl_loop *loop, int fd, unsigned events, orl_io_fn fn,
        void *ctx, struct orl_io **ret_io, struct orl_err *err);
void orl_io_set(struct orl_io *io, unsigned events);
void orl_io_close(struct orl_io *io); /* NULL is fine; no callback comes after it */

ORL_NODISCARD int orl_timer_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx,
        struct orl_timer **ret_timer, struct orl_err *err);
void orl_timer_start(struct orl_timer *timer, uint64_t in_us, uint64_t repeat_us); /* 0: once */
void orl_timer_stop(struct orl_timer *timer); /* NULL is fine */
bool orl_timer_is_active(const struct orl_timer *timer);
void orl_timer_free(struct orl_timer *timer);

/* Wakes the loop from any thread; several sends may become one call. */
ORL_NODISCARD int orl_wake_new(struct orl_loop *loop, orl_loop_fn fn, void *ctx,
        struct orl_wake **ret_wake, struct orl_err *err);
void orl_wake_send(struct orl_wake *wake);
void orl_wake_free(struct orl_wake *wake);

ORL_NODISCARD int orl_loop_on_signal(
        struct orl_loop *loop, int signum, orl_signal_fn fn, void *ctx, struct orl_err *err);

#endif
