/* What a load balancer says before TLS, and addresses and networks as text. */
#include "base/addr.h"
#include "base/err.h"
#include "web/server/proxy_v2.h"
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(const uint8_t *data, size_t len)
{
    char text[100] = "";
    char again[64];
    struct sockaddr_storage addr;
    struct orl_addr_net net;
    socklen_t addr_len = 0;
    memcpy(text, data, len < sizeof(text) - 1 ? len : sizeof(text) - 1);
    if (orl_addr_parse(text, &addr, &addr_len)) {
        orl_addr_text(again, sizeof(again), (const struct sockaddr *)&addr, addr_len);
        orl_assert(strcmp(again, text) == 0);
    }
    if (orl_addr_net_parse(text, &net)) {
        orl_assert(net.bits <= 128);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
    struct orl_proxy proxy;
    char text[64];
    struct sockaddr_storage addr;
    socklen_t addr_len = 0;
    check_text(data, len);
    if (orl_proxy_v2_parse(data, len, &proxy) == 0) {
        orl_assert(orl_proxy_v2_len(data) == (int)len && len <= ORL_PROXY_MAX_BYTES);
        if (proxy.addr_len > 0) {
            orl_addr_text(text, sizeof(text), (const struct sockaddr *)&proxy.addr, proxy.addr_len);
            orl_assert(orl_addr_parse(text, &addr, &addr_len));
        }
    }
    return 0;
}
