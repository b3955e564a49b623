/* What an administrator sets of a pool: one table from which store, API and their tests read names, ranges and
 * defaults. Each setting is a column of table pool and a member of struct orl_pool_row. Pure. */
#ifndef ORL_STORE_POOL_SETTINGS_H
#define ORL_STORE_POOL_SETTINGS_H
#include "store/desktop_state.h"
#include <stddef.h>
#include <stdint.h>

#define ORL_POOL_MAX_PER_USER 16

/* In the order of their names in pool_settings.c; 0 is the default. Kept as uint32_t in the row. */
enum orl_clone_method { ORL_CLONE_AUTO = 0, ORL_CLONE_INSTANT, ORL_CLONE_RESTORE, ORL_CLONE_COLD };
enum orl_firmware { ORL_FIRMWARE_BIOS = 0, ORL_FIRMWARE_UEFI };
enum orl_network_mode {
    ORL_NETWORK_ISOLATED = 0, /* no way out */
    ORL_NETWORK_NAT,
    ORL_NETWORK_ROUTED,
    ORL_NETWORK_BRIDGED, /* to network_name */
    ORL_NETWORK_NONE,    /* no card */
};
enum orl_pool_display { ORL_POOL_DISPLAY_AUTO = 0, ORL_POOL_DISPLAY_VNC, ORL_POOL_DISPLAY_RDP };
enum orl_person_mode { ORL_PERSON_AUTO = 0, ORL_PERSON_OFF };
enum orl_home_kind { ORL_HOME_NONE = 0, ORL_HOME_VOLUME, ORL_HOME_NFS };

enum orl_setting_type {
    ORL_SETTING_U32 = 1, /* uint32_t */
    ORL_SETTING_BOOL,    /* bool */
    ORL_SETTING_FLAG,    /* uint32_t, 0 or 1 */
    ORL_SETTING_CHOICE,  /* uint32_t, index of choices; a text outside */
    ORL_SETTING_TEXT,    /* char[size] */
};
struct orl_pool_setting {
    const char *column;
    const char *key; /* in the API */
    enum orl_setting_type type;
    size_t offset; /* in struct orl_pool_row */
    size_t size;   /* TEXT */
    uint32_t min, max;
    uint32_t fallback[ORL_POOL_KIND_COUNT]; /* of a new pool of that kind; TEXT: always empty */
    const char *const *choices;             /* CHOICE; NULL ends them */
};
extern const struct orl_pool_setting orl_pool_settings[]; /* ended by a column of NULL */
#define ORL_POOL_SETTING_COUNT 43

struct orl_pool_row;
/* Every setting to what a new pool of the kind has. */
void orl_pool_set_defaults(struct orl_pool_row *row, enum orl_pool_kind kind);
/* NULL for an index outside. */
const char *orl_pool_choice_name(const char *const *choices, uint32_t index);

#endif
