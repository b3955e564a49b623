/* The address prefix that floods are counted by. */
#include "store/audit.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* "1.2.3.4:5" and "[::1]:5" to the bare address; false when there is no room for it. */
static bool bare_address(const char *client, char *ret, size_t ret_size)
{
    const char *start = client;
    size_t len = 0;
    if (client[0] == '[') {
        start++;
        len = strcspn(start, "]");
    } else {
        const char *colon = strchr(client, ':');
        bool has_port = colon != NULL && strchr(colon + 1, ':') == NULL;
        len = has_port ? (size_t)(colon - client) : strlen(client);
    }
    if (len >= ret_size) {
        return false;
    }
    memcpy(ret, start, len);
    ret[len] = '\0';
    return true;
}

static bool prefix_v4(const char *address, char ret_prefix[ORL_ADDR_MAX + 1])
{
    uint8_t bytes[4];
    if (inet_pton(AF_INET, address, bytes) != 1) {
        return false;
    }
    (void)snprintf(ret_prefix, ORL_ADDR_MAX + 1, "%u.%u.%u.0/24", bytes[0], bytes[1], bytes[2]);
    return true;
}

static bool prefix_v6(const char *address, char ret_prefix[ORL_ADDR_MAX + 1])
{
    static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    uint8_t bytes[16];
    if (inet_pton(AF_INET6, address, bytes) != 1) {
        return false;
    }
    if (memcmp(bytes, mapped, sizeof(mapped)) == 0) {
        (void)snprintf(
                ret_prefix, ORL_ADDR_MAX + 1, "%u.%u.%u.0/24", bytes[12], bytes[13], bytes[14]);
        return true;
    }
    memset(bytes + 7, 0, 9);
    char text[INET6_ADDRSTRLEN];
    if (inet_ntop(AF_INET6, bytes, text, sizeof(text)) == NULL) {
        return false;
    }
    (void)snprintf(ret_prefix, ORL_ADDR_MAX + 1, "%s/56", text);
    return true;
}

void orl_audit_prefix(const char *client, char ret_prefix[ORL_ADDR_MAX + 1])
{
    char address[ORL_ADDR_MAX + 1];
    if (bare_address(client, address, sizeof(address)) &&
            (prefix_v4(address, ret_prefix) || prefix_v6(address, ret_prefix))) {
        return;
    }
    orl_msg_text(ret_prefix, ORL_ADDR_MAX + 1, client);
}
