/* Which clients a setting means. They say themselves what they are: good for a client's faults, not for rights. */
#ifndef ORL_PROTOCOLS_RDP_RDP_CLIENT_MATCH_H
#define ORL_PROTOCOLS_RDP_RDP_CLIENT_MATCH_H
#include <stdbool.h>
#include <stdint.h>

/* patterns: shell patterns by commas, blanks around them ignored, case too; each is of the client's name
 * (MS-RDPBCGR 2.2.1.3.2, clientName) or of "build:NUMBER" (clientBuild). name may be NULL. */
bool orl_rdp_client_matches(const char *patterns, const char *name, uint32_t build);

#endif
