/* What carries our installation's UUID and no row knows: floating clones go after a grace period,
 * a dedicated one is stopped and put in quarantine, never deleted. When it looks as if the store were
 * wrong rather than the machines, nothing is touched and an alarm is raised. Pure. */
#ifndef ORL_VMPOOL_SWEEP_H
#define ORL_VMPOOL_SWEEP_H
#include "vmpool/backend.h"

#define ORL_SWEEP_MAX_ACTIONS 4 /* in one pass */
#define ORL_SWEEP_MAX_TRACKED 1024

enum orl_sweep_alarm {
    ORL_SWEEP_NO_ALARM = 0,
    ORL_SWEEP_TOO_MANY,  /* more unknown than can be left-overs */
    ORL_SWEEP_OLD_STORE, /* a machine is newer than anything the store ever wrote */
};
enum orl_sweep_kind { ORL_SWEEP_REMOVE = 1, ORL_SWEEP_QUARANTINE = 2 };
struct orl_sweep_action {
    enum orl_sweep_kind kind;
    const struct orl_vm *vm;              /* borrowed from the list; NULL: an overlay alone */
    const struct orl_vm_overlay *overlay; /* NULL: a machine alone */
};
/* Since when each unknown has been unknown; keeps state between passes. */
struct orl_sweep {
    struct orl_sweep_seen {
        char name[ORL_VM_NAME_MAX + 1];
        uint64_t since_ms;
        bool is_here;
        bool is_told; /* it is in quarantine, and was said to be once */
    } * seen;
    size_t seen_count;
};
struct orl_sweep_input {
    const struct orl_vm_list *list;
    /* Whether a row has that machine; by name, for machines and overlays alike. */
    bool (*is_known)(const void *ctx, const char *name);
    const void *ctx;
    size_t known_count;            /* rows with a machine on this host */
    bool has_forgotten;            /* the store never heard of one that it should know */
    bool is_accepted;              /* somebody has looked: no alarm stops it */
    enum orl_sweep_alarm standing; /* seen before: it stands until somebody has looked */
    uint64_t store_stamp_ms;
    uint64_t grace_ms;
    uint64_t now_ms;
};
void orl_sweep_fini(struct orl_sweep *sweep);
/* Returns how many actions there are, up to ORL_SWEEP_MAX_ACTIONS. */
size_t orl_sweep_plan(struct orl_sweep *sweep, const struct orl_sweep_input *input,
        struct orl_sweep_action ret_actions[ORL_SWEEP_MAX_ACTIONS],
        enum orl_sweep_alarm *ret_alarm);
const char *orl_sweep_alarm_text(enum orl_sweep_alarm alarm);

#endif
