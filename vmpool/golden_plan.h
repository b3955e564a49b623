/* Golden images: a prepared desktop, started once and frozen; clones begin as its copies. Which ones there should
 * be, what to do next for each, and which one a new desktop is a copy of. Pure.
 *
 *     (wanted) - building - ready - stale - gone          building - failed - gone, later another one
 *
 * Not here: their files (vmpool/golden_files.h), carrying it out (vmpool/golden_reconcile.c). */
#ifndef ORL_VMPOOL_GOLDEN_PLAN_H
#define ORL_VMPOOL_GOLDEN_PLAN_H
#include "store/golden.h"
#include "vmpool/backend.h"

#define ORL_GOLDEN_MAX 64 /* rows and wants looked at; one host needs few */

/* What one is made from. Those that differ in machine or QEMU only serve the same clones. */
struct orl_golden_want {
    char template_name[ORL_NAME_MAX + 1];
    uint32_t template_version;
    char devices[64 + 1];
    char machine[ORL_NAME_MAX + 1];
    uint64_t qemu;
    bool is_shared;
    uint32_t memory_mib;
    uint32_t vcpus;
    size_t pool; /* one that wants it: index, the caller's */
};
/* A row and what is there of it. */
struct orl_golden_seen {
    const struct orl_golden_row *row;
    bool is_busy;      /* a job is out, or what was seen is older than its end */
    bool is_running;   /* its machine */
    bool is_here;      /* its machine or files */
    bool is_whole;     /* its files are all there, with their names */
    bool has_rested;   /* painted, answering, and quiet since */
    const char *fault; /* why waiting is of no use, or NULL */
    uint32_t boots;    /* begun by this process */
    uint64_t looked_ms;
};
struct orl_golden_limits {
    uint64_t look_period_ms;
    uint64_t build_timeout_ms;
    uint64_t reserve_memory_mib;
};
struct orl_golden_input {
    const struct orl_golden_seen *seen;
    size_t seen_count;
    const uint32_t *copies; /* of each row: desktops that are, or shall be, copies of it */
    const struct orl_golden_want *wants;
    size_t want_count;
    struct orl_golden_limits limits;
    uint64_t free_memory_mib;
    uint64_t golden_free_mib; /* where their memory lies */
    bool can_build;           /* machines are made here at all, now */
    uint64_t now_ms;
};
enum orl_golden_act {
    ORL_GOLDEN_NOTHING = 0,
    ORL_GOLDEN_INSERT, /* a row; subject: want */
    ORL_GOLDEN_BOOT,
    ORL_GOLDEN_LOOK,
    ORL_GOLDEN_FREEZE,
    ORL_GOLDEN_PUBLISH, /* ready: its files are whole */
    ORL_GOLDEN_FAIL,
    ORL_GOLDEN_RETIRE, /* stale */
    ORL_GOLDEN_ERASE,  /* machine and files */
    ORL_GOLDEN_FORGET, /* the row; nothing else is left */
};
struct orl_golden_action {
    enum orl_golden_act act;
    size_t subject;   /* index among seen; INSERT: among wants */
    const char *text; /* FAIL, RETIRE: why; literal or borrowed from seen */
};
struct orl_golden_todo {
    struct orl_golden_action actions[2 * ORL_GOLDEN_MAX];
    size_t count;
};
void orl_golden_plan(const struct orl_golden_input *input, struct orl_golden_todo *ret_todo);

enum orl_golden_answer {
    ORL_GOLDEN_NONE = 0, /* there is none, and none is on its way */
    ORL_GOLDEN_WAIT,     /* being made for the first time */
    ORL_GOLDEN_SERVES,
};
/* What a new desktop of that want can be a copy of; *ret_row: that one, or the one that is being made or failed last
 * (NULL: none). */
enum orl_golden_answer orl_golden_pick(const struct orl_golden_row *rows, size_t count,
        const struct orl_golden_want *want, const struct orl_golden_row **ret_row);
/* How many in a row failed to be made, of exactly that. */
uint32_t orl_golden_failures(
        const struct orl_golden_row *rows, size_t count, const struct orl_golden_want *want);
/* While the newer version's is being made, the version whose image still serves; 0: none does. */
uint32_t orl_golden_older_version(
        const struct orl_golden_row *rows, size_t count, const struct orl_golden_want *want);
/* 1 min, 2, 4, ... up to 6 h, after the attempts-th failure (from 1). */
uint64_t orl_golden_backoff_ms(uint32_t attempts);

#endif
