#include "vmpool/libvirt_conn.h"
#include "base/cleanup.h"
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { KEEPALIVE_S = 5, KEEPALIVE_COUNT = 6, EVENT_TICK_MS = 500 };

struct orl_libvirt {
    char *uri;
    orl_libvirt_event_fn fn;
    void *ctx;
    pthread_mutex_t lock; /* guards conn and the two callback ids */
    virConnectPtr conn;
    int lifecycle_id;
    int reboot_id;
    pthread_t thread;
    bool has_thread;
    int timer;
    atomic_bool is_stopping;
};

/* libvirt prints to stderr by default; we log what we decide to. */
static void drop_error(void *ctx, virErrorPtr error)
{
    (void)ctx;
    (void)error;
}

static void on_tick(int timer, void *ctx)
{
    (void)timer;
    (void)ctx;
}

static void *run_events(void *ctx)
{
    struct orl_libvirt *lv = ctx;
    while (!atomic_load(&lv->is_stopping)) {
        if (virEventRunDefaultImpl() < 0) {
            break;
        }
    }
    return NULL;
}

int orl_libvirt_new(const char *uri, orl_libvirt_event_fn fn, void *ctx,
        struct orl_libvirt **ret_lv, struct orl_err *err)
{
    struct orl_libvirt *lv = calloc(1, sizeof *lv);
    if (!lv) {
        return orl_err_set(err, ORL_E_NOMEM, "libvirt");
    }
    lv->fn = fn;
    lv->ctx = ctx;
    lv->lifecycle_id = -1;
    lv->reboot_id = -1;
    lv->timer = -1;
    pthread_mutex_init(&lv->lock, NULL);
    virSetErrorFunc(NULL, drop_error);
    lv->uri = strdup(uri);
    if (!lv->uri || virInitialize() < 0 || virEventRegisterDefaultImpl() < 0) {
        orl_libvirt_free(lv);
        return orl_err_set(err, ORL_E_BACKEND, "libvirt can't be initialised");
    }
    /* So that the thread sees is_stopping. */
    lv->timer = virEventAddTimeout(EVENT_TICK_MS, on_tick, NULL, NULL);
    if (pthread_create(&lv->thread, NULL, run_events, lv) != 0) {
        orl_libvirt_free(lv);
        return orl_err_set(err, ORL_E_NOMEM, "libvirt's event thread");
    }
    lv->has_thread = true;
    *ret_lv = lv;
    return 0;
}

/* Under the lock. */
static void drop(struct orl_libvirt *lv)
{
    if (!lv->conn) {
        return;
    }
    if (lv->lifecycle_id >= 0) {
        (void)virConnectDomainEventDeregisterAny(lv->conn, lv->lifecycle_id);
    }
    if (lv->reboot_id >= 0) {
        (void)virConnectDomainEventDeregisterAny(lv->conn, lv->reboot_id);
    }
    lv->lifecycle_id = -1;
    lv->reboot_id = -1;
    (void)virConnectClose(lv->conn);
    lv->conn = NULL;
}

void orl_libvirt_free(struct orl_libvirt *lv)
{
    if (!lv) {
        return;
    }
    pthread_mutex_lock(&lv->lock);
    drop(lv);
    pthread_mutex_unlock(&lv->lock);
    if (lv->has_thread) {
        atomic_store(&lv->is_stopping, true);
        pthread_join(lv->thread, NULL);
    }
    if (lv->timer >= 0) {
        (void)virEventRemoveTimeout(lv->timer);
    }
    pthread_mutex_destroy(&lv->lock);
    free(lv->uri);
    free(lv);
}

static int on_lifecycle(virConnectPtr conn, virDomainPtr domain, int event, int detail, void *ctx)
{
    (void)conn;
    (void)domain;
    (void)event;
    (void)detail;
    struct orl_libvirt *lv = ctx;
    lv->fn(lv->ctx, NULL);
    return 0;
}

static void on_reboot(virConnectPtr conn, virDomainPtr domain, void *ctx)
{
    (void)conn;
    struct orl_libvirt *lv = ctx;
    char uuid[VIR_UUID_STRING_BUFLEN];
    lv->fn(lv->ctx, virDomainGetUUIDString(domain, uuid) == 0 ? uuid : NULL);
}

/* libvirt's own way to pass any event's callback. */
static virConnectDomainEventGenericCallback generic(virConnectDomainEventCallback fn)
{
    virConnectDomainEventGenericCallback ret = NULL;
    memcpy(&ret, &fn, sizeof ret);
    return ret;
}

/* Under the lock. Without events the periodic look still finds everything. */
static void open_connection(struct orl_libvirt *lv)
{
    lv->conn = virConnectOpen(lv->uri);
    if (!lv->conn) {
        return;
    }
    (void)virConnectSetKeepAlive(lv->conn, KEEPALIVE_S, KEEPALIVE_COUNT);
    if (lv->fn) {
        lv->lifecycle_id = virConnectDomainEventRegisterAny(
                lv->conn, NULL, VIR_DOMAIN_EVENT_ID_LIFECYCLE, generic(on_lifecycle), lv, NULL);
        lv->reboot_id = virConnectDomainEventRegisterAny(
                lv->conn, NULL, VIR_DOMAIN_EVENT_ID_REBOOT, on_reboot, lv, NULL);
    }
}

int orl_libvirt_get(struct orl_libvirt *lv, virConnectPtr *ret_conn, struct orl_err *err)
{
    int r = 0;
    pthread_mutex_lock(&lv->lock);
    if (lv->conn && virConnectIsAlive(lv->conn) != 1) {
        drop(lv);
    }
    if (!lv->conn) {
        open_connection(lv);
    }
    if (!lv->conn) {
        r = orl_libvirt_err(err, lv->uri);
    } else if (virConnectRef(lv->conn) < 0) {
        r = orl_libvirt_err(err, "reference to the connection");
    } else {
        *ret_conn = lv->conn;
    }
    pthread_mutex_unlock(&lv->lock);
    return r;
}

int orl_libvirt_err(struct orl_err *err, const char *what)
{
    virErrorPtr error = virGetLastError();
    const char *text = error && error->message ? error->message : "libvirt gives no reason";
    /* QEMU's own output may follow, line by line. */
    return orl_err_set(err, ORL_E_BACKEND, "%s: %.*s", what, (int)strcspn(text, "\n"), text);
}

int orl_libvirt_is_absent(void)
{
    return virGetLastErrorCode() == VIR_ERR_NO_DOMAIN;
}

void orl_libvirt_unref_auto(virConnectPtr *conn)
{
    if (*conn) {
        (void)virConnectClose(*conn);
    }
}

void orl_libvirt_domain_auto(virDomainPtr *domain)
{
    if (*domain) {
        (void)virDomainFree(*domain);
    }
}

int orl_libvirt_find(
        virConnectPtr conn, const char *uuid, virDomainPtr *ret_domain, struct orl_err *err)
{
    virDomainPtr domain = virDomainLookupByUUIDString(conn, uuid);
    if (domain) {
        *ret_domain = domain;
        return 0;
    }
    if (orl_libvirt_is_absent()) {
        return orl_err_set(err, ORL_E_NOTFOUND, "libvirt has no domain %s", uuid);
    }
    return orl_libvirt_err(err, "looking a domain up");
}
