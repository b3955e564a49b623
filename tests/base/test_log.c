#include "base/log.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Runs one log call with stderr in a pipe and returns the line. */
static void capture(char *ret_line, size_t size, const struct orl_log_ctx *ctx, const char *value)
{
    int fds[2];
    assert_int_equal(pipe2(fds, O_CLOEXEC), 0);
    int saved = dup(STDERR_FILENO);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    orl_log_info(ctx, "said", "key", value);
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    close(saved);
    close(fds[1]);
    ssize_t got = read(fds[0], ret_line, size - 1);
    assert_true(got >= 0);
    ret_line[got] = '\0';
    close(fds[0]);
}

static void a_line_has_level_chain_and_fields(void **state)
{
    (void)state;
    const struct orl_log_ctx daemon = {.name = "gateway"};
    const struct orl_log_ctx conn = {.parent = &daemon, .name = "conn", .id = "12"};
    char line[256];
    capture(line, sizeof(line), &conn, "plain");
    assert_string_equal(line, "<6>gateway/conn[12]: said key=plain\n");
}

static void a_peers_text_cannot_forge_a_line_or_a_field(void **state)
{
    (void)state;
    const struct orl_log_ctx ctx = {.name = "x"};
    char line[256];
    capture(line, sizeof(line), &ctx, "a\n<0>forged: key=\"v\"");
    assert_string_equal(line, "<6>x: said key=\"a\\x0a<0>forged: key=\\\"v\\\"\"\n");
    char longest[4000];
    memset(longest, '\n', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    char big[4096];
    capture(big, sizeof(big), &ctx, longest);
    assert_true(strlen(big) <= 2048);
    assert_int_equal(big[strlen(big) - 1], '\n');
    assert_ptr_equal(strchr(big, '\n'), big + strlen(big) - 1);
}

static void a_flood_passes_a_burst_and_counts_the_rest(void **state)
{
    (void)state;
    struct orl_log_limit limit = {.period_us = 1000, .burst = 3};
    unsigned dropped;
    unsigned passed = 0;
    for (int i = 0; i < 10; i++) {
        passed += orl_log_limit_pass(&limit, 5000, &dropped) ? 1 : 0;
        assert_int_equal(dropped, 0);
    }
    assert_int_equal(passed, 3);
    assert_true(orl_log_limit_pass(&limit, 6000, &dropped));
    assert_int_equal(dropped, 7);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_line_has_level_chain_and_fields),
            cmocka_unit_test(a_peers_text_cannot_forge_a_line_or_a_field),
            cmocka_unit_test(a_flood_passes_a_burst_and_counts_the_rest),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
