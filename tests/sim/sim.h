/* Oriel in one process and in no time: the real store, the real broker from its gateways' messages on,
 * the real reconcilers of two installations on one fake hypervisor; people, administrators, gateways and
 * every fault are drawn from one seed. The same seed is the same history, line by line.
 *
 * To add something that may happen: write `void sim_NAME(struct sim *)`, add a line to the table in sim.c.
 * To add something that must hold: a function in check.c that calls sim_fail(). */
#ifndef ORL_TESTS_SIM_SIM_H
#define ORL_TESTS_SIM_SIM_H
#include "broker/broker.h"
#include "fake_backend.h"
#include "store/desktop.h"
#include "store/pool.h"
#include "store/session.h"
#include "tests/store/store_place.h"
#include "vmpool/golden_plan.h"
#include "vmpool/name_index.h"
#include "vmpool/persons.h"
#include "vmpool/reconcile.h"
#include <stdio.h>

enum {
    SIM_PEOPLE = 7,
    SIM_POOLS = 4,
    SIM_VERSIONS = 8, /* of the template, about */
    SIM_GATEWAYS = 2,
    SIM_CONNS = 24, /* at each gateway */
    SIM_QUEUE = 128,
    SIM_JOBS = 128,
    SIM_LINES = 400,
    SIM_PORTS = 256,
    SIM_LINKS = 64,
    SIM_HOMES = 256,
};
enum sim_pool { SIM_FLOATING = 0, SIM_INSTANT, SIM_DEDICATED, SIM_STATIC };

/* A program of ours. What it has in memory is lost with it; its store handle is its own. */
enum sim_who { SIM_CHECKER = 0, SIM_BROKER, SIM_VMPOOL, SIM_STRANGER, SIM_WHO_COUNT };
struct sim_process {
    const char *name;
    struct orl_store *store;
    bool is_dying;   /* it has been killed: nothing that it still calls has an effect */
    bool is_running; /* on the stack now */
    unsigned kills;
};

struct sim_job {
    struct orl_job *job;
    enum sim_who owner;
    bool has_run;
    bool is_late;       /* its owner is dead */
    uint64_t not_until; /* it hangs until then */
};
struct sim_vmpool { /* of one installation */
    struct orl_backend backend;
    struct orl_reconcile *reconcile;
    struct orl_console_grants *grants;
    struct orl_loop *loop;
    struct orl_work *work;
    struct orl_persons *persons; /* ours only */
    char installation[ORL_UUID_LEN + 1];
    bool is_poked;
    int64_t shift_ms; /* the wall clock was set, and it has not noticed */
};

enum sim_conn_state { SIM_CONN_FREE = 0, SIM_CONN_ASKING, SIM_CONN_WAITING, SIM_CONN_LIVE };
struct sim_conn { /* what a gateway knows of a client */
    enum sim_conn_state state;
    uint32_t number;
    unsigned person;
    enum sim_pool pool;
    char session[ORL_ID_LEN + 1];
    char desktop[ORL_ID_LEN + 1];
    uint64_t version;
    /* The machine whose screen it shows; static: the desktop's id, and the two ends of its stream. */
    char console[ORL_UUID_LEN + 1];
    int stream[2]; /* 0: none */
    uint64_t stats_ms;
    bool is_mute; /* the client has vanished; the gateway has not noticed */
};
struct sim_msg {
    uint16_t type;
    uint32_t conn;
    uint32_t reason;
    bool is_ready;
    uint64_t version;
    char session[ORL_ID_LEN + 1];
    char desktop[ORL_ID_LEN + 1];
    char text[80]; /* LOGIN: user; CLOSE: audit id */
    char pool[ORL_NAME_MAX + 1];
    bool is_dropped;
};
struct sim_queue {
    struct sim_msg items[SIM_QUEUE];
    unsigned head, count;
};
struct sim_gateway {
    unsigned pid;
    struct orl_ipc *ipc; /* the broker's end; NULL: not connected */
    struct sim_queue to_broker, to_gateway;
    struct sim_conn conns[SIM_CONNS];
    uint32_t next_number;
};

struct sim_seen { /* a desktop's past */
    char id[ORL_ID_LEN + 1];
    char user[16];
    bool has_ended;
    bool may_go; /* the administrator said so */
};

struct sim_home { /* a disk with what somebody keeps */
    char path[ORL_VM_PATH_MAX + 1];
    char user[16];  /* whose it was by its row, when it was plugged in */
    char owner[16]; /* who has left something there */
    unsigned writes;
};

struct sim_view { /* of all desktops, golden images, and the template's versions */
    struct orl_desktop_row *rows;
    size_t count, room;
    struct orl_golden_row golden[ORL_GOLDEN_MAX];
    size_t golden_count;
    struct sim_version {
        uint32_t version;
        bool is_ready;
        char path[ORL_VM_PATH_MAX + 1];
    } versions[SIM_VERSIONS];
    size_t version_count;
    bool is_stale;
};

struct sim_rates { /* one in so many; 0: never */
    unsigned store_error, store_kill, send_kill, hang;
    struct fake_faults backend;
};

struct sim {
    uint64_t seed;
    uint64_t rng;
    uint64_t now_ms; /* since the machine was switched on */
    int64_t wall_ms; /* what the wall clock is ahead of it */
    unsigned step;
    uint64_t faults;
    unsigned
            failed_step; /* when a call to the store last failed: whose turn it was waits for the next */
    struct sim_rates rates;
    bool is_calm;       /* no more faults */
    bool is_store_weak; /* constraints and triggers are off: the second lock, to watch the first */
    bool is_blind;      /* to desktops' history: what people find in guests has to tell */
    char dir[64];
    char places[2][STORE_PLACE_MAX]; /* of our store, and the stranger's */
    struct sim_process processes[SIM_WHO_COUNT];
    enum sim_who current;

    struct fake fake;
    struct sim_vmpool ours, stranger;
    struct sim_job jobs[SIM_JOBS];
    size_t job_count;

    char ports[SIM_PORTS][ORL_UUID_LEN + 1]; /* opened last: whose guest's */
    unsigned next_port;
    struct orl_hook_link *links[SIM_LINKS];
    size_t link_count;
    struct sim_home homes[SIM_HOMES];
    size_t home_count;
    unsigned home_writes[SIM_PEOPLE]; /* what each has left at home */
    bool is_home_anew[SIM_PEOPLE];

    struct orl_broker_cfg broker_cfg;
    struct orl_broker broker;
    bool has_broker;
    struct orl_loop *loop;
    struct sim_gateway gateways[SIM_GATEWAYS];
    int accepting; /* the gateway whose connection is accepted now, or -1 */
    unsigned next_pid;

    struct sim_view view;
    struct sim_seen *seen;
    size_t seen_count, seen_room;
    struct orl_name_index seen_index;
    bool must_check;     /* somebody ran that the broker's people may notice */
    struct sim_waiting { /* without a desktop, at the last look; the broker knew its connection */
        char session[ORL_ID_LEN + 1];
        char pool[16];
        uint64_t started_ms;
    } waiting[SIM_GATEWAYS * SIM_CONNS];
    size_t waiting_count;
    bool has_backup;
    uint64_t backup_step;

    uint64_t hash; /* of the history */
    FILE *out;     /* where all of it goes; NULL: nowhere */
    char lines[SIM_LINES][240];
    uint64_t line_count;
    char fault[512]; /* what does not hold; empty: all does */
    unsigned logins, refusals, uses, given, recycled, takeovers, restores, jumps, preempted, let_in,
            home_uses;
};

/* There is one; what stands in for parts of ours has no other way to find it. */
extern struct sim *sim_the;

/* sim.c */
void sim_open(struct sim *sim, uint64_t seed, bool is_store_weak);
void sim_close(struct sim *sim);
bool sim_step(struct sim *sim);
/* No faults any more: everything comes to rest, first with people at work, then without. */
bool sim_settle(struct sim *sim);
uint64_t sim_wall_ms(const struct sim *sim);

/* history.c */
uint64_t sim_random64(struct sim *sim);
unsigned sim_pick(struct sim *sim, unsigned below);
bool sim_one_in(struct sim *sim, unsigned n);
__attribute__((format(printf, 2, 3))) void sim_note(struct sim *sim, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void sim_fail(struct sim *sim, const char *fmt, ...);
__attribute__((format(printf, 2, 3))) void sim_fault(struct sim *sim, const char *fmt, ...);
void sim_print(const struct sim *sim, unsigned lines);

/* process.c: who runs, who dies, what its calls to the store come to */
enum sim_who sim_enter(struct sim *sim, enum sim_who who);
void sim_leave(struct sim *sim, enum sim_who before); /* buries who has died meanwhile */
void sim_kill(struct sim *sim, enum sim_who who);
void sim_open_store(struct sim *sim, enum sim_who who);
const char *sim_store_path(const struct sim *sim, enum sim_who who); /* or what libpq connects to */
void sim_take_backup(struct sim *sim);
void sim_restore_backup(struct sim *sim);
/* A call of the running program leaves it: false: it was killed there and then. */
bool sim_may_send(struct sim *sim, const char *what);

/* view.c: borrowed until somebody writes to the store */
const struct sim_view *sim_view(struct sim *sim);
const struct orl_desktop_row *sim_view_uuid(struct sim *sim, const char *uuid); /* or NULL */
const struct orl_golden_row *sim_view_golden(struct sim *sim, const char *id);  /* or NULL */
const struct sim_version *sim_view_version(struct sim *sim, uint32_t version);  /* or NULL */

/* machine.c: once */
void sim_machine_init(void);

/* stand_loop.c, stand_ipc.c */
void sim_loop_turn(struct orl_loop *loop);
void sim_ipc_deliver(struct orl_ipc *ipc, const struct sim_msg *msg);
void sim_ipc_hang_up(struct orl_ipc *ipc);

/* brokers.c */
void sim_start_broker(struct sim *sim);
void sim_bury_broker(struct sim *sim);
void sim_broker_turn(struct sim *sim);

/* pools.c */
void sim_start_vmpool(struct sim *sim, enum sim_who who);
void sim_bury_vmpool(struct sim *sim, enum sim_who who);
void sim_vmpool_turn(struct sim *sim);
void sim_stranger_turn(struct sim *sim);
void sim_job_turn(struct sim *sim);
void sim_libvirt_goes_or_comes(struct sim *sim);
void sim_guest_dies(struct sim *sim);
void sim_guest_reboots(struct sim *sim);
void sim_stranger_works(struct sim *sim);

/* clients.c: gateways, and who sits before them */
struct sim_conn *sim_conn_find(struct sim_gateway *gateway, uint32_t number);
void sim_gateway_take(struct sim *sim, struct sim_gateway *gateway, const struct sim_msg *msg);
void sim_gateway_turn(struct sim *sim, struct sim_gateway *gateway);
void sim_gateways_turn(struct sim *sim);
void sim_vmpool_is_gone(struct sim *sim); /* gateways end what it gave them */
void sim_gateway_dies(struct sim *sim);
void sim_broker_hears(struct sim *sim);
void sim_drop_conn(struct sim *sim, struct sim_gateway *gateway, struct sim_conn *conn,
        enum orl_reason reason);
void sim_logs_in(struct sim *sim);
void sim_logs_in_again(struct sim *sim, const char *user, const char *pool);
void sim_leaves(struct sim *sim);
void sim_comes_back(struct sim *sim);
void sim_vanishes(struct sim *sim);
void sim_uses(struct sim *sim);
void sim_logs_off(struct sim *sim);
void sim_changes_machine(struct sim *sim);
void sim_powers_off(struct sim *sim);
void sim_wants_restart(struct sim *sim);
void sim_use(struct sim *sim, struct sim_conn *conn);
void sim_person_name(unsigned person, char ret_name[16]);
extern const char *const sim_pool_names[SIM_POOLS];
extern const enum orl_pool_kind sim_pool_kinds[SIM_POOLS];

/* admins.c */
void sim_fill_store(struct sim *sim, enum sim_who who);
void sim_changes_pool(struct sim *sim);
void sim_moves_template(struct sim *sim);
void sim_ends_session(struct sim *sim);
void sim_deletes_desktop(struct sim *sim);
void sim_maintains_desktop(struct sim *sim);
void sim_revokes(struct sim *sim);
void sim_judges(struct sim *sim);
void sim_deletes_pool(struct sim *sim);
void sim_sets_clock(struct sim *sim);
void sim_backs_up(struct sim *sim);
void sim_restores(struct sim *sim);
void sim_kills_broker(struct sim *sim);
void sim_kills_vmpool(struct sim *sim);
void sim_kills_stranger(struct sim *sim);
void sim_repair(struct sim *sim); /* what an administrator puts right before a settling */

/* guests.c */
int sim_hook_open(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
int sim_home_attach(
        void *self, const char *uuid, const struct orl_vm_home *want, struct orl_err *err);
void sim_guests_turn(struct sim *sim);
void sim_guests_all(struct sim *sim);
void sim_logs_off_inside(struct sim *sim);
void sim_use_home(struct sim *sim, struct fake_vm *vm, unsigned person);
void sim_homes_anew(struct sim *sim);
void sim_check_homes(struct sim *sim);

/* check.c */
void sim_check(struct sim *sim);
void sim_check_touch(void *ctx, const char *what, const char *uuid);
void sim_check_console(struct sim *sim, const struct sim_conn *conn);
void sim_check_late_close(struct sim *sim, const char *session);
struct sim_seen *sim_seen_of(struct sim *sim, const char *desktop);
/* What is not yet as it should be when all is at rest; "" when nothing is. */
void sim_judge_rest(struct sim *sim, bool is_empty, char *ret_text, size_t size);

#endif
