/* The connections of all gateways, found by their gateway's number, by our serial and by their session. */
#ifndef ORL_BROKER_CONN_TABLE_H
#define ORL_BROKER_CONN_TABLE_H
#include "broker/gateway_sock.h"

struct orl_conn_table {
    struct orl_conn *first;
    struct orl_conn *buckets[ORL_CONN_KEYS][1024];
    unsigned count;
    uint64_t next_serial;
};
/* NULL: out of memory. */
struct orl_conn *orl_conn_table_add(
        struct orl_conn_table *table, struct orl_gateway *gateway, uint32_t number);
void orl_conn_table_remove(struct orl_conn_table *table, struct orl_conn *conn); /* frees it */
struct orl_conn *orl_conn_table_find(
        struct orl_conn_table *table, const struct orl_gateway *gateway, uint32_t number);
struct orl_conn *orl_conn_table_find_serial(struct orl_conn_table *table, uint64_t serial);
struct orl_conn *orl_conn_table_find_session(struct orl_conn_table *table, const char *session);
void orl_conn_table_set_session(
        struct orl_conn_table *table, struct orl_conn *conn, const char *session);

#endif
