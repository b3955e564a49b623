/* The connection under store_postgres.c: made without blocking, watched, made again. */
#ifndef ORL_STORE_STORE_POSTGRES_PRIV_H
#define ORL_STORE_STORE_POSTGRES_PRIV_H
#include "store/store_db_priv.h"
#include <libpq-fe.h>

#define ORL_PG_STATEMENTS 192
/* Keys of advisory locks, of the database: "oriel" in ASCII, and the next. */
#define ORL_PG_WRITER "478527743340"
#define ORL_PG_PRESENCE "478527743341"

struct orl_pg {
    struct orl_db base; /* the first */
    char *target;
    unsigned busy_ms;
    PGconn *conn; /* NULL: none; not is_up: being made */
    bool is_up;
    PostgresPollingStatusType polling;
    uint64_t give_up_us; /* the attempt to connect */
    uint64_t retry_us;   /* not before */
    unsigned failures;
    char why[200];                       /* it is away */
    bool is_in_tx;                       /* as our caller sees it */
    bool is_tx_lost;                     /* its connection went: all that is left is to end it */
    uint64_t generation;                 /* others' commits, and connections of ours */
    const char *kept[ORL_PG_STATEMENTS]; /* prepared on this connection, as s0, s1, ... */
    unsigned kept_count;
};

ORL_NODISCARD int orl_pg_new(
        const char *target, unsigned busy_ms, struct orl_pg **ret_pg, struct orl_err *err);
void orl_pg_free(struct orl_pg *pg);
/* The connection is there, as far as one can see; it is made again where that is due. wait_ms: how
 * long that may take; ORL_E_TIMEOUT: it is away. */
ORL_NODISCARD int orl_pg_ready(struct orl_pg *pg, unsigned wait_ms, struct orl_err *err);
/* Reads what was sent to its end. The result number keep (from 0), for PQclear(); an error's where
 * one failed. Pipelined: to its sync. */
ORL_NODISCARD int orl_pg_collect(struct orl_pg *pg, unsigned keep, bool is_pipeline,
        PGresult **ret_result, struct orl_err *err);
/* Statements without parameters; ret_tag: of the last one, or NULL. */
ORL_NODISCARD int orl_pg_script(
        struct orl_pg *pg, const char *script, char ret_tag[16], struct orl_err *err);
/* The connection is over; an open transaction is lost with it. */
void orl_pg_drop(struct orl_pg *pg, const char *why);
/* What could not be sent. */
int orl_pg_lost(struct orl_pg *pg, struct orl_err *err);

#endif
