/* A home's disk copied whole while nobody has it: QEMU's lock on the image holds others off meanwhile. */
#ifndef ORL_CLI_HOME_COPY_H
#define ORL_CLI_HOME_COPY_H
#include "base/err.h"

/* to must not be there. */
ORL_NODISCARD int orl_home_copy(const char *from, const char *to, struct orl_err *err);

#endif
