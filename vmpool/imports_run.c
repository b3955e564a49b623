/* What is done with a file that is there, on a worker; and the template's row afterwards. */
#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/file_copy.h"
#include "vmpool/imports_priv.h"
#include "vmpool/vm_meta.h"
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define MIB (UINT64_C(1024) * 1024)
enum {
    MEMORY_DEFAULT_MIB = 2048,
    PERCENT_FETCH = 50,
    PERCENT_BUILD = ORL_JOB_SEAL_PERCENT,
    PERCENT_SEAL = 80
};

static const char left_text[] = "its machine runs on; waits for its host";

void orl_import_say(
        const struct orl_import *import, unsigned *ret_percent, char *ret_text, size_t size)
{
    static const char *const builds[] = {"makes the machine", "is being installed: open its screen",
            "its machine is off: seal it, or cancel", "waits for the machine to shut down",
            "copies the disk"};
    const struct orl_import_params *p = &import->params;
    unsigned percent = atomic_load(&import->convert.percent);
    unsigned step = atomic_load(&import->build.step);
    if (import->state == ORL_IMPORT_RECEIVING) {
        *ret_percent = p->size_bytes
                               ? (unsigned)(import->received_bytes * PERCENT_FETCH / p->size_bytes)
                               : 0;
        (void)snprintf(ret_text, size, "receives the file: %" PRIu64 " of %" PRIu64 " MiB",
                import->received_bytes / MIB, (p->size_bytes + MIB - 1) / MIB);
    } else if (atomic_load(&import->is_copying)) {
        *ret_percent = 0;
        (void)snprintf(ret_text, size, "copies the file");
    } else if (import->state == ORL_IMPORT_READY && import->build.is_adopted) {
        *ret_percent = PERCENT_BUILD;
        (void)snprintf(ret_text, size, "%s", left_text);
    } else if (p->is_build) {
        *ret_percent = step >= ORL_BUILD_SHUTS_DOWN ? PERCENT_SEAL : PERCENT_BUILD;
        (void)snprintf(ret_text, size, "%s", builds[step]);
    } else {
        *ret_percent = PERCENT_FETCH + percent / 2;
        (void)snprintf(ret_text, size, "%s", percent < 20 ? "checks the image" : "converts it");
    }
}

void orl_import_cancel(struct orl_import *import)
{
    atomic_store(&import->convert.is_cancelled, true);
    atomic_store(&import->build.is_cancelled, true);
}

/* A file of this host is copied first: what is done then is done with a file that nobody else can write to. */
static int fetch(struct orl_import *import, struct orl_err *err)
{
    const struct orl_imports_cfg *cfg = &import->imports->cfg;
    uint64_t size = 0;
    ORL_AUTO(orl_close_auto) int fd = -1;
    if (!import->params.path[0]) {
        return 0;
    }
    import->convert.reason = ORL_REASON_IMAGE_REFUSED;
    int r = cfg->import_dir[0]
                    ? orl_import_open_below(cfg->import_dir, import->params.path, &fd, &size, err)
                    : orl_err_set(err, ORL_E_DENIED, "import_dir of vmpool.yaml is not set");
    if (r < 0) {
        return r;
    }
    if (size > cfg->max_file_bytes) {
        import->convert.reason = ORL_REASON_IMAGE_TOO_LARGE;
        return orl_err_set(err, ORL_E_INVAL, "the file is larger than max_upload_gib");
    }
    if (size > orl_import_files_room(&import->imports->files, cfg->reserve_bytes)) {
        import->convert.reason = ORL_REASON_NO_SPACE;
        return orl_err_set(err, ORL_E_LIMIT, "the file needs more room than there is");
    }
    atomic_store(&import->is_copying, true);
    r = orl_file_copy(fd, import->part, &import->convert.is_cancelled, err);
    import->convert.reason = r == ORL_E_LIMIT ? ORL_REASON_NO_SPACE : ORL_REASON_IMAGE_REFUSED;
    atomic_store(&import->is_copying, false);
    return r;
}

static void run(void *import_)
{
    struct orl_import *import = import_;
    bool is_adopted = import->build.is_adopted;
    if (!is_adopted &&
            atomic_load(&import->convert.is_cancelled)) { /* while it waited for a thread */
        import->result = ORL_E_CLOSED;
        return;
    }
    int r = is_adopted ? 0 : fetch(import, &import->err);
    if (r == 0 && import->params.is_build) {
        r = orl_image_build(&import->build, &import->err);
        import->convert.reason = import->build.reason;
    } else if (r == 0) {
        r = orl_image_convert(&import->convert, &import->err);
    }
    import->result = r;
}

static int register_it(struct orl_import *import, uint32_t *ret_version, struct orl_err *err)
{
    const struct orl_import_params *p = &import->params;
    struct orl_store *store = import->imports->cfg.store;
    struct orl_template_row row = {.memory_mib = MEMORY_DEFAULT_MIB, .vcpus = 1};
    int r = p->is_version ? orl_template_get(store, p->name, 0, &row, err) : 0;
    if (r < 0) {
        return r;
    }
    orl_msg_text(row.name, sizeof row.name, p->name);
    orl_msg_text(row.path, sizeof row.path, import->to);
    row.kind = row.kernel[0] ? ORL_TEMPLATE_KERNEL : ORL_TEMPLATE_DISK;
    row.memory_mib = p->memory_mib ? (uint32_t)p->memory_mib : row.memory_mib;
    row.vcpus = p->vcpus ? (uint32_t)p->vcpus : row.vcpus;
    row.is_windows = p->is_windows || (p->is_version && row.is_windows);
    *ret_version = 1;
    uint64_t now_ms = orl_clock_wall_ms();
    r = p->is_version ? orl_template_add_version(store, &row, now_ms, ret_version, err)
                      : orl_template_insert(store, &row, now_ms, err);
    /* Nothing looks at it between the two; after a crash the tidying up does this. */
    if (r == 0 && rename(import->to_new, import->to) < 0) {
        r = orl_err_sys(err, errno, "%s", import->to);
    }
    return r;
}

/* result is what the worker came to: nothing is wrong with the file where that was good. */
static enum orl_reason reason_of(const struct orl_import *import, int r)
{
    return r == ORL_E_EXISTS     ? ORL_REASON_NAME_TAKEN
           : import->result < 0  ? import->convert.reason
           : r == ORL_E_NOTFOUND ? ORL_REASON_TEMPLATE_MISSING
                                 : ORL_REASON_INTERNAL;
}

/* Its machine runs on, and its files stay: the next vmpool finds the job as it is (orl_imports_new()). */
void orl_import_leave(struct orl_import *import)
{
    struct orl_job_wish wish;
    struct orl_err err = {0};
    if (orl_job_progress(import->imports->cfg.store, &import->job, PERCENT_BUILD, left_text,
                orl_clock_wall_ms(), &wish, &err) < 0) {
        orl_log_warn(&import->imports->log, "job's row not written", "error", err.text);
    }
    orl_close_fd(&import->fd);
    import->state = ORL_IMPORT_FREE;
}

static void on_done(void *import_, void *ctx)
{
    struct orl_import *import = import_;
    const struct orl_imports *imports = ctx;
    struct orl_job_row *job = &import->job;
    uint32_t version = 0;
    if (import->params.is_build && import->result == ORL_E_AGAIN) {
        orl_import_leave(import);
        return;
    }
    int r = import->result < 0 ? import->result : register_it(import, &version, &import->err);
    if (r == 0) {
        (void)snprintf(job->result, sizeof job->result, "{\"template\":\"%s\",\"version\":%u}",
                import->params.name, version);
        orl_import_end(import, ORL_JOB_DONE, ORL_REASON_NONE, "");
    } else if (imports->is_stopping) {
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_VMPOOL_DOWN,
                "the vmpool that was at it has ended");
    } else if (atomic_load(&import->convert.is_cancelled)) {
        orl_import_end(import, ORL_JOB_CANCELLED, ORL_REASON_NONE, "");
    } else {
        orl_import_end(import, ORL_JOB_FAILED, reason_of(import, r), import->err.text);
    }
}

/* So that whoever goes on with the job knows the machine. */
static void uuid_of_job(const char *id, char ret_uuid[ORL_UUID_LEN + 1])
{
    (void)snprintf(ret_uuid, ORL_UUID_LEN + 1, "%.8s-%.4s-%.4s-%.4s-%.12s", id, id + 8, id + 12,
            id + 16, id + 20);
}

static int prepare_build(struct orl_import *import, struct orl_err *err)
{
    struct orl_imports *imports = import->imports;
    const struct orl_import_params *p = &import->params;
    struct orl_vm_spec *spec = &import->build.spec;
    const struct orl_pool_row pool = {.kind = ORL_POOL_DEDICATED};
    struct orl_template_row t = {.kind = ORL_TEMPLATE_DISK,
            .memory_mib = p->memory_mib ? (uint32_t)p->memory_mib : MEMORY_DEFAULT_MIB,
            .vcpus = p->vcpus ? (uint32_t)p->vcpus : 1,
            .is_windows = p->is_windows};
    import->build.backend = imports->cfg.backend;
    import->build.files = &imports->files;
    import->build.reserve_bytes = imports->cfg.reserve_bytes;
    import->build.disk_mib = p->disk_mib;
    (void)snprintf(import->build.to, sizeof import->build.to, "%s", import->to_new);
    int r = imports->cfg.make_spec(imports->cfg.ctx, &pool, &t, spec, err);
    if (r < 0) {
        return r;
    }
    uuid_of_job(import->job.id, spec->uuid);
    spec->meta.kind = ORL_VM_PROBE;
    spec->meta.version = ORL_IMAGE_BUILD_VERSION;
    spec->meta.stamp_ms = orl_clock_wall_ms();
    orl_msg_text(spec->meta.pool, sizeof spec->meta.pool, ORL_IMAGE_BUILD_POOL);
    orl_msg_text(spec->meta.desktop, sizeof spec->meta.desktop, import->job.id);
    orl_vm_name(spec->name, import->job.id, spec->meta.version);
    spec->base[0] = '\0';
    (void)snprintf(spec->iso, sizeof spec->iso, "%s", import->part);
    import->has_machine = true;
    return orl_import_files_of_job(&imports->files, import->job.id, ".qcow2", spec->overlay, err);
}

static void prepare_convert(struct orl_import *import)
{
    struct orl_image_convert *c = &import->convert;
    const struct orl_imports *imports = import->imports;
    c->files = &imports->files;
    c->max_virtual_bytes = imports->cfg.max_virtual_bytes;
    c->reserve_bytes = imports->cfg.reserve_bytes;
    (void)snprintf(c->from, sizeof c->from, "%s", import->part);
    (void)snprintf(c->to, sizeof c->to, "%s", import->to_new);
}

void orl_import_run(struct orl_import *import)
{
    const struct orl_imports_cfg *cfg = &import->imports->cfg;
    struct orl_err err = {0};
    bool is_build = import->params.is_build;
    orl_close_fd(&import->fd);
    int r = is_build ? prepare_build(import, &err) : 0;
    prepare_convert(import);
    struct orl_work *work = is_build ? cfg->build_work : cfg->work;
    r = r < 0 ? r : orl_work_submit(work, run, on_done, import, import->imports);
    if (r == ORL_E_LIMIT && !err.text[0]) {
        return; /* later */
    }
    if (r < 0) {
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_GUEST_START_FAILED, err.text);
        return;
    }
    import->state = ORL_IMPORT_WORKING;
}
