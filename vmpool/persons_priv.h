/* One person in one desktop, for persons.c (life) and persons_talk.c (words). */
#ifndef ORL_VMPOOL_PERSONS_PRIV_H
#define ORL_VMPOOL_PERSONS_PRIV_H
#include "base/log.h"
#include "store/home.h"
#include "store/person.h"
#include "vmpool/call_watch.h"
#include "vmpool/hook_link.h"
#include "vmpool/persons.h"

#define ORL_PERSONS_MAX 4096
#define ORL_PERSON_SECRET_LEN 26

enum orl_person_goal {
    ORL_GOAL_NONE = 0, /* listen only */
    ORL_GOAL_ON,       /* the guest has its person */
    ORL_GOAL_OFF,      /* it has seen them off */
};
struct orl_person_memo {
    struct orl_persons *persons;
    char id[ORL_ID_LEN + 1]; /* of the desktop; empty: this place is free */
    char uuid[ORL_UUID_LEN + 1];
    uint64_t version; /* of the lease: what is written must present it */
    char user[ORL_USER_MAX + 1];
    char pool_name[ORL_NAME_MAX + 1];
    struct orl_pool_person pool;
    enum orl_person person; /* as the row has it */
    enum orl_person_goal goal;
    uint64_t deadline_ms;                   /* of the goal; monotonic, as the next */
    uint64_t retry_ms;                      /* no new try before */
    uint64_t pass;                          /* in which it was looked at last */
    bool is_rdp;                            /* the pool shows by the guest's RDP server */
    char secret[ORL_PERSON_SECRET_LEN + 1]; /* of the assign that is out */
    struct orl_hook_link *link;
    bool is_job_out;
    bool is_greeted;   /* hello was answered: state is the guest's */
    uint64_t hello_ms; /* it was asked last; monotonic */
    enum orl_guest_state state;
    enum orl_guest_state written; /* as the row has it */
    bool is_state_due;            /* state is to be written */
    bool has_assigned;            /* asked; the guest may be about it */
    bool has_home;                /* taken, and where it is a disk, plugged in */
    bool is_off;
    bool was_cut;
    uint64_t serial;
    uint64_t asked;            /* serial of the assign or logoff that is out; 0: none */
    bool is_logoff_out;        /* it is the logoff */
    char home[ORL_ID_LEN + 1]; /* the row that was taken */
    char home_nfs[ORL_TEXT_MAX + 1];
    char template_name[ORL_NAME_MAX + 1];
    uint32_t template_version;
    bool is_hook_noted; /* in the template's row */
};
struct orl_persons {
    struct orl_persons_cfg cfg;
    struct orl_log_ctx log;
    struct orl_person_memo **memos;
    size_t count;
    uint64_t pass;
    struct orl_call_watch calls;
};

/* Monotonic: for deadlines, which are none of the wall clock's business. */
uint64_t orl_persons_clock_ms(const struct orl_persons *persons);
/* Until the goal's deadline. */
uint64_t orl_person_left_ms(const struct orl_person_memo *memo);
/* The next thing to do for it, if nothing is out. now_ms: wall clock, here as below. */
void orl_person_advance(struct orl_person_memo *memo, uint64_t now_ms);
/* No new try before. */
void orl_person_wait(struct orl_person_memo *memo, uint64_t ms);
/* The guest will not have its person: for the row, the broker, the audit. */
void orl_person_fail(
        struct orl_person_memo *memo, enum orl_reason reason, const char *text, uint64_t now_ms);
void orl_person_ready(struct orl_person_memo *memo, uint64_t now_ms);
void orl_person_set_state(
        struct orl_person_memo *memo, enum orl_guest_state state, uint64_t now_ms);
void orl_person_is_off(struct orl_person_memo *memo, const char *how);
/* The guest whose hook was cut off has gone. */
void orl_person_clear_alarm(struct orl_person_memo *memo, uint64_t now_ms);
/* Ends the conversation; what was agreed in it stays. */
void orl_person_hang_up(struct orl_person_memo *memo);

/* Takes fd. */
void orl_person_greet(struct orl_person_memo *memo, int fd);
/* Whether it still is there: its port says nothing when the program behind it has ended. */
void orl_person_ask_hello(struct orl_person_memo *memo);
void orl_person_ask_assign(struct orl_person_memo *memo, uint64_t now_ms);
/* Who logs in at its RDP server, and that one's certificate, out of the guest's answer; NULL: nobody for now. False:
 * it is no answer to believe in, or it was not written; why says which. */
bool orl_person_note_rdp(
        struct orl_person_memo *memo, const struct orl_hook_msg *answer, struct orl_err *why);
void orl_person_ask_logoff(struct orl_person_memo *memo);

#endif
