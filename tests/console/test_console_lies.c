/* Every lie of tests/fakes/liar_lies.c against a console of its own, all at once: they wait for deadlines. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/cleanup.h"
#include "tests/console/rig.h"

#define LIE_WAIT_MS 60000

static const struct lie {
    const char *name;
    enum orl_reason reason;
} lies[] = {
        {"garbage-banner", ORL_REASON_CONSOLE_PROTOCOL},
        {"endless-banner", ORL_REASON_CONSOLE_PROTOCOL},
        {"silent", ORL_REASON_CONSOLE_PROTOCOL},
        {"half-handshake", ORL_REASON_CONSOLE_PROTOCOL},
        {"old-version", ORL_REASON_CONSOLE_PROTOCOL},
        {"unknown-auth", ORL_REASON_CONSOLE_PROTOCOL},
        {"bad-password", ORL_REASON_CONSOLE_AUTH},
        {"endless-reason", ORL_REASON_CONSOLE_PROTOCOL},
        {"huge-desktop", ORL_REASON_CONSOLE_PROTOCOL},
        {"empty-desktop", ORL_REASON_CONSOLE_PROTOCOL},
        {"endless-name", ORL_REASON_CONSOLE_PROTOCOL},
        {"rect-outside", ORL_REASON_CONSOLE_PROTOCOL},
        {"rect-far-outside", ORL_REASON_CONSOLE_PROTOCOL},
        {"copy-outside", ORL_REASON_CONSOLE_PROTOCOL},
        {"copy-negative", ORL_REASON_CONSOLE_PROTOCOL},
        {"wrong-length", ORL_REASON_CONSOLE_PROTOCOL},
        {"stall", ORL_REASON_CONSOLE_PROTOCOL},
        {"close-mid-rect", ORL_REASON_CONSOLE_LOST},
        {"unknown-encoding", ORL_REASON_CONSOLE_PROTOCOL},
        {"zrle-garbage", ORL_REASON_CONSOLE_PROTOCOL},
        {"tight-garbage", ORL_REASON_CONSOLE_PROTOCOL},
        {"huge-cursor", ORL_REASON_CONSOLE_PROTOCOL},
        {"large-cursor", ORL_REASON_CONSOLE_PROTOCOL},
        {"text-flood", ORL_REASON_CONSOLE_PROTOCOL},
        {"endless-text", ORL_REASON_CONSOLE_PROTOCOL},
        {"bell-flood", ORL_REASON_CONSOLE_PROTOCOL},
        {"resize-storm", ORL_REASON_CONSOLE_PROTOCOL},
        {"resize-huge", ORL_REASON_CONSOLE_PROTOCOL},
        {"unknown-message", ORL_REASON_CONSOLE_PROTOCOL},
        {"never-reads", ORL_REASON_CONSOLE_LOST},
};
#define LIES (sizeof(lies) / sizeof(lies[0]))

struct pair {
    pid_t liar;
    struct rig_console console;
    struct rig_link link;
};
static struct pair pairs[LIES];

static int start_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIES; i++) {
        int fd = -1;
        pairs[i].liar = rig_liar_start(lies[i].name, &fd);
        rig_console_start(&pairs[i].console, fd, "password");
        rig_link_open(&pairs[i].link, &pairs[i].console);
    }
    return 0;
}

static int stop_all(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIES; i++) {
        rig_link_close(&pairs[i].link);
        rig_console_kill(&pairs[i].console);
        rig_stop(&pairs[i].liar);
    }
    return 0;
}

/* Presses keys until its display, which reads nothing, has filled every buffer on the way. */
static void press_keys(struct pair *pair)
{
    if (!rig_link_wait_surface(&pair->link, 640, 480)) {
        return;
    }
    struct orl_link_msg msg = {.type = ORL_LINK_INPUT,
            .input = {.kind = ORL_INPUT_KEY, .code = 0x1E, .is_down = 1},
            .surface_fd = -1};
    int rc = ORL_OK;
    while (rc == ORL_OK || rc == ORL_E_AGAIN) {
        rc = orl_link_send(pair->link.fd, &msg);
        if (rc == ORL_E_AGAIN && rig_link_pump(&pair->link, 50) &&
                pair->link.closed != ORL_REASON_NONE) {
            return;
        }
    }
}

static void each_lie_ends_with_its_reason_and_a_clean_exit(void **state)
{
    (void)state;
    press_keys(&pairs[LIES - 1]);
    for (size_t i = 0; i < LIES; i++) {
        enum orl_reason reason = rig_console_reason(&pairs[i].console, LIE_WAIT_MS);
        if (reason != lies[i].reason) {
            fail_msg("%s: %s instead of %s", lies[i].name, orl_reason_code(reason),
                    orl_reason_code(lies[i].reason));
        }
        if (rig_console_wait(&pairs[i].console) != 0) {
            fail_msg("%s: no clean exit", lies[i].name);
        }
    }
}

static void each_session_hears_the_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < LIES; i++) {
        struct rig_link *link = &pairs[i].link;
        while (link->closed == ORL_REASON_NONE && rig_link_pump(link, RIG_WAIT_MS)) {
        }
        /* A console that ends before it has read our link closes it: the gateway tells then. */
        if (link->closed != lies[i].reason && link->closed != ORL_REASON_INTERNAL) {
            fail_msg("%s: link says %s", lies[i].name, orl_reason_code(link->closed));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(each_lie_ends_with_its_reason_and_a_clean_exit),
            cmocka_unit_test(each_session_hears_the_reason),
    };
    return cmocka_run_group_tests(tests, start_all, stop_all);
}
