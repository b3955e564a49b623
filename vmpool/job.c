#include "vmpool/job.h"
#include "base/cleanup.h"
#include "store/rdp_login.h"
#include "vmpool/identity.h"
#include "vmpool/static_domain.h"
#include "vmpool/static_target.h"
#include <string.h>

enum { REACH_TIMEOUT_MS = 3000, REACH_LINGER_MS = 500 };

struct orl_job *orl_job_new(enum orl_job_kind kind, const struct orl_backend *backend)
{
    struct orl_job *job = calloc(1, sizeof *job);
    if (job) {
        job->kind = kind;
        job->backend = backend;
    }
    return job;
}

void orl_job_free(struct orl_job *job)
{
    if (job) {
        orl_vm_list_fini(&job->list);
        free(job);
    }
}

const char *orl_job_name(enum orl_job_kind kind)
{
    static const char *const names[] = {"none", "observe", "clone", "start", "suspend", "wake",
            "look", "stop", "kill", "reboot", "reset", "delete", "reach", "template", "sweep",
            "quarantine", "mark", "resume", "golden_boot", "golden_look", "golden_freeze",
            "golden_erase", "unreserve"};
    return (unsigned)kind < ORL_JOB_KIND_COUNT ? names[kind] : "?";
}

bool orl_job_is_sweep(enum orl_job_kind kind)
{
    return kind == ORL_JOB_SWEEP || kind == ORL_JOB_QUARANTINE || kind == ORL_JOB_UNRESERVE;
}

static void look_at_network(const struct orl_backend *b, struct orl_job_net *net)
{
    struct orl_err err = {0};
    if (b->ops->network(b->self, net->mode, net->name, &net->network, &err) < 0) {
        memset(&net->network, 0, sizeof net->network);
    }
    orl_msg_text(net->fault, sizeof net->fault, err.text);
    net->is_known = true;
}

static int observe(struct orl_job *job)
{
    const struct orl_backend *b = job->backend;
    int r = b->ops->list(b->self, &job->list, &job->err);
    r = r < 0 ? r : orl_vm_list_index(&job->list, &job->err);
    r = r < 0 ? r : b->ops->host(b->self, &job->host, &job->err);
    if (job->pressure_dir) {
        orl_pressure_read(job->pressure_dir, &job->pressure);
    }
    for (size_t i = 0; r == 0 && i < job->net_count; i++) {
        look_at_network(b, &job->nets[i]);
    }
    return r;
}

static int reach_domain(struct orl_job *job, bool has_rdp)
{
    const struct orl_backend *b = job->backend;
    struct orl_vm_static_display seen;
    const struct orl_vm_static want = {.target = job->vnc_target,
            .may_start = job->may_start,
            .is_look = true,
            .has_rdp = has_rdp};
    return b->ops->static_display
                   ? b->ops->static_display(b->self, &want, &seen, &job->err)
                   : orl_err_set(&job->err, ORL_E_UNSUPPORTED, "no machines can be looked up");
}

static int reach(struct orl_job *job)
{
    ORL_AUTO(orl_close_auto) int fd = -1;
    const char *rdp = orl_rdp_target(job->vnc_target);
    bool is_domain = orl_static_domain_is(job->vnc_target);
    int r = is_domain ? reach_domain(job, rdp != NULL) : 0;
    if (r < 0 || (is_domain && !rdp)) {
        return r;
    }
    r = orl_static_connect(
            job->static_allow, rdp ? rdp : job->vnc_target, REACH_TIMEOUT_MS, &fd, &job->err);
    if (r < 0) {
        return r;
    }
    return rdp ? orl_static_speaks_rdp(fd, REACH_TIMEOUT_MS, &job->err)
               : orl_static_stays(fd, REACH_LINGER_MS, &job->err);
}

void orl_job_run(void *job_)
{
    struct orl_job *job = job_;
    const struct orl_backend *b = job->backend;
    const char *uuid = job->spec.uuid;
    atomic_store(&job->has_begun, true);
    switch (job->kind) {
    case ORL_JOB_OBSERVE:
        job->result = observe(job);
        break;
    case ORL_JOB_CLONE:
        job->result = b->ops->clone(b->self, &job->spec, &job->err);
        break;
    case ORL_JOB_START:
        job->result = b->ops->start(b->self, uuid, &job->err);
        break;
    case ORL_JOB_SUSPEND:
        job->result = b->ops->suspend(b->self, uuid, &job->err);
        break;
    case ORL_JOB_WAKE:
        job->result = b->ops->wake(b->self, uuid, &job->err);
        break;
    case ORL_JOB_RESUME: {
        struct orl_vm_identity identity;
        orl_identity_make(&job->spec, &identity);
        job->result = b->ops->resume(b->self, &job->spec, &identity, &job->look, &job->err);
        break;
    }
    case ORL_JOB_GOLDEN_BOOT:
        job->result = b->ops->golden_boot(b->self, &job->spec, &job->err);
        break;
    case ORL_JOB_GOLDEN_FREEZE:
        job->result = b->ops->golden_freeze(b->self, &job->spec, &job->err);
        break;
    case ORL_JOB_GOLDEN_ERASE:
        job->result = b->ops->golden_remove(b->self, job->spec.golden.id, uuid, &job->err);
        break;
    case ORL_JOB_GOLDEN_LOOK:
    case ORL_JOB_LOOK:
        job->result = b->ops->look(b->self, uuid, &job->look, &job->err);
        break;
    case ORL_JOB_STOP:
        job->result = b->ops->stop(b->self, uuid, ORL_VM_STOP_ASK, &job->err);
        break;
    case ORL_JOB_KILL:
        job->result = b->ops->stop(b->self, uuid, ORL_VM_STOP_KILL, &job->err);
        break;
    case ORL_JOB_REBOOT:
        job->result = b->ops->stop(b->self, uuid, ORL_VM_STOP_REBOOT, &job->err);
        break;
    case ORL_JOB_RESET:
        job->result = b->ops->stop(b->self, uuid, ORL_VM_STOP_RESET, &job->err);
        break;
    case ORL_JOB_DELETE:
    case ORL_JOB_SWEEP:
        job->result = b->ops->remove(b->self, uuid, job->spec.overlay, &job->err);
        break;
    case ORL_JOB_UNRESERVE:
        job->result = b->ops->unreserve(b->self, job->spec.network.name, job->spec.name, &job->err);
        break;
    case ORL_JOB_REACH:
        job->result = reach(job);
        break;
    case ORL_JOB_TEMPLATE:
        orl_template_check(&job->template_rules, &job->template_stamp, &job->template_row);
        break;
    case ORL_JOB_MARK:
        job->result = b->ops->mark(b->self, uuid, job->spec.meta.user, &job->err);
        break;
    case ORL_JOB_QUARANTINE:
        job->result = b->ops->quarantine(b->self, uuid, &job->err);
        break;
    default:
        job->result = ORL_E_INVAL;
        break;
    }
}
