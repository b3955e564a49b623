/* Calls to the hypervisor for persons, of which a frozen machine may hold one for ever: told by an alarm of its desktop
 * until it comes back, and another worker takes the place of the one that it holds. Loop thread, but for
 * orl_call_run(). Not here: the reconciler's own calls (vmpool/hung.c). */
#ifndef ORL_VMPOOL_CALL_WATCH_H
#define ORL_VMPOOL_CALL_WATCH_H
#include "base/id.h"
#include "base/log.h"
#include "base/work.h"
#include "store/store.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

/* Part of a job, from before it is handed out until it is back. */
struct orl_call {
    char desktop[ORL_ID_LEN + 1];
    const char *what; /* a literal */
    atomic_bool has_begun;
    uint64_t begun_ms; /* when a worker was first seen at it; 0: it waits for one */
    bool is_hung;
    struct orl_call *next;
};
struct orl_call_watch {
    struct orl_work *work;   /* borrowed */
    struct orl_store *store; /* borrowed */
    uint64_t longest_ms;     /* 0: the usual; of tests */
    const struct orl_log_ctx *log;
    struct orl_call *first;
};

/* Keeps call until orl_call_end(). */
void orl_call_begin(
        struct orl_call_watch *watch, struct orl_call *call, const char *desktop, const char *what);
/* On the worker. */
void orl_call_run(struct orl_call *call);
/* now_ms: wall clock. */
void orl_call_end(struct orl_call_watch *watch, struct orl_call *call, uint64_t now_ms);
/* Now and then; clock_ms: monotonic. True: a call was found that hangs. */
bool orl_call_watch_look(struct orl_call_watch *watch, uint64_t clock_ms, uint64_t now_ms);
/* A call for that desktop is out, and hangs. */
bool orl_call_is_hung(const struct orl_call_watch *watch, const char *desktop);

#endif
