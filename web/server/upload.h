/* A piece of a file that a browser sends, on its way to vmpool's upload.sock. Pieces are small and whole before they go:
 * a browser that is slow holds nothing of vmpool's. Not here: HTTP (http.c); whose ticket is good (vmpool). */
#ifndef ORL_WEB_UPLOAD_H
#define ORL_WEB_UPLOAD_H
#include "base/buf.h"
#include "base/id.h"
#include "base/loop.h"
#include <sys/types.h>

#define ORL_UPLOAD_BODY_MAX ((size_t)1024 * 1024)
#define ORL_UPLOAD_TICKET_LEN 52

struct orl_upload_to {
    char job[ORL_ID_LEN + 1];
    char ticket[ORL_UPLOAD_TICKET_LEN + 1];
    uint64_t offset;
};
/* path: "/upload/JOB"; query: "offset=N" or "" (0); authorization: "Upload TICKET". Pure. */
bool orl_upload_parse(const char *path, const char *query, const char *authorization,
        struct orl_upload_to *ret_to);
/* "STATUS CODE OFFSET TEXT" as a JSON answer (a problem where it is none of 200); false: no such line. Pure. */
bool orl_upload_answer_json(const char *line, unsigned *ret_status, char *ret_json, size_t size);

enum orl_upload_state { ORL_UPLOAD_WAITING = 0, ORL_UPLOAD_DONE, ORL_UPLOAD_FAILED };
struct orl_upload; /* one owner */
struct orl_upload_opts {
    const char *path; /* of upload.sock; borrowed for life */
    uid_t uid;        /* whose vmpool is believed, besides root's and our own */
};
/* Takes body's bytes (and empties it), also on failure. on_news: look at it again. */
ORL_NODISCARD int orl_upload_new(struct orl_loop *loop, const struct orl_upload_opts *opts,
        const struct orl_upload_to *to, struct orl_buf *body, orl_loop_fn on_news, void *ctx,
        struct orl_upload **ret_upload);
enum orl_upload_state orl_upload_state(const struct orl_upload *upload);
bool orl_upload_is_good(const struct orl_upload *upload); /* done, and vmpool said 200 */
bool orl_upload_has_ticket(
        const struct orl_upload *upload); /* done, and vmpool knows a job with that ticket */
/* What vmpool said, when it is done. */
const char *orl_upload_line(const struct orl_upload *upload);
uint64_t orl_upload_begun_us(const struct orl_upload *upload);
void orl_upload_free(struct orl_upload *upload); /* NULL is fine */

#endif
