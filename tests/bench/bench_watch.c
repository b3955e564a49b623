#include "tests/bench/bench_watch.h"
#include "base/clock.h"
#include "tests/fakes/scene.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WARM_UP_US (2 * ORL_US_PER_S)
#define KEY_PAUSE_US (60 * ORL_US_PER_MS)
#define KEY_MAX_US (5 * ORL_US_PER_S)
#define MOVE_US (600 * ORL_US_PER_MS)
#define REST_US (4 * ORL_US_PER_S)
#define PSNR_EXACT 99.0

static const uint32_t colours[] = {0xFF0000, 0x00FF00, 0x0000FF, 0xFFFF00, 0xFF00FF, 0x00FFFF};

bool bench_watch_init(
        struct bench_watch *watch, const struct bench_watch_ops *ops, void *ctx, char **words)
{
    *watch = (struct bench_watch){.ops = ops, .ctx = ctx};
    watch->seconds = strtoull(words[0], NULL, 10);
    watch->keys_left = (unsigned)strtoul(words[1], NULL, 10);
    watch->rests_left = (unsigned)strtoul(words[2], NULL, 10);
    struct orl_rect *r = &watch->moving;
    return sscanf(words[3], "%d,%d,%d,%d", &r->x, &r->y, &r->width, &r->height) == 4;
}

uint32_t bench_watch_corner(const struct bench_picture *picture)
{
    if (picture->pixels == NULL) {
        return 0;
    }
    const uint8_t *p = picture->pixels + picture->stride_bytes * 8 + (size_t)8 * 4;
    return (p[2] > 127 ? 0xFF0000U : 0U) | (p[1] > 127 ? 0xFF00U : 0U) | (p[0] > 127 ? 0xFFU : 0U);
}

void bench_watch_print(struct bench_watch *watch, const char *what)
{
    (void)printf("%s frames=%llu bytes=%llu\n", what, (unsigned long long)watch->frames,
            (unsigned long long)watch->ops->bytes(watch->ctx));
    (void)fflush(stdout);
}

static void enter(struct bench_watch *watch, enum bench_phase phase, uint64_t now_us)
{
    watch->phase = phase;
    watch->since_us = now_us;
}

static void next_step(struct bench_watch *watch, uint64_t now_us)
{
    if (watch->keys_left > 0) {
        enter(watch, BENCH_PAUSE, now_us);
    } else if (watch->rests_left > 0) {
        enter(watch, BENCH_MOVE, now_us);
    } else {
        (void)puts("done");
        (void)fflush(stdout);
        enter(watch, BENCH_DONE, now_us);
    }
}

static void see_key(struct bench_watch *watch, uint64_t now_us)
{
    const uint32_t expected =
            colours[(watch->keys_sent - 1) % (sizeof(colours) / sizeof(*colours))];
    const struct bench_picture picture = watch->ops->picture(watch->ctx);
    const bool is_seen = bench_watch_corner(&picture) == expected;
    if (!is_seen && now_us - watch->since_us < KEY_MAX_US) {
        return;
    }
    (void)printf("key sent_us=%llu seen_us=%llu\n", (unsigned long long)watch->since_us,
            is_seen ? (unsigned long long)now_us : 0ULL);
    (void)fflush(stdout);
    next_step(watch, now_us);
}

/* Bytes of the part that is compared. */
static size_t part_bytes(const struct bench_watch *watch)
{
    return (size_t)watch->moving.width * (size_t)watch->moving.height * 4;
}

static uint8_t *copy_part(const struct bench_watch *watch, const struct bench_picture *picture)
{
    const struct orl_rect all = {0, 0, (int32_t)picture->width_px, (int32_t)picture->height_px};
    const struct orl_rect *r = &watch->moving;
    uint8_t *copy =
            orl_rect_is_empty(r) || !orl_rect_contains(&all, r) ? NULL : malloc(part_bytes(watch));
    for (int32_t y = 0; copy != NULL && y < r->height; y++) {
        memcpy(copy + (size_t)y * (size_t)r->width * 4,
                picture->pixels + (size_t)(r->y + y) * picture->stride_bytes + (size_t)r->x * 4,
                (size_t)r->width * 4);
    }
    return copy;
}

static void keep_state(struct bench_watch *watch, uint64_t now_us)
{
    const struct bench_picture picture = watch->ops->picture(watch->ctx);
    if (watch->state_count == BENCH_STATES || picture.pixels == NULL) {
        return;
    }
    if (watch->kept_count == watch->state_count && watch->kept_count < BENCH_KEPT) {
        watch->kept[watch->kept_count] = copy_part(watch, &picture);
        watch->kept_count += watch->kept[watch->kept_count] != NULL ? 1 : 0;
    }
    watch->states[watch->state_count++] = (struct bench_state){.us = now_us,
            .sum = orl_scene_sum(
                    picture.pixels, picture.width_px, picture.height_px, picture.stride_bytes)};
}

/* Of the three channels together, as 8-bit values. */
static double psnr(const uint8_t *a, const uint8_t *b, size_t bytes)
{
    uint64_t sum = 0;
    for (size_t i = 0; i < bytes; i += 4) {
        for (size_t c = 0; c < 3; c++) {
            const int32_t d = (int32_t)a[i + c] - b[i + c];
            sum += (uint64_t)(d * d);
        }
    }
    const double mean = (double)sum / ((double)bytes * 3 / 4);
    return sum == 0 ? PSNR_EXACT : 10 * log10(255.0 * 255.0 / mean);
}

/* The last picture is the exact one, if its sum is the source's; whoever reads this checks that. */
static void tell_rest(struct bench_watch *watch)
{
    const struct bench_picture picture = watch->ops->picture(watch->ctx);
    uint8_t *last = picture.pixels != NULL ? copy_part(watch, &picture) : NULL;
    for (unsigned i = 0; i < watch->state_count; i++) {
        struct bench_state *state = &watch->states[i];
        if (i < watch->kept_count && last != NULL) {
            state->psnr = psnr(watch->kept[i], last, part_bytes(watch));
        }
        (void)printf("state rest=%u us=%llu sum=%016llx psnr=%.2f\n", watch->rest,
                (unsigned long long)state->us, (unsigned long long)state->sum, state->psnr);
    }
    for (unsigned i = 0; i < watch->kept_count; i++) {
        free(watch->kept[i]);
    }
    free(last);
    watch->kept_count = 0;
    watch->state_count = 0;
    watch->rest++;
}

void bench_watch_frame(struct bench_watch *watch, uint64_t now_us)
{
    watch->frames++;
    if (watch->phase == BENCH_KEY) {
        see_key(watch, now_us);
    } else if (watch->phase == BENCH_REST) {
        keep_state(watch, now_us);
    }
}

static void start_key(struct bench_watch *watch, uint64_t now_us)
{
    watch->keys_left--;
    watch->keys_sent++;
    enter(watch, BENCH_KEY, now_us);
    watch->ops->press(watch->ctx, BENCH_KEY_A);
}

static void start_rest(struct bench_watch *watch, uint64_t now_us)
{
    watch->rests_left--;
    enter(watch, BENCH_REST, now_us);
    keep_state(watch, now_us); /* a scene between two steps may have nothing more to send */
    watch->ops->press(watch->ctx, BENCH_KEY_F12);
}

static void end_rest(struct bench_watch *watch, uint64_t now_us)
{
    tell_rest(watch);
    watch->ops->press(watch->ctx, BENCH_KEY_F12);
    next_step(watch, now_us);
}

static void start_watch(struct bench_watch *watch, uint64_t now_us)
{
    if (watch->seconds == 0) {
        enter(watch, BENCH_HOLD, now_us);
        return;
    }
    bench_watch_print(watch, "begin");
    enter(watch, BENCH_WATCH, now_us);
}

void bench_watch_tick(struct bench_watch *watch, uint64_t now_us)
{
    const uint64_t in_phase_us = now_us - watch->since_us;
    switch (watch->phase) {
    case BENCH_CONNECTING:
        if (watch->frames > 0) {
            (void)puts("up");
            (void)fflush(stdout);
            enter(watch, BENCH_WARM_UP, now_us);
        }
        break;
    case BENCH_WARM_UP:
        if (in_phase_us > WARM_UP_US) {
            start_watch(watch, now_us);
        }
        break;
    case BENCH_WATCH:
        if (in_phase_us > watch->seconds * ORL_US_PER_S) {
            bench_watch_print(watch, "end");
            next_step(watch, now_us);
        }
        break;
    case BENCH_PAUSE:
        /* Not in step with the scene, nor with itself. */
        if (in_phase_us > KEY_PAUSE_US + now_us % (KEY_PAUSE_US / 2)) {
            start_key(watch, now_us);
        }
        break;
    case BENCH_KEY:
        see_key(watch, now_us);
        break;
    case BENCH_MOVE:
        if (in_phase_us > MOVE_US) {
            start_rest(watch, now_us);
        }
        break;
    case BENCH_REST:
        if (in_phase_us > REST_US) {
            end_rest(watch, now_us);
        }
        break;
    case BENCH_HOLD:
    case BENCH_DONE:
        break;
    }
}

void bench_watch_fini(struct bench_watch *watch)
{
    for (unsigned i = 0; i < watch->kept_count; i++) {
        free(watch->kept[i]);
    }
}
