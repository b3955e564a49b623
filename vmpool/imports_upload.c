/* Pieces of a file that become the whole, in order; what came is kept, so that who lost the connection goes on. */
#include "base/clock.h"
#include "base/secret.h"
#include "vmpool/imports_priv.h"
#include "vmpool/json_top.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static bool refuse(
        struct orl_upload_answer *answer, unsigned status, enum orl_reason reason, const char *text)
{
    answer->status = status;
    answer->code = orl_reason_code(reason);
    orl_msg_text(answer->text, sizeof answer->text, text);
    return false;
}

static bool has_ticket(const char *ticket_sha256, const struct orl_upload_piece *piece)
{
    char sum[ORL_SHA256_HEX_LEN + 1];
    orl_sha256(piece->ticket, strlen(piece->ticket), sum);
    return strlen(ticket_sha256) == ORL_SHA256_HEX_LEN &&
           orl_secret_is_equal(sum, ticket_sha256, ORL_SHA256_HEX_LEN);
}

static struct orl_import *find(struct orl_imports *imports, const char *job)
{
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        struct orl_import *import = &imports->import[i];
        if (import->state != ORL_IMPORT_FREE && strcmp(import->job.id, job) == 0) {
            return import;
        }
    }
    return NULL;
}

/* The whole file's room is taken at once: two that each fit alone are not both begun. */
static bool open_part(struct orl_import *import, struct orl_upload_answer *answer)
{
    const struct orl_imports *imports = import->imports;
    uint64_t size = import->params.size_bytes;
    char text[ORL_TEXT_MAX + 1];
    uint64_t room = orl_import_files_room(&imports->files, imports->cfg.reserve_bytes);
    if (size > imports->cfg.max_file_bytes) {
        (void)snprintf(text, sizeof text, "the file has %" PRIu64 " MiB, more than max_upload_gib",
                size >> 20);
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_IMAGE_TOO_LARGE, text);
        return refuse(answer, 413, ORL_REASON_IMAGE_TOO_LARGE, text);
    }
    bool has_room = size <= room;
    if (has_room) {
        import->fd = open(import->part, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        has_room = import->fd >= 0 &&
                   (fallocate(import->fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size) == 0 ||
                           errno == EOPNOTSUPP);
    }
    if (!has_room) {
        (void)snprintf(text, sizeof text,
                "the file has %" PRIu64 " MiB, and images_dir has room for %" PRIu64, size >> 20,
                room >> 20);
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_NO_SPACE, text);
        return refuse(answer, 507, ORL_REASON_NO_SPACE, text);
    }
    return true;
}

/* Of a job whose first piece this is. */
static struct orl_import *begin(struct orl_imports *imports, const struct orl_upload_piece *piece,
        struct orl_upload_answer *answer)
{
    struct orl_job_row job;
    char ticket[ORL_SHA256_HEX_LEN + 1] = "";
    static const char unknown[] = "no upload is waited for with this ticket";
    if (orl_job_get(imports->cfg.store, piece->job, &job, NULL) < 0 ||
            !orl_json_top_text(job.parameters, "ticket", ticket, sizeof ticket) ||
            !has_ticket(ticket, piece)) {
        (void)refuse(answer, 404, ORL_REASON_UPLOAD_STOPPED, unknown);
        return NULL;
    }
    if (job.state != ORL_JOB_WAITING) {
        bool is_live = job.state == ORL_JOB_RUNNING || job.state == ORL_JOB_DONE;
        (void)refuse(answer, is_live ? 409 : 410,
                job.reason != ORL_REASON_NONE ? job.reason : ORL_REASON_UPLOAD_STOPPED,
                job.reason_text[0] ? job.reason_text
                : is_live          ? "the file is there already"
                                   : "the job was cancelled");
        return NULL;
    }
    if (!orl_imports_has_room(imports) ||
            !imports->cfg.is_ready(imports->cfg.ctx)) { /* or what it began would count as lost */
        (void)refuse(answer, 503, ORL_REASON_HOST_FULL, "the host is busy; try again in a moment");
        return NULL;
    }
    if (orl_job_take_waiting(imports->cfg.store, piece->job, imports->cfg.host, orl_clock_wall_ms(),
                &job, NULL) < 0) {
        (void)refuse(answer, 404, ORL_REASON_UPLOAD_STOPPED, unknown);
        return NULL;
    }
    struct orl_import *import = orl_import_place(imports, &job);
    if (!import) {
        (void)!orl_job_get(imports->cfg.store, piece->job, &job, NULL);
        (void)refuse(answer, 409, job.reason, job.reason_text);
        return NULL;
    }
    return open_part(import, answer) ? import : NULL;
}

bool orl_imports_begin_piece(void *ctx, const struct orl_upload_piece *piece, int *ret_fd,
        struct orl_upload_answer *answer)
{
    struct orl_imports *imports = ctx;
    struct orl_import *import = find(imports, piece->job);
    if (import && !has_ticket(import->params.ticket_sha256, piece)) {
        return refuse(
                answer, 404, ORL_REASON_UPLOAD_STOPPED, "no upload is waited for with this ticket");
    }
    import = import ? import : begin(imports, piece, answer);
    if (!import) {
        return false;
    }
    answer->offset = import->received_bytes;
    if (import->state != ORL_IMPORT_RECEIVING) {
        return refuse(answer, 409, ORL_REASON_UPLOAD_STOPPED, "the file is there already");
    }
    if (import->is_busy) {
        return refuse(answer, 503, ORL_REASON_HOST_FULL, "a piece of it is on its way");
    }
    import->heard_ms = orl_clock_wall_ms();
    if (piece->length == 0) {
        *answer = (struct orl_upload_answer){
                .status = 200, .code = "ok", .offset = import->received_bytes};
        return false;
    }
    if (piece->offset != import->received_bytes ||
            piece->length > import->params.size_bytes - import->received_bytes) {
        return refuse(answer, 409, ORL_REASON_UPLOAD_STOPPED, "this is not the next piece");
    }
    *ret_fd = fcntl(import->fd, F_DUPFD_CLOEXEC, 0);
    import->is_busy = *ret_fd >= 0;
    return import->is_busy ||
           refuse(answer, 503, ORL_REASON_HOST_FULL, "the host is busy; try again in a moment");
}

void orl_imports_end_piece(void *ctx, const struct orl_upload_piece *piece, uint64_t written,
        int error, struct orl_upload_answer *answer)
{
    struct orl_imports *imports = ctx;
    struct orl_import *import = find(imports, piece->job);
    if (!import || import->state != ORL_IMPORT_RECEIVING) {
        (void)refuse(answer, 410, ORL_REASON_UPLOAD_STOPPED, "the job has ended");
        return;
    }
    import->is_busy = false;
    import->heard_ms = orl_clock_wall_ms();
    import->received_bytes += written;
    answer->offset = import->received_bytes;
    if (error == ORL_E_LIMIT || error == ORL_E_SYS) {
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_NO_SPACE,
                "the file could not be written: the disk is full or broken");
        (void)refuse(answer, 507, ORL_REASON_NO_SPACE, "the file could not be written");
    } else if (error < 0) {
        (void)refuse(answer, 408, ORL_REASON_UPLOAD_STOPPED, "the piece did not come whole");
    } else if (import->received_bytes == import->params.size_bytes) {
        import->state = ORL_IMPORT_READY;
    }
}
