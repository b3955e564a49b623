/* The reconciler's parts, for each other: pass (reconcile.c), acting (act.c), results (outcome.c). */
#ifndef ORL_VMPOOL_RECONCILE_PRIV_H
#define ORL_VMPOOL_RECONCILE_PRIV_H
#include "base/log.h"
#include "store/desktop.h"
#include "store/pool.h"
#include "vmpool/host_load.h"
#include "vmpool/job.h"
#include "vmpool/name_index.h"
#include "vmpool/reconcile.h"
#include "vmpool/sweep.h"

#define ORL_RECONCILE_MAX_ROWS 16384
/* A place for each pool and each version, also without an alarm. */
#define ORL_RECONCILE_MAX_ALARMS (ORL_POOLS_MAX + ORL_TEMPLATE_VERSIONS_MAX + 512)

#define ORL_MEMO_KEY_MAX 95
#define ORL_MEMO_HUNG_MAX 2

/* What is remembered of one desktop (or swept machine) between passes; a restart starts anew. */
struct orl_memo {
    char key[ORL_MEMO_KEY_MAX + 1]; /* desktop id, name of a swept machine, version of a template */
    bool is_busy;                   /* a job is out */
    enum orl_job_kind job;          /* that job's */
    uint64_t job_tick;              /* ... any other that comes back is too late */
    const struct orl_job *out;      /* ... itself, while it is out and waited for */
    uint64_t begun_ms;              /* when a worker was first seen at it; 0: it waits for one */
    enum orl_job_kind hung;         /* the last that was given up (vmpool/hung.c) */
    uint64_t hung_pass;             /* in which it was */
    uint64_t hung_ticks[ORL_MEMO_HUNG_MAX]; /* those that have not come back; 0: a free place */
    uint64_t busy_since_ms;
    uint64_t done_tick; /* when its last job came back */
    enum orl_power power;
    uint64_t power_since_ms;
    uint64_t looked_ms;
    uint64_t stray_since_ms; /* of a card's reservation: nobody has that card */
    bool was_alive;          /* the last list had it running */
    uint32_t stalls;         /* in a row (vmpool/stall.c) */
    enum orl_reason stall_reason;
    bool was_full;           /* when it was last seen stuck, there was no room on the host */
    bool is_room_back;       /* it is to go on at once */
    bool is_woken;           /* its way to ready began in suspension */
    uint64_t rebooted_ms;    /* when its guest was last asked, or made, to restart */
    uint64_t agent_since_ms; /* 0: has not answered yet */
    uint64_t ready_since_ms;
    uint64_t used_pass;
    struct orl_template_stamp stamp; /* of a template */
    /* Of a golden image. */
    uint32_t boots;
    uint64_t painted_ms;
    uint64_t cpu_ms, cpu_since_ms; /* that its machine had used at the last look */
    uint32_t rest_looks;
    bool has_rested;
    uint32_t resumes_failed; /* in a row */
    const char *fault;       /* a literal: why waiting is of no use */
    bool is_remembered;      /* of an unknown machine: the audit has its beginning */
};
struct orl_pool_memo {
    char name[ORL_NAME_MAX + 1];
    uint32_t failures; /* since a desktop of it became ready */
    uint64_t lead_ms;  /* from a row to a ready desktop, lately; 0: none was seen */
    char schedule_fault[ORL_TEXT_MAX + 1]; /* why it can't be read; empty: it can */
    uint32_t forecast_spares;
    uint64_t forecast_until_ms; /* then it is asked again */
};
struct orl_rows {      /* one pass's view of the store; its memory is kept for the next */
    uint64_t stamp_ms; /* the store's, before this pass wrote anything */
    bool is_draining;  /* this host: nothing new is made on it */
    struct orl_pool_row *pools;
    size_t pool_count, pool_room;
    struct orl_desktop_row *desktops;
    size_t desktop_count, desktop_room;
    struct orl_template_row *templates;
    size_t template_count, template_room;
    const struct orl_template_row *wanted[ORL_POOLS_MAX]; /* orl_rows_wanted() */
    struct orl_name_index pool_index, domain_index;
    struct orl_golden_view *golden; /* vmpool/golden_reconcile.h; NULL: not looked at */
};
struct orl_reconcile {
    struct orl_reconcile_cfg cfg;
    struct orl_log_ctx log;
    enum orl_vm_accel accel;
    bool has_accel;
    char accel_reason[ORL_TEXT_MAX + 1];
    struct orl_host_report report;
    bool has_report;
    struct orl_vm_host host;
    struct orl_job_net nets[ORL_JOB_NETS_MAX]; /* those of pools; the first: isolated, ours */
    size_t net_count;
    bool is_up;
    bool was_asked;    /* a first observation came back */
    uint32_t failures; /* observations that failed in a row */
    char down_text[ORL_TEXT_MAX + 1];
    char hung_text[ORL_TEXT_MAX + 1]; /* why libvirt must be started again; empty: it need not */
    bool is_observing;
    uint64_t observing_since_ms;
    bool must_repeat;
    bool is_settled; /* the last pass found nothing to do and nothing under way */
    uint64_t tick;   /* counts jobs out and in: orders observations and actions */
    uint64_t pass;
    uint64_t last_pass_ms;
    uint64_t heartbeat_ms;
    uint64_t templates_ms;
    struct orl_rows rows;
    size_t turn;             /* the plan's */
    size_t card_turn;        /* the sweep's of reservations */
    uint64_t sampled_ms;     /* the newest quarter of an hour in the forecast; 0: not asked */
    int64_t clock_by_ms;     /* as it was set last; 0: it was not, lately */
    uint64_t clock_set_ms;   /* when; 0: just now */
    int64_t clock_ahead_ms;  /* of the database's */
    uint64_t clock_asked_ms; /* 0: at the next pass */
    struct orl_governor governor;
    struct orl_pressure pressure;
    struct orl_host_load_meter load_meter;
    struct orl_memo *memos;
    size_t memo_count, memo_room;
    struct orl_name_index memo_index;
    struct orl_pool_memo pool_memos[ORL_POOLS_MAX];
    size_t pool_memo_count;
    struct orl_sweep sweep;
    enum orl_sweep_alarm alarm;
    bool has_read_alarms;   /* those of before our start */
    bool is_alarm_recalled; /* one that stood when we started */
    bool is_sweep_accepted; /* an administrator has cleared its alarm: what is unknown is left-overs */
    struct orl_alarm_memo {
        char object[ORL_TEXT_MAX + 1]; /* empty: a free place */
        unsigned topic;                /* an object may have one alarm for each */
        enum orl_reason reason;        /* NONE: it has no alarm */
        bool is_written;
        uint64_t written_ms;
        uint64_t used_pass;
    } alarms[ORL_RECONCILE_MAX_ALARMS];
};

/* Never NULL unless memory ran out. */
struct orl_memo *orl_memo_get(struct orl_reconcile *r, const char *key);
void orl_memo_template_key(char ret_key[ORL_MEMO_KEY_MAX + 1], const struct orl_template_row *row);
struct orl_pool_memo *orl_pool_memo_get(struct orl_reconcile *r, const char *name);
void orl_memo_forget_unused(struct orl_reconcile *r); /* those that this pass did not ask for */
void orl_memo_fini(struct orl_reconcile *r);

/* list NULL: the hypervisor does not answer. */
struct orl_plan_desktop orl_plan_input_desktop(const struct orl_rows *rows,
        const struct orl_desktop_row *row, const struct orl_vm_list *list,
        const struct orl_memo *memo, uint64_t now_ms);
struct orl_plan_pool orl_plan_input_pool(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_pool_row *row, uint64_t now_ms);
/* Takes what is over into the forecast. */
void orl_plan_input_sample(struct orl_reconcile *r, uint64_t now_ms);
/* row has become ready for the first time. */
void orl_plan_input_lead(
        struct orl_reconcile *r, const struct orl_desktop_row *row, uint64_t now_ms);

/* Hands the job out and marks key busy; frees it when it can't. key NULL: nobody's. */
int orl_reconcile_submit(
        struct orl_reconcile *r, struct orl_job *job, const char *key, uint64_t now_ms);

void orl_rows_fini(struct orl_rows *rows);
/* Reads anew into what was zeroed or read before. After an error it is of no use but to read again. */
ORL_NODISCARD int orl_rows_read(
        struct orl_store *store, const char *host, struct orl_rows *rows, struct orl_err *err);
const struct orl_pool_row *orl_rows_pool(const struct orl_rows *rows, const char *name);
/* The desktop whose machine has that name, or NULL. */
const struct orl_desktop_row *orl_rows_domain(const struct orl_rows *rows, const char *domain);
const struct orl_template_row *orl_rows_template(
        const struct orl_rows *rows, const char *name, uint32_t version);
/* What the pool's new desktops are to be cloned of: the version it is set to, or the newest that is
 * ready; where none is, the newest, which says why. NULL: there is none. pool: one of rows. */
const struct orl_template_row *orl_rows_wanted(
        const struct orl_rows *rows, const struct orl_pool_row *pool);

/* Which networks are to be looked at with the next observation: those that pools ask for. */
void orl_networks_want(struct orl_reconcile *r, const struct orl_rows *rows);
void orl_networks_ask(const struct orl_reconcile *r, struct orl_job *job);
void orl_networks_note(struct orl_reconcile *r, const struct orl_job *job);
/* NULL: pools ask for more than are looked at. */
const struct orl_job_net *orl_networks_find(
        const struct orl_reconcile *r, enum orl_network_mode mode, const char *name);
/* Fills network and address of spec, whose meta is complete. ORL_E_AGAIN: it was not looked at yet. */
ORL_NODISCARD int orl_networks_give(const struct orl_reconcile *r, const struct orl_pool_row *pool,
        struct orl_vm_spec *spec, uint64_t now_ms, struct orl_err *err);

/* What the machines of the pool on that version are made from, but for what is each one's own. */
ORL_NODISCARD int orl_reconcile_pool_spec(const struct orl_reconcile *r,
        const struct orl_pool_row *pool, const struct orl_template_row *t,
        struct orl_vm_spec *ret_spec, struct orl_err *err);
/* One action of the plan. */
void orl_reconcile_act(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_plan_action *action, uint64_t now_ms);
/* What a job brought, except an observation's list. */
void orl_reconcile_outcome(struct orl_reconcile *r, struct orl_job *job, uint64_t now_ms);
/* Writes power and what else the caller changed in *row; logs and returns what the store says. */
int orl_reconcile_write(struct orl_reconcile *r, const struct orl_desktop_row *row, bool is_fenced,
        uint64_t now_ms);
/* A desktop of the pool could not be made: back off. */
void orl_reconcile_pool_failed(struct orl_reconcile *r, const char *pool, enum orl_reason reason,
        const char *text, uint64_t now_ms);
void orl_reconcile_changed(struct orl_reconcile *r);
/* Gives up what does not come back. */
void orl_hung_look(struct orl_reconcile *r, uint64_t now_ms);
/* What that means for the desktop whose call was given up in this pass. False: nothing. */
bool orl_hung_fail(struct orl_reconcile *r, struct orl_desktop_row *row, struct orl_memo *memo,
        uint64_t now_ms);
/* One that was given up comes back after all. */
void orl_hung_note_late(struct orl_memo *memo, const struct orl_job *job);
bool orl_hung_is(const struct orl_memo *memo);
void orl_hung_text(const struct orl_memo *memo, char ret_text[ORL_TEXT_MAX + 1]);
void orl_hung_object(const struct orl_memo *memo, char ret_object[ORL_TEXT_MAX + 1]);
/* Machines that stand still for their disk, as their rows say it. */
bool orl_stall_is(const struct orl_desktop_row *row);
/* row's machine is seen stuck: says so in row, for the caller to write. */
void orl_stall_begin(const struct orl_reconcile *r, struct orl_desktop_row *row,
        struct orl_memo *memo, uint64_t now_ms);
/* It was let go on, or tried to be; as orl_stall_begin(). */
void orl_stall_woken(const struct orl_reconcile *r, const struct orl_job *job,
        struct orl_memo *memo, struct orl_desktop_row *row, uint64_t now_ms);
/* In each pass. */
void orl_stall_follow(const struct orl_reconcile *r, const struct orl_desktop_row *row,
        struct orl_memo *memo, bool is_stuck, uint64_t now_ms);
/* What the host's alarm says of all of them; NONE: there are none. */
enum orl_reason orl_stall_alarm(const struct orl_rows *rows, char ret_text[ORL_TEXT_MAX + 1]);
/* Once: the sweep's alarm that the store has. */
ORL_NODISCARD int orl_reconcile_recall_sweep(struct orl_reconcile *r);
/* What the rows say is wrong, as alarms. */
void orl_reconcile_alarms(struct orl_reconcile *r, const struct orl_rows *rows, uint64_t now_ms);
/* Machines and overlays that no row knows; verdicts on quarantine. */
void orl_reconcile_sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms);
/* Addresses that are kept for cards of nobody. */
void orl_reservations_sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms);

#endif
