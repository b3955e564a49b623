/* One piece of a file to vmpool: through upload.sock on this machine, or through the portal. */
#ifndef ORL_CLI_SEND_H
#define ORL_CLI_SEND_H
#include "cli/args.h"

#define ORL_CLI_PIECE_BYTES (UINT64_C(1024) * 1024) /* as many as the portal takes */

struct orl_cli_piece {
    const char *job, *ticket;
    int fd; /* the file; borrowed */
    uint64_t offset, length;
};
struct orl_cli_piece_answer {
    unsigned status; /* as in HTTP */
    char code[64];
    char text[256];
    uint64_t offset; /* what is there now */
};
/* ORL_E_CLOSED: nobody answered, or not to the end: the piece may be sent again. */
ORL_NODISCARD int orl_cli_send(const struct orl_cli_call *call, const struct orl_cli_piece *piece,
        struct orl_cli_piece_answer *ret_answer, struct orl_err *err);

#endif
