#include "protocols/rdp/rdp_client_match.h"
#include <fnmatch.h>
#include <stdio.h>
#include <string.h>

enum { PATTERN_MAX = 255 };

bool orl_rdp_client_matches(const char *patterns, const char *name, uint32_t build)
{
    char number[24];
    (void)snprintf(number, sizeof(number), "build:%u", (unsigned)build);
    while (*patterns != '\0') {
        char pattern[PATTERN_MAX + 1];
        patterns += strspn(patterns, " ,");
        size_t len = strcspn(patterns, ",");
        const char *next = patterns + len;
        while (len > 0 && patterns[len - 1] == ' ') {
            len--;
        }
        len = len < PATTERN_MAX ? len : PATTERN_MAX;
        memcpy(pattern, patterns, len);
        pattern[len] = '\0';
        patterns = next;
        if (len > 0 && (fnmatch(pattern, name != NULL ? name : "", FNM_CASEFOLD) == 0 ||
                               fnmatch(pattern, number, FNM_CASEFOLD) == 0)) {
            return true;
        }
    }
    return false;
}
