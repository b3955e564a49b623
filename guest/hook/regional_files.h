/* Where a Debian guest keeps locale, time zone and keyboard. */
#ifndef ORL_GUEST_HOOK_REGIONAL_FILES_H
#define ORL_GUEST_HOOK_REGIONAL_FILES_H
#include "base/regional.h"

/* Writes what is known and what this guest has; empties the locale that it has not. Best effort. */
void orl_regional_files_write(struct orl_regional *regional);

#endif
