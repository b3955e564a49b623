#include "base/cleanup.h"
#include "base/clock.h"
#include "vmpool/imports_priv.h"
#include "vmpool/json_top.h"
#include "vmpool/overlay.h"
#include "vmpool/vm_meta.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PERIOD_MS = 1000, SILENT_MS = 600000, LIVE_MAX = 1000 };

static const char *const kinds[] = {"template.import", "template.build"};

void orl_imports_stop(struct orl_imports *imports)
{
    if (!imports) {
        return;
    }
    imports->is_stopping = true;
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        atomic_store(&imports->import[i].build.is_left, true);
        orl_import_cancel(&imports->import[i]);
    }
}

void orl_imports_free(struct orl_imports *imports)
{
    if (!imports) {
        return;
    }
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        struct orl_import *import = &imports->import[i];
        if (import->state == ORL_IMPORT_READY && import->build.is_adopted) {
            orl_import_leave(import);
        } else if (import->state == ORL_IMPORT_RECEIVING || import->state == ORL_IMPORT_READY) {
            orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_VMPOOL_DOWN,
                    "the vmpool that was at it has ended");
        }
    }
    free(imports);
}

bool orl_imports_holds(const struct orl_imports *imports, const char *name)
{
    for (size_t i = 0; imports && i < ORL_IMPORTS_MAX; i++) {
        const struct orl_import *import = &imports->import[i];
        if (import->has_machine && strcmp(import->build.spec.name, name) == 0) {
            return true;
        }
    }
    return false;
}

bool orl_imports_has_room(const struct orl_imports *imports)
{
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        if (imports->import[i].state == ORL_IMPORT_FREE) {
            return true;
        }
    }
    return false;
}

static void write_end(struct orl_import *import)
{
    struct orl_err err = {0};
    int r = orl_job_end(import->imports->cfg.store, &import->job, orl_clock_wall_ms(), &err);
    if (r == 0 || r == ORL_E_CONFLICT) {
        *import = (struct orl_import){.state = ORL_IMPORT_FREE, .fd = -1};
    } else {
        orl_log_warn(&import->imports->log, "job's row not written", "error", err.text);
    }
}

void orl_import_end(struct orl_import *import, enum orl_job_state state, enum orl_reason reason,
        const char *text)
{
    struct orl_job_row *job = &import->job;
    orl_close_fd(&import->fd);
    if (import->part[0]) {
        (void)unlink(import->part);
    }
    if (import->to_new[0]) {
        (void)unlink(import->to_new);
    }
    import->has_machine = false;
    import->state = ORL_IMPORT_OVER;
    job->state = state;
    job->reason = state == ORL_JOB_FAILED ? reason : ORL_REASON_NONE;
    orl_msg_text(job->reason_text, sizeof job->reason_text, text);
    orl_log_info(&import->imports->log, "job ended", "job", job->id, "kind", job->kind, "is",
            orl_job_state_name(state), "text", text);
    write_end(import);
}

static bool read_params(const struct orl_job_row *job, struct orl_import_params *p)
{
    const char *json = job->parameters;
    uint64_t number = 0;
    char os[16] = "";
    p->is_build = strcmp(job->kind, "template.build") == 0;
    p->is_version = orl_json_top_u64(json, "is_version", &number) && number == 1;
    (void)orl_json_top_text(json, "path", p->path, sizeof p->path);
    (void)orl_json_top_u64(json, "size_bytes", &p->size_bytes);
    (void)orl_json_top_text(json, "ticket", p->ticket_sha256, sizeof p->ticket_sha256);
    (void)orl_json_top_u64(json, "memory_mib", &p->memory_mib);
    (void)orl_json_top_u64(json, "vcpus", &p->vcpus);
    (void)orl_json_top_u64(json, "disk_mib", &p->disk_mib);
    p->is_windows = orl_json_top_text(json, "os", os, sizeof os) && strcmp(os, "windows") == 0;
    return orl_json_top_text(json, "name", p->name, sizeof p->name) && orl_name_is_valid(p->name) &&
           (p->path[0] || p->ticket_sha256[0]) && (!p->is_build || p->disk_mib > 0);
}

/* Nothing is made that couldn't be registered in the end. */
static int check(
        const struct orl_imports *imports, const struct orl_import_params *p, struct orl_err *err)
{
    struct orl_template_row row;
    if (p->is_build && p->disk_mib > imports->cfg.max_virtual_bytes >> 20) {
        return orl_err_set(err, ORL_E_DENIED, "the disk is larger than max_template_gib");
    }
    int r = orl_template_get(imports->cfg.store, p->name, 0, &row, err);
    if (r == ORL_E_NOTFOUND && !p->is_version) {
        return 0;
    }
    if (r == 0 && !p->is_version) {
        return orl_err_set(err, ORL_E_EXISTS, "there is a template %s", p->name);
    }
    return r;
}

struct orl_import *orl_import_place(struct orl_imports *imports, const struct orl_job_row *job)
{
    struct orl_err err = {0};
    struct orl_import *import = NULL;
    for (size_t i = 0; i < ORL_IMPORTS_MAX && !import; i++) {
        import = imports->import[i].state == ORL_IMPORT_FREE ? &imports->import[i] : NULL;
    }
    if (!import) {
        return NULL;
    }
    *import = (struct orl_import){.imports = imports,
            .state = ORL_IMPORT_RECEIVING,
            .job = *job,
            .fd = -1,
            .heard_ms = orl_clock_wall_ms()};
    int r = read_params(job, &import->params)
                    ? check(imports, &import->params, &err)
                    : orl_err_set(&err, ORL_E_INVAL, "its parameters make no sense");
    r = r < 0 ? r : orl_import_files_of_job(&imports->files, job->id, ".part", import->part, &err);
    r = r < 0 ? r
              : orl_import_files_of_template(
                        &imports->files, import->params.name, job->id, import->to, &err);
    if (r < 0) {
        orl_import_end(import, ORL_JOB_FAILED,
                r == ORL_E_EXISTS     ? ORL_REASON_NAME_TAKEN
                : r == ORL_E_NOTFOUND ? ORL_REASON_TEMPLATE_MISSING
                : r == ORL_E_DENIED   ? ORL_REASON_IMAGE_TOO_LARGE
                                      : ORL_REASON_INTERNAL,
                err.text);
        return NULL;
    }
    (void)snprintf(import->to_new, sizeof import->to_new, "%.506s" ORL_IMPORT_NEW, import->to);
    orl_log_info(&imports->log, "job begun", "job", job->id, "kind", job->kind, "of", job->object);
    return import;
}

struct found {
    const char *host;
    char id[ORL_IMPORTS_MAX][ORL_ID_LEN + 1];
    unsigned count;
};

static int add_found(void *found_, const struct orl_job_row *job)
{
    struct found *found = found_;
    if (found->count < ORL_IMPORTS_MAX && orl_job_outlives(job, found->host)) {
        memcpy(found->id[found->count++], job->id, sizeof job->id);
    }
    return 0;
}

/* Installations whose machines ran on while no vmpool was there. */
static int adopt_all(struct orl_imports *imports, struct orl_err *err)
{
    struct found found = {.host = imports->cfg.host};
    const struct orl_job_filter filter = {
            .kind = "template.build", .is_live = true, .max_count = LIVE_MAX};
    struct orl_job_row job;
    int r = orl_job_list(imports->cfg.store, &filter, add_found, &found, err);
    for (unsigned i = 0; r == 0 && i < found.count; i++) {
        r = orl_job_get(imports->cfg.store, found.id[i], &job, err);
        struct orl_import *import = r == 0 ? orl_import_place(imports, &job) : NULL;
        if (import) {
            struct orl_vm_spec *spec = &import->build.spec;
            orl_vm_name(spec->name, job.id, ORL_IMAGE_BUILD_VERSION);
            import->build.is_adopted = true;
            import->has_machine = true; /* or it would be swept */
            import->state = ORL_IMPORT_READY;
        }
    }
    return r;
}

int orl_imports_new(
        const struct orl_imports_cfg *cfg, struct orl_imports **ret_imports, struct orl_err *err)
{
    static const struct orl_log_ctx root = {.name = "vmpool"};
    struct orl_imports *imports = calloc(1, sizeof *imports);
    if (!imports) {
        return orl_err_set(err, ORL_E_NOMEM, "imports");
    }
    imports->cfg = *cfg;
    imports->log = (struct orl_log_ctx){.parent = &root, .name = "imports"};
    const char *installation = orl_store_installation(cfg->store);
    int r = orl_overlay_prepare(cfg->images_dir, installation, err);
    r = r < 0 ? r : orl_import_files_init(&imports->files, cfg->images_dir, installation, err);
    r = r < 0 ? r : orl_import_files_tidy(&imports->files, cfg->store, cfg->host, err);
    r = r < 0 ? r : adopt_all(imports, err);
    if (r < 0) {
        free(imports);
        return r;
    }
    *ret_imports = imports;
    return 0;
}

static bool may_build(const struct orl_imports *imports)
{
    unsigned count = 0;
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        const struct orl_import *import = &imports->import[i];
        count += import->state != ORL_IMPORT_FREE && import->params.is_build;
    }
    return count < ORL_IMPORT_BUILDS_MAX;
}

static void take(struct orl_imports *imports, uint64_t now_ms)
{
    struct orl_job_row job;
    struct orl_err err = {0};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (!orl_imports_has_room(imports) || (i == 1 && !may_build(imports))) {
            continue;
        }
        int r = orl_job_take(imports->cfg.store, imports->cfg.host, kinds[i], now_ms, &job, &err);
        struct orl_import *import = r == 0 ? orl_import_place(imports, &job) : NULL;
        if (import) {
            import->state = ORL_IMPORT_READY;
        } else if (r < 0 && r != ORL_E_NOTFOUND) {
            orl_log_warn(&imports->log, "no job was taken", "error", err.text);
        }
    }
}

static void tell(struct orl_import *import, uint64_t now_ms)
{
    struct orl_err err = {0};
    struct orl_job_wish wish = {0};
    char text[ORL_TEXT_MAX + 1];
    unsigned percent = 0;
    orl_import_say(import, &percent, text, sizeof text);
    int r = orl_job_progress(
            import->imports->cfg.store, &import->job, percent, text, now_ms, &wish, &err);
    if (r < 0) {
        orl_log_warn(&import->imports->log, "job's row not written", "error", err.text);
    }
    if (wish.is_seal) {
        atomic_store(&import->build.is_seal_wanted, true);
    }
    if (wish.is_cancel || r == ORL_E_CONFLICT) { /* ended by others: nobody could call it off now */
        orl_import_cancel(import);
    }
}

static void look_at(struct orl_import *import, bool may_run, uint64_t now_ms)
{
    if (import->state == ORL_IMPORT_OVER) {
        write_end(import);
        return;
    }
    if (import->state == ORL_IMPORT_READY && may_run) {
        orl_import_run(import);
    }
    if (import->state == ORL_IMPORT_FREE || import->state == ORL_IMPORT_OVER) {
        return;
    }
    tell(import, now_ms);
    bool is_receiving = import->state == ORL_IMPORT_RECEIVING && !import->is_busy;
    bool is_idle = is_receiving || (import->state == ORL_IMPORT_READY && !import->build.is_adopted);
    if (is_idle && atomic_load(&import->convert.is_cancelled)) {
        orl_import_end(import, ORL_JOB_CANCELLED, ORL_REASON_NONE, "");
    } else if (is_receiving && now_ms > import->heard_ms + SILENT_MS) {
        orl_import_end(import, ORL_JOB_FAILED, ORL_REASON_UPLOAD_STOPPED,
                "nothing more of the file came for ten minutes");
    }
}

void orl_imports_tick(struct orl_imports *imports, uint64_t now_ms)
{
    bool is_early = now_ms >= imports->looked_ms && now_ms < imports->looked_ms + PERIOD_MS;
    if (imports->is_stopping || is_early) {
        return;
    }
    /* While libvirt is away nothing begins; what is under way still is told of, and called off. */
    bool is_ready = imports->cfg.is_ready(imports->cfg.ctx);
    imports->looked_ms = now_ms;
    if (is_ready) {
        take(imports, now_ms);
    }
    for (size_t i = 0; i < ORL_IMPORTS_MAX; i++) {
        look_at(&imports->import[i], is_ready, now_ms);
    }
}
