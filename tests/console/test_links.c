/* The sessions of a console: what one of them does to its end of the link must not hold the console. */
#include "base/cleanup.h"
#include "base/ipc.h"
#include "console/links.h"
#include "display/link.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>

enum { WAKES = 20000 };

static void on_input(void *ctx, const struct orl_input *input)
{
    (void)ctx;
    (void)input;
}

static void on_count(void *ctx, unsigned count)
{
    *(unsigned *)ctx = count;
}

static void session_that_reads_nothing_never_blocks_the_console(void **state)
{
    static const struct orl_links_events events = {.on_input = on_input, .on_count = on_count};
    struct orl_loop *loop = NULL;
    struct orl_links *links = NULL;
    struct orl_surface *surface = NULL;
    uint8_t buf[ORL_LINK_MSG_MAX];
    struct orl_link_msg msg;
    unsigned count = 0;
    int pair[2];
    (void)state;
    assert_int_equal(orl_loop_new(&loop, NULL), 0);
    assert_int_equal(orl_links_new(loop, &events, &count, &links, NULL), 0);
    assert_int_equal(orl_surface_create(64, 64, &surface, NULL), 0);
    assert_int_equal(orl_ipc_pair(pair, NULL), 0);
    assert_int_equal(orl_links_add(links, pair[1], NULL), 0);
    orl_links_set_surface(links, surface);
    /* All that a hostile session can do to what the two share: its own end, made blocking. */
    assert_int_equal(fcntl(pair[0], F_SETFL, 0), 0);
    for (unsigned i = 0; i < WAKES; i++) {
        orl_links_wake(links);
    }
    assert_int_equal(count, 1);
    assert_int_equal(orl_link_recv(pair[0], buf, &msg), 0);
    assert_int_equal(msg.type, ORL_LINK_SURFACE);
    close(msg.surface_fd);
    unsigned wakes = 0;
    while (orl_link_recv(pair[0], buf, &msg) == 0) {
        assert_int_equal(msg.type, ORL_LINK_WAKE);
        wakes++;
    }
    assert_in_range(wakes, 1, WAKES - 1); /* it was full, and lost nothing by it */
    orl_links_wake(links);
    assert_int_equal(orl_link_recv(pair[0], buf, &msg), 0);
    orl_links_free(links);
    orl_surface_free(surface);
    close(pair[0]);
    orl_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(session_that_reads_nothing_never_blocks_the_console),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
