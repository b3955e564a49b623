/* A client's regional settings in the world's terms: keyboard layout (KLID, MS-RDPBCGR 2.2.1.3.2) and time zone
 * (MS-RDPBCGR 2.2.1.11.1.1.1.1) as XKB layout, locale and name of the tz database. Pure. */
#ifndef ORL_PROTOCOLS_RDP_RDP_REGIONAL_H
#define ORL_PROTOCOLS_RDP_RDP_REGIONAL_H
#include "base/regional.h"
#include <stdint.h>

/* zone_key: Windows' name of the zone, or NULL; bias_min: UTC less local standard time. What is not known stays empty. */
void orl_rdp_regional(uint32_t keyboard_layout, const char *zone_key, int32_t bias_min,
        struct orl_regional *ret_regional);

#endif
