/* Work that somebody asked for and that a host does, taken once, whoever dies: checks and imports of templates. Its end
 * stays to be read for a week. The broker asks and wants it cancelled, vmpool writes the rest.
 * Not here: doing it (vmpool/template_job.h). */
#ifndef ORL_STORE_JOB_H
#define ORL_STORE_JOB_H
#include "store/store.h"

#define ORL_JOB_RESULT_MAX 8191
#define ORL_JOB_PARAMETERS_MAX 2047
#define ORL_JOBS_QUEUED_MAX 64 /* of a host at once */
#define ORL_JOB_KEEP_MS UINT64_C(604800000)

enum orl_job_state {
    ORL_JOB_UNKNOWN = 0,
    ORL_JOB_WAITING, /* for the file that somebody is to send; whoever gets its beginning takes it */
    ORL_JOB_QUEUED,
    ORL_JOB_RUNNING,
    ORL_JOB_DONE,
    ORL_JOB_FAILED, /* reason and reason_text say why */
    ORL_JOB_CANCELLED,
    ORL_JOB_STATE_COUNT
};
struct orl_job_row {
    char id[ORL_ID_LEN + 1];
    char kind[ORL_STORE_CODE_MAX + 1]; /* "template.check", ... */
    char object[ORL_TEXT_MAX + 1];     /* "template:NAME" */
    char host[ORL_NAME_MAX + 1];       /* who is to do it; empty: whoever takes it first */
    char actor[ORL_USER_MAX + 1];
    char parameters[ORL_JOB_PARAMETERS_MAX + 1]; /* JSON, or empty */
    enum orl_job_state state;
    bool is_cancel_wanted;
    bool is_seal_wanted; /* template.build: what was installed is to become a version */
    uint32_t percent;
    char progress[ORL_TEXT_MAX + 1];
    char result[ORL_JOB_RESULT_MAX + 1]; /* JSON, or empty */
    enum orl_reason reason;
    char reason_text[ORL_TEXT_MAX + 1];
    uint64_t created_ms, changed_ms;
};
typedef int (*orl_job_row_fn)(void *ctx, const struct orl_job_row *row);

/* Of row: kind, object, host, actor, parameters, and state where it is waiting; else it is queued. Audited (job.add).
 * ORL_E_LIMIT: too many wait. */
ORL_NODISCARD int orl_job_add(struct orl_store *store, const struct orl_job_row *row,
        uint64_t now_ms, struct orl_id *ret_id, struct orl_err *err);
/* ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_job_get(
        struct orl_store *store, const char *id, struct orl_job_row *ret_row, struct orl_err *err);
/* Newest first, at most max_count; kind, object NULL: any. after: the last id of the page before, NULL: from the newest. */
struct orl_job_filter {
    const char *kind, *object, *after;
    bool is_live; /* waiting, queued or running */
    uint32_t max_count;
};
ORL_NODISCARD int orl_job_list(struct orl_store *store, const struct orl_job_filter *filter,
        orl_job_row_fn fn, void *ctx, struct orl_err *err);
/* The queued one of that kind that is there longest for this host is its now. ORL_E_NOTFOUND: there is none. */
ORL_NODISCARD int orl_job_take(struct orl_store *store, const char *host, const char *kind,
        uint64_t now_ms, struct orl_job_row *ret_row, struct orl_err *err);
/* This one, which is waiting. ORL_E_NOTFOUND: it is not, or not any more. */
ORL_NODISCARD int orl_job_take_waiting(struct orl_store *store, const char *id, const char *host,
        uint64_t now_ms, struct orl_job_row *ret_row, struct orl_err *err);
struct orl_job_wish {
    bool is_cancel, is_seal;
};
/* Of a job that host runs, else ORL_E_CONFLICT. */
ORL_NODISCARD int orl_job_progress(struct orl_store *store, const struct orl_job_row *row,
        uint32_t percent, const char *text, uint64_t now_ms, struct orl_job_wish *ret_wish,
        struct orl_err *err);
/* Of row: id, host, and state (done, failed or cancelled), result, reason, reason_text. Audited (job.end).
 * ORL_E_CONFLICT: host does not run it. */
ORL_NODISCARD int orl_job_end(struct orl_store *store, const struct orl_job_row *row,
        uint64_t now_ms, struct orl_err *err);
/* One that waits has ended with that, one that runs is asked to. ORL_E_CONFLICT: it has ended; ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_job_cancel(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err);
#define ORL_JOB_SEAL_PERCENT 50 /* its file is there: before that an empty disk would be sealed */
/* Of a template.build that runs. ORL_E_CONFLICT: not now, or it is no such job; ORL_E_NOTFOUND. */
ORL_NODISCARD int orl_job_seal(struct orl_store *store, const char *id, const char *actor,
        uint64_t now_ms, struct orl_err *err);
/* An installation that is under way outlives its vmpool: the machine runs on, and the next one goes on with it. */
bool orl_job_outlives(const struct orl_job_row *row, const char *host);
/* What else host ran in a former life of its vmpool has failed. Audited, as the next (job.end). */
ORL_NODISCARD int orl_job_fail_lost(
        struct orl_store *store, const char *host, uint64_t now_ms, struct orl_err *err);
/* What says nothing any more has failed, whoever ran it: one that runs is written every few seconds. */
#define ORL_JOB_SILENT_MS (2 * UINT64_C(3600000))
#define ORL_JOB_WAIT_MS UINT64_C(900000) /* for the beginning of a file */
ORL_NODISCARD int orl_job_fail_silent(
        struct orl_store *store, uint64_t now_ms, struct orl_err *err);
/* Ended longer ago than ORL_JOB_KEEP_MS. How many went. */
ORL_NODISCARD int orl_job_prune(struct orl_store *store, uint64_t now_ms, struct orl_err *err);
const char *orl_job_state_name(enum orl_job_state state); /* "queued", ... */
bool orl_job_state_parse(const char *text, enum orl_job_state *ret_state);

#endif
