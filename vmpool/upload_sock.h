/* upload.sock: pieces of files, from oriel-web and from the command line on this machine. One connection a piece:
 * "PUT JOB TICKET OFFSET LENGTH\n" and LENGTH bytes, then "STATUS CODE OFFSET TEXT\n" back, OFFSET being what is there
 * now. The bytes go to the file on a worker; nothing is kept in memory. Loop thread only.
 * Not here: whose ticket is good and where the bytes go (vmpool/imports.h). */
#ifndef ORL_VMPOOL_UPLOAD_SOCK_H
#define ORL_VMPOOL_UPLOAD_SOCK_H
#include "base/id.h"
#include "base/work.h"
#include <stddef.h>
#include <sys/types.h>

#define ORL_UPLOAD_TICKET_LEN 52
#define ORL_UPLOAD_PIECE_MAX (UINT64_C(64) * 1024 * 1024)
#define ORL_UPLOAD_HEAD_MAX 160

struct orl_upload_piece {
    char job[ORL_ID_LEN + 1];
    char ticket[ORL_UPLOAD_TICKET_LEN + 1];
    uint64_t offset, length; /* length 0: asks only how much is there */
};
/* line: without its end. false: not of that form. Pure. */
bool orl_upload_head_parse(const char *line, size_t len, struct orl_upload_piece *ret_piece);

struct orl_upload_answer {
    unsigned status; /* as in HTTP */
    const char *code;
    uint64_t offset;
    char text[200];
};
struct orl_upload_sock_cfg {
    const char *path; /* borrowed for the object's life */
    struct orl_loop *loop;
    struct orl_work *work;
    uid_t web_uid; /* who may send, besides root and our own; (uid_t)-1: nobody */
    /* true: the piece may come, and is written to *ret_fd, the sock's now; end() follows. Else *answer is sent. */
    bool (*begin)(void *ctx, const struct orl_upload_piece *piece, int *ret_fd,
            struct orl_upload_answer *answer);
    /* written: of its bytes, from its offset on. error: 0, ORL_E_CLOSED (no more came), ORL_E_LIMIT (no space). */
    void (*end)(void *ctx, const struct orl_upload_piece *piece, uint64_t written, int error,
            struct orl_upload_answer *answer);
    void *ctx;
};
struct orl_upload_sock;
ORL_NODISCARD int orl_upload_sock_new(const struct orl_upload_sock_cfg *cfg,
        struct orl_upload_sock **ret_sock, struct orl_err *err);
/* So that work can end soon. */
void orl_upload_sock_stop(struct orl_upload_sock *sock);
void orl_upload_sock_free(struct orl_upload_sock *sock); /* after orl_work_free(); NULL is fine */

#endif
