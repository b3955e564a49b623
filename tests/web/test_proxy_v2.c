/* Vectors after proxy-protocol.txt 2.2. */
#include "base/addr.h"
#include "base/err.h"
#include "web/server/proxy_v2.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define SIGNATURE 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a

static const uint8_t tcp4[] = {
        SIGNATURE, 0x21, 0x11, 0x00, 0x0c, 203, 0, 113, 7, 192, 0, 2, 1, 0x12, 0x67, 0x01, 0xbb};
static const uint8_t tcp6[] = {SIGNATURE, 0x21, 0x21, 0x00, 0x24, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0,
        0, 0, 0, 0, 0, 0, 0, 0, 7, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0x12,
        0x67, 0x01, 0xbb};
static const uint8_t local[] = {SIGNATURE, 0x20, 0x00, 0x00, 0x00};

static void the_client_is_the_first_address_and_port(void **state)
{
    struct orl_proxy proxy;
    char text[64];
    (void)state;
    assert_int_equal(orl_proxy_v2_len(tcp4), sizeof(tcp4));
    assert_int_equal(orl_proxy_v2_parse(tcp4, sizeof(tcp4), &proxy), 0);
    orl_addr_text(text, sizeof(text), (const struct sockaddr *)&proxy.addr, proxy.addr_len);
    assert_string_equal(text, "203.0.113.7:4711");
    assert_int_equal(orl_proxy_v2_parse(tcp6, sizeof(tcp6), &proxy), 0);
    orl_addr_text(text, sizeof(text), (const struct sockaddr *)&proxy.addr, proxy.addr_len);
    assert_string_equal(text, "[2001:db8::7]:4711");
}

static void a_balancers_own_connection_has_no_client(void **state)
{
    struct orl_proxy proxy;
    (void)state;
    assert_int_equal(orl_proxy_v2_parse(local, sizeof(local), &proxy), 0);
    assert_int_equal(proxy.addr_len, 0);
}

static void each_changed_byte_of_the_head_is_refused(void **state)
{
    (void)state;
    for (size_t at = 0; at < 13; at++) {
        uint8_t data[sizeof(tcp4)];
        memcpy(data, tcp4, sizeof(tcp4));
        data[at] ^= 0x40;
        assert_true(orl_proxy_v2_len(data) < 0);
    }
}

static void lengths_are_held_to(void **state)
{
    struct orl_proxy proxy;
    uint8_t data[sizeof(tcp4)];
    (void)state;
    memcpy(data, tcp4, sizeof(tcp4));
    for (size_t len = 0; len < sizeof(tcp4); len++) {
        assert_int_equal(orl_proxy_v2_parse(data, len, &proxy), ORL_E_PROTO);
    }
    data[15] = 11; /* one byte too few for two addresses and ports */
    assert_int_equal(orl_proxy_v2_parse(data, sizeof(data) - 1, &proxy), ORL_E_PROTO);
    data[14] = 0xff;
    assert_true(orl_proxy_v2_len(data) < 0);
}

static void other_transports_are_refused(void **state)
{
    const uint8_t families[] = {0x10, 0x12, 0x13, 0x22, 0x31, 0x32, 0xff};
    (void)state;
    for (size_t i = 0; i < sizeof(families); i++) {
        struct orl_proxy proxy;
        uint8_t data[sizeof(tcp4)];
        memcpy(data, tcp4, sizeof(tcp4));
        data[13] = families[i];
        assert_int_equal(orl_proxy_v2_parse(data, sizeof(data), &proxy), ORL_E_PROTO);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(the_client_is_the_first_address_and_port),
            cmocka_unit_test(a_balancers_own_connection_has_no_client),
            cmocka_unit_test(each_changed_byte_of_the_head_is_refused),
            cmocka_unit_test(lengths_are_held_to),
            cmocka_unit_test(other_transports_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
