/* Component: a broker that dies while somebody changes a password or signs out did either all of it or nothing. */
#include "browser.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { DEATHS = 10 };

static struct broker b;

static int start(void **state)
{
    static const char *const sets[] = {NULL};
    (void)state;
    broker_start(&b, sets);
    add_static_pool(&b, "office", 1);
    add_user(&b, "alice", "office");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    broker_stop(&b);
    return 0;
}

static int status_of(struct browser *w, const char *method, const char *path, const char *body)
{
    static char answer[65536];
    char request[4096];
    size_t len = browser_request(w, method, path, body, request, sizeof(request));
    return api_exchange(&b, request, len, answer, sizeof(answer));
}

static bool works(const char *password, int round)
{
    struct browser w = browser_at(&b, "");
    char body[128];
    (void)snprintf(w.client, sizeof(w.client), "10.6.%d.1:1", round);
    (void)snprintf(body, sizeof(body), "{\"user\":\"alice\",\"password\":\"%s\"}", password);
    int status = status_of(&w, "POST", "/v1/login", body);
    assert_true(status == 200 || status == 401);
    return status == 200;
}

static void a_change_of_password_is_all_or_nothing(void **state)
{
    char now[32] = "password-alice";
    unsigned changed = 0;
    (void)state;
    srand(7);
    for (int i = 0; i < DEATHS; i++) {
        struct browser here = browser_at(&b, "10.7.0.1:1");
        struct browser there = browser_at(&b, "10.7.0.2:1");
        char next[32];
        char body[128];
        (void)snprintf(next, sizeof(next), "password-%d", i);
        (void)snprintf(body, sizeof(body), "{\"user\":\"alice\",\"password\":\"%s\"}", now);
        browse_ok(&here, "POST", "/v1/login", body);
        browse_ok(&there, "POST", "/v1/login", body);
        struct ticket ticket = make_ticket(&b, "alice", "office");
        (void)snprintf(body, sizeof(body), "{\"old\":\"%s\",\"new\":\"%s\"}", now, next);
        int fd = browser_send(&here, "POST", "/v1/me/password", body);
        usleep((unsigned)(rand() % 12000));
        broker_kill(&b, SIGKILL);
        close(fd);
        broker_restart(&b);
        bool is_new = works(next, 2 * i);
        assert_true(works(now, 2 * i + 1) != is_new);
        assert_int_equal(status_of(&here, "GET", "/v1/me", NULL), 200);
        assert_int_equal(status_of(&there, "GET", "/v1/me", NULL), is_new ? 401 : 200);
        int gw = gateway_connect(&b);
        uint32_t conn = send_proof(&b, gw, &ticket, "10.7.0.3:1");
        if (is_new) {
            expect_refusal(&b, gw, conn, ORL_REASON_TICKET_INVALID);
            memcpy(now, next, sizeof(now));
            changed++;
        } else {
            expect_hash(gw, conn, &ticket);
        }
        close(gw);
        assert_int_equal(orl_store_check(b.store, NULL), 0);
    }
    print_message("%u of %d changes were made\n", changed, DEATHS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_change_of_password_is_all_or_nothing)};
    return cmocka_run_group_tests(tests, start, stop);
}
