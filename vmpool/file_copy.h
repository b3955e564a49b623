/* Copies a file's data, its holes left out. Blocks: on workers only. */
#ifndef ORL_VMPOOL_FILE_COPY_H
#define ORL_VMPOOL_FILE_COPY_H
#include "base/err.h"
#include <stdatomic.h>

/* fd: borrowed, read from its beginning. to is made, with mode 0600, and is not there after a failure.
 * ORL_E_CLOSED: is_cancelled became true. ORL_E_LIMIT: no space. */
ORL_NODISCARD int orl_file_copy(
        int fd, const char *to, const atomic_bool *is_cancelled, struct orl_err *err);

#endif
