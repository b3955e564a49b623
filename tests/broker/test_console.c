/* Component: what an open console hears, how a host is emptied and forgotten; and the numbers of charts by themselves. */
#include "broker/load.h"
#include "browser.h"
#include "store/host.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {"password_cost=minimal", NULL};
    (void)state;
    broker_start(&b, sets);
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static void put_host(const char *name, uint64_t heartbeat_ms)
{
    struct orl_err err = {0};
    struct orl_host_row row = {.state = ORL_HOST_UP,
            .heartbeat_ms = heartbeat_ms,
            .memory_mib = 4096,
            .free_memory_mib = 1024,
            .load = {.cpus = 4, .cpu_permille = 125, .load_centi = 50}};
    orl_msg_text(row.name, sizeof(row.name), name);
    assert_int_equal(orl_host_put(b.store, &row, &err), 0);
}

static void set_role(const char *name, const char *role)
{
    char path[80];
    char body[80];
    (void)snprintf(path, sizeof(path), "/v1/users/%s", name);
    (void)snprintf(body, sizeof(body), "{\"role\":\"%s\"}", role);
    api_ok(&b, "PATCH", path, body, 200);
}

static void a_console_hears_load_changes_and_its_end(void **state)
{
    static char text[65536];
    (void)state;
    struct browser w = browser_at(&b, "10.7.0.1:1");
    struct browser nobody = browser_at(&b, "10.7.0.9:1");
    add_user(&b, "norma", NULL);
    browser_login(&nobody, "norma");
    browse_error(&nobody, "GET", "/v1/events", NULL, 403, "not_allowed");
    add_user(&b, "vera", NULL);
    set_role("vera", "viewer");
    browser_login(&w, "vera");
    int fd = browser_send(&w, "GET", "/v1/events", NULL);
    text[0] = '\0';
    assert_true(browser_reads(fd, "event: load", text, sizeof(text)));
    assert_non_null(strstr(text, "text/event-stream"));
    api_ok(&b, "POST", "/v1/pools", "{\"name\":\"heard\",\"kind\":\"static\"}", 201);
    assert_true(browser_reads(fd, "\"audit\",\"pools\"", text, sizeof(text)));
    assert_non_null(strstr(text, "event: changed\ndata: {\"kinds\":["));
    set_role("vera", "user");
    assert_true(browser_reads(fd, "event: ended", text, sizeof(text)));
    (void)close(fd);
}

static void consoles_of_a_login_are_counted(void **state)
{
    static char text[65536];
    int fds[4];
    (void)state;
    struct browser w = browser_at(&b, "10.7.0.2:1");
    add_user(&b, "olga", NULL);
    set_role("olga", "operator");
    browser_login(&w, "olga");
    for (unsigned i = 0; i < 4; i++) {
        fds[i] = browser_send(&w, "GET", "/v1/events", NULL);
        text[0] = '\0';
        assert_true(browser_reads(fds[i], "event: load", text, sizeof(text)));
    }
    browse_error(&w, "GET", "/v1/events", NULL, 429, "busy");
    for (unsigned i = 0; i < 4; i++) {
        (void)close(fds[i]);
    }
}

static void a_host_is_drained_used_again_and_forgotten(void **state)
{
    int status = 0;
    (void)state;
    put_host("attic", 1);
    json_t *host = api(&b, "POST", "/v1/hosts/attic/drain", "{}", &status);
    assert_int_equal(status, 200);
    assert_true(json_is_true(json_object_get(host, "is_draining")));
    assert_int_equal(json_integer_value(json_object_get(host, "sessions")), 0);
    json_decref(host);
    host = api(&b, "POST", "/v1/hosts/attic/undrain", "{}", &status);
    assert_true(json_is_false(json_object_get(host, "is_draining")));
    assert_true(json_real_value(json_object_get(host, "cpu_percent")) == 12.5);
    json_decref(host);
    put_host("busy", UINT64_C(4000000000000)); /* in the future: it beats */
    api_ok(&b, "DELETE", "/v1/hosts/busy", NULL, 409);
    api_ok(&b, "DELETE", "/v1/hosts/attic", NULL, 200);
    api_ok(&b, "DELETE", "/v1/hosts/attic", NULL, 404);
    api_ok(&b, "POST", "/v1/hosts/attic/drain", "{}", 404);
    api_ok(&b, "GET", "/v1/load?minutes=0", NULL, 400);
    api_ok(&b, "GET", "/v1/load?minutes=1441", NULL, 400);
}

static void latency_is_of_the_middle_and_of_the_slow(void **state)
{
    uint32_t rtts[100];
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        rtts[i] = (100 - i) * 1000;
    }
    struct orl_load_latency latency = orl_load_latency_of(rtts, 100);
    assert_int_equal(latency.p50_us, 50000);
    assert_int_equal(latency.p95_us, 95000);
    latency = orl_load_latency_of(rtts, 0);
    assert_int_equal(latency.p50_us, 0);
}

static void history_keeps_a_day_and_no_more(void **state)
{
    (void)state;
    struct orl_load_history *history = calloc(1, sizeof(*history));
    assert_non_null(history);
    for (uint64_t i = 1; i <= ORL_LOAD_MINUTES + 10; i++) {
        struct orl_load_now now = {.at_ms = i};
        now.overview.hosts.up = i > 20;
        now.overview.hosts.memory_mib = 1000;
        now.overview.hosts.free_memory_mib = 250;
        orl_load_keep(history, &now);
    }
    json_t *all = orl_load_history_json(history, ORL_LOAD_MINUTES);
    json_t *times = json_object_get(all, "times_ms");
    assert_int_equal(json_array_size(times), ORL_LOAD_MINUTES);
    assert_int_equal(json_integer_value(json_array_get(times, 0)), 11);
    assert_int_equal(
            json_integer_value(json_array_get(times, ORL_LOAD_MINUTES - 1)), ORL_LOAD_MINUTES + 10);
    json_t *memory = json_object_get(all, "memory_percent");
    assert_true(json_is_null(json_array_get(memory, 0))); /* no host was up */
    assert_true(json_real_value(json_array_get(memory, 100)) == 75.0);
    assert_true(json_is_null(json_array_get(json_object_get(all, "latency_ms"), 100)));
    json_decref(all);
    all = orl_load_history_json(history, 5);
    times = json_object_get(all, "times_ms");
    assert_int_equal(json_array_size(times), 5);
    assert_int_equal(json_integer_value(json_array_get(times, 0)), ORL_LOAD_MINUTES + 6);
    json_decref(all);
    free(history);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_console_hears_load_changes_and_its_end),
            cmocka_unit_test(consoles_of_a_login_are_counted),
            cmocka_unit_test(a_host_is_drained_used_again_and_forgotten),
            cmocka_unit_test(latency_is_of_the_middle_and_of_the_slow),
            cmocka_unit_test(history_keeps_a_day_and_no_more),
    };
    return cmocka_run_group_tests_name("console", tests, start, stop);
}
