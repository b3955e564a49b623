/* What a bench client does, whatever its protocol: waits until the picture is there, warms up, watches,
 * presses keys, lets the scene rest. oriel-test-vncd --echo answers a key with the next colour in the top
 * left corner, and stops or moves on at F12. Prints
 *   up | begin frames=N bytes=N | end frames=N bytes=N       around so many seconds
 *   key sent_us=T seen_us=T                                  seen_us 0: not within five seconds
 *   state rest=N us=T sum=S psnr=D                           each picture while the scene rests; psnr 0: not kept
 *   done
 * Without seconds it only goes on until it is ended. */
#ifndef ORL_TESTS_BENCH_WATCH_H
#define ORL_TESTS_BENCH_WATCH_H
#include "display/region.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum bench_key { BENCH_KEY_A, BENCH_KEY_F12 };

struct bench_picture {
    const uint8_t *pixels; /* BGRX; NULL: none yet */
    uint32_t width_px, height_px;
    size_t stride_bytes;
};
struct bench_watch_ops {
    struct bench_picture (*picture)(void *ctx);
    void (*press)(void *ctx, enum bench_key key);
    uint64_t (*bytes)(void *ctx);
};

enum bench_phase {
    BENCH_CONNECTING,
    BENCH_WARM_UP,
    BENCH_WATCH,
    BENCH_PAUSE,
    BENCH_KEY,
    BENCH_MOVE, /* before a rest */
    BENCH_REST,
    BENCH_HOLD,
    BENCH_DONE
};

#define BENCH_KEPT 12    /* pictures of a rest that are compared with its last */
#define BENCH_STATES 256 /* pictures of a rest that are summed */

struct bench_state {
    uint64_t us, sum;
    double psnr;
};
struct bench_watch {
    const struct bench_watch_ops *ops;
    void *ctx;
    enum bench_phase phase;
    uint64_t since_us, seconds, frames;
    unsigned keys_left, keys_sent;
    unsigned rests_left, rest;
    struct orl_rect moving; /* where a lossy picture is compared; empty: nowhere */
    uint8_t *kept[BENCH_KEPT];
    struct bench_state states[BENCH_STATES];
    unsigned kept_count, state_count;
};
/* Words: SECONDS KEYS RESTS X,Y,W,H. False: they make no sense. */
bool bench_watch_init(
        struct bench_watch *watch, const struct bench_watch_ops *ops, void *ctx, char **words);
void bench_watch_frame(struct bench_watch *watch, uint64_t now_us); /* one was shown */
void bench_watch_tick(struct bench_watch *watch, uint64_t now_us);
void bench_watch_fini(struct bench_watch *watch);
/* The corner, to the nearest of the eight pure colours: a lossy picture is not exact. */
uint32_t bench_watch_corner(const struct bench_picture *picture);
void bench_watch_print(struct bench_watch *watch, const char *what);

#endif
