#include "base/addr.h"
#include <arpa/inet.h>
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static bool has(const char *net_text, const char *addr_text)
{
    struct orl_addr_net net;
    struct sockaddr_storage addr;
    socklen_t len = 0;
    assert_true(orl_addr_net_parse(net_text, &net));
    assert_true(orl_addr_parse(addr_text, &addr, &len));
    return orl_addr_net_has(&net, (const struct sockaddr *)&addr, len);
}

static void text_is_read_back_to_the_same_address(void **state)
{
    const char *texts[] = {"203.0.113.7:4711", "0.0.0.0:0", "[2001:db8::1]:65535", "[::]:1"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sockaddr_storage addr;
        socklen_t len = 0;
        char text[64];
        assert_true(orl_addr_parse(texts[i], &addr, &len));
        orl_addr_text(text, sizeof(text), (const struct sockaddr *)&addr, len);
        assert_string_equal(text, texts[i]);
    }
}

static void other_text_is_no_address(void **state)
{
    const char *texts[] = {"", ":", "203.0.113.7", "203.0.113.7:", "203.0.113.7:65536",
            "203.0.113.7:-1", "203.0.113.7:08", "203.0.113.007:1", "203.0.113.7:1 ", "[]:1", "[:1",
            "2001:db8::1:80", "[2001:DB8::1]:80", "[::ffff:203.0.113.7]:80", "host:80",
            "[1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc]:1"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct sockaddr_storage addr;
        socklen_t len = 0;
        assert_false(orl_addr_parse(texts[i], &addr, &len));
    }
}

static void an_ipv4_address_within_ipv6_is_shown_and_counted_as_ipv4(void **state)
{
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(99)};
    struct sockaddr_storage plain;
    socklen_t len = 0;
    char text[64];
    (void)state;
    assert_int_equal(inet_pton(AF_INET6, "::ffff:203.0.113.7", &in6.sin6_addr), 1);
    orl_addr_text(text, sizeof(text), (const struct sockaddr *)&in6, sizeof(in6));
    assert_string_equal(text, "203.0.113.7:99");
    assert_true(orl_addr_parse(text, &plain, &len));
    struct orl_prefix a = orl_prefix_of((const struct sockaddr *)&in6, sizeof(in6));
    struct orl_prefix b = orl_prefix_of((const struct sockaddr *)&plain, len);
    assert_memory_equal(&a, &b, sizeof(a));
}

static void networks_have_exactly_their_addresses(void **state)
{
    (void)state;
    assert_true(has("10.0.0.0/8", "10.255.0.1:1"));
    assert_false(has("10.0.0.0/8", "11.0.0.1:1"));
    assert_true(has("192.0.2.128/25", "192.0.2.200:1"));
    assert_false(has("192.0.2.128/25", "192.0.2.127:1"));
    assert_true(has("127.0.0.1", "127.0.0.1:5"));
    assert_false(has("127.0.0.1", "127.0.0.2:5"));
    assert_true(has("2001:db8::/32", "[2001:db8:ffff::1]:5"));
    assert_false(has("2001:db8::/32", "[2001:db9::1]:5"));
    assert_true(has("0.0.0.0/0", "198.51.100.1:5"));
    assert_false(has("0.0.0.0/0", "[2001:db8::1]:5"));
    assert_true(has("::/0", "198.51.100.1:5"));
}

static void other_text_is_no_network(void **state)
{
    const char *texts[] = {"", "/", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x",
            "2001:db8::/129", "localhost", "10.0.0/8", "10.0.0.0/8/8"};
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        struct orl_addr_net net;
        assert_false(orl_addr_net_parse(texts[i], &net));
    }
}

static void a_list_of_networks_has_what_one_of_them_has(void **state)
{
    struct orl_addr_nets nets;
    (void)state;
    assert_int_equal(orl_addr_nets_parse(" 10.0.0.0/8,2001:db8::/32 , 192.0.2.1", &nets, NULL), 0);
    assert_int_equal(nets.count, 3);
    assert_true(orl_addr_nets_has(&nets, "10.200.0.1:1"));
    assert_true(orl_addr_nets_has(&nets, "[2001:db8:1::5]:443"));
    assert_true(orl_addr_nets_has(&nets, "192.0.2.1:65535"));
    assert_false(orl_addr_nets_has(&nets, "192.0.2.2:1"));
    assert_false(orl_addr_nets_has(&nets, "[2001:db9::1]:1"));
    assert_false(orl_addr_nets_has(&nets, "10.0.0.1"));
    assert_false(orl_addr_nets_has(&nets, ""));
    assert_int_equal(orl_addr_nets_parse("", &nets, NULL), 0);
    assert_int_equal(nets.count, 0);
}

static void other_text_is_no_list_of_networks(void **state)
{
    const char *texts[] = {",", "10.0.0.0/8,", ",10.0.0.0/8", "10.0.0.0/8 10.0.0.1", "10.0.0.0/33",
            "host", "10.0.0.0/8;10.0.0.1",
            "1111:2222:3333:4444:5555:6666:7777:8888:9999:aaaa:bbbb:cccc:dddd:eeee:ffff:0000"};
    char many[ORL_ADDR_NETS_MAX * 8 + 16] = "10.0.0.1";
    struct orl_addr_nets nets;
    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
        if (orl_addr_nets_parse(texts[i], &nets, NULL) != ORL_E_INVAL) {
            fail_msg("\"%s\" is taken", texts[i]);
        }
    }
    for (size_t i = 0; i < ORL_ADDR_NETS_MAX; i++) {
        memcpy(many + strlen(many), ",::1", 5);
    }
    assert_int_equal(orl_addr_nets_parse(many, &nets, NULL), ORL_E_INVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_list_of_networks_has_what_one_of_them_has),
            cmocka_unit_test(other_text_is_no_list_of_networks),
            cmocka_unit_test(text_is_read_back_to_the_same_address),
            cmocka_unit_test(other_text_is_no_address),
            cmocka_unit_test(an_ipv4_address_within_ipv6_is_shown_and_counted_as_ipv4),
            cmocka_unit_test(networks_have_exactly_their_addresses),
            cmocka_unit_test(other_text_is_no_network),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
