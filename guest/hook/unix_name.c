#include "guest/hook/unix_name.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

enum { STEM_MAX = 22 }; /* and '-' and eight digits */

/* Accounts and groups that Debian has, and what reads like one of them. */
static bool is_taken(const char *name)
{
    static const char *const names[] = {"root", "daemon", "bin", "sys", "sync", "games", "man",
            "lp", "mail", "news", "uucp", "proxy", "www-data", "backup", "list", "irc", "gnats",
            "nobody", "nogroup", "adm", "tty", "disk", "kmem", "dialout", "fax", "voice", "cdrom",
            "floppy", "tape", "sudo", "audio", "dip", "operator", "src", "shadow", "utmp", "video",
            "sasl", "plugdev", "staff", "users", "user", "input", "sgx", "kvm", "render", "crontab",
            "netdev", "messagebus", "polkitd", "sshd", "rtkit", "avahi", "tss", "geoclue", "pulse",
            "lightdm", "gdm", "sddm", "oriel", "halt", "shutdown", "wheel", "admin"};
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        if (strcmp(names[i], name) == 0) {
            return true;
        }
    }
    return name[0] == '_' || strncmp(name, "systemd-", 8) == 0;
}

static uint32_t mark_of(const char *user)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325); /* FNV-1a */
    for (const char *at = user; *at != '\0'; at++) {
        hash = (hash ^ (uint8_t)*at) * UINT64_C(0x100000001b3);
    }
    return (uint32_t)(hash ^ (hash >> 32));
}

void orl_unix_name(const char *user, char ret_name[ORL_UNIX_NAME_MAX + 1])
{
    size_t len = strlen(user);
    bool is_same = len <= STEM_MAX;
    char stem[STEM_MAX + 1];
    size_t used = 0;
    for (size_t i = 0; i < len && used < STEM_MAX; i++) {
        char c = user[i];
        bool is_letter = c >= 'a' && c <= 'z';
        bool is_more = (c >= '0' && c <= '9') || c == '-' || c == '_';
        bool is_capital = c >= 'A' && c <= 'Z';
        if (is_letter || (is_more && used > 0)) {
            stem[used++] = c;
            continue;
        }
        is_same = false;
        if (is_capital) {
            stem[used++] = (char)(c - 'A' + 'a');
        } else if (used > 0) {
            stem[used++] = '_';
        }
    }
    stem[used] = '\0';
    /* A name that looks like what is made below is somebody else's. */
    bool has_mark = used > 9 && stem[used - 9] == '-';
    if (is_same && used > 0 && !has_mark && !is_taken(stem)) {
        (void)snprintf(ret_name, ORL_UNIX_NAME_MAX + 1, "%s", stem);
    } else {
        (void)snprintf(ret_name, ORL_UNIX_NAME_MAX + 1, "%s-%08" PRIx32, used > 0 ? stem : "u",
                mark_of(user));
    }
}
