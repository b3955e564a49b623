#include "broker/watching.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/http.h"
#include "broker/login.h"
#include "broker/weblogin.h"
#include "store/user.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_BYTES = 100 };
#define TICK_US ORL_US_PER_S

struct watch {
    struct orl_watch_row row; /* id empty: a free place */
    uint64_t number;          /* order of coming */
    uint64_t person;          /* serial of the watched connection */
    uint64_t viewer;          /* of the watcher's; ACTIVE */
    uint64_t due_us;          /* ASKED, GRANTED */
    char name[NAME_BYTES + 1];
    char ticket[ORL_TICKET_ID_LEN + 1]; /* GRANTED; empty: none */
    char password[ORL_TICKET_PASSWORD_LEN + 1];
    char binding[ORL_BINDING_LEN + 1]; /* empty: no ticket was made yet */
    enum orl_reason end; /* it is over for both, but the store does not know yet; 0: it goes on */
};
struct orl_watching {
    struct orl_broker *broker;
    struct orl_timer *tick;
    struct watch list[ORL_WATCHING_MAX];
    uint64_t last_number;
    bool is_settled; /* what a former life left open has ended */
    bool is_look_due;
};

static const struct orl_watch_by by_broker = {.actor = "broker", .client = NULL};

static bool is_open(const struct watch *watch)
{
    return watch->row.id[0] != '\0' && watch->end == ORL_REASON_NONE;
}

static struct watch *find(struct orl_watching *watching, const char *id)
{
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        if (is_open(&watching->list[i]) && strcmp(watching->list[i].row.id, id) == 0) {
            return &watching->list[i];
        }
    }
    return NULL;
}

static struct orl_conn *person_of(struct orl_broker *broker, const struct watch *watch)
{
    struct orl_conn *conn = orl_conn_find(broker->gateways, watch->person);
    bool is_there = conn != NULL && conn->state == ORL_CONN_LIVE &&
                    strcmp(conn->session, watch->row.session) == 0;
    return is_there ? conn : NULL;
}

/* ---- what the person sees ---- */

/* In at most `room` bytes: names where they fit. */
static void say_lookers(const struct orl_watching *watching, const char *session, size_t room,
        struct orl_msg_consent *consent)
{
    char names[ORL_WATCHING_PER_SESSION * (NAME_BYTES + 2) + 1] = "";
    unsigned count = 0;
    bool is_unasked = false;
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        const struct watch *watch = &watching->list[i];
        const bool looks = is_open(watch) && watch->row.state != ORL_WATCH_ASKED &&
                           strcmp(watch->row.session, session) == 0;
        if (!looks) {
            continue;
        }
        size_t len = strlen(names);
        (void)snprintf(
                names + len, sizeof(names) - len, "%s%s", count > 0 ? ", " : "", watch->name);
        count++;
        if (watch->row.is_break_glass) {
            is_unasked = true;
            orl_msg_text(consent->why, sizeof(consent->why), watch->row.why);
        }
    }
    if (count > 0) {
        char text[sizeof(names) + 64];
        consent->kind = ORL_CONSENT_LOOKS;
        const char *unasked = is_unasked ? ", without having asked" : "";
        int len = snprintf(text, sizeof(text), "%s %s your desktop%s.", names,
                count > 1 ? "look at" : "looks at", unasked);
        if (len < 0 || (size_t)len > room) {
            (void)snprintf(text, sizeof(text), "%u %s your desktop%s.", count,
                    count > 1 ? "people look at" : "person looks at", unasked);
        }
        orl_msg_text(consent->text, sizeof(consent->text), text);
    }
}

static const struct watch *first_question(const struct orl_watching *watching, const char *session)
{
    const struct watch *first = NULL;
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        const struct watch *watch = &watching->list[i];
        if (is_open(watch) && watch->row.state == ORL_WATCH_ASKED &&
                strcmp(watch->row.session, session) == 0 &&
                (first == NULL || watch->number < first->number)) {
            first = watch;
        }
    }
    return first;
}

static void tell_person(struct orl_watching *watching, const char *session)
{
    static const char now[] = " Now: ";
    struct orl_conn *conn = orl_conn_find_session(watching->broker->gateways, session);
    const struct watch *question = first_question(watching, session);
    struct orl_msg_consent consent = {.kind = ORL_CONSENT_NONE};
    if (conn == NULL) {
        return;
    }
    char asks[NAME_BYTES + 80] = "";
    if (question != NULL) {
        (void)snprintf(asks, sizeof(asks),
                "%s asks to look at your desktop, without keys or mouse.", question->name);
    }
    say_lookers(watching, session, ORL_TEXT_MAX - strlen(asks) - strlen(now), &consent);
    if (question != NULL) {
        char text[3 * ORL_TEXT_MAX];
        consent.kind = ORL_CONSENT_ASK;
        memcpy(consent.watch, question->row.id, sizeof(consent.watch));
        (void)snprintf(text, sizeof(text), "%s%s%s", asks, consent.text[0] != '\0' ? now : "",
                consent.text);
        orl_msg_text(consent.text, sizeof(consent.text), text);
        orl_msg_text(consent.why, sizeof(consent.why), question->row.why);
    }
    orl_conn_send_consent(conn, &consent);
}

void orl_watching_clear(struct orl_conn *conn)
{
    const struct orl_msg_consent consent = {.kind = ORL_CONSENT_NONE};
    orl_conn_send_consent(conn, &consent);
}

/* ---- ends ---- */

/* false: the store does not know yet. */
static bool write_end(
        struct orl_watching *watching, struct watch *watch, const struct orl_watch_by *by)
{
    struct orl_err err = {0};
    enum orl_watch_state to =
            watch->row.state == ORL_WATCH_ASKED ? ORL_WATCH_REFUSED : ORL_WATCH_ENDED;
    int rc = orl_watch_move(
            watching->broker->store, watch->row.id, to, watch->end, by, orl_clock_wall_ms(), &err);
    if (rc < 0 && rc != ORL_E_CONFLICT && rc != ORL_E_NOTFOUND) {
        orl_broker_log_store(watching->broker, "the end of a watch", &err);
        return false;
    }
    return true;
}

static void forget(struct watch *watch)
{
    orl_secret_wipe(watch, sizeof(*watch));
}

/* For both at once; its row follows when the store is there. */
static void finish(struct orl_watching *watching, struct watch *watch, enum orl_reason reason,
        const struct orl_watch_by *by)
{
    struct orl_broker *broker = watching->broker;
    char session[ORL_ID_LEN + 1];
    memcpy(session, watch->row.session, sizeof(session));
    const uint64_t viewer = watch->viewer;
    watch->end = reason;
    orl_secret_wipe(watch->password, sizeof(watch->password));
    watch->ticket[0] = '\0';
    const bool is_written = write_end(watching, watch, by);
    orl_log_info(&broker->log, "watch.end", "watch", watch->row.id, "reason",
            orl_reason_code(reason), "watcher", watch->row.watcher);
    if (is_written) {
        forget(watch);
    }
    struct orl_conn *conn = viewer != 0 ? orl_conn_find(broker->gateways, viewer) : NULL;
    if (conn != NULL) {
        orl_conn_close(conn, reason, is_written ? orl_audit_last_id(broker->store) : NULL, NULL);
    }
    tell_person(watching, session);
}

int orl_watching_stop(struct orl_broker *broker, const char *id, const struct orl_watch_by *by,
        struct orl_err *err)
{
    struct watch *watch = find(broker->watching, id);
    if (watch == NULL) {
        return orl_err_set(err, ORL_E_NOTFOUND, "nobody looks any more");
    }
    finish(broker->watching, watch, ORL_REASON_WATCH_ENDED, by);
    return 0;
}

/* ---- begins ---- */

uint64_t orl_watching_wait_us(const struct orl_conn *person)
{
    const uint64_t age_us = orl_clock_now_us() - person->asked_us;
    const uint64_t pause_us = ORL_WATCHING_ASK_S * ORL_US_PER_S;
    return person->asked_us == 0 || age_us >= pause_us ? 0 : pause_us - age_us;
}

/* "Alice Example (alice)" */
static void name_of(const struct orl_user_row *user, char ret_name[NAME_BYTES + 1])
{
    char display[NAME_BYTES / 3];
    char name[ORL_USER_MAX + NAME_BYTES];
    orl_msg_text(display, sizeof(display), user->display);
    bool has_display = display[0] != '\0' && strcmp(display, user->name) != 0;
    (void)snprintf(name, sizeof(name), has_display ? "%s (%s)" : "%s%s",
            has_display ? display : user->name, has_display ? user->name : "");
    orl_msg_text(ret_name, NAME_BYTES + 1, name);
}

static struct watch *find_place(struct orl_watching *watching, const char *session)
{
    struct watch *place = NULL;
    unsigned same = 0;
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        struct watch *watch = &watching->list[i];
        place = watch->row.id[0] == '\0' ? watch : place;
        same += is_open(watch) && strcmp(watch->row.session, session) == 0;
    }
    return same < ORL_WATCHING_PER_SESSION ? place : NULL;
}

int orl_watching_start(struct orl_broker *broker, struct orl_watch_row *row,
        const struct orl_watch_by *by, struct orl_err *err)
{
    struct orl_watching *watching = broker->watching;
    struct orl_conn *conn = orl_conn_find_session(broker->gateways, row->session);
    struct watch *watch = find_place(watching, row->session);
    struct orl_user_row user;
    if (conn == NULL || conn->state != ORL_CONN_LIVE) {
        return orl_err_set(err, ORL_E_CONFLICT, "nobody is at this session's desktop now");
    }
    if (watch == NULL) {
        return orl_err_set(err, ORL_E_LIMIT, "as many look at desktops as can");
    }
    int rc = orl_user_get(broker->store, row->watcher, &user, err);
    if (rc < 0) {
        return rc;
    }
    char name[NAME_BYTES + 1];
    name_of(&user, name);
    orl_msg_text(row->watcher, sizeof(row->watcher), user.name);
    orl_secret_wipe(&user, sizeof(user));
    orl_msg_text(row->user, sizeof(row->user), conn->user);
    orl_msg_text(row->pool, sizeof(row->pool), conn->pool);
    rc = orl_watch_add(broker->store, row, by, orl_clock_wall_ms(), err);
    if (rc < 0) {
        return rc;
    }
    const unsigned due_s = row->is_break_glass ? ORL_WATCHING_OPEN_S : ORL_WATCHING_ANSWER_S;
    *watch = (struct watch){.row = *row,
            .number = ++watching->last_number,
            .person = conn->serial,
            .due_us = orl_clock_now_us() + due_s * ORL_US_PER_S};
    memcpy(watch->name, name, sizeof(watch->name));
    conn->asked_us = row->is_break_glass ? conn->asked_us : orl_clock_now_us();
    tell_person(watching, row->session);
    return 0;
}

static void grant(struct orl_watching *watching, struct watch *watch, const struct orl_watch_by *by)
{
    struct orl_err err = {0};
    int rc = orl_watch_move(watching->broker->store, watch->row.id, ORL_WATCH_GRANTED,
            ORL_REASON_NONE, by, orl_clock_wall_ms(), &err);
    if (rc < 0) {
        orl_broker_log_store(watching->broker, "a consent", &err);
        finish(watching, watch, ORL_REASON_INTERNAL, &by_broker);
        return;
    }
    watch->row.state = ORL_WATCH_GRANTED;
    watch->due_us = orl_clock_now_us() + ORL_WATCHING_OPEN_S * ORL_US_PER_S;
    tell_person(watching, watch->row.session);
}

void orl_watching_say(
        const struct orl_broker *broker, const char *session, char ret_text[ORL_TEXT_MAX + 1])
{
    struct orl_msg_consent consent = {.kind = ORL_CONSENT_NONE};
    say_lookers(broker->watching, session, ORL_TEXT_MAX, &consent);
    memcpy(ret_text, consent.text, ORL_TEXT_MAX + 1);
}

/* "Not any longer": everybody who looks. Questions stay questions. */
unsigned orl_watching_stop_all(
        struct orl_broker *broker, const char *session, const struct orl_watch_by *by)
{
    struct orl_watching *watching = broker->watching;
    unsigned count = 0;
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        struct watch *watch = &watching->list[i];
        if (is_open(watch) && watch->row.state != ORL_WATCH_ASKED &&
                strcmp(watch->row.session, session) == 0) {
            finish(watching, watch, ORL_REASON_WATCH_ENDED, by);
            count++;
        }
    }
    return count;
}

void orl_watching_answer(
        struct orl_broker *broker, struct orl_conn *conn, const struct orl_msg_consent *answer)
{
    struct orl_watching *watching = broker->watching;
    struct watch *watch = find(watching, answer->watch);
    char actor[ORL_USER_MAX + 8];
    char client[ORL_ADDR_MAX + 1];
    char session[ORL_ID_LEN + 1];
    /* conn may be gone when the last of them has ended. */
    (void)snprintf(actor, sizeof(actor), "user:%s", conn->user);
    memcpy(client, conn->client, sizeof(client));
    memcpy(session, conn->session, sizeof(session));
    const struct orl_watch_by by = {.actor = actor, .client = client};
    if (answer->watch[0] == '\0' && answer->kind == ORL_CONSENT_REFUSE) {
        if (orl_watching_stop_all(broker, session, &by) == 0) {
            tell_person(watching, session);
        }
    } else if (watch == NULL || watch->person != conn->serial ||
               watch->row.state != ORL_WATCH_ASKED) {
        tell_person(watching, session); /* too late: as it is now */
    } else if (answer->kind == ORL_CONSENT_ALLOW) {
        grant(watching, watch, &by);
    } else {
        finish(watching, watch, ORL_REASON_WATCH_REFUSED, &by);
    }
}

/* ---- the watcher's connection ---- */

int orl_watching_ticket(struct orl_broker *broker, const char *id, const char *user,
        const char *binding, struct orl_ticket_issued *ret_issued, struct orl_err *err)
{
    struct watch *watch = find(broker->watching, id);
    if (watch == NULL) {
        return orl_err_set(err, ORL_E_NOTFOUND, "this watch is over");
    }
    if (strcmp(watch->row.watcher, user) != 0) {
        return orl_err_set(err, ORL_E_DENIED, "somebody else asked for this");
    }
    if (watch->row.state != ORL_WATCH_GRANTED) {
        return orl_err_set(err, ORL_E_CONFLICT,
                watch->row.state == ORL_WATCH_ASKED ? "the person has not answered yet"
                                                    : "it has begun: once is all");
    }
    *ret_issued = (struct orl_ticket_issued){
            .expires_ms = orl_clock_wall_ms() + ORL_WATCHING_OPEN_S * UINT64_C(1000)};
    orl_ticket_new_id(ret_issued->id);
    orl_secret_text(ret_issued->password, ORL_TICKET_PASSWORD_LEN);
    memcpy(watch->ticket, ret_issued->id, sizeof(watch->ticket));
    memcpy(watch->password, ret_issued->password, sizeof(watch->password));
    orl_msg_text(watch->binding, sizeof(watch->binding), binding);
    return 0;
}

static struct watch *find_ticket(struct orl_watching *watching, const char *ticket)
{
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        struct watch *watch = &watching->list[i];
        if (is_open(watch) && watch->ticket[0] != '\0' && strcmp(watch->ticket, ticket) == 0) {
            return watch;
        }
    }
    return NULL;
}

/* Both, and the ticket is void whatever comes of it. */
static bool is_right(struct watch *watch, const char *password, const char *binding)
{
    char told[sizeof(watch->password)] = {0};
    orl_msg_text(told, sizeof(told), password);
    bool is_same = strlen(password) == ORL_TICKET_PASSWORD_LEN &&
                   orl_secret_is_equal(told, watch->password, sizeof(told)) &&
                   strcmp(watch->binding, binding) == 0;
    watch->ticket[0] = '\0';
    orl_secret_wipe(watch->password, sizeof(watch->password));
    orl_secret_wipe(told, sizeof(told));
    return is_same;
}

static enum orl_reason begin(
        struct orl_watching *watching, struct watch *watch, struct orl_conn *conn)
{
    struct orl_broker *broker = watching->broker;
    struct orl_conn *person = person_of(broker, watch);
    struct orl_err err = {0};
    struct orl_session_row session;
    char actor[ORL_USER_MAX + 8];
    (void)snprintf(actor, sizeof(actor), "user:%s", watch->row.watcher);
    const struct orl_watch_by by = {.actor = actor, .client = conn->client};
    if (person == NULL) {
        return ORL_REASON_WATCH_OVER;
    }
    if (person->gateway != conn->gateway) {
        return ORL_REASON_CONSOLE_UNREACHABLE; /* it would open the display a second time */
    }
    int rc = orl_session_get(broker->store, watch->row.session, &session, &err);
    if (rc == 0 && session.state != ORL_SESSION_ACTIVE) {
        return ORL_REASON_WATCH_OVER;
    }
    rc = rc < 0 ? rc
                : orl_watch_move(broker->store, watch->row.id, ORL_WATCH_ACTIVE, ORL_REASON_NONE,
                          &by, orl_clock_wall_ms(), &err);
    if (rc < 0) {
        orl_broker_log_store(broker, "a watch", &err);
        return ORL_REASON_INTERNAL;
    }
    watch->row.state = ORL_WATCH_ACTIVE;
    watch->viewer = conn->serial;
    conn->state = ORL_CONN_WATCHING;
    orl_msg_text(conn->user, sizeof(conn->user), watch->row.watcher);
    orl_conn_send_view_plan(conn, &session, watch->row.watcher);
    return ORL_REASON_NONE;
}

static const char other_gateway[] = "The person works through another gateway than this portal's. "
                                    "Please open the portal of the gateway where the person works, "
                                    "and look from there.";

bool orl_watching_redeem(struct orl_broker *broker, struct orl_conn *conn, const char *ticket,
        const char *password, const char *binding)
{
    struct watch *watch = find_ticket(broker->watching, ticket);
    if (watch == NULL) {
        return false;
    }
    enum orl_reason reason = is_right(watch, password, binding)
                                     ? begin(broker->watching, watch, conn)
                                     : ORL_REASON_TICKET_INVALID;
    if (reason != ORL_REASON_NONE) {
        /* begin() has no other cause for this one. */
        const struct orl_refusal refusal = {.reason = reason,
                .user = watch->row.watcher,
                .detail = "to look at a desktop",
                .text = reason == ORL_REASON_CONSOLE_UNREACHABLE ? other_gateway : NULL};
        orl_login_refuse(broker, conn, &refusal);
    }
    return true;
}

/* ---- what changes by itself ---- */

/* A store that is away takes no right away. */
static bool may_still(struct orl_broker *broker, const struct watch *watch)
{
    struct orl_user_row user;
    struct orl_weblogin_row login;
    int rc = orl_user_get(broker->store, watch->row.watcher, &user, NULL);
    bool may = rc == 0 ? !user.is_disabled &&
                                 orl_weblogins_role(broker, &user) >= ORL_HTTP_OPERATOR &&
                                 (user.may_break_glass || !watch->row.is_break_glass)
                       : rc != ORL_E_NOTFOUND;
    orl_secret_wipe(&user, sizeof(user));
    if (may && watch->binding[0] != '\0') {
        may = orl_weblogin_find(broker->store, watch->binding, orl_clock_wall_ms(), &login, NULL) !=
              ORL_E_NOTFOUND;
    }
    return may;
}

static enum orl_reason end_of(struct orl_broker *broker, const struct watch *watch, uint64_t now_us)
{
    if (person_of(broker, watch) == NULL) {
        return ORL_REASON_WATCH_OVER;
    }
    if (watch->row.state == ORL_WATCH_ACTIVE &&
            orl_conn_find(broker->gateways, watch->viewer) == NULL) {
        return ORL_REASON_CLIENT_CLOSED;
    }
    if (watch->row.state != ORL_WATCH_ACTIVE && now_us >= watch->due_us) {
        return watch->row.state == ORL_WATCH_ASKED ? ORL_REASON_WATCH_NO_ANSWER
                                                   : ORL_REASON_WATCH_UNUSED;
    }
    return may_still(broker, watch) ? ORL_REASON_NONE : ORL_REASON_ACCESS_REVOKED;
}

static void settle(struct orl_watching *watching)
{
    struct orl_err err = {0};
    int rc = orl_watch_close_open(
            watching->broker->store, ORL_REASON_BROKER_DOWN, &by_broker, orl_clock_wall_ms(), &err);
    if (rc < 0) {
        orl_broker_log_store(watching->broker, "ending watches", &err);
    }
    watching->is_settled = rc >= 0;
}

static void look(struct orl_watching *watching)
{
    const uint64_t now_us = orl_clock_now_us();
    watching->is_look_due = false;
    for (unsigned i = 0; i < ORL_WATCHING_MAX; i++) {
        struct watch *watch = &watching->list[i];
        if (is_open(watch)) {
            enum orl_reason reason = end_of(watching->broker, watch, now_us);
            if (reason != ORL_REASON_NONE) {
                finish(watching, watch, reason, &by_broker);
            }
        } else if (watch->row.id[0] != '\0' && write_end(watching, watch, &by_broker)) {
            forget(watch);
        }
    }
}

static void on_tick(void *ctx)
{
    struct orl_watching *watching = ctx;
    if (!watching->is_settled) {
        settle(watching);
    }
    look(watching);
}

static void look_if_due(void *ctx)
{
    struct orl_watching *watching = ctx;
    if (watching->is_look_due) {
        look(watching);
    }
}

void orl_watching_poke(struct orl_watching *watching)
{
    if (watching != NULL && !watching->is_look_due) {
        watching->is_look_due = true;
        orl_loop_defer(watching->broker->loop, look_if_due, watching);
    }
}

int orl_watching_new(
        struct orl_broker *broker, struct orl_watching **ret_watching, struct orl_err *err)
{
    struct orl_watching *watching = calloc(1, sizeof(*watching));
    if (watching == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "watching: out of memory");
    }
    watching->broker = broker;
    int rc = orl_timer_new(broker->loop, on_tick, watching, &watching->tick, err);
    if (rc < 0) {
        free(watching);
        return rc;
    }
    settle(watching);
    orl_timer_start(watching->tick, TICK_US, TICK_US);
    *ret_watching = watching;
    return 0;
}

void orl_watching_free(struct orl_watching *watching)
{
    if (watching != NULL) {
        orl_timer_free(watching->tick);
        orl_secret_wipe(watching->list, sizeof(watching->list));
        free(watching);
    }
}
