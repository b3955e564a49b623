#include "vmpool/golden_reconcile.h"
#include "vmpool/golden_want.h"
#include "vmpool/vm_meta.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    FIRST_VERSION = 1,
    LOOK_PERIOD_MS = 1000,
    PERCENT_MADE = 90,
};

static void take_row(struct orl_golden_view *view, const struct orl_golden_row *row)
{
    if (view->count < ORL_GOLDEN_MAX) {
        view->rows[view->count++] = *row;
    }
}

static int on_row(void *ctx, const struct orl_golden_row *row)
{
    take_row(ctx, row);
    return 0;
}

static int read_rows(struct orl_reconcile *r, struct orl_golden_view *view)
{
    struct orl_err err = {0};
    view->count = 0;
    int rc = orl_golden_rows(r->cfg.store, r->cfg.host, NULL, on_row, view, &err);
    if (rc < 0) {
        orl_log_warn(&r->log, "golden images' rows not read", "error", err.text);
    }
    return rc;
}

static struct orl_golden_row *find_row(struct orl_golden_view *view, const char *id)
{
    for (size_t i = 0; i < view->count; i++) {
        if (strcmp(view->rows[i].id, id) == 0) {
            return &view->rows[i];
        }
    }
    return NULL;
}

static void name_of(char ret_name[ORL_VM_NAME_MAX + 1], const char *id)
{
    orl_vm_name(ret_name, id, FIRST_VERSION);
}

bool orl_golden_knows(const struct orl_rows *rows, const char *domain)
{
    const struct orl_golden_view *view = rows->golden;
    for (size_t i = 0; view && i < view->count; i++) {
        char name[ORL_VM_NAME_MAX + 1];
        name_of(name, view->rows[i].id);
        if (strcmp(name, domain) == 0) {
            return true;
        }
    }
    return false;
}

/* A fall back from shared memory is wanted only once the other can't be had. */
static bool is_due(const struct orl_golden_view *view, const struct orl_pool_row *pool,
        const struct orl_golden_want *shared, bool has_shared)
{
    return pool->clone_method == ORL_CLONE_RESTORE || !has_shared ||
           orl_golden_failures(view->rows, view->count, shared) > 0;
}

static void add_want(struct orl_golden_view *view, struct orl_golden_want *want, size_t pool_index)
{
    want->pool = pool_index;
    if (view->want_count < ORL_GOLDEN_MAX) {
        view->wants[view->want_count++] = *want;
    }
}

static void add_wants(struct orl_reconcile *r, struct orl_rows *rows, size_t index)
{
    struct orl_golden_view *view = rows->golden;
    const struct orl_pool_row *pool = &rows->pools[index];
    const struct orl_template_row *t = orl_rows_wanted(rows, pool);
    struct orl_vm_spec spec;
    struct orl_golden_want shared;
    struct orl_golden_want own;
    if (pool->kind == ORL_POOL_STATIC || pool->is_deleted || !t ||
            orl_reconcile_pool_spec(r, pool, t, &spec, NULL) < 0) {
        return;
    }
    bool has_shared = orl_golden_want_of(pool, t, &spec, r->host.qemu_version, true, &shared);
    if (has_shared) {
        add_want(view, &shared, index);
    }
    if (is_due(view, pool, &shared, has_shared) &&
            orl_golden_want_of(pool, t, &spec, r->host.qemu_version, false, &own)) {
        add_want(view, &own, index);
    }
}

/* The want's image, or that of the fall back behind it; in the order of the pool's wants. */
static enum orl_golden_answer pick(const struct orl_golden_view *view, size_t pool_index,
        const struct orl_golden_row **ret_row)
{
    enum orl_golden_answer answer = ORL_GOLDEN_NONE;
    const struct orl_golden_row *first = NULL;
    for (size_t i = 0; i < view->want_count && answer == ORL_GOLDEN_NONE; i++) {
        if (view->wants[i].pool != pool_index) {
            continue;
        }
        answer = orl_golden_pick(view->rows, view->count, &view->wants[i], ret_row);
        first = first ? first : *ret_row;
    }
    if (answer == ORL_GOLDEN_NONE) {
        *ret_row = first;
    }
    return answer;
}

static void find_older(struct orl_rows *rows)
{
    struct orl_golden_view *view = rows->golden;
    for (size_t i = 0; i < view->want_count; i++) {
        const struct orl_golden_want *want = &view->wants[i];
        uint32_t older = orl_golden_older_version(view->rows, view->count, want);
        const struct orl_template_row *t =
                older > 0 ? orl_rows_template(rows, want->template_name, older) : NULL;
        if (t && t->state == ORL_TEMPLATE_READY) {
            rows->wanted[want->pool] = t;
            view->is_older[want->pool] = true;
        }
    }
}

bool orl_golden_holds(const struct orl_rows *rows, const struct orl_pool_row *pool)
{
    const struct orl_golden_view *view = rows->golden;
    size_t index = (size_t)(pool - rows->pools);
    const struct orl_golden_row *row = NULL;
    if (!view || view->is_older[index]) {
        return false;
    }
    bool is_wanted = false;
    bool is_building = false;
    for (size_t i = 0; i < view->want_count; i++) {
        is_wanted = is_wanted || view->wants[i].pool == index;
    }
    for (size_t i = 0; i < view->count; i++) {
        is_building = is_building || view->rows[i].state == ORL_GOLDEN_BUILDING;
    }
    enum orl_golden_answer answer = pick(view, index, &row);
    /* Another one is being made; then comes this. */
    return answer == ORL_GOLDEN_WAIT ||
           (answer == ORL_GOLDEN_NONE && is_wanted && is_building && !row);
}

const struct orl_golden_row *orl_golden_trouble(
        const struct orl_rows *rows, const struct orl_pool_row *pool)
{
    const struct orl_golden_row *row = NULL;
    if (!rows->golden ||
            pick(rows->golden, (size_t)(pool - rows->pools), &row) != ORL_GOLDEN_NONE) {
        return NULL;
    }
    return row;
}

static int golden_spec(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_golden_row *row, struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_golden_view *view = rows->golden;
    const struct orl_pool_row *pool = NULL;
    for (size_t i = 0; i < view->want_count && !pool; i++) {
        const struct orl_golden_want *want = &view->wants[i];
        if (strcmp(want->devices, row->devices) == 0 &&
                want->template_version == row->template_version) {
            pool = &rows->pools[want->pool];
        }
    }
    const struct orl_template_row *t =
            orl_rows_template(rows, row->template_name, row->template_version);
    if (!pool || !t) {
        return orl_err_set(err, ORL_E_NOTFOUND, "no pool wants this golden image any more");
    }
    int rc = orl_reconcile_pool_spec(r, pool, t, spec, err);
    if (rc < 0) {
        return rc;
    }
    spec->meta.kind = ORL_VM_GOLDEN;
    spec->meta.version = FIRST_VERSION;
    spec->meta.stamp_ms = row->created_ms;
    orl_msg_text(spec->meta.pool, sizeof spec->meta.pool, pool->name);
    orl_msg_text(spec->meta.desktop, sizeof spec->meta.desktop, row->id);
    name_of(spec->name, row->id);
    orl_msg_text(spec->uuid, sizeof spec->uuid, row->uuid);
    orl_msg_text(spec->machine, sizeof spec->machine, row->machine);
    orl_msg_text(spec->golden.id, sizeof spec->golden.id, row->id);
    spec->golden.is_shared = row->is_shared;
    memset(&spec->network, 0, sizeof spec->network);
    /* Limits are a desktop's; the image is made as fast as it can be. */
    spec->res.cpu_shares = spec->res.cpu_cap_percent = 0;
    spec->res.disk_iops = spec->res.disk_mib_s = 0;
    return 0;
}

static int send_job(struct orl_reconcile *r, enum orl_job_kind kind,
        const struct orl_golden_row *row, const struct orl_vm_spec *spec, uint64_t now_ms)
{
    struct orl_job *job = orl_job_new(kind, r->cfg.backend);
    if (!job) {
        return ORL_E_NOMEM;
    }
    orl_msg_text(job->id, sizeof job->id, row->id);
    if (spec) {
        job->spec = *spec;
    }
    orl_msg_text(job->spec.uuid, sizeof job->spec.uuid, row->uuid);
    orl_msg_text(job->spec.golden.id, sizeof job->spec.golden.id, row->id);
    return orl_reconcile_submit(r, job, row->id, now_ms);
}

void orl_golden_write_row(struct orl_reconcile *r, const struct orl_golden_row *before,
        enum orl_golden_state state, uint32_t percent, const char *text, uint64_t now_ms)
{
    struct orl_golden_row row = *before;
    struct orl_err err = {0};
    if (row.state == state && row.percent == percent && strcmp(row.text, text) == 0) {
        return;
    }
    row.state = state;
    row.percent = percent;
    orl_msg_text(row.text, sizeof row.text, text);
    if (orl_golden_update(r->cfg.store, &row, now_ms, &err) < 0) {
        orl_log_warn(&r->log, "golden image's row not written", "image", row.id, "error", err.text);
    } else if (before->state != state) {
        orl_log_info(&r->log, "golden image", "image", row.id, "template", row.template_name, "is",
                orl_golden_state_name(state), "text", text);
        orl_reconcile_changed(r);
    }
}

static int insert(struct orl_reconcile *r, const struct orl_golden_view *view,
        const struct orl_golden_want *want, uint64_t now_ms, struct orl_err *err)
{
    struct orl_golden_row row = {.template_version = want->template_version,
            .qemu = want->qemu,
            .is_shared = want->is_shared,
            .memory_mib = want->memory_mib,
            .vcpus = want->vcpus,
            .attempts = orl_golden_failures(view->rows, view->count, want) + 1};
    struct orl_id id;
    orl_id_new(&id);
    orl_uuid_new(row.uuid);
    memcpy(row.id, id.text, sizeof id.text);
    orl_msg_text(row.host, sizeof row.host, r->cfg.host);
    orl_msg_text(row.template_name, sizeof row.template_name, want->template_name);
    orl_msg_text(row.devices, sizeof row.devices, want->devices);
    orl_msg_text(row.machine, sizeof row.machine, want->machine);
    orl_msg_text(row.text, sizeof row.text, "about to start");
    (void)snprintf(row.path, sizeof row.path, "%s/%s/golden/%s", r->cfg.images_dir,
            orl_store_installation(r->cfg.store), row.id);
    orl_log_info(&r->log, "golden image to be made", "image", row.id, "template", row.template_name,
            "version", ORL_LOG_NUM(row.template_version), "memory",
            row.is_shared ? "shared" : "in its state");
    return orl_golden_insert(r->cfg.store, &row, now_ms, err);
}

static int act_on(struct orl_reconcile *r, struct orl_rows *rows,
        const struct orl_golden_action *action, const struct orl_golden_row *row, uint64_t now_ms,
        struct orl_err *err)
{
    struct orl_vm_spec spec;
    struct orl_memo *memo = orl_memo_get(r, row->id);
    int rc = memo ? 0 : ORL_E_NOMEM;
    if (rc == 0 && (action->act == ORL_GOLDEN_BOOT || action->act == ORL_GOLDEN_FREEZE)) {
        rc = golden_spec(r, rows, row, &spec, err);
    }
    if (rc < 0) {
        return rc;
    }
    switch (action->act) {
    case ORL_GOLDEN_BOOT:
        memo->boots++;
        memo->painted_ms = memo->rest_looks = 0;
        memo->power_since_ms = now_ms;
        orl_golden_write_row(r, row, row->state, 1, "starting", now_ms);
        return send_job(r, ORL_JOB_GOLDEN_BOOT, row, &spec, now_ms);
    case ORL_GOLDEN_LOOK:
        memo->looked_ms = now_ms;
        return send_job(r, ORL_JOB_GOLDEN_LOOK, row, NULL, now_ms);
    case ORL_GOLDEN_FREEZE:
        orl_golden_write_row(r, row, row->state, PERCENT_MADE, "being frozen", now_ms);
        return send_job(r, ORL_JOB_GOLDEN_FREEZE, row, &spec, now_ms);
    case ORL_GOLDEN_PUBLISH:
        orl_golden_write_row(r, row, ORL_GOLDEN_READY, 100, "", now_ms);
        return 0;
    case ORL_GOLDEN_FAIL:
        orl_golden_write_row(r, row, ORL_GOLDEN_FAILED, row->percent, action->text, now_ms);
        return 0;
    case ORL_GOLDEN_RETIRE:
        orl_golden_write_row(r, row, ORL_GOLDEN_STALE, row->percent, action->text, now_ms);
        return 0;
    case ORL_GOLDEN_ERASE:
        return send_job(r, ORL_JOB_GOLDEN_ERASE, row, NULL, now_ms);
    case ORL_GOLDEN_FORGET:
        return orl_golden_forget(r->cfg.store, row->id, err);
    default:
        return 0;
    }
}

static uint32_t copies_of(const struct orl_rows *rows, const char *id)
{
    uint32_t count = 0;
    for (size_t i = 0; i < rows->desktop_count; i++) {
        count += strcmp(rows->desktops[i].golden, id) == 0;
    }
    return count;
}

static struct orl_golden_seen see(struct orl_reconcile *r, const struct orl_golden_row *row,
        const struct orl_vm_list *list, uint64_t tick)
{
    const struct orl_vm *vm = orl_vm_list_find(list, row->uuid);
    const struct orl_memo *memo = orl_memo_get(r, row->id);
    struct orl_golden_seen seen = {.row = row,
            .is_busy = !memo || memo->is_busy || memo->done_tick > tick,
            .is_running = vm && vm->state == ORL_VM_RUNNING,
            .is_here = vm != NULL};
    for (size_t i = 0; i < list->image_count; i++) {
        const struct orl_vm_image *image = &list->images[i];
        if (strcmp(image->id, row->id) == 0) {
            seen.is_here = true;
            seen.is_whole = image->is_published && (!row->is_shared || image->has_memory);
        }
    }
    if (memo) {
        seen.has_rested = memo->has_rested;
        seen.fault = memo->fault;
        seen.boots = memo->boots;
        seen.looked_ms = memo->looked_ms;
    }
    return seen;
}

/* Files that no row knows: of a row that was lost, or of a store that is older than they are. */
static void sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    struct orl_golden_view *view = rows->golden;
    bool may_sweep = r->alarm == ORL_SWEEP_NO_ALARM || r->is_sweep_accepted;
    for (size_t i = 0; i < list->image_count && may_sweep; i++) {
        struct orl_golden_row row = {0};
        orl_msg_text(row.id, sizeof row.id, list->images[i].id);
        struct orl_memo *memo = find_row(view, row.id) ? NULL : orl_memo_get(r, row.id);
        if (!memo || memo->is_busy || copies_of(rows, row.id) > 0) {
            continue;
        }
        memo->power_since_ms = memo->power_since_ms ? memo->power_since_ms : now_ms;
        /* Clones that no row knows go first: they have as long. */
        if (now_ms >= memo->power_since_ms + 2 * r->cfg.sweep_grace_ms) {
            orl_log_warn(&r->log, "unknown golden image removed", "image", row.id);
            (void)send_job(r, ORL_JOB_GOLDEN_ERASE, &row, NULL, now_ms);
        }
    }
}

static bool plan(struct orl_reconcile *r, struct orl_rows *rows, const struct orl_vm_list *list,
        uint64_t tick, uint64_t now_ms)
{
    struct orl_golden_view *view = rows->golden;
    struct orl_golden_seen seen[ORL_GOLDEN_MAX];
    uint32_t copies[ORL_GOLDEN_MAX];
    struct orl_golden_todo todo;
    bool is_resting = true;
    for (size_t i = 0; i < view->count; i++) {
        seen[i] = see(r, &view->rows[i], list, tick);
        copies[i] = copies_of(rows, view->rows[i].id);
        is_resting = is_resting && view->rows[i].state != ORL_GOLDEN_BUILDING;
    }
    const struct orl_golden_input input = {.seen = seen,
            .seen_count = view->count,
            .copies = copies,
            .wants = view->wants,
            .want_count = view->want_count,
            .limits = {.look_period_ms = LOOK_PERIOD_MS,
                    .build_timeout_ms = r->cfg.limits.ready_timeout_ms + r->cfg.golden_settle_ms,
                    .reserve_memory_mib = r->cfg.limits.reserve_memory_mib},
            .free_memory_mib = r->host.free_memory_mib,
            .golden_free_mib = r->host.golden_free_mib,
            .can_build = r->has_accel,
            .now_ms = now_ms};
    orl_golden_plan(&input, &todo);
    for (size_t i = 0; i < todo.count; i++) {
        const struct orl_golden_action *action = &todo.actions[i];
        struct orl_err err = {0};
        int rc = action->act == ORL_GOLDEN_INSERT
                         ? insert(r, view, &view->wants[action->subject], now_ms, &err)
                         : act_on(r, rows, action, &view->rows[action->subject], now_ms, &err);
        if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_EXISTS) {
            orl_log_warn(&r->log, "golden image: action failed", "error",
                    err.text[0] ? err.text : orl_err_name(rc));
        }
        r->must_repeat = r->must_repeat || action->act == ORL_GOLDEN_INSERT;
    }
    return is_resting && todo.count == 0;
}

bool orl_golden_pass(struct orl_reconcile *r, struct orl_rows *rows, const struct orl_vm_list *list,
        uint64_t tick, uint64_t now_ms)
{
    rows->golden = rows->golden ? rows->golden : malloc(sizeof *rows->golden);
    struct orl_golden_view *view = rows->golden;
    if (view) {
        memset(view, 0, sizeof *view);
    }
    if (!view || !list || read_rows(r, view) < 0) {
        return true;
    }
    for (size_t i = 0; i < rows->pool_count && i < ORL_POOLS_MAX; i++) {
        add_wants(r, rows, i);
    }
    bool is_resting = plan(r, rows, list, tick, now_ms);
    sweep(r, rows, list, now_ms);
    if (read_rows(r, view) == 0) {
        find_older(rows);
    }
    return is_resting;
}

static void make_copy(
        const struct orl_reconcile *r, const struct orl_golden_row *row, struct orl_vm_spec *spec)
{
    orl_msg_text(spec->machine, sizeof spec->machine, row->machine);
    orl_msg_text(spec->golden.id, sizeof spec->golden.id, row->id);
    spec->golden.is_shared = row->is_shared;
    (void)snprintf(spec->base, sizeof spec->base, "%.400s/%s/golden/%s/disk.qcow2",
            r->cfg.images_dir, orl_store_installation(r->cfg.store), row->id);
}

/* In one short line: why it is not what the pool would rather have. */
static void explain(const struct orl_pool_row *pool, const struct orl_golden_row *row,
        enum orl_golden_answer answer, const char *fault, char *ret_text, size_t size)
{
    ret_text[0] = '\0';
    if (fault) {
        (void)snprintf(ret_text, size, "%s%s", fault[0] ? "boots: " : "", fault);
    } else if (answer != ORL_GOLDEN_SERVES) {
        (void)snprintf(ret_text, size, "boots: %.200s",
                !row                                ? "the host has no room for a golden image"
                : row->state == ORL_GOLDEN_BUILDING ? "its golden image is being made"
                                                    : row->text);
    } else if (pool->clone_method == ORL_CLONE_AUTO && !row->is_shared) {
        (void)snprintf(ret_text, size, "memory is not shared: no image for that can be made");
    }
}

int orl_golden_choose(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_pool_row *pool = orl_rows_pool(rows, row->pool);
    const struct orl_template_row *t =
            orl_rows_template(rows, row->template_name, row->template_version);
    const struct orl_golden_row *image = NULL;
    enum orl_golden_answer answer = ORL_GOLDEN_NONE;
    struct orl_golden_want want;
    char text[ORL_TEXT_MAX + 1];
    const char *fault = pool && t ? orl_golden_fault(pool, t, spec) : "its pool is gone";
    for (int step = 0; rows->golden && !fault && answer != ORL_GOLDEN_SERVES && step < 2; step++) {
        if (orl_golden_want_of(pool, t, spec, r->host.qemu_version, step == 0, &want)) {
            const struct orl_golden_row *found = NULL;
            answer = orl_golden_pick(rows->golden->rows, rows->golden->count, &want, &found);
            image = answer == ORL_GOLDEN_SERVES || !image ? found : image;
        }
    }
    if (answer == ORL_GOLDEN_SERVES) {
        make_copy(r, image, spec);
    }
    explain(pool, image, answer, fault, text, sizeof text);
    if (text[0]) {
        orl_log_info(&r->log, "how a desktop is made", "desktop", row->id, "text", text);
    }
    return orl_desktop_set_golden(r->cfg.store, row->id, row->version,
            answer == ORL_GOLDEN_SERVES ? image->id : "", text, err);
}

int orl_golden_follow(const struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_desktop_row *row, struct orl_vm_spec *spec, struct orl_err *err)
{
    const struct orl_golden_row *image = rows->golden ? find_row(rows->golden, row->golden) : NULL;
    if (!image || (image->state != ORL_GOLDEN_READY && image->state != ORL_GOLDEN_STALE)) {
        return orl_err_set(err, ORL_E_NOTFOUND, "its golden image serves no more");
    }
    make_copy(r, image, spec);
    return 0;
}
