#include "broker/conn_table.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 1024 };

static size_t mix(uint64_t value)
{
    value *= UINT64_C(0x9E3779B97F4A7C15); /* 2^64 by the golden ratio */
    return (size_t)(value >> 54);
}

static size_t of_number(const struct orl_gateway *gateway, uint32_t number)
{
    return mix((uint64_t)(uintptr_t)gateway / 64 + number);
}

/* Ids are random already. */
static size_t of_session(const char *session)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < 16 && session[i] != '\0'; i++) {
        value = value * 31 + (uint8_t)session[i];
    }
    return mix(value);
}

static void put(
        struct orl_conn_table *table, enum orl_conn_key key, size_t at, struct orl_conn *conn)
{
    struct orl_conn **bucket = &table->buckets[key][at % BUCKETS];
    struct orl_conn_place *place = &conn->in[key];
    place->next = *bucket;
    place->prev = bucket;
    if (place->next != NULL) {
        place->next->in[key].prev = &place->next;
    }
    *bucket = conn;
}

static void take(enum orl_conn_key key, struct orl_conn *conn)
{
    struct orl_conn_place *place = &conn->in[key];
    if (place->prev != NULL) {
        *place->prev = place->next;
        if (place->next != NULL) {
            place->next->in[key].prev = place->prev;
        }
        *place = (struct orl_conn_place){0};
    }
}

struct orl_conn *orl_conn_table_add(
        struct orl_conn_table *table, struct orl_gateway *gateway, uint32_t number)
{
    struct orl_conn *conn = calloc(1, sizeof(*conn));
    if (conn == NULL) {
        return NULL;
    }
    conn->gateway = gateway;
    conn->number = number;
    conn->serial = ++table->next_serial;
    put(table, ORL_CONN_BY_NUMBER, of_number(gateway, number), conn);
    put(table, ORL_CONN_BY_SERIAL, mix(conn->serial), conn);
    conn->next = table->first;
    conn->prev = &table->first;
    if (conn->next != NULL) {
        conn->next->prev = &conn->next;
    }
    table->first = conn;
    table->count++;
    return conn;
}

void orl_conn_table_remove(struct orl_conn_table *table, struct orl_conn *conn)
{
    for (unsigned key = 0; key < ORL_CONN_KEYS; key++) {
        take((enum orl_conn_key)key, conn);
    }
    *conn->prev = conn->next;
    if (conn->next != NULL) {
        conn->next->prev = conn->prev;
    }
    table->count--;
    free(conn);
}

struct orl_conn *orl_conn_table_find(
        struct orl_conn_table *table, const struct orl_gateway *gateway, uint32_t number)
{
    struct orl_conn *conn =
            table->buckets[ORL_CONN_BY_NUMBER][of_number(gateway, number) % BUCKETS];
    while (conn != NULL && (conn->gateway != gateway || conn->number != number)) {
        conn = conn->in[ORL_CONN_BY_NUMBER].next;
    }
    return conn;
}

struct orl_conn *orl_conn_table_find_serial(struct orl_conn_table *table, uint64_t serial)
{
    struct orl_conn *conn = table->buckets[ORL_CONN_BY_SERIAL][mix(serial) % BUCKETS];
    while (conn != NULL && conn->serial != serial) {
        conn = conn->in[ORL_CONN_BY_SERIAL].next;
    }
    return conn;
}

struct orl_conn *orl_conn_table_find_session(struct orl_conn_table *table, const char *session)
{
    struct orl_conn *conn = table->buckets[ORL_CONN_BY_SESSION][of_session(session) % BUCKETS];
    while (conn != NULL && strcmp(conn->session, session) != 0) {
        conn = conn->in[ORL_CONN_BY_SESSION].next;
    }
    return conn;
}

void orl_conn_table_set_session(
        struct orl_conn_table *table, struct orl_conn *conn, const char *session)
{
    take(ORL_CONN_BY_SESSION, conn);
    orl_msg_text(conn->session, sizeof(conn->session), session);
    if (conn->session[0] != '\0') {
        put(table, ORL_CONN_BY_SESSION, of_session(conn->session), conn);
    }
}
