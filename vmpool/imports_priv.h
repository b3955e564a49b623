/* Shared by imports.c, imports_run.c and imports_upload.c. */
#ifndef ORL_VMPOOL_IMPORTS_PRIV_H
#define ORL_VMPOOL_IMPORTS_PRIV_H
#include "base/log.h"
#include "base/sha256.h"
#include "store/job.h"
#include "vmpool/image_build.h"
#include "vmpool/image_convert.h"
#include "vmpool/imports.h"

#define ORL_IMPORTS_MAX 4

/* A job's parameters, as broker/api_imports.c writes them. */
struct orl_import_params {
    char name[ORL_NAME_MAX + 1]; /* of the template */
    bool is_version;             /* of one that is there; else a new one */
    bool is_build;
    char path[ORL_STORE_PATH_MAX + 1]; /* below import_dir; empty: it is sent */
    uint64_t size_bytes;               /* of what is sent */
    char ticket_sha256[ORL_SHA256_HEX_LEN + 1];
    uint64_t memory_mib, vcpus, disk_mib; /* memory, vcpus 0: as the template has them */
    bool is_windows;
};
enum orl_import_state {
    ORL_IMPORT_FREE = 0, /* an empty place */
    ORL_IMPORT_RECEIVING,
    ORL_IMPORT_READY,   /* its file is whole, or lies on this host */
    ORL_IMPORT_WORKING, /* on a worker */
    ORL_IMPORT_OVER,    /* only its row is still to be written */
};
struct orl_import {
    struct orl_imports *imports;
    enum orl_import_state state;
    struct orl_job_row job;
    struct orl_import_params params;
    char part[ORL_VM_PATH_MAX + 1];   /* the file */
    char to[ORL_VM_PATH_MAX + 1];     /* what becomes of it */
    char to_new[ORL_VM_PATH_MAX + 1]; /* until it is whole */
    /* receiving */
    int fd; /* of part; -1 */
    uint64_t received_bytes, heard_ms;
    bool is_busy; /* a piece is on its way */
    /* on the worker */
    bool has_machine;
    struct orl_image_convert convert;
    struct orl_image_build build;
    atomic_bool is_copying;
    int result;
    struct orl_err err;
};
struct orl_imports {
    struct orl_imports_cfg cfg;
    struct orl_log_ctx log;
    struct orl_import_files files;
    struct orl_import import[ORL_IMPORTS_MAX];
    uint64_t looked_ms;
    bool is_stopping;
};

/* imports.c: the job has ended; its files go, its row is written until the store has it. */
void orl_import_end(struct orl_import *import, enum orl_job_state state, enum orl_reason reason,
        const char *text);
/* A place with the job in it, its parameters read and its paths made; NULL: there is none, or the job has ended. */
struct orl_import *orl_import_place(struct orl_imports *imports, const struct orl_job_row *job);
bool orl_imports_has_room(const struct orl_imports *imports);

/* imports_run.c */
void orl_import_run(struct orl_import *import); /* READY: to a worker */
void orl_import_cancel(struct orl_import *import);
void orl_import_leave(struct orl_import *import); /* an installation, to the next vmpool */
void orl_import_say(const struct orl_import *import, unsigned *ret_percent, char *ret_text,
        size_t size); /* how far it is */

#endif
