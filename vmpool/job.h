/* One blocking piece of work for a worker: what to do, and how it went. Holds copies only. */
#ifndef ORL_VMPOOL_JOB_H
#define ORL_VMPOOL_JOB_H
#include "store/template.h"
#include "vmpool/backend.h"
#include "vmpool/pressure.h"
#include "vmpool/template_check.h"
#include <stdatomic.h>

enum orl_job_kind {
    ORL_JOB_NONE = 0,
    ORL_JOB_OBSERVE, /* list and host */
    ORL_JOB_CLONE,
    ORL_JOB_START,
    ORL_JOB_SUSPEND,
    ORL_JOB_WAKE,
    ORL_JOB_LOOK,
    ORL_JOB_STOP,
    ORL_JOB_KILL,
    ORL_JOB_REBOOT,
    ORL_JOB_RESET,
    ORL_JOB_DELETE,
    ORL_JOB_REACH, /* a static desktop's display */
    ORL_JOB_TEMPLATE,
    ORL_JOB_SWEEP,       /* remove what no row knows; id is empty */
    ORL_JOB_QUARANTINE,  /* the same, of somebody's: stop and mark it */
    ORL_JOB_MARK,        /* whose it is: spec.meta.user */
    ORL_JOB_RESUME,      /* a start as a copy of a golden image */
    ORL_JOB_GOLDEN_BOOT, /* id: the image's, as below */
    ORL_JOB_GOLDEN_LOOK,
    ORL_JOB_GOLDEN_FREEZE,
    ORL_JOB_GOLDEN_ERASE,
    ORL_JOB_UNRESERVE, /* of the card spec.name on the network spec.network.name; id is empty */
    ORL_JOB_KIND_COUNT
};
#define ORL_JOB_NETS_MAX 16
/* A network that guests shall have a card on. */
struct orl_job_net {
    enum orl_network_mode mode;
    char name[ORL_VM_NAME_MAX + 1]; /* the administrator's, or empty */
    bool is_known;                  /* it was looked at */
    struct orl_vm_network network;
    char fault[ORL_TEXT_MAX + 1]; /* why there is none; empty: none is wanted */
};
struct orl_job {
    enum orl_job_kind kind;
    const struct orl_backend *backend; /* safe on any thread */
    char id[ORL_ID_LEN + 1];           /* of the desktop */
    struct orl_vm_spec spec;           /* uuid and overlay also for what is no clone */
    struct orl_template_row template_row;
    struct orl_template_rules template_rules;
    struct orl_template_stamp template_stamp; /* in: remembered; out: now */
    char *const *static_allow;                /* immutable */
    char vnc_target[ORL_TEXT_MAX + 1];
    bool may_start;           /* a static machine that is off */
    const char *pressure_dir; /* of an observation; NULL: not looked at */
    uint64_t tick;            /* reconcile's: when it was handed out */
    atomic_bool has_begun;    /* a worker has taken it up; any thread */
    /* Filled by orl_job_run(). */
    int result;
    struct orl_err err;
    struct orl_vm_look look;
    struct orl_vm_list list;
    struct orl_vm_host host;
    struct orl_pressure pressure;
    struct orl_job_net nets[ORL_JOB_NETS_MAX]; /* in: which; out: what they are */
    size_t net_count;
};

ORL_NODISCARD struct orl_job *orl_job_new(
        enum orl_job_kind kind, const struct orl_backend *backend);
void orl_job_free(struct orl_job *job); /* NULL is fine */
void orl_job_run(void *job);            /* blocks; an orl_work_fn */
const char *orl_job_name(enum orl_job_kind kind);
/* It is about what no row knows, and is known by spec.name. */
bool orl_job_is_sweep(enum orl_job_kind kind);

#endif
