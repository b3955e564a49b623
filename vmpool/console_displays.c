#include "vmpool/console_displays.h"
#include "base/clock.h"
#include "base/log.h"
#include "protocols/qemu/qemu_display.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct orl_log_ctx log_ctx = {.name = "display"};

#define SOON_US (10 * ORL_US_PER_S)         /* an end before it is a failure */
#define FAILING_MAX_US (600 * ORL_US_PER_S) /* then it is tried again */
#define FAILURES 3
#define FAILING_MAX 64 /* machines; the one that failed longest ago is forgotten */

struct failing {
    char uuid[ORL_UUID_LEN + 1]; /* empty: free */
    unsigned count;              /* in a row */
    uint64_t last_us;
};
struct place {
    struct orl_console_displays *displays;
    char uuid[ORL_UUID_LEN + 1]; /* empty: free */
    struct orl_qemu_display *display;
    void *job; /* NULL: it has had its answer */
    uint64_t since_us;
};
struct orl_console_displays {
    struct orl_loop *loop;
    orl_console_display_fn fn;
    void *ctx;
    struct place places[ORL_CONSOLE_DISPLAYS_MAX];
    struct failing failing[FAILING_MAX];
};

static void answer(
        struct place *place, const struct orl_console_display_open *open, const char *why)
{
    void *job = place->job;
    place->job = NULL;
    if (job != NULL) {
        place->displays->fn(place->displays->ctx, job, open, why);
    }
}

static void end(struct place *place, const char *why)
{
    place->uuid[0] = '\0';
    orl_qemu_display_free(place->display);
    place->display = NULL;
    answer(place, NULL, why);
}

static void on_open(void *ctx, int stream_fd, int input_fd, bool has_sound)
{
    const struct orl_console_display_open open = {stream_fd, input_fd, has_sound};
    answer(ctx, &open, NULL);
}

static struct failing *find_failing(struct orl_console_displays *displays, const char *uuid)
{
    struct failing *oldest = &displays->failing[0];
    for (size_t i = 0; i < FAILING_MAX; i++) {
        struct failing *f = &displays->failing[i];
        if (strcmp(f->uuid, uuid) == 0) {
            return f;
        }
        oldest = f->last_us < oldest->last_us ? f : oldest;
    }
    *oldest = (struct failing){.count = 0};
    (void)snprintf(oldest->uuid, sizeof oldest->uuid, "%s", uuid);
    return oldest;
}

/* By itself: not because another console took it. */
static void note_end(struct orl_console_displays *displays, const char *uuid, uint64_t lived_us)
{
    struct failing *f = find_failing(displays, uuid);
    f->count = lived_us < SOON_US ? f->count + 1 : 0;
    f->last_us = f->count > 0 ? orl_clock_now_us() : 0;
}

bool orl_console_displays_are_failing(
        const struct orl_console_displays *displays, const char *uuid, uint64_t now_us)
{
    for (size_t i = 0; i < FAILING_MAX; i++) {
        const struct failing *f = &displays->failing[i];
        if (strcmp(f->uuid, uuid) == 0) {
            return f->count >= FAILURES && now_us - f->last_us < FAILING_MAX_US;
        }
    }
    return false;
}

static void on_closed(void *ctx, const char *why)
{
    struct place *place = ctx;
    orl_log_info(&log_ctx, "display over", "machine", place->uuid, "why", why);
    note_end(place->displays, place->uuid, orl_clock_now_us() - place->since_us);
    end(place, why);
}

static const struct orl_qemu_display_events display_events = {
        .on_open = on_open, .on_closed = on_closed};

int orl_console_displays_new(struct orl_loop *loop, orl_console_display_fn fn, void *ctx,
        struct orl_console_displays **ret_displays)
{
    struct orl_console_displays *displays = calloc(1, sizeof *displays);
    if (!displays) {
        return ORL_E_NOMEM;
    }
    displays->loop = loop;
    displays->fn = fn;
    displays->ctx = ctx;
    for (size_t i = 0; i < ORL_CONSOLE_DISPLAYS_MAX; i++) {
        displays->places[i].displays = displays;
    }
    *ret_displays = displays;
    return 0;
}

/* The machine's own place, emptied; or a free one. */
static struct place *find_place(struct orl_console_displays *displays, const char *uuid)
{
    struct place *found = NULL;
    for (size_t i = 0; i < ORL_CONSOLE_DISPLAYS_MAX; i++) {
        struct place *place = &displays->places[i];
        if (strcmp(place->uuid, uuid) == 0) {
            end(place, "another console opened it");
            return place;
        }
        found = found == NULL && place->uuid[0] == '\0' ? place : found;
    }
    return found;
}

void orl_console_displays_open(
        struct orl_console_displays *displays, const char *uuid, int fd, void *job)
{
    struct orl_err err = {.text = "too many displays are open"};
    struct place *place = find_place(displays, uuid);
    if (!place) {
        close(fd);
        displays->fn(displays->ctx, job, NULL, err.text);
        return;
    }
    if (orl_qemu_display_new(displays->loop, fd, &display_events, place, &place->display, &err) <
            0) {
        note_end(displays, uuid, 0);
        displays->fn(displays->ctx, job, NULL, err.text);
        return;
    }
    (void)snprintf(place->uuid, sizeof place->uuid, "%s", uuid);
    place->job = job;
    place->since_us = orl_clock_now_us();
}

void orl_console_displays_free(struct orl_console_displays *displays)
{
    if (!displays) {
        return;
    }
    for (size_t i = 0; i < ORL_CONSOLE_DISPLAYS_MAX; i++) {
        end(&displays->places[i], "vmpool ends");
    }
    free(displays);
}
