/* Networks of guests: what the host has, what is blocked, addresses, libvirt's documents against golden files. */
#include "vmpool/guest_address.h"
#include "vmpool/network_filter.h"
#include "vmpool/proc.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define INSTALLATION "abcd1234-2222-4333-8444-555555555555"

static const char fib_trie[] = "Main:\n"
                               "  +-- 0.0.0.0/0 3 0 5\n"
                               "     |-- 0.0.0.0\n"
                               "        /0 universe UNICAST\n"
                               "     +-- 192.168.7.0/24 2 0 2\n"
                               "        +-- 192.168.7.0/26 2 0 2\n"
                               "           |-- 192.168.7.0\n"
                               "              /24 link UNICAST\n"
                               "           |-- 192.168.7.5\n"
                               "              /32 host LOCAL\n"
                               "        |-- 192.168.7.255\n"
                               "           /32 link BROADCAST\n"
                               "     |-- 203.0.113.9\n"
                               "        /32 host LOCAL\n"
                               "Local:\n"
                               "     |-- 127.0.0.0\n"
                               "        /8 host LOCAL\n"
                               "     |-- 127.0.0.1\n"
                               "        /32 host LOCAL\n"
                               "     |-- 192.168.7.5\n"
                               "        /32 host LOCAL\n";
static const char if_inet6[] = "00000000000000000000000000000001 01 80 10 80       lo\n"
                               "20010db8000000070000000000000005 02 40 00 80     eth0\n"
                               "fe80000000000000021122fffe334455 02 40 20 80     eth0\n";

static void put(const char *dir, const char *name, const char *text)
{
    char path[128];
    (void)snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    (void)fputs(text, out);
    (void)fclose(out);
}

static struct orl_host_nets read_host(const char *trie, const char *inet6, int expected)
{
    char dir[] = "/tmp/oriel-nets-XXXXXX";
    struct orl_host_nets nets = {.address_count = 0};
    assert_non_null(mkdtemp(dir));
    put(dir, "fib_trie", trie);
    if (inet6) {
        put(dir, "if_inet6", inet6);
    }
    assert_int_equal(orl_host_nets_read(dir, &nets, NULL), expected);
    const char *argv[] = {"rm", "-rf", "--", dir, NULL};
    assert_int_equal(orl_proc_run(argv, 10000, NULL, NULL), 0);
    return nets;
}

static bool is_in(const struct orl_addr_net *list, unsigned count, const char *text)
{
    struct orl_addr_net net;
    assert_true(orl_addr_net_parse(text, &net));
    for (unsigned i = 0; i < count; i++) {
        if (memcmp(list[i].bytes, net.bytes, sizeof net.bytes) == 0 && list[i].bits == net.bits) {
            return true;
        }
    }
    return false;
}

static void a_hosts_addresses_and_networks_are_read(void **state)
{
    (void)state;
    struct orl_host_nets nets = read_host(fib_trie, if_inet6, 0);
    assert_int_equal(nets.address_count, 4);
    assert_true(is_in(nets.addresses, nets.address_count, "192.168.7.255"));
    assert_true(is_in(nets.addresses, nets.address_count, "192.168.7.5"));
    assert_true(is_in(nets.addresses, nets.address_count, "203.0.113.9"));
    assert_true(is_in(nets.addresses, nets.address_count, "2001:db8:0:7::5"));
    assert_int_equal(nets.subnet_count, 2);
    assert_true(is_in(nets.subnets, nets.subnet_count, "192.168.7.0/24"));
    assert_true(is_in(nets.subnets, nets.subnet_count, "2001:db8:0:7::/64"));
    nets = read_host(fib_trie, NULL, 0); /* a kernel without IPv6 */
    assert_int_equal(nets.address_count, 3);
    (void)read_host(fib_trie, "nonsense\n", ORL_E_PROTO);
    struct orl_host_nets none = {.address_count = 0};
    assert_int_equal(orl_host_nets_read("/nowhere", &none, NULL), ORL_E_SYS);
}

static void more_addresses_than_fit_are_an_error(void **state)
{
    (void)state;
    enum { LINE = 64, COUNT = 300 };
    char *trie = calloc(COUNT, LINE);
    assert_non_null(trie);
    size_t len = 0;
    for (unsigned i = 0; i < COUNT; i++) {
        len += (size_t)snprintf(
                trie + len, LINE, " |-- 10.1.%u.%u\n   /32 host LOCAL\n", i / 200, i % 200 + 1);
    }
    (void)read_host(trie, NULL, ORL_E_LIMIT);
    free(trie);
}

static void what_another_covers_is_left_out(void **state)
{
    (void)state;
    static const char *const texts[] = {
            "192.168.7.5", "10.1.2.3/8", "192.168.7.0/24", "fd00::1", "fd00::/8", "192.168.7.0/24"};
    struct orl_addr_net list[6];
    for (unsigned i = 0; i < 6; i++) {
        assert_true(orl_addr_net_parse(texts[i], &list[i]));
    }
    unsigned count = orl_addr_nets_reduce(list, 6);
    assert_int_equal(count, 3);
    assert_true(is_in(list, count, "10.0.0.0/8"));
    assert_true(is_in(list, count, "192.168.7.0/24"));
    assert_true(is_in(list, count, "fd00::/8"));
}

static struct orl_network_plan plan_of(enum orl_network_mode mode)
{
    struct orl_network_plan plan = {.mode = mode, .has_v6 = true};
    orl_guest_net_default(INSTALLATION, mode == ORL_NETWORK_ROUTED, &plan.v4);
    assert_int_equal(orl_guest_net_parse("fd12:3456:789a:1::/64", true, &plan.v6, NULL), 0);
    return plan;
}

static void guests_must_not_reach_the_host_whatever_guest_block_says(void **state)
{
    (void)state;
    struct orl_host_nets nets = read_host(fib_trie, if_inet6, 0);
    struct orl_network_block block;
    char *none[] = {NULL};
    char host_subnets[] = "host-subnets";
    char node[] = "10.99.0.0/16";
    char *usual[] = {host_subnets, node, NULL};
    struct orl_network_plan plan = plan_of(ORL_NETWORK_NAT);
    orl_network_block_make(&plan, &nets, none, &block);
    assert_true(is_in(block.list, block.count, "192.168.7.5"));
    assert_true(is_in(block.list, block.count, "203.0.113.9"));
    assert_true(is_in(block.list, block.count, "2001:db8:0:7::5"));
    assert_true(is_in(block.list, block.count, "fe80::/10"));
    assert_true(is_in(block.list, block.count, "192.168.7.255"));
    assert_true(is_in(block.list, block.count, "10.77.160.0/20")); /* neighbours, and the gateway */
    assert_true(is_in(block.list, block.count, "fd12:3456:789a:1::/64"));
    assert_false(is_in(block.list, block.count, "192.168.7.0/24"));
    plan = plan_of(ORL_NETWORK_ROUTED);
    orl_network_block_make(&plan, &nets, usual, &block);
    assert_true(is_in(block.list, block.count, "192.168.7.0/24"));
    assert_true(is_in(block.list, block.count, "10.99.0.0/16"));
    assert_false(is_in(block.list, block.count, "192.168.7.5")); /* covered */
    plan = (struct orl_network_plan){.mode = ORL_NETWORK_BRIDGED};
    orl_network_block_make(&plan, &nets, usual, &block);
    assert_true(is_in(block.list, block.count, "192.168.7.5"));
    assert_true(is_in(block.list, block.count, "192.168.7.255"));
    assert_true(is_in(block.list, block.count, "fe80::/10")); /* the host has one on its bridge */
    assert_true(is_in(block.list, block.count, "ff00::/8"));
    assert_true(is_in(block.list, block.count, "224.0.0.0/3"));
    assert_false(is_in(block.list, block.count, "192.168.7.0/24")); /* where the guest is */
    assert_true(orl_network_block_is_valid("host-subnets"));
    assert_false(orl_network_block_is_valid("host"));
}

static void a_slot_is_an_address(void **state)
{
    (void)state;
    struct orl_addr_net net;
    char text[ORL_GUEST_ADDRESS_MAX];
    assert_int_equal(orl_guest_net_parse("10.77.16.5/20", false, &net, NULL), 0);
    orl_guest_net_gateway(&net, text);
    assert_string_equal(text, "10.77.16.1");
    orl_guest_net_address(&net, 0, text);
    assert_string_equal(text, "10.77.16.16");
    orl_guest_net_address(&net, orl_guest_net_slots(&net) - 1, text);
    assert_string_equal(text, "10.77.31.254");
    assert_int_equal(orl_guest_net_parse("fd00:1:2:3::/64", true, &net, NULL), 0);
    assert_true(orl_guest_net_address_v6(&net, "02:84:bc:13:d8:c1", text));
    assert_string_equal(text, "fd00:1:2:3:84:bcff:fe13:d8c1");
    static const char *const bad[] = {
            "", "10.0.0.0/8", "10.0.0.0/29", "10.0.0.1", "x/20", "fd00::/64"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(orl_guest_net_parse(bad[i], false, &net, NULL), ORL_E_CONFIG);
    }
    assert_int_equal(orl_guest_net_parse("fd00::/48", true, &net, NULL), ORL_E_CONFIG);
    assert_int_equal(orl_guest_net_parse("10.0.0.0/20", true, &net, NULL), ORL_E_CONFIG);
    struct orl_addr_net other;
    orl_guest_net_default(INSTALLATION, false, &net);
    orl_guest_net_default(INSTALLATION, true, &other);
    orl_guest_net_gateway(&net, text);
    assert_string_equal(text, "10.77.160.1");
    assert_false(orl_addr_net_covers(&net, &other) || orl_addr_net_covers(&other, &net));
}

static void compare(const char *name, struct orl_buf *xml)
{
    char path[512];
    assert_false(xml->is_failed);
    (void)snprintf(path, sizeof path, "%s/%s.xml", GOLDEN_DIR, name);
    if (getenv("ORIEL_UPDATE_GOLDEN")) {
        FILE *out = fopen(path, "w");
        assert_non_null(out);
        (void)fputs((const char *)xml->data, out);
        (void)fclose(out);
    }
    char *golden = calloc(1, ORL_NETWORK_FILTER_MAX);
    FILE *in = fopen(path, "r");
    assert_non_null(golden);
    assert_non_null(in);
    assert_true(fread(golden, 1, ORL_NETWORK_FILTER_MAX - 1, in) > 0);
    (void)fclose(in);
    assert_string_equal((const char *)xml->data, golden);
    free(golden);
    orl_buf_fini(xml);
}

static void networks_and_filters_are_as_they_were(void **state)
{
    (void)state;
    static const char *const names[] = {"isolated", "nat", "routed", "bridged"};
    char *usual[] = {(char[]){"host-subnets"}, (char[]){"169.254.0.0/16"}, NULL};
    struct orl_host_nets nets = read_host(fib_trie, if_inet6, 0);
    for (enum orl_network_mode mode = ORL_NETWORK_ISOLATED; mode <= ORL_NETWORK_BRIDGED; mode++) {
        char name[64];
        struct orl_buf xml;
        struct orl_network_block block;
        bool is_ours = mode == ORL_NETWORK_NAT || mode == ORL_NETWORK_ROUTED;
        struct orl_network_plan plan =
                is_ours ? plan_of(mode) : (struct orl_network_plan){.mode = mode};
        if (mode != ORL_NETWORK_BRIDGED) {
            orl_buf_init(&xml, ORL_NETWORK_XML_MAX);
            orl_network_xml(&xml, &plan, INSTALLATION);
            assert_null(orl_network_fault((const char *)xml.data, &plan, INSTALLATION));
            (void)snprintf(name, sizeof name, "network/%s", names[mode]);
            compare(name, &xml);
        }
        orl_buf_init(&xml, ORL_NETWORK_FILTER_MAX);
        orl_network_block_make(&plan, &nets, usual, &block);
        orl_network_filter_xml(
                &xml, &plan, &block, INSTALLATION, "6b1f0f3c-50a6-4e5a-9d0e-3f1f2a3b4c5d");
        (void)snprintf(name, sizeof name, "nwfilter/%s", names[mode]);
        compare(name, &xml);
    }
}

static void a_network_that_was_changed_is_refused(void **state)
{
    (void)state;
    struct orl_network_plan nat = plan_of(ORL_NETWORK_NAT);
    struct orl_network_plan isolated = {.mode = ORL_NETWORK_ISOLATED};
    static const char *const bad[] = {"<network><forward mode='open'/>"
                                      "<bridge name='orn-abcd1234'/></network>",
            "<network><bridge name='orn-abcd1234'/></network>",
            "<network><forward mode='nat'/><bridge name='orn-abcd1234'/>"
            "<ip address='192.0.2.1' prefix='24'></network>"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_non_null(orl_network_fault(bad[i], &nat, INSTALLATION));
    }
    assert_non_null(orl_network_fault(bad[0], &isolated, INSTALLATION));
    assert_non_null(orl_network_fault(
            "<network><bridge name='virbr0'/></network>", &isolated, INSTALLATION));
    assert_null(orl_network_fault(
            "<network><bridge name='orl-abcd1234'/></network>", &isolated, INSTALLATION));
    assert_non_null(orl_network_foreign_fault(bad[0]));
    assert_null(orl_network_foreign_fault("<network><bridge name='lab'/></network>"));
    assert_non_null(orl_network_foreign_fault("<network><bridge name='lab'/>"
                                              "<ip address='192.0.2.1' prefix='24'/></network>"));
    assert_non_null(
            orl_network_foreign_fault("<network ipv6='yes'><bridge name='lab'/></network>"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_hosts_addresses_and_networks_are_read),
            cmocka_unit_test(more_addresses_than_fit_are_an_error),
            cmocka_unit_test(what_another_covers_is_left_out),
            cmocka_unit_test(guests_must_not_reach_the_host_whatever_guest_block_says),
            cmocka_unit_test(a_slot_is_an_address),
            cmocka_unit_test(networks_and_filters_are_as_they_were),
            cmocka_unit_test(a_network_that_was_changed_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
