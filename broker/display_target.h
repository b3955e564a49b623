/* Where a static desktop's display is: "host:port", "[v6]:port" or "unix:/path"; or whose it is: "domain:NAME" or
 * "domain:NAME@URI", a machine that libvirt knows. Pure text; resolved and connected only by vmpool, from its own
 * allow-lists. */
#ifndef ORL_BROKER_DISPLAY_TARGET_H
#define ORL_BROKER_DISPLAY_TARGET_H
#include <stdbool.h>

bool orl_display_target_is_valid(const char *text);

#endif
