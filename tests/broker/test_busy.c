/* Component: more passwords at once than there is room for, by a real broker with hashes that take their time. */
#include "broker_fixture.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { FLOOD = 8 };

/* Unknown people: their passwords are hashed as everybody's. */
static void a_flood_is_told_so_and_others_have_their_turn(void **state)
{
    static const char *const sets[] = {
            "password_cost=interactive", "password_queue=2", "password_threads=1", NULL};
    struct broker b;
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    unsigned busy = 0;
    bool is_other_served = false;
    (void)state;
    broker_start(&b, sets);
    int gw = gateway_connect(&b);
    for (unsigned i = 0; i < FLOOD; i++) {
        char name[16];
        (void)snprintf(name, sizeof(name), "nobody%u", i);
        (void)send_login(&b, gw, name, "a-password", "", "10.9.0.1:1");
    }
    uint32_t other = send_login(&b, gw, "somebody", "a-password", "", "10.9.0.2:1");
    for (unsigned i = 0; i <= FLOOD; i++) { /* everybody is answered */
        assert_int_equal(orl_ipc_recv(gw, 20000, &msg, &fds), 0);
        assert_string_equal(orl_msg_name(msg.type), "close");
        assert_true(orl_id_is_valid(msg.u.close.audit));
        busy += msg.u.close.reason == ORL_REASON_AUTH_BUSY;
        if (msg.u.close.reason == ORL_REASON_AUTH_BUSY) {
            assert_non_null(strstr(msg.u.close.text, "seconds"));
        }
        is_other_served = is_other_served ||
                          (msg.conn == other && msg.u.close.reason == ORL_REASON_AUTH_FAILED);
    }
    assert_true(busy > 0 && busy < FLOOD);
    assert_true(is_other_served);
    close(gw);
    broker_stop(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_flood_is_told_so_and_others_have_their_turn),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
