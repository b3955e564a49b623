/* A certificate that was sent to this program, kept in its own folder: two files of which one is written while the other
 * holds, each with a number and a digest over all of it. Half of one is none. The files are opened once, so that a
 * sandboxed program can write them later. Not here: whether it is any good (base/cert_check.h). */
#ifndef ORL_BASE_CERT_SLOTS_H
#define ORL_BASE_CERT_SLOTS_H
#include "base/cert.h"
#include <stdint.h>

struct orl_cert_slots {
    int fd[2]; /* -1: not open */
    unsigned current;
    uint64_t number; /* of what is in current; 0: nothing ever was */
    bool is_damaged; /* something newer than that is there, and is not whole */
};
/* "<dir>/uploaded-a" and "-b", made where they are not, 0600. */
ORL_NODISCARD int orl_cert_slots_open(
        const char *dir, struct orl_cert_slots *ret_slots, struct orl_err *err);
/* The newest that is whole; its texts end with a NUL. ORL_E_NOTFOUND: none, or it was taken back. */
ORL_NODISCARD int orl_cert_slots_get(
        struct orl_cert_slots *slots, struct orl_cert_pair *ret_pair, struct orl_err *err);
/* The one before it, where the newest turned out to be no good; the same errors. */
ORL_NODISCARD int orl_cert_slots_get_former(
        struct orl_cert_slots *slots, struct orl_cert_pair *ret_pair, struct orl_err *err);
/* On the disk when it returns. Blocks, as disks do. */
ORL_NODISCARD int orl_cert_slots_put(
        struct orl_cert_slots *slots, const struct orl_cert_pair *pair, struct orl_err *err);
/* None from now on, and no key is left in the files. */
ORL_NODISCARD int orl_cert_slots_clear(struct orl_cert_slots *slots, struct orl_err *err);
void orl_cert_slots_close(struct orl_cert_slots *slots);

#endif
