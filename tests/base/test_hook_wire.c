#include "base/hook_wire.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static int decode(const char *text, struct orl_hook_msg *ret_msg)
{
    return orl_hook_msg_decode(text, strlen(text), ret_msg);
}

static void what_is_written_is_read(void **state)
{
    (void)state;
    struct orl_hook_msg msg, again;
    orl_hook_msg_init(&msg, "assign", UINT64_MAX);
    orl_hook_msg_put(&msg, "user", "J\xC3\xBCrgen O'Neil\n.\n%00");
    orl_hook_msg_put(&msg, "empty", NULL);
    orl_hook_msg_put_u64(&msg, "uid", 10001);
    char bytes[ORL_HOOK_MSG_MAX];
    int len = orl_hook_msg_encode(&msg, bytes);
    assert_true(len > 0);
    for (int i = 0; i < len; i++) {
        assert_true(bytes[i] == '\n' || (bytes[i] >= ' ' && bytes[i] <= '~'));
    }
    for (int i = 0; i < len; i++) {
        assert_int_equal(orl_hook_msg_decode(bytes, (size_t)i, &again), 0);
    }
    assert_int_equal(orl_hook_msg_decode(bytes, (size_t)len, &again), len);
    assert_true(orl_hook_msg_is(&again, "assign"));
    assert_true(again.serial == UINT64_MAX);
    assert_string_equal(orl_hook_msg_get(&again, "user"), "J\xC3\xBCrgen O'Neil\n.\n%00");
    assert_string_equal(orl_hook_msg_get(&again, "empty"), "");
    assert_string_equal(orl_hook_msg_get(&again, "missing"), "");
    uint64_t uid = 0;
    assert_true(orl_hook_msg_get_u64(&again, "uid", &uid) && uid == 10001);
    assert_false(orl_hook_msg_get_u64(&again, "user", &uid));
    assert_false(orl_hook_msg_get_u64(&again, "missing", &uid));
    orl_hook_msg_wipe(&again);
    assert_string_equal(orl_hook_msg_get(&again, "user"), "");
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    char bytes[ORL_HOOK_MSG_MAX];
    char large[ORL_HOOK_MSG_MAX];
    struct orl_hook_msg msg;
    memset(large, ' ', sizeof(large));
    large[2000] = '\0';
    orl_hook_msg_init(&msg, "message", 1);
    orl_hook_msg_put(&msg, "text", large);
    assert_false(msg.is_failed);
    assert_int_equal(orl_hook_msg_encode(&msg, bytes), ORL_E_LIMIT);
    large[2000] = ' ';
    large[ORL_HOOK_MSG_MAX - 1] = '\0';
    orl_hook_msg_init(&msg, "message", 1);
    orl_hook_msg_put(&msg, "text", large);
    assert_int_equal(orl_hook_msg_encode(&msg, bytes), ORL_E_INVAL);

    const char *const names[] = {
            "", "A", "a b", "a\nb", "1a", "a-b", "abcdefghijklmnopqrstuvwxyz0123456"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        orl_hook_msg_init(&msg, "hello", 1);
        orl_hook_msg_put(&msg, names[i], "");
        assert_true(msg.is_failed);
        orl_hook_msg_init(&msg, names[i], 1);
        assert_true(msg.is_failed);
    }
    orl_hook_msg_init(&msg, "hello", 1);
    orl_hook_msg_put(&msg, "a", "1");
    orl_hook_msg_put(&msg, "a", "2");
    assert_true(msg.is_failed);
    orl_hook_msg_init(&msg, "hello", 1);
    orl_hook_msg_put(&msg, "a", "\xFF");
    assert_true(msg.is_failed);
    orl_hook_msg_init(&msg, "hello", 1);
    for (int i = 0; i <= ORL_HOOK_KEYS_MAX; i++) {
        char key[8];
        (void)snprintf(key, sizeof(key), "k%d", i);
        assert_false(msg.is_failed);
        orl_hook_msg_put(&msg, key, "");
    }
    assert_true(msg.is_failed);
}

static void what_is_no_message_is_a_fault(void **state)
{
    (void)state;
    static const char *const bad[] = {"\n", ".\n", "hello\n", "hello \n", "hello 01\n",
            "hello -1\n", "hello 18446744073709551616\n", "Hello 1\n", "hello 1 \n", "hello 1\n\n",
            "hello 1\nkey\n", "hello 1\n value\n", "hello 1\nkey a b\n", "hello 1\nkey %0\n",
            "hello 1\nkey %\n", "hello 1\nkey %0g\n", "hello 1\nkey %00\n", "hello 1\nkey %ff\n",
            "hello 1\nkey %FF\n", "hello 1\nkey a\nkey b\n", "hello 1\nkey \xC3\xBC\n",
            "hello 1\r\n"};
    struct orl_hook_msg msg;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(decode(bad[i], &msg), ORL_E_PROTO);
    }
    char endless[ORL_HOOK_MSG_MAX + 1];
    memset(endless, 'a', ORL_HOOK_MSG_MAX);
    endless[ORL_HOOK_MSG_MAX] = '\0';
    assert_int_equal(orl_hook_msg_decode(endless, ORL_HOOK_MSG_MAX - 1, &msg), 0);
    assert_int_equal(decode(endless, &msg), ORL_E_PROTO);
}

static void a_reset_takes_back_what_was_begun_only(void **state)
{
    (void)state;
    struct orl_hook_msg msg;
    const char half[] = "assign 7\nuser ali\x18hello 1\nversion 1\n.\n";
    assert_int_equal(decode(half, &msg), sizeof(half) - 1);
    assert_true(orl_hook_msg_is(&msg, "hello"));
    assert_int_equal(msg.serial, 1);
    assert_string_equal(orl_hook_msg_get(&msg, "user"), "");
    const char whole[] = "done 7\n.\n\x18hello 1\n.\n";
    int used = decode(whole, &msg);
    assert_int_equal(used, 9);
    assert_true(orl_hook_msg_is(&msg, "done"));
    assert_int_equal(decode(whole + used, &msg), sizeof(whole) - 1 - 9);
    assert_true(orl_hook_msg_is(&msg, "hello"));
    const char garbage[] = "\x01\x02 not ours\n\x18\x18hello 2\n.\n";
    assert_int_equal(decode(garbage, &msg), sizeof(garbage) - 1);
    assert_int_equal(msg.serial, 2);
    assert_int_equal(decode("\x18", &msg), 0);
    assert_int_equal(decode("\x18hello 1\n", &msg), 0);
}

static void several_messages_are_read_one_by_one(void **state)
{
    (void)state;
    struct orl_hook_msg msg;
    const char two[] = "event 1\nname locked\n.\nevent 2\nname unlocked\n.\n";
    int used = decode(two, &msg);
    assert_string_equal(orl_hook_msg_get(&msg, "name"), "locked");
    assert_true(used > 0 && decode(two + used, &msg) == (int)sizeof(two) - 1 - used);
    assert_string_equal(orl_hook_msg_get(&msg, "name"), "unlocked");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(what_is_written_is_read),
            cmocka_unit_test(what_does_not_fit_is_refused),
            cmocka_unit_test(what_is_no_message_is_a_fault),
            cmocka_unit_test(a_reset_takes_back_what_was_begun_only),
            cmocka_unit_test(several_messages_are_read_one_by_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
