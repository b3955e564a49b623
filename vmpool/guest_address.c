#include "vmpool/guest_address.h"
#include "vmpool/host_nets.h"
#include <stdio.h>
#include <string.h>

enum {
    ALL_BITS = 128,
    V4_BITS = 32,
    V4_AT = 12,
    V4_LEAST = 16,
    V4_MOST = 28,
    V6_SIZE = 64,
    DEFAULT_SIZE = 20,
    FIRST_CARD = 16,
    MAC_BYTES = 6,
};

int orl_guest_net_parse(
        const char *text, bool is_v6, struct orl_addr_net *ret_net, struct orl_err *err)
{
    struct orl_addr_net net;
    bool is_net = orl_addr_net_parse(text, &net) && orl_addr_net_is_v4(&net) != is_v6;
    unsigned bits = is_net ? orl_addr_net_bits(&net) : 0;
    if (!is_net || (is_v6 ? bits != V6_SIZE : bits < V4_LEAST || bits > V4_MOST)) {
        return orl_err_set(err, ORL_E_CONFIG,
                is_v6 ? "'%s' is no IPv6 network of 64 bits"
                      : "'%s' is no IPv4 network of 16 to 28 bits",
                text);
    }
    (void)orl_addr_nets_reduce(&net, 1);
    *ret_net = net;
    return 0;
}

/* The installation's first hexadecimal digits are as good as random. */
void orl_guest_net_default(const char *installation, bool is_routed, struct orl_addr_net *ret_net)
{
    unsigned random = 0;
    struct orl_addr_net net = {.bits = ALL_BITS - V4_BITS + DEFAULT_SIZE};
    (void)sscanf(installation, "%4x", &random);
    net.bytes[V4_AT - 2] = 0xff;
    net.bytes[V4_AT - 1] = 0xff;
    net.bytes[V4_AT] = 10;
    net.bytes[V4_AT + 1] = (uint8_t)((is_routed ? 128U : 64U) + (random & 0x3fU));
    net.bytes[V4_AT + 2] = (uint8_t)(random >> 6 & 0xf0U);
    *ret_net = net;
}

uint32_t orl_guest_net_slots(const struct orl_addr_net *net)
{
    uint32_t all = UINT32_C(1) << (ALL_BITS - net->bits);
    return all - FIRST_CARD - 1; /* the last one is everybody's */
}

static void text_of(const struct orl_addr_net *net, uint32_t number, char *ret_text)
{
    struct orl_addr_net one = *net;
    uint32_t low = 0;
    for (unsigned i = 0; i < sizeof low; i++) {
        low = low << 8 | one.bytes[V4_AT + i];
    }
    low += number;
    for (unsigned i = 0; i < sizeof low; i++) {
        one.bytes[V4_AT + i] = (uint8_t)(low >> (8 * (sizeof low - 1 - i)));
    }
    one.bits = ALL_BITS;
    orl_addr_net_text(&one, ret_text, ORL_GUEST_ADDRESS_MAX);
}

void orl_guest_net_gateway(const struct orl_addr_net *net, char ret_text[ORL_GUEST_ADDRESS_MAX])
{
    text_of(net, 1, ret_text);
}

void orl_guest_net_address(
        const struct orl_addr_net *net, uint32_t slot, char ret_text[ORL_GUEST_ADDRESS_MAX])
{
    text_of(net, FIRST_CARD + slot, ret_text);
}

bool orl_guest_net_address_v6(
        const struct orl_addr_net *net, const char *mac, char ret_text[ORL_GUEST_ADDRESS_MAX])
{
    unsigned m[MAC_BYTES];
    struct orl_addr_net one = *net;
    if (sscanf(mac, "%2x:%2x:%2x:%2x:%2x:%2x", &m[0], &m[1], &m[2], &m[3], &m[4], &m[5]) !=
            MAC_BYTES) {
        return false;
    }
    const unsigned id[] = {m[0] ^ 2U, m[1], m[2], 0xff, 0xfe, m[3], m[4], m[5]};
    for (unsigned i = 0; i < sizeof id / sizeof id[0]; i++) {
        one.bytes[V6_SIZE / 8 + i] = (uint8_t)id[i];
    }
    one.bits = ALL_BITS;
    orl_addr_net_text(&one, ret_text, ORL_GUEST_ADDRESS_MAX);
    return true;
}
