#include "broker/rdp_file.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { ADDRESS_BYTES = 256 };

/* Host of "https://host:port/path"; empty: none. */
static void host_of(const char *url, char ret_host[ADDRESS_BYTES])
{
    const char *begin = strstr(url, "://");
    begin = begin != NULL ? begin + 3 : url;
    size_t len = begin[0] == '[' ? strcspn(begin, "]/") : strcspn(begin, ":/");
    len += begin[0] == '[' && begin[len] == ']';
    (void)snprintf(ret_host, ADDRESS_BYTES, "%.*s", (int)(len < 200 ? len : 200), begin);
}

static void address_of(const struct orl_rdp_target *target, char ret_address[ADDRESS_BYTES])
{
    if (target->address[0] != '\0') {
        (void)snprintf(ret_address, ADDRESS_BYTES, "%s", target->address);
    } else {
        host_of(target->portal_url, ret_address);
    }
    if (ret_address[0] == '\0' && gethostname(ret_address, ADDRESS_BYTES) < 0) {
        (void)snprintf(ret_address, ADDRESS_BYTES, "localhost");
    }
    ret_address[ADDRESS_BYTES - 1] = '\0';
}

void orl_rdp_file_make(const struct orl_rdp_target *target, struct orl_rdp_file *ret_file)
{
    char address[ADDRESS_BYTES];
    address_of(target, address);
    (void)snprintf(ret_file->name, sizeof(ret_file->name), "%.63s.rdp", target->pool);
    (void)snprintf(ret_file->text, sizeof(ret_file->text),
            "full address:s:%s\r\n"
            "username:s:%s\r\n"
            "enablecredsspsupport:i:1\r\n"
            "authentication level:i:2\r\n"
            "prompt for credentials:i:0\r\n"
            "promptcredentialonce:i:1\r\n"
            "autoreconnection enabled:i:1\r\n"
            "dynamic resolution:i:1\r\n"
            "screen mode id:i:1\r\n"
            "session bpp:i:32\r\n"
            "redirectclipboard:i:1\r\n"
            "audiomode:i:0\r\n"
            "networkautodetect:i:1\r\n",
            address, target->user);
    bool has_fingerprint = target->fingerprint[0] != '\0';
    (void)snprintf(ret_file->command, sizeof(ret_file->command),
            "xfreerdp3 /v:%s /u:%s /p:%s %s%s /dynamic-resolution", address, target->user,
            target->password, has_fingerprint ? "/cert:fingerprint:" : "/cert:tofu",
            target->fingerprint);
}
