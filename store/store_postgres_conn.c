#include "store/store_postgres_priv.h"

#include "base/clock.h"
#include "base/secret.h"
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    CONNECT_MS = 10000,
    RETRY_FIRST_MS = 250,
    RETRY_DOUBLINGS = 5,
    ANSWER_MARGIN_MS = 5000, /* the server's own limits come first */
    STATEMENT_MARGIN_MS = 10000,
    PASSWORD_MAX = 255,
};

static void ignore_notice(void *ctx, const PGresult *result)
{
    (void)ctx;
    (void)result;
}

/* One line, without libpq's newline. */
static void note_why(struct orl_pg *pg, const char *why)
{
    (void)snprintf(pg->why, sizeof(pg->why), "%s", why);
    pg->why[strcspn(pg->why, "\n")] = '\0';
}

void orl_pg_drop(struct orl_pg *pg, const char *why)
{
    note_why(pg, why);
    PQfinish(pg->conn);
    pg->conn = NULL;
    pg->is_up = false;
    pg->kept_count = 0;
    pg->is_tx_lost = pg->is_in_tx;
}

static void give_up(struct orl_pg *pg, const char *why)
{
    orl_pg_drop(pg, why);
    unsigned doublings = pg->failures < RETRY_DOUBLINGS ? pg->failures : RETRY_DOUBLINGS;
    pg->failures++;
    pg->retry_us = orl_clock_now_us() + ((uint64_t)RETRY_FIRST_MS << doublings) * ORL_US_PER_MS;
}

static int away(const struct orl_pg *pg, struct orl_err *err)
{
    return orl_err_set(err, ORL_E_TIMEOUT, "PostgreSQL is away: %s",
            pg->why[0] != '\0' ? pg->why : "no connection yet");
}

int orl_pg_lost(struct orl_pg *pg, struct orl_err *err)
{
    orl_pg_drop(pg, PQerrorMessage(pg->conn));
    return away(pg, err);
}

/* systemd's: LoadCredential=store.password:FILE. libpq's own ways are its own. */
static int read_credential(char ret_password[PASSWORD_MAX + 1], struct orl_err *err)
{
    const char *folder = getenv("CREDENTIALS_DIRECTORY");
    char path[512];
    ret_password[0] = '\0';
    if (folder == NULL) {
        return 0;
    }
    (void)snprintf(path, sizeof(path), "%s/store.password", folder);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        return errno == ENOENT ? 0 : orl_err_sys(err, errno, "%s", path);
    }
    struct stat st;
    ssize_t len = fstat(fd, &st) == 0 && (st.st_mode & S_IRWXO) == 0
                          ? read(fd, ret_password, PASSWORD_MAX)
                          : -1;
    close(fd);
    if (len < 0) {
        return orl_err_set(err, ORL_E_CONFIG, "%s: everybody may read it", path);
    }
    ret_password[len] = '\0';
    ret_password[strcspn(ret_password, "\r\n")] = '\0';
    return 0;
}

static int begin_connect(struct orl_pg *pg, struct orl_err *err)
{
    char password[PASSWORD_MAX + 1];
    int rc = read_credential(password, err);
    if (rc < 0) {
        return rc;
    }
    /* What the target says itself comes later and wins. */
    const char *const keys[] = {"fallback_application_name", "client_encoding", "keepalives_idle",
            "keepalives_interval", "keepalives_count", "tcp_user_timeout", "dbname",
            password[0] != '\0' ? "password" : NULL, NULL};
    const char *const values[] = {
            "oriel", "UTF8", "10", "5", "3", "15000", pg->target, password, NULL};
    pg->conn = PQconnectStartParams(keys, values, 1);
    orl_secret_wipe(password, sizeof(password));
    if (pg->conn == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    (void)PQsetNoticeReceiver(pg->conn, ignore_notice, NULL);
    pg->polling = PGRES_POLLING_WRITING;
    pg->give_up_us = orl_clock_now_us() + CONNECT_MS * ORL_US_PER_MS;
    if (PQstatus(pg->conn) == CONNECTION_BAD) {
        give_up(pg, PQerrorMessage(pg->conn));
        return away(pg, err);
    }
    return 0;
}

/* Not while somebody moves the whole store (store/store_copy.h). */
static int show_presence(struct orl_pg *pg, struct orl_err *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(pg->conn, "SELECT pg_try_advisory_lock_shared(" ORL_PG_PRESENCE ")") != 1) {
        return orl_pg_lost(pg, err);
    }
    int rc = orl_pg_collect(pg, 0, false, &result, err);
    if (rc == 0) {
        bool is_alone = PQgetvalue(result, 0, 0)[0] != 't';
        PQclear(result);
        rc = is_alone ? orl_err_set(err, ORL_E_TIMEOUT, "the store is being restored or migrated")
                      : 0;
    }
    return rc;
}

static int set_up(struct orl_pg *pg, struct orl_err *err)
{
    char script[400];
    (void)snprintf(script, sizeof(script),
            "SET client_min_messages = warning; SET standard_conforming_strings = on;"
            " SET default_transaction_isolation = 'read committed'; SET lock_timeout = %u;"
            " SET statement_timeout = %u; SET idle_in_transaction_session_timeout = 60000;"
            " LISTEN oriel_store",
            pg->busy_ms, pg->busy_ms + STATEMENT_MARGIN_MS);
    if (PQsetnonblocking(pg->conn, 1) != 0) {
        return orl_pg_lost(pg, err);
    }
    pg->is_up = true;
    int rc = orl_pg_script(pg, script, NULL, err);
    rc = rc < 0 ? rc : show_presence(pg, err);
    if (rc < 0) {
        give_up(pg, err != NULL ? err->text : "its settings failed");
        return rc;
    }
    pg->failures = 0;
    pg->generation++;
    return 0;
}

static int wait_for(struct orl_pg *pg, short events, uint64_t until_us)
{
    uint64_t now_us = orl_clock_now_us();
    if (now_us >= until_us) {
        return 0;
    }
    struct pollfd p = {.fd = PQsocket(pg->conn), .events = events};
    return poll(&p, 1, (int)((until_us - now_us) / ORL_US_PER_MS) + 1);
}

static int go_on_connecting(struct orl_pg *pg, unsigned wait_ms, struct orl_err *err)
{
    uint64_t until_us = orl_clock_now_us() + wait_ms * ORL_US_PER_MS;
    for (;;) {
        short events = pg->polling == PGRES_POLLING_READING ? POLLIN : POLLOUT;
        int rc = wait_for(pg, events, until_us);
        if (rc <= 0 && orl_clock_now_us() >= pg->give_up_us) {
            give_up(pg, "it takes too long to connect");
            return away(pg, err);
        }
        if (rc == 0) {
            note_why(pg, "connecting");
            return away(pg, err);
        }
        pg->polling = PQconnectPoll(pg->conn);
        if (pg->polling == PGRES_POLLING_OK) {
            return set_up(pg, err);
        }
        if (pg->polling == PGRES_POLLING_FAILED) {
            give_up(pg, PQerrorMessage(pg->conn));
            return away(pg, err);
        }
    }
}

/* A server that went says so, or closes: seen before anything is sent that must not be repeated. */
static void look_for_end(struct orl_pg *pg)
{
    struct pollfd p = {.fd = PQsocket(pg->conn), .events = POLLIN};
    if (poll(&p, 1, 0) > 0 &&
            (PQconsumeInput(pg->conn) == 0 || PQstatus(pg->conn) == CONNECTION_BAD)) {
        orl_pg_drop(pg, PQerrorMessage(pg->conn));
    }
}

int orl_pg_ready(struct orl_pg *pg, unsigned wait_ms, struct orl_err *err)
{
    if (pg->is_up && !pg->is_in_tx) {
        look_for_end(pg);
    }
    if (pg->is_tx_lost) {
        return away(pg, err);
    }
    if (pg->is_up) {
        return 0;
    }
    if (pg->conn == NULL) {
        if (orl_clock_now_us() < pg->retry_us) {
            return away(pg, err);
        }
        int rc = begin_connect(pg, err);
        if (rc < 0) {
            return rc;
        }
    }
    return go_on_connecting(pg, wait_ms, err);
}

static int code_of(const char *state)
{
    static const struct {
        const char *state;
        int code;
    } codes[] = {{"23505", ORL_E_EXISTS}, {"23503", ORL_E_NOTFOUND}, {"23001", ORL_E_NOTFOUND},
            {"23", ORL_E_DENIED}, {"22003", ORL_E_DENIED}, {"55P03", ORL_E_TIMEOUT},
            {"57014", ORL_E_TIMEOUT}, {"40", ORL_E_TIMEOUT}, {"53", ORL_E_LIMIT},
            {"57P", ORL_E_TIMEOUT}, {"25006", ORL_E_TIMEOUT}};
    for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
        if (strncmp(state, codes[i].state, strlen(codes[i].state)) == 0) {
            return codes[i].code;
        }
    }
    return ORL_E_BACKEND;
}

static int fault_of(const PGresult *result, struct orl_err *err)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    return orl_err_set(err, state != NULL ? code_of(state) : ORL_E_TIMEOUT, "store: %s",
            text != NULL ? text : PQresultErrorMessage(result));
}

static void note_others(struct orl_pg *pg)
{
    PGnotify *note = NULL;
    while ((note = PQnotifies(pg->conn)) != NULL) {
        if (note->be_pid != PQbackendPID(pg->conn)) {
            pg->generation++;
        }
        PQfreemem(note);
    }
}

/* false: there is none any more, or not in time. */
static bool next_result(struct orl_pg *pg, uint64_t until_us, PGresult **ret_result)
{
    for (;;) {
        int rest = PQflush(pg->conn);
        if (rest < 0 || PQstatus(pg->conn) == CONNECTION_BAD) {
            return false;
        }
        if (rest == 0 && PQisBusy(pg->conn) == 0) {
            break;
        }
        if (wait_for(pg, (short)(POLLIN | (rest > 0 ? POLLOUT : 0)), until_us) == 0) {
            return false;
        }
        if (PQconsumeInput(pg->conn) == 0) {
            return false;
        }
    }
    *ret_result = PQgetResult(pg->conn);
    return PQstatus(pg->conn) == CONNECTION_OK;
}

struct answer {
    PGresult *kept;
    PGresult *fault; /* the first */
    unsigned count;
};

/* true: that was the last. */
static bool take(struct answer *a, PGresult *result, unsigned keep, bool is_pipeline)
{
    if (result == NULL) {
        return !is_pipeline;
    }
    ExecStatusType status = PQresultStatus(result);
    bool is_fault = status == PGRES_FATAL_ERROR || status == PGRES_BAD_RESPONSE;
    if (is_fault && a->fault == NULL) {
        a->fault = result;
    } else if (status != PGRES_PIPELINE_SYNC && a->count == keep && a->kept == NULL) {
        a->kept = result;
    } else {
        PQclear(result);
    }
    a->count++;
    return status == PGRES_PIPELINE_SYNC;
}

int orl_pg_collect(struct orl_pg *pg, unsigned keep, bool is_pipeline, PGresult **ret_result,
        struct orl_err *err)
{
    struct answer a = {0};
    uint64_t until_us = orl_clock_now_us() +
                        (pg->busy_ms + STATEMENT_MARGIN_MS + ANSWER_MARGIN_MS) * ORL_US_PER_MS;
    bool is_whole = false;
    while (!is_whole) {
        PGresult *result = NULL;
        if (!next_result(pg, until_us, &result)) {
            PQclear(result);
            break;
        }
        is_whole = take(&a, result, keep, is_pipeline);
    }
    int rc = a.fault != NULL ? fault_of(a.fault, err) : 0;
    if (!is_whole) {
        bool is_bad = PQstatus(pg->conn) == CONNECTION_BAD;
        orl_pg_drop(pg, is_bad ? PQerrorMessage(pg->conn) : "it did not answer in time");
        rc = away(pg, err);
    } else {
        note_others(pg);
    }
    PQclear(a.fault);
    if (rc < 0) {
        PQclear(a.kept);
        return rc;
    }
    *ret_result = a.kept;
    return 0;
}

int orl_pg_script(struct orl_pg *pg, const char *script, char ret_tag[16], struct orl_err *err)
{
    PGresult *result = NULL;
    if (PQsendQuery(pg->conn, script) != 1) {
        return orl_pg_lost(pg, err);
    }
    int rc = orl_pg_collect(pg, 0, false, &result, err);
    if (rc == 0 && ret_tag != NULL) {
        (void)snprintf(ret_tag, 16, "%s", PQcmdStatus(result));
    }
    if (rc == 0) {
        PQclear(result);
    }
    return rc;
}

static int refuse_password(const char *target, struct orl_err *err)
{
    char *text = NULL;
    PQconninfoOption *options = PQconninfoParse(target, &text);
    if (options == NULL) {
        /* libpq's text may repeat the target. */
        PQfreemem(text);
        return orl_err_set(err, ORL_E_CONFIG, "the store's address is none that libpq reads");
    }
    int rc = 0;
    for (const PQconninfoOption *o = options; o->keyword != NULL; o++) {
        bool is_secret =
                strcmp(o->keyword, "password") == 0 || strcmp(o->keyword, "sslpassword") == 0;
        if (is_secret && o->val != NULL && o->val[0] != '\0') {
            rc = orl_err_set(err, ORL_E_CONFIG,
                    "a password does not belong into the store's address: "
                    "passfile=, a service file or the credential store.password holds it");
        }
    }
    PQconninfoFree(options);
    return rc;
}

int orl_pg_new(const char *target, unsigned busy_ms, struct orl_pg **ret_pg, struct orl_err *err)
{
    int rc = refuse_password(target, err);
    if (rc < 0) {
        return rc;
    }
    struct orl_pg *pg = calloc(1, sizeof(*pg));
    if (pg == NULL || (pg->target = strdup(target)) == NULL) {
        free(pg);
        return orl_err_set(err, ORL_E_NOMEM, "out of memory");
    }
    pg->busy_ms = busy_ms;
    *ret_pg = pg;
    return 0;
}

void orl_pg_free(struct orl_pg *pg)
{
    if (pg != NULL) {
        PQfinish(pg->conn);
        free(pg->target);
        free(pg);
    }
}
