#include "gateway/console_table.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "base/log.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ANSWER_US (20 * ORL_US_PER_S) /* a vmpool that says nothing for so long is asked again */
#define BACKOFF_MIN_US (500 * ORL_US_PER_MS)
#define BACKOFF_MAX_US (4 * ORL_US_PER_S)
#define STABLE_US (10 * ORL_US_PER_S) /* who lived so long starts again with the short pause */

enum console_state { FREE = 0, ASKING, RUNNING, PAUSING };

struct viewer {
    uint32_t conn;
    struct orl_permit permit;
};
struct console {
    enum console_state state;
    char desktop[ORL_ID_LEN + 1];
    uint64_t version;
    char session[ORL_ID_LEN + 1]; /* of the last that asked */
    uint32_t process;             /* RUNNING */
    struct viewer viewers[ORL_CONSOLE_MAX_VIEWERS];
    unsigned viewer_count;
    uint64_t due_us;   /* ASKING: ask again; PAUSING: try; RUNNING without viewers: end. 0: never */
    uint64_t since_us; /* RUNNING: started */
    uint64_t failing_us; /* first failure of this row of failures; 0: none */
    uint64_t backoff_us;
};
struct orl_console_table {
    struct orl_console_limits limits;
    struct orl_console_ops ops;
    void *ctx;
    uint32_t next_process;
    uint32_t next_link;
    struct console *consoles; /* limits.max_consoles of them */
};

static const struct orl_log_ctx log_ctx = {.name = "consoles"};

int orl_console_table_new(const struct orl_console_limits *limits,
        const struct orl_console_ops *ops, void *ctx, struct orl_console_table **ret_table)
{
    struct orl_console_table *table = calloc(1, sizeof(*table));
    struct console *consoles = calloc(limits->max_consoles, sizeof(*consoles));
    if (table == NULL || consoles == NULL) {
        free(table);
        free(consoles);
        return ORL_E_NOMEM;
    }
    table->limits = *limits;
    table->ops = *ops;
    table->ctx = ctx;
    table->next_process = 1;
    table->next_link = 1;
    table->consoles = consoles;
    *ret_table = table;
    return ORL_OK;
}

static void arm(struct orl_console_table *table)
{
    uint64_t due_us = 0;
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        const struct console *console = &table->consoles[i];
        if (console->state != FREE && console->due_us != 0 &&
                (due_us == 0 || console->due_us < due_us)) {
            due_us = console->due_us;
        }
    }
    table->ops.arm(table->ctx, due_us);
}

static struct console *find(struct orl_console_table *table, const char *desktop, uint64_t version)
{
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        struct console *console = &table->consoles[i];
        if (console->state != FREE && console->version == version &&
                strcmp(console->desktop, desktop) == 0) {
            return console;
        }
    }
    return NULL;
}

static struct console *take_place(struct orl_console_table *table)
{
    struct console *oldest = NULL;
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        struct console *console = &table->consoles[i];
        if (console->state == FREE) {
            return console;
        }
        if (console->viewer_count == 0 && (oldest == NULL || console->due_us < oldest->due_us)) {
            oldest = console;
        }
    }
    if (oldest != NULL && oldest->state == RUNNING) {
        table->ops.kill(table->ctx, oldest->process);
    }
    return oldest;
}

static void clear(struct console *console)
{
    *console = (struct console){.state = FREE};
}

/* Calls out for every viewer; each may drop itself, so the list is copied first. */
static void tell_final(struct orl_console_table *table, struct console *console,
        enum orl_reason reason, const char *text)
{
    struct console gone = *console;
    clear(console);
    for (unsigned i = 0; i < gone.viewer_count; i++) {
        table->ops.on_final(table->ctx, gone.viewers[i].conn, reason, text);
    }
}

static void fail(struct orl_console_table *table, struct console *console, enum orl_reason reason,
        const char *text, bool is_final, uint64_t now_us)
{
    bool was_stable = console->state == RUNNING && now_us - console->since_us >= STABLE_US;
    if (console->failing_us == 0 || was_stable) {
        console->failing_us = now_us;
        console->backoff_us = BACKOFF_MIN_US;
    }
    orl_log_warn(&log_ctx, "no console", "desktop", console->desktop, "reason",
            orl_reason_code(reason), "text", text);
    if (console->viewer_count == 0) {
        clear(console);
        return;
    }
    if (is_final || now_us - console->failing_us >= table->limits.retry_us) {
        tell_final(table, console, reason, text);
        return;
    }
    console->state = PAUSING;
    console->process = 0;
    console->due_us = now_us + console->backoff_us;
    console->backoff_us =
            console->backoff_us * 2 < BACKOFF_MAX_US ? console->backoff_us * 2 : BACKOFF_MAX_US;
    struct console copy = *console;
    for (unsigned i = 0; i < copy.viewer_count; i++) {
        table->ops.on_notice(table->ctx, copy.viewers[i].conn, reason, text);
    }
}

static void ask(struct orl_console_table *table, struct console *console, uint64_t now_us)
{
    struct orl_msg msg = {.type = ORL_MSG_CONSOLE};
    memcpy(msg.u.console.desktop, console->desktop, sizeof(msg.u.console.desktop));
    memcpy(msg.u.console.session, console->session, sizeof(msg.u.console.session));
    msg.u.console.version = console->version;
    console->state = ASKING;
    console->due_us = now_us + ANSWER_US;
    if (!table->ops.ask(table->ctx, &msg)) {
        fail(table, console, ORL_REASON_VMPOOL_DOWN, "", false, now_us);
    }
}

static void attach(
        struct orl_console_table *table, const struct console *console, const struct viewer *viewer)
{
    struct orl_msg msg = {.type = ORL_MSG_SURFACE};
    int fds[2];
    if (orl_ipc_pair(fds, NULL) < 0) {
        table->ops.on_final(table->ctx, viewer->conn, ORL_REASON_INTERNAL, "");
        return;
    }
    msg.u.surface.link = table->next_link++;
    msg.u.surface.permit = viewer->permit;
    table->ops.post(table->ctx, console->process, &msg, fds[0]);
    table->ops.on_link(table->ctx, viewer->conn, msg.u.surface.link, fds[1]);
    close(fds[0]);
    close(fds[1]);
}

void orl_console_table_want(struct orl_console_table *table, uint32_t conn,
        const struct orl_msg_plan *plan, uint64_t now_us)
{
    struct console *console = find(table, plan->desktop, plan->version);
    bool is_new = console == NULL;
    if (is_new) {
        console = take_place(table);
    }
    if (console == NULL || (!is_new && console->viewer_count == ORL_CONSOLE_MAX_VIEWERS)) {
        table->ops.on_final(table->ctx, conn, ORL_REASON_TOO_MANY_CONNECTIONS, "");
        return;
    }
    if (is_new) {
        clear(console);
        memcpy(console->desktop, plan->desktop, sizeof(console->desktop));
        console->version = plan->version;
    }
    memcpy(console->session, plan->session, sizeof(console->session));
    console->viewers[console->viewer_count++] =
            (struct viewer){.conn = conn, .permit = plan->permit};
    if (is_new) {
        ask(table, console, now_us);
    } else if (console->state == RUNNING) {
        const struct viewer viewer = console->viewers[console->viewer_count - 1];
        console->due_us = 0;
        attach(table, console, &viewer);
    }
    arm(table);
}

void orl_console_table_drop(struct orl_console_table *table, uint32_t conn, uint64_t now_us)
{
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        struct console *console = &table->consoles[i];
        for (unsigned j = 0; console->state != FREE && j < console->viewer_count; j++) {
            if (console->viewers[j].conn != conn) {
                continue;
            }
            console->viewers[j] = console->viewers[--console->viewer_count];
            if (console->viewer_count > 0) {
                break;
            }
            if (console->state == RUNNING) {
                console->due_us = now_us + table->limits.keep_us;
            } else if (console->state == PAUSING) {
                clear(console);
            }
            break;
        }
    }
    arm(table);
}

static void start(struct orl_console_table *table, struct console *console,
        const struct orl_msg_console *answer, const struct orl_ipc_fds *display, uint64_t now_us)
{
    struct orl_msg msg = {.type = ORL_MSG_START};
    msg.u.start.source = answer->source;
    msg.u.start.threads = 1;
    memcpy(msg.u.start.password, answer->password, sizeof(msg.u.start.password));
    memcpy(msg.u.start.user, answer->user, sizeof(msg.u.start.user));
    memcpy(msg.u.start.domain, answer->domain, sizeof(msg.u.start.domain));
    memcpy(msg.u.start.fingerprint, answer->fingerprint, sizeof(msg.u.start.fingerprint));
    console->process = table->next_process++;
    int code = table->ops.start(table->ctx, console->process, &msg, display);
    orl_msg_wipe(&msg);
    if (code < 0) {
        fail(table, console, ORL_REASON_INTERNAL, "", false, now_us);
        return;
    }
    console->state = RUNNING;
    console->since_us = now_us;
    console->due_us = 0;
    struct console copy = *console;
    for (unsigned i = 0; i < copy.viewer_count; i++) {
        attach(table, &copy, &copy.viewers[i]);
    }
}

void orl_console_table_on_answer(struct orl_console_table *table,
        const struct orl_msg_console *answer, const struct orl_ipc_fds *display, uint64_t now_us)
{
    struct console *console = find(table, answer->desktop, answer->version);
    if (console == NULL || console->state != ASKING) {
        return; /* too late, or nobody asked: the caller closes the display */
    }
    if (console->viewer_count == 0) {
        clear(console);
    } else if (answer->reason != ORL_REASON_NONE) {
        fail(table, console, orl_reason_from_u32(answer->reason), answer->text,
                answer->is_final != 0, now_us);
    } else if (display->count != (answer->source == ORL_SOURCE_QEMU ? 2U : 1U)) {
        fail(table, console, ORL_REASON_INTERNAL, "", false, now_us);
    } else {
        start(table, console, answer, display, now_us);
    }
    arm(table);
}

/* Another try would bring the same password and certificate, log in again who logged off, or throw out who came. */
static bool is_last_word(enum orl_reason reason)
{
    return reason == ORL_REASON_CONSOLE_AUTH || reason == ORL_REASON_CONSOLE_CERTIFICATE ||
           reason == ORL_REASON_CONSOLE_ENDED;
}

void orl_console_table_on_gone(struct orl_console_table *table, uint32_t process,
        enum orl_reason reason, const char *text, uint64_t now_us)
{
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        struct console *console = &table->consoles[i];
        if (console->state == RUNNING && console->process == process) {
            fail(table, console, reason, text, is_last_word(reason), now_us);
            break;
        }
    }
    arm(table);
}

static void on_due(struct orl_console_table *table, struct console *console, uint64_t now_us)
{
    switch (console->state) {
    case ASKING:
        fail(table, console, ORL_REASON_VMPOOL_DOWN, "", false, now_us);
        break;
    case PAUSING:
        ask(table, console, now_us);
        break;
    case RUNNING: {
        uint32_t process = console->process;
        clear(console);
        table->ops.kill(table->ctx, process);
        break;
    }
    case FREE:
        break;
    }
}

void orl_console_table_tick(struct orl_console_table *table, uint64_t now_us)
{
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        struct console *console = &table->consoles[i];
        if (console->state != FREE && console->due_us != 0 && console->due_us <= now_us) {
            on_due(table, console, now_us);
        }
    }
    arm(table);
}

unsigned orl_console_table_count(const struct orl_console_table *table)
{
    unsigned count = 0;
    for (unsigned i = 0; i < table->limits.max_consoles; i++) {
        count += table->consoles[i].state != FREE ? 1 : 0;
    }
    return count;
}

void orl_console_table_free(struct orl_console_table *table)
{
    if (table != NULL) {
        free(table->consoles);
        free(table);
    }
}
