#include "broker_fixture.h"

#include "base/clock.h"
#include "base/secret.h"
#include "broker/ntlm_verify.h"
#include "store/audit.h"
#include "store/host.h"
#include "store/template.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/provider.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { WAIT_MS = 20000, MAX_ARGS = 40 };

static int connect_stream(const char *path)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    assert_true(strlen(path) < sizeof(addr.sun_path));
    memcpy(addr.sun_path, path, strlen(path));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    struct timeval limit = {.tv_sec = WAIT_MS / 1000};
    assert_true(fd >= 0);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)), 0);
    if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0) {
        close(fd);
        return -1;
    }
    return fd;
}

static void path_of(const struct broker *b, const char *name, char ret_path[128])
{
    (void)snprintf(ret_path, 128, "%s/%s", b->dir, name);
}

static void exec_broker(const struct broker *b)
{
    char run[80], state[80], log[80];
    char store[STORE_PLACE_MAX + 8];
    const char *args[MAX_ARGS] = {ORIEL_BROKER_BIN, "--config", "/dev/null"};
    unsigned count = 3;
    (void)snprintf(run, sizeof(run), "run_dir=%s/run", b->dir);
    (void)snprintf(state, sizeof(state), "state_dir=%s/state", b->dir);
    (void)snprintf(log, sizeof(log), "%s/log", b->dir);
    (void)snprintf(store, sizeof(store), "store=%s", b->target);
    const char *const fixed[] = {run, state, store, "user=", "password_cost=minimal"};
    for (unsigned i = 0; i < sizeof(fixed) / sizeof(fixed[0]); i++) {
        args[count++] = "--set";
        args[count++] = fixed[i];
    }
    for (unsigned i = 0; i < b->set_count; i++) {
        args[count++] = "--set";
        args[count++] = b->sets[i];
    }
    int fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0 && dup2(fd, STDERR_FILENO) >= 0) {
        (void)execv(ORIEL_BROKER_BIN, (char *const *)(uintptr_t)args);
    }
    _exit(127);
}

static void launch(struct broker *b)
{
    char path[128];
    b->pid = fork();
    assert_true(b->pid >= 0);
    if (b->pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test dies */
        exec_broker(b);
    }
    path_of(b, "run/broker.sock", path);
    for (int i = 0; i < WAIT_MS / 20; i++) {
        int fd = connect_stream(path);
        if (fd >= 0) {
            close(fd);
            return;
        }
        usleep(20000);
    }
    fail_msg("the broker does not answer; see %s/log", b->dir);
}

void broker_start(struct broker *b, const char *const *sets)
{
    char path[128];
    struct orl_err err = {0};
    *b = (struct broker){.next_conn = 1};
    (void)snprintf(b->dir, sizeof(b->dir), "/tmp/oriel-broker-test.XXXXXX");
    assert_non_null(mkdtemp(b->dir));
    for (; *sets != NULL; sets++) {
        (void)snprintf(b->sets[b->set_count++], sizeof(b->sets[0]), "%s", *sets);
    }
    assert_int_equal(chmod(b->dir, 0755), 0); /* other users must reach the sockets */
    path_of(b, "state/oriel.db", path);
    store_place(path, b->target);
    launch(b);
    if (orl_store_open(b->target, &b->store, &err) < 0) {
        fail_msg("%s", err.text);
    }
}

void broker_kill(struct broker *b, int signum)
{
    int status = 0;
    assert_int_equal(kill(b->pid, signum), 0);
    assert_int_equal(waitpid(b->pid, &status, 0), b->pid);
    if (signum == SIGTERM && !(WIFEXITED(status) && WEXITSTATUS(status) == 0)) {
        fail_msg("the broker ended with status %x; see %s/log", (unsigned)status, b->dir);
    }
    b->pid = 0;
}

void broker_restart(struct broker *b)
{
    launch(b);
}

static void remove_tree(const char *dir)
{
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", "--", dir, (char *)NULL);
        _exit(127);
    }
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

void broker_stop(struct broker *b)
{
    orl_store_close(b->store);
    broker_kill(b, SIGTERM);
    store_place_remove(b->target);
    remove_tree(b->dir);
}

static size_t read_all(int fd, char *buf, size_t size)
{
    size_t len = 0;
    while (len < size - 1) {
        ssize_t got = read(fd, buf + len, size - 1 - len);
        if (got <= 0) {
            break;
        }
        len += (size_t)got;
    }
    buf[len] = '\0';
    return len;
}

int api_connect(struct broker *b)
{
    char path[128];
    path_of(b, "run/broker.sock", path);
    return connect_stream(path);
}

void api_trace(const char *request, size_t len, int status, const char *answer)
{
    const char *path = getenv("ORIEL_API_TRACE");
    char method[8];
    char target[1024];
    char line[1100];
    size_t line_len = len < sizeof(line) - 1 ? len : sizeof(line) - 1;
    memcpy(line, request, line_len);
    line[line_len] = '\0';
    const char *body = strstr(answer, "\r\n\r\n");
    if (path == NULL || body == NULL || sscanf(line, "%7s %1023s", method, target) != 2) {
        return;
    }
    json_t *json = json_loads(body + 4, JSON_DECODE_ANY, NULL);
    json_t *row = json_pack("{s:s, s:s, s:i, s:o}", "method", method, "path", target, "status",
            status, "body", json != NULL ? json : json_null());
    FILE *file = fopen(path, "a");
    if (row != NULL && file != NULL) {
        (void)json_dumpf(row, file, JSON_COMPACT);
        (void)fputc('\n', file);
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    json_decref(row);
}

int api_exchange(struct broker *b, const void *data, size_t len, char *buf, size_t size)
{
    int status = 0;
    int fd = api_connect(b);
    assert_true(fd >= 0);
    (void)send(fd, data, len, MSG_NOSIGNAL);
    size_t got = read_all(fd, buf, size);
    close(fd);
    if (got > 12 && sscanf(buf, "HTTP/1.%*c %d", &status) != 1) {
        status = 0;
    }
    api_trace(data, len, status, buf);
    return status;
}

json_t *api(
        struct broker *b, const char *method, const char *path, const char *body, int *ret_status)
{
    static char buf[1 << 20];
    static char request[70000];
    size_t len = body != NULL ? strlen(body) : 0;
    int head = snprintf(request, sizeof(request),
            "%s %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %zu\r\n\r\n%s",
            method, path, len, body != NULL ? body : "");
    assert_true(head > 0 && (size_t)head < sizeof(request));
    *ret_status = api_exchange(b, request, (size_t)head, buf, sizeof(buf));
    char *at = strstr(buf, "\r\n\r\n");
    json_t *answer = at != NULL ? json_loads(at + 4, JSON_DECODE_ANY, NULL) : NULL;
    return answer != NULL ? answer : json_null();
}

void api_ok(struct broker *b, const char *method, const char *path, const char *body, int status)
{
    int got = 0;
    json_t *answer = api(b, method, path, body, &got);
    if (got != status) {
        char *text = json_dumps(answer, JSON_ENCODE_ANY);
        fail_msg("%s %s: %d, not %d: %s", method, path, got, status, text);
    }
    json_decref(answer);
}

void api_metrics(struct broker *b, char *ret_text, size_t size)
{
    static const char request[] = "GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    assert_int_equal(api_exchange(b, request, sizeof(request) - 1, ret_text, size), 200);
}

int api_raw(struct broker *b, const void *data, size_t len)
{
    static char buf[65536];
    return api_exchange(b, data, len, buf, sizeof(buf));
}

int api_status_as(struct broker *b, uid_t uid)
{
    int status = 0;
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        static const char request[] =
                "GET /v1/status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        if (setresuid(uid, uid, uid) < 0) {
            _exit(99);
        }
        _exit(api_raw(b, request, sizeof(request) - 1) == 200     ? 20
                : api_raw(b, request, sizeof(request) - 1) == 403 ? 43
                                                                  : 1);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WEXITSTATUS(status) == 20 ? 200 : WEXITSTATUS(status) == 43 ? 403 : -1;
}

void add_user(struct broker *b, const char *name, const char *pool)
{
    char body[256];
    (void)snprintf(
            body, sizeof(body), "{\"name\":\"%s\",\"password\":\"password-%s\"}", name, name);
    api_ok(b, "POST", "/v1/users", body, 201);
    if (pool != NULL) {
        (void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"pool\":\"%s\"}", name, pool);
        api_ok(b, "POST", "/v1/entitlements", body, 201);
    }
}

void add_static_pool(struct broker *b, const char *name, unsigned desktops)
{
    char body[256];
    (void)snprintf(body, sizeof(body), "{\"name\":\"%s\",\"kind\":\"static\"}", name);
    api_ok(b, "POST", "/v1/pools", body, 201);
    for (unsigned i = 0; i < desktops; i++) {
        (void)snprintf(
                body, sizeof(body), "{\"pool\":\"%s\",\"vnc\":\"127.0.0.1:%u\"}", name, 5901 + i);
        int status = 0;
        json_t *row = api(b, "POST", "/v1/desktops", body, &status);
        assert_int_equal(status, 201);
        set_power(b, json_string_value(json_object_get(row, "id")), ORL_POWER_NONE, true);
        json_decref(row);
    }
}

void add_floating_pool(struct broker *b, const char *name, unsigned max, unsigned timeout_s)
{
    char body[256];
    int status = 0;
    struct orl_host_row host = {.name = "host1",
            .uri = "test:///default",
            .accel = "qemu",
            .state = ORL_HOST_UP,
            .heartbeat_ms = orl_clock_wall_ms()};
    assert_int_equal(orl_host_put(b->store, &host, NULL), 0);
    json_decref(api(b, "POST", "/v1/templates",
            "{\"name\":\"tiny\",\"kind\":\"disk\",\"path\":\"/nowhere/tiny.qcow2\"}", &status));
    (void)snprintf(body, sizeof(body),
            "{\"name\":\"%s\",\"kind\":\"floating\",\"template\":\"tiny\",\"max\":%u,"
            "\"spares\":0,\"disconnect_timeout_s\":%u}",
            name, max, timeout_s);
    api_ok(b, "POST", "/v1/pools", body, 201);
}

void set_power(struct broker *b, const char *desktop, enum orl_power power, bool is_ready)
{
    struct orl_err err = {0};
    struct orl_desktop_seen seen = {.id = desktop, .power = power, .is_ready = is_ready};
    if (orl_desktop_observe(b->store, &seen, orl_clock_wall_ms(), &err) < 0) {
        fail_msg("%s", err.text);
    }
}

void make_ready_desktop(struct broker *b, const char *pool, char ret_id[ORL_ID_LEN + 1])
{
    struct orl_err err = {0};
    struct orl_desktop_row row = {.lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
    struct orl_id id;
    orl_msg_text(row.pool, sizeof(row.pool), pool);
    orl_msg_text(row.host, sizeof(row.host), "host1");
    if (orl_desktop_insert(b->store, &row, "vmpool", orl_clock_wall_ms(), &id, &err) < 0) {
        fail_msg("%s", err.text);
    }
    set_power(b, id.text, ORL_POWER_CLONING, false);
    set_power(b, id.text, ORL_POWER_STARTING, false);
    set_power(b, id.text, ORL_POWER_RUNNING, true);
    memcpy(ret_id, id.text, ORL_ID_LEN + 1);
}

int gateway_connect(struct broker *b)
{
    char path[128];
    int fd = -1;
    path_of(b, "run/gateway.sock", path);
    assert_int_equal(orl_ipc_connect(path, &fd, NULL), 0);
    return fd;
}

static void post(int gw, const struct orl_msg *msg)
{
    int rc = ORL_E_AGAIN;
    for (int i = 0; i < 1000 && rc == ORL_E_AGAIN; i++) {
        rc = orl_ipc_send(gw, msg, NULL, 0);
        if (rc == ORL_E_AGAIN) {
            usleep(5000);
        }
    }
    assert_int_equal(rc, 0);
}

void poke(int gw)
{
    struct orl_msg msg = {.type = ORL_MSG_POKE};
    post(gw, &msg);
}

uint32_t send_login(struct broker *b, int gw, const char *user, const char *password,
        const char *pool, const char *client)
{
    struct orl_msg msg = {.type = ORL_MSG_LOGIN, .conn = b->next_conn++};
    struct orl_msg_login *login = &msg.u.login;
    login->protocol = ORL_PROTOCOL_RDP;
    orl_msg_text(login->user, sizeof(login->user), user);
    orl_msg_text(login->password, sizeof(login->password), password);
    orl_msg_text(login->pool, sizeof(login->pool), pool);
    orl_msg_text(login->client, sizeof(login->client), client);
    post(gw, &msg);
    return msg.conn;
}

uint32_t send_bound_login(struct broker *b, int gw, const char *ticket, const char *password,
        const char *binding, const char *client)
{
    struct orl_msg msg = {.type = ORL_MSG_LOGIN, .conn = b->next_conn++};
    struct orl_msg_login *login = &msg.u.login;
    login->protocol = ORL_PROTOCOL_VNC;
    orl_msg_text(login->user, sizeof(login->user), ticket);
    orl_msg_text(login->password, sizeof(login->password), password);
    orl_msg_text(login->binding, sizeof(login->binding), binding);
    orl_msg_text(login->client, sizeof(login->client), client);
    post(gw, &msg);
    return msg.conn;
}

void send_thumb(int gw, uint32_t conn, const char *session, const void *data, size_t len)
{
    struct orl_msg msg = {.type = ORL_MSG_THUMB, .conn = conn};
    assert_true(len <= sizeof(msg.u.thumb.data));
    orl_msg_text(msg.u.thumb.session, sizeof(msg.u.thumb.session), session);
    msg.u.thumb.data_len = (uint32_t)len;
    memcpy(msg.u.thumb.data, data, len);
    post(gw, &msg);
}

void send_stats(int gw, uint32_t conn, const char *session)
{
    struct orl_msg msg = {.type = ORL_MSG_STATS, .conn = conn};
    orl_msg_text(msg.u.stats.session, sizeof(msg.u.stats.session), session);
    msg.u.stats.width_px = 1024;
    post(gw, &msg);
}

void send_close(int gw, uint32_t conn, enum orl_reason reason)
{
    struct orl_msg msg = {.type = ORL_MSG_CLOSE, .conn = conn};
    msg.u.close.reason = reason;
    post(gw, &msg);
}

struct orl_msg expect(int gw, uint32_t conn, enum orl_msg_type type)
{
    struct orl_msg msg = {0};
    struct orl_ipc_fds fds;
    int rc = 0;
    do { /* texts of who waits come when they come */
        rc = orl_ipc_recv(gw, WAIT_MS, &msg, &fds);
    } while (rc == 0 && type != msg.type &&
             (msg.type == ORL_MSG_NOTICE ||
                     (msg.type == ORL_MSG_CONSENT && msg.u.consent.kind == ORL_CONSENT_NONE)));
    if (rc < 0) {
        fail_msg("waiting for %s: %s", orl_msg_name(type), orl_err_name(rc));
    }
    if (msg.type != type && msg.type == ORL_MSG_CLOSE) {
        fail_msg("CLOSE %s instead of %s: %s",
                orl_reason_code(orl_reason_from_u32(msg.u.close.reason)), orl_msg_name(type),
                msg.u.close.text);
    }
    assert_string_equal(orl_msg_name(msg.type), orl_msg_name(type));
    assert_int_equal(msg.conn, conn);
    return msg;
}

void expect_refusal(struct broker *b, int gw, uint32_t conn, enum orl_reason reason)
{
    char path[80];
    int status = 0;
    struct orl_msg msg = expect(gw, conn, ORL_MSG_CLOSE);
    assert_string_equal(
            orl_reason_code(orl_reason_from_u32(msg.u.close.reason)), orl_reason_code(reason));
    assert_true(orl_id_is_valid(msg.u.close.audit));
    (void)snprintf(path, sizeof(path), "/v1/audit/%s", msg.u.close.audit);
    json_t *row = api(b, "GET", path, NULL, &status);
    assert_int_equal(status, 200);
    assert_string_equal(json_string_value(json_object_get(row, "reason")), orl_reason_code(reason));
    json_decref(row);
}

struct orl_msg_plan expect_plan(int gw, uint32_t conn, bool is_ready)
{
    struct orl_msg msg = expect(gw, conn, ORL_MSG_PLAN);
    assert_int_equal(msg.u.plan.is_ready, is_ready);
    assert_true(orl_id_is_valid(msg.u.plan.session));
    assert_int_equal(orl_id_is_valid(msg.u.plan.desktop), is_ready);
    assert_int_equal(msg.u.plan.version > 0, is_ready);
    return msg.u.plan;
}

void expect_silence(int gw)
{
    struct orl_msg msg;
    struct orl_ipc_fds fds;
    assert_int_equal(orl_ipc_recv(gw, 300, &msg, &fds), ORL_E_TIMEOUT);
}

struct ticket make_ticket(struct broker *b, const char *user, const char *pool)
{
    struct ticket ticket;
    char body[200];
    int status = 0;
    (void)snprintf(body, sizeof(body), "{\"user\":\"%s\",\"pool\":\"%s\"}", user, pool);
    json_t *answer = api(b, "POST", "/v1/tickets", body, &status);
    assert_int_equal(status, 201);
    (void)snprintf(
            ticket.id, sizeof(ticket.id), "%s", json_string_value(json_object_get(answer, "user")));
    (void)snprintf(ticket.password, sizeof(ticket.password), "%s",
            json_string_value(json_object_get(answer, "password")));
    json_decref(answer);
    return ticket;
}

static void hmac_md5(const uint8_t key[16], const void *data, size_t len, uint8_t ret_mac[16])
{
    unsigned mac_len = 0;
    assert_non_null(HMAC(EVP_md5(), key, 16, data, len, ret_mac, &mac_len));
}

static void rc4(const uint8_t key[16], const uint8_t in[16], uint8_t ret_out[16])
{
    OSSL_LIB_CTX *lib = OSSL_LIB_CTX_new();
    OSSL_PROVIDER *legacy = OSSL_PROVIDER_load(lib, "legacy");
    EVP_CIPHER *cipher = EVP_CIPHER_fetch(lib, "RC4", NULL);
    EVP_CIPHER_CTX *ctx = EVP_CIPHER_CTX_new();
    int len = 0;
    assert_int_equal(EVP_EncryptInit_ex2(ctx, cipher, key, NULL, NULL), 1);
    assert_int_equal(EVP_EncryptUpdate(ctx, ret_out, &len, in, 16), 1);
    EVP_CIPHER_CTX_free(ctx);
    EVP_CIPHER_free(cipher);
    (void)OSSL_PROVIDER_unload(legacy);
    OSSL_LIB_CTX_free(lib);
}

static void ntowfv2_of(const struct ticket *ticket, const char *domain, uint8_t ret_hash[16])
{
    struct orl_ntlm *ntlm = NULL;
    uint8_t nt_hash[16];
    assert_int_equal(orl_ntlm_new(&ntlm, NULL), 0);
    assert_int_equal(orl_ntlm_nt_hash(ntlm, ticket->password, nt_hash), 0);
    assert_int_equal(orl_ntlm_ntowfv2(ntlm, nt_hash, ticket->id, domain, ret_hash), 0);
    orl_ntlm_free(ntlm);
}

uint32_t send_proof(struct broker *b, int gw, const struct ticket *ticket, const char *client)
{
    struct orl_msg msg = {.type = ORL_MSG_PROOF, .conn = b->next_conn++};
    struct orl_msg_proof *proof = &msg.u.proof;
    uint8_t ntowfv2[16], nt_proof[16], base_key[16], exported[16];
    proof->protocol = ORL_PROTOCOL_RDP;
    orl_msg_text(proof->user, sizeof(proof->user), ticket->id);
    orl_msg_text(proof->domain, sizeof(proof->domain), "WORKGROUP");
    orl_msg_text(proof->client, sizeof(proof->client), client);
    proof->proof_len = 120;
    proof->messages_len = 700;
    orl_secret_random(proof->proof, proof->proof_len);
    orl_secret_random(proof->messages, proof->messages_len);
    orl_secret_random(exported, sizeof(exported));
    ntowfv2_of(ticket, "WORKGROUP", ntowfv2);
    hmac_md5(ntowfv2, proof->proof, proof->proof_len, nt_proof);
    hmac_md5(ntowfv2, nt_proof, sizeof(nt_proof), base_key);
    rc4(base_key, exported, proof->session_key);
    hmac_md5(exported, proof->messages, proof->messages_len, proof->mic);
    post(gw, &msg);
    return msg.conn;
}

void expect_hash(int gw, uint32_t conn, const struct ticket *ticket)
{
    uint8_t ntowfv2[16];
    struct orl_msg msg = expect(gw, conn, ORL_MSG_HASH);
    ntowfv2_of(ticket, "WORKGROUP", ntowfv2);
    assert_memory_equal(msg.u.hash.ntowfv2, ntowfv2, 16);
}

void await_session(struct broker *b, const char *session, const char *state)
{
    char path[80];
    char last[16] = "";
    (void)snprintf(path, sizeof(path), "/v1/sessions/%s", session);
    for (int i = 0; i < 300; i++) {
        int status = 0;
        json_t *row = api(b, "GET", path, NULL, &status);
        const char *now = json_string_value(json_object_get(row, "state"));
        (void)snprintf(last, sizeof(last), "%s", now != NULL ? now : "?");
        json_decref(row);
        if (strcmp(last, state) == 0) {
            return;
        }
        usleep(50000);
    }
    fail_msg("session is %s, not %s", last, state);
}
