/* A real oriel-broker in a folder of its own, with a client of its API, a stand-in for a gateway, and
 * the store opened beside it in vmpool's place. All waits are bounded; failures are cmocka's. */
#ifndef ORL_TESTS_BROKER_FIXTURE_H
#define ORL_TESTS_BROKER_FIXTURE_H
#include "base/ipc.h"
#include "store/desktop.h"
#include "store/session.h"
#include "tests/store/store_place.h"
#include <jansson.h>
#include <sys/types.h>

struct broker {
    char dir[64];
    char target[STORE_PLACE_MAX]; /* of the store */
    pid_t pid;
    struct orl_store *store;
    char sets[8][64]; /* "lease_s=5" */
    unsigned set_count;
    unsigned next_conn;
};

void broker_start(struct broker *b, const char *const *sets); /* sets ends with NULL */
void broker_kill(struct broker *b, int signum);               /* and waits; folder stays */
void broker_restart(struct broker *b);
void broker_stop(struct broker *b); /* SIGTERM; asserts a clean exit; removes the folder */

/* body NULL: none. The answer as JSON (json_null when it is none); the caller decrefs it. */
json_t *api(
        struct broker *b, const char *method, const char *path, const char *body, int *ret_status);
/* As above, asserts the status, throws the answer away. */
void api_ok(struct broker *b, const char *method, const char *path, const char *body, int status);
/* GET /metrics into ret_text, which is cut to size - 1 bytes. */
void api_metrics(struct broker *b, char *ret_text, size_t size);
/* Raw bytes to the API's socket; the answer's status, 0 when it closed, -1 when refused. */
int api_raw(struct broker *b, const void *data, size_t len);
/* The same, and the answer's bytes; a connection of one's own. */
int api_exchange(struct broker *b, const void *data, size_t len, char *buf, size_t size);
int api_connect(struct broker *b);
/* One line of JSON an exchange into the file that ORIEL_API_TRACE names: what is held against docs/openapi.yaml. Those above do so. */
void api_trace(const char *request, size_t len, int status, const char *answer);
int api_status_as(struct broker *b, uid_t uid); /* GET /v1/status by a child with that uid */

/* User NAME with password "password-NAME", entitled to pool (NULL: to none). */
void add_user(struct broker *b, const char *name, const char *pool);
void add_static_pool(struct broker *b, const char *name, unsigned desktops);
/* A floating pool with a template and a living host, without desktops. */
void add_floating_pool(struct broker *b, const char *name, unsigned max, unsigned timeout_s);
/* What vmpool does: a desktop of the pool that can be claimed; its id. */
void make_ready_desktop(struct broker *b, const char *pool, char ret_id[ORL_ID_LEN + 1]);
void set_power(struct broker *b, const char *desktop, enum orl_power power, bool is_ready);

int gateway_connect(struct broker *b);
void poke(int gw);
uint32_t send_login(struct broker *b, int gw, const char *user, const char *password,
        const char *pool, const char *client);
/* A browser's LOGIN, as the gateway writes it. */
uint32_t send_bound_login(struct broker *b, int gw, const char *ticket, const char *password,
        const char *binding, const char *client);
void send_thumb(int gw, uint32_t conn, const char *session, const void *data, size_t len);
void send_stats(int gw, uint32_t conn, const char *session);
void send_close(int gw, uint32_t conn, enum orl_reason reason);
/* The next message, which must be of the type and of the connection. */
struct orl_msg expect(int gw, uint32_t conn, enum orl_msg_type type);
/* A CLOSE with this reason and an audit id that the API knows with the same reason. */
void expect_refusal(struct broker *b, int gw, uint32_t conn, enum orl_reason reason);
struct orl_msg_plan expect_plan(int gw, uint32_t conn, bool is_ready);
void expect_silence(int gw);

struct ticket {
    char id[64];
    char password[64];
};
struct ticket make_ticket(struct broker *b, const char *user, const char *pool);
/* The proof that a client with this password makes. */
uint32_t send_proof(struct broker *b, int gw, const struct ticket *ticket, const char *client);
/* HASH with the right NTOWFv2. */
void expect_hash(int gw, uint32_t conn, const struct ticket *ticket);

/* State of a session by the API: "active"; waits up to 15 s until it is that. */
void await_session(struct broker *b, const char *session, const char *state);

#endif
