/* Pools, templates, hosts, quarantine, people, entitlements. */
#include "store/alarm.h"
#include "store/audit.h"
#include "store/desktop.h"
#include "store/entitlement.h"
#include "store/forecast.h"
#include "store/host.h"
#include "store/lease_address.h"
#include "store/overview.h"
#include "store/pool.h"
#include "store/rdp_login.h"
#include "store/template.h"
#include "store/ticket.h"
#include "store/user.h"
#include "tests/store/store_fixture.h"
#include <stdio.h>
#include <string.h>

static void a_pool_needs_its_template(void **state)
{
    struct fixture *f = *state;
    struct orl_pool_row pool = {.name = "p", .kind = ORL_POOL_FLOATING, .template_name = "none"};
    assert_int_equal(orl_pool_insert(f->store, &pool, 1, &f->err), ORL_E_NOTFOUND);
    pool.template_name[0] = '\0';
    assert_int_equal(orl_pool_insert(f->store, &pool, 1, &f->err), ORL_E_INVAL);
    pool.kind = ORL_POOL_STATIC;
    assert_ok(f, orl_pool_insert(f->store, &pool, 1, &f->err));
    assert_int_equal(orl_pool_insert(f->store, &pool, 1, &f->err), ORL_E_EXISTS);
    (void)memcpy(pool.name, "No Name", 8);
    assert_int_equal(orl_pool_insert(f->store, &pool, 1, &f->err), ORL_E_INVAL);
}

/* As many as a vmpool has room for: it would read none at all with one more. */
static void one_pool_and_one_version_too_many_are_refused(void **state)
{
    struct fixture *f = *state;
    struct orl_pool_row pool = {.kind = ORL_POOL_STATIC};
    struct orl_template_row t = {
            .name = "many", .kind = ORL_TEMPLATE_DISK, .path = "/x", .memory_mib = 64, .vcpus = 1};
    uint32_t version = 0;
    int rc = 0;
    unsigned count = 0;
    ORL_AUTO(orl_store_tx_end) struct orl_store_tx tx = {0};
    assert_ok(f, orl_store_tx_begin(f->store, &tx, &f->err));
    for (; rc == 0 && count <= ORL_POOLS_MAX; count++) {
        (void)snprintf(pool.name, sizeof(pool.name), "many-%u", count);
        rc = orl_pool_insert(f->store, &pool, 1, &f->err);
    }
    assert_int_equal(rc, ORL_E_CONFLICT);
    assert_true(count > ORL_POOLS_MAX - 10 && count <= ORL_POOLS_MAX);
    assert_ok(f, orl_template_insert(f->store, &t, 1, &f->err));
    for (count = 1, rc = 0; rc == 0 && count <= ORL_TEMPLATE_VERSIONS_MAX; count++) {
        rc = orl_template_add_version(f->store, &t, 1, &version, &f->err);
    }
    assert_int_equal(rc, ORL_E_CONFLICT);
    assert_true(count > ORL_TEMPLATE_VERSIONS_MAX - 10);
}

static void a_pool_keeps_what_each_side_wrote(void **state)
{
    struct fixture *f = *state;
    struct orl_pool_row pool;
    assert_ok(f,
            orl_pool_set_problem(f->store, "demo", ORL_REASON_HOST_FULL, "no memory", 99, &f->err));
    assert_ok(f, orl_pool_get(f->store, "demo", &pool, &f->err));
    assert_int_equal(pool.problem, ORL_REASON_HOST_FULL);
    assert_int_equal(pool.retry_ms, 99);
    pool.spares = 3;
    pool.is_maintenance = true;
    pool.problem = ORL_REASON_NONE;
    assert_ok(f, orl_pool_update(f->store, &pool, &f->err));
    assert_ok(f, orl_pool_get(f->store, "demo", &pool, &f->err));
    assert_int_equal(pool.spares, 3);
    assert_true(pool.is_maintenance);
    assert_int_equal(pool.problem, ORL_REASON_HOST_FULL);
    assert_ok(f, orl_pool_set_problem(f->store, "demo", ORL_REASON_NONE, NULL, 0, &f->err));
    assert_ok(f, orl_pool_get(f->store, "demo", &pool, &f->err));
    assert_int_equal(pool.problem, ORL_REASON_NONE);
    assert_string_equal(pool.problem_text, "");
    assert_int_equal(
            orl_pool_set_problem(f->store, "x", ORL_REASON_NONE, NULL, 0, &f->err), ORL_E_NOTFOUND);
}

static void set_all(struct orl_pool_row *pool, bool is_highest)
{
    for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
        char *at = (char *)pool + s->offset;
        uint32_t number = is_highest ? s->max : s->min;
        bool flag = is_highest;
        if (s->type == ORL_SETTING_TEXT) {
            if (at != pool->template_name) {
                memset(at, 0, s->size);
                memset(at, 'x', is_highest ? s->size - 1 : 0);
            }
            continue;
        }
        for (uint32_t i = 0; s->type == ORL_SETTING_CHOICE && s->choices[i]; i++) {
            number = is_highest ? i : 0;
        }
        memcpy(at, s->type == ORL_SETTING_BOOL ? (void *)&flag : (void *)&number,
                s->type == ORL_SETTING_BOOL ? sizeof flag : sizeof number);
    }
}

/* Also: the order of the columns in store/pool.c is that of the table. */
static void a_pool_keeps_each_setting(void **state)
{
    struct fixture *f = *state;
    for (unsigned i = 0; i < 2; i++) {
        struct orl_pool_row wanted;
        struct orl_pool_row got;
        assert_ok(f, orl_pool_get(f->store, "demo", &wanted, &f->err));
        set_all(&wanted, i == 0);
        wanted.template_version = i == 0;                                       /* there is one */
        wanted.display = i == 0 ? ORL_POOL_DISPLAY_VNC : ORL_POOL_DISPLAY_AUTO; /* rdp is refused */
        assert_ok(f, orl_pool_update(f->store, &wanted, &f->err));
        assert_ok(f, orl_pool_get(f->store, "demo", &got, &f->err));
        for (const struct orl_pool_setting *s = orl_pool_settings; s->column != NULL; s++) {
            size_t size = s->type == ORL_SETTING_TEXT   ? s->size
                          : s->type == ORL_SETTING_BOOL ? sizeof(bool)
                                                        : sizeof(uint32_t);
            if (memcmp((char *)&wanted + s->offset, (char *)&got + s->offset, size) != 0) {
                fail_msg("setting %s is not as written", s->column);
            }
        }
    }
}

static void a_new_pool_has_its_kinds_defaults(void **state)
{
    (void)state;
    struct orl_pool_row pool;
    memset(&pool, 0xff, sizeof pool);
    orl_pool_set_defaults(&pool, ORL_POOL_FLOATING);
    assert_int_equal(pool.disconnect_timeout_s, 7200);
    assert_int_equal(pool.policy.idle_timeout_s, 14400);
    assert_int_equal(pool.spare_max_age_s, 86400);
    assert_int_equal(pool.policy.max_per_user, 1);
    assert_string_equal(pool.schedule, "");
    orl_pool_set_defaults(&pool, ORL_POOL_DEDICATED);
    assert_int_equal(pool.disconnect_timeout_s, 0);
    assert_int_equal(pool.policy.idle_timeout_s, 0);
}

static uint32_t take(struct fixture *f, const char *mac, const char *desktop, uint64_t now_ms)
{
    const struct orl_lease_address want = {"local", "oriel-nat-1", mac, desktop, 2};
    uint32_t slot = 99;
    assert_ok(f, orl_lease_address_take(f->store, &want, now_ms, &slot, &f->err));
    return slot;
}

static void an_address_stays_with_its_card_while_the_desktop_is_there(void **state)
{
    struct fixture *f = *state;
    struct orl_desktop_row row = {
            .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT, .pool = "demo", .host = "local"};
    struct orl_id kept;
    uint32_t slot = 99;
    assert_ok(f, orl_desktop_insert(f->store, &row, "vmpool", 1, &kept, &f->err));
    assert_int_equal(take(f, "02:00:00:00:00:01", kept.text, 1), 0);
    assert_int_equal(take(f, "02:00:00:00:00:02", "gone", 2), 1);
    assert_int_equal(take(f, "02:00:00:00:00:01", kept.text, 3), 0);
    /* Full: only what belongs to no desktop is given again. */
    assert_int_equal(take(f, "02:00:00:00:00:03", "gone too", 4), 1);
    assert_int_equal(take(f, "02:00:00:00:00:04", kept.text, 5), 1);
    const struct orl_lease_address more = {"local", "oriel-nat-1", "02:00:00:00:00:05", "x", 2};
    assert_int_equal(orl_lease_address_take(f->store, &more, 6, &slot, &f->err), ORL_E_LIMIT);
    const struct orl_lease_address other = {"local", "oriel-routed-1", "02:00:00:00:00:05", "x", 2};
    assert_ok(f, orl_lease_address_take(f->store, &other, 6, &slot, &f->err));
    assert_int_equal(slot, 0);
}

static void an_rdp_login_is_its_desktops(void **state)
{
    struct fixture *f = *state;
    const struct orl_desktop_row row = {
            .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT, .pool = "demo", .host = "local"};
    const struct orl_rdp_login first = {.user = "u", .domain = "D", .fingerprint = "aa:bb"};
    const struct orl_rdp_login second = {.user = "v", .domain = "", .fingerprint = "cc"};
    struct orl_rdp_login login;
    struct orl_id id;
    assert_string_equal(orl_rdp_target("rdp:[::1]:3389"), "[::1]:3389");
    assert_null(orl_rdp_target("192.0.2.1:5900"));
    assert_string_equal(orl_rdp_target("domain:office pc@qemu:///system rdp:h:3389"), "h:3389");
    assert_null(orl_rdp_target("domain:rdp:h"));
    assert_null(orl_rdp_target("unix:/run/a rdp:h:3389"));
    assert_ok(f, orl_desktop_insert(f->store, &row, "vmpool", 1, &id, &f->err));
    assert_ok(f, orl_rdp_login_get(f->store, id.text, &login, &f->err));
    assert_string_equal(login.user, "");
    assert_ok(f, orl_rdp_login_set(f->store, id.text, &first, &f->err));
    assert_ok(f, orl_rdp_login_set(f->store, id.text, &second, &f->err));
    assert_ok(f, orl_rdp_login_get(f->store, id.text, &login, &f->err));
    assert_string_equal(login.user, "v");
    assert_string_equal(login.domain, "");
    assert_string_equal(login.fingerprint, "cc");
    assert_true(orl_rdp_login_set(f->store, "nobody", &first, &f->err) < 0);
}

static int count_alarm(void *ctx, const struct orl_alarm_row *row)
{
    struct orl_alarm_row *last = ctx;
    *last = *row;
    return 0;
}

static void an_alarm_is_one_row_until_it_is_over(void **state)
{
    struct fixture *f = *state;
    struct orl_alarm_row last = {0};
    for (uint64_t now_ms = 1000; now_ms < 200000; now_ms += 1000) {
        assert_ok(f, orl_alarm_raise(f->store, ORL_REASON_HOST_FULL, "pool:demo", "no room", now_ms,
                             &f->err));
    }
    assert_ok(f, orl_alarm_list(f->store, NULL, count_alarm, &last, &f->err));
    assert_string_equal(last.object, "pool:demo");
    assert_string_equal(last.text, "no room");
    assert_int_equal(last.since_ms, 1000);
    assert_int_equal(last.count, 4);
    assert_ok(f, orl_alarm_clear(f->store, ORL_REASON_TEMPLATE_MISSING, "pool:demo", 1, &f->err));
    assert_ok(f, orl_alarm_list(f->store, NULL, count_alarm, &last, &f->err));
    assert_ok(f, orl_alarm_clear(f->store, ORL_REASON_NONE, "pool:demo", 1, &f->err));
    last = (struct orl_alarm_row){0};
    assert_ok(f, orl_alarm_list(f->store, NULL, count_alarm, &last, &f->err));
    assert_int_equal(last.count, 0);
}

static void a_pool_with_desktops_stays(void **state)
{
    struct fixture *f = *state;
    (void)fixture_ready_desktop(f, "demo");
    assert_int_equal(orl_pool_remove(f->store, "demo", &f->err), ORL_E_CONFLICT);
    assert_int_equal(orl_pool_remove(f->store, "nope", &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_pool_remove(f->store, "own", &f->err));
}

static void a_template_is_checked_version_by_version(void **state)
{
    struct fixture *f = *state;
    struct orl_template_row t;
    uint32_t version = 0;
    assert_ok(f, orl_template_get(f->store, "tiny", 0, &t, &f->err));
    assert_int_equal(t.version, 1);
    assert_int_equal(t.state, ORL_TEMPLATE_CHECKING);
    t.state = ORL_TEMPLATE_READY;
    t.virtual_bytes = UINT64_C(1) << 40;
    assert_ok(f, orl_template_observe(f->store, &t, &f->err));
    t.memory_mib = 512;
    assert_ok(f, orl_template_update(f->store, &t, &f->err));
    (void)memcpy(t.kernel, "/boot/other", 12);
    assert_ok(f, orl_template_add_version(f->store, &t, 3, &version, &f->err));
    assert_int_equal(version, 2);
    assert_ok(f, orl_template_get(f->store, "tiny", 0, &t, &f->err));
    assert_int_equal(t.version, 2);
    assert_int_equal(t.state, ORL_TEMPLATE_CHECKING);
    assert_string_equal(t.kernel, "/boot/other");
    assert_ok(f, orl_template_set_hook(f->store, "tiny", 2, true, &f->err));
    assert_ok(f, orl_template_get(f->store, "tiny", 1, &t, &f->err));
    assert_int_equal(t.state, ORL_TEMPLATE_READY);
    assert_int_equal(t.virtual_bytes, UINT64_C(1) << 40);
    assert_int_equal(t.memory_mib, 512);
    assert_false(t.has_hook);
    assert_int_equal(orl_template_get(f->store, "tiny", 3, &t, &f->err), ORL_E_NOTFOUND);
    (void)memcpy(t.name, "nope", 5);
    assert_int_equal(orl_template_add_version(f->store, &t, 3, &version, &f->err), ORL_E_NOTFOUND);
}

static void a_removed_template_gives_its_name_back(void **state)
{
    struct fixture *f = *state;
    struct orl_template_row t = {.name = "old", .kind = ORL_TEMPLATE_DISK, .path = "/a"};
    assert_ok(f, orl_template_insert(f->store, &t, 1, &f->err));
    assert_int_equal(orl_template_insert(f->store, &t, 1, &f->err), ORL_E_EXISTS);
    assert_ok(f, orl_template_remove(f->store, "old", 0, &f->err));
    assert_int_equal(orl_template_remove(f->store, "old", 0, &f->err), ORL_E_NOTFOUND);
    t.state = ORL_TEMPLATE_READY;
    t.version = 1;
    assert_int_equal(orl_template_observe(f->store, &t, &f->err), ORL_E_NOTFOUND);
    struct orl_pool_row pool = {.name = "p", .kind = ORL_POOL_FLOATING, .template_name = "old"};
    assert_int_equal(orl_pool_insert(f->store, &pool, 1, &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_template_insert(f->store, &t, 2, &f->err));
    assert_ok(f, orl_template_get(f->store, "old", 0, &t, &f->err));
    assert_int_equal(t.state, ORL_TEMPLATE_CHECKING);
}

static void refused(struct fixture *f, uint32_t version, const char *who)
{
    assert_int_equal(orl_template_remove(f->store, "tiny", version, &f->err), ORL_E_CONFLICT);
    if (!strstr(f->err.text, who)) {
        fail_msg("%s", f->err.text);
    }
}

static void a_version_that_something_needs_stays(void **state)
{
    struct fixture *f = *state;
    struct orl_template_row t;
    struct orl_pool_row pool;
    struct orl_id id;
    uint32_t version = 0;
    assert_ok(f, orl_template_get(f->store, "tiny", 0, &t, &f->err));
    refused(f, 0, "pool demo");
    refused(f, 1, "pool demo"); /* follows the newest, and there is no other */
    assert_ok(f, orl_template_add_version(f->store, &t, 3, &version, &f->err));
    assert_ok(f, orl_template_add_version(f->store, &t, 3, &version, &f->err));
    assert_int_equal(version, 3);
    struct orl_desktop_row d = {.pool = "demo",
            .lease = ORL_LEASE_FREE,
            .power = ORL_POWER_ABSENT,
            .template_name = "tiny",
            .template_version = 1};
    assert_ok(f, orl_desktop_insert(f->store, &d, "test", 1, &id, &f->err));
    refused(f, 1, id.text); /* its disk lies on it */
    t.version = 2;
    t.state = ORL_TEMPLATE_READY;
    assert_ok(f, orl_template_observe(f->store, &t, &f->err));
    refused(f, 2, "pool demo"); /* the newest that is ready */
    assert_ok(f, orl_template_remove(f->store, "tiny", 3, &f->err));
    assert_ok(f, orl_template_add_version(f->store, &t, 3, &version, &f->err));
    assert_int_equal(version, 4); /* a number that was given is never given again */
    assert_ok(f, orl_pool_get(f->store, "own", &pool, &f->err));
    pool.template_version = 4;
    assert_ok(f, orl_pool_update(f->store, &pool, &f->err));
    refused(f, 4, "pool own");
    pool.template_version = 3;
    assert_int_equal(orl_pool_update(f->store, &pool, &f->err), ORL_E_NOTFOUND);
}

static int sum_versions(void *ctx, const struct orl_desktop_version *count)
{
    uint32_t *sums = ctx;
    assert_string_equal(count->template_name, "tiny");
    sums[count->template_version] += count->desktops;
    return 0;
}

static void desktops_are_counted_by_their_version(void **state)
{
    struct fixture *f = *state;
    uint32_t sums[4] = {0};
    for (uint32_t i = 0; i < 3; i++) {
        struct orl_desktop_row d = {.pool = "demo",
                .lease = ORL_LEASE_FREE,
                .power = ORL_POWER_ABSENT,
                .template_name = "tiny",
                .template_version = i < 2 ? 1 : 3};
        assert_ok(f, orl_desktop_insert(f->store, &d, "test", 1, NULL, &f->err));
    }
    assert_ok(f, orl_desktop_versions(f->store, "demo", sum_versions, sums, &f->err));
    assert_int_equal(sums[1], 2);
    assert_int_equal(sums[3], 1);
    assert_ok(f, orl_desktop_versions(f->store, "own", sum_versions, sums, &f->err));
    assert_int_equal(sums[1], 2);
}

/* Two weeks: four people, then none. */
static void a_forecast_learns_each_quarter_once(void **state)
{
    struct fixture *f = *state;
    const uint64_t from_ms = f->now_ms + 1000 * ORL_FORECAST_SLOT_MS;
    const uint64_t week_ms = (uint64_t)ORL_FORECAST_SLOTS * ORL_FORECAST_SLOT_MS;
    uint64_t newest_ms = 1;
    uint32_t mean = 1;
    assert_ok(f, orl_forecast_newest(f->store, &newest_ms, &f->err));
    assert_int_equal(newest_ms, 0);
    for (unsigned i = 0; i < 6; i++) { /* the first comes too early, the last too late */
        static const uint64_t at_ms[] = {
                UINT64_MAX, 0, 1, 2, ORL_FORECAST_SLOT_MS - 1, ORL_FORECAST_SLOT_MS};
        struct orl_session_row s = {.pool = "demo", .conn = 1, .protocol = ORL_PROTOCOL_RDP};
        struct orl_id id;
        (void)snprintf(s.user, sizeof s.user, "u%u", i);
        assert_ok(
                f, orl_session_insert(f->store, &s, from_ms * 2, from_ms + at_ms[i], &id, &f->err));
    }
    for (int twice = 0; twice < 2; twice++) {
        assert_ok(f, orl_forecast_sample(f->store, 7, from_ms, &f->err));
        assert_ok(f, orl_forecast_mean(f->store, "demo", 7, &mean, &f->err));
        assert_int_equal(mean, 4000);
    }
    assert_ok(f, orl_forecast_sample(f->store, 7, from_ms + week_ms, &f->err));
    assert_ok(f, orl_forecast_mean(f->store, "demo", 7, &mean, &f->err));
    assert_int_equal(mean, 3000);
    assert_ok(f, orl_forecast_mean(f->store, "own", 7, &mean, &f->err));
    assert_int_equal(mean, 0);
    assert_ok(f, orl_forecast_mean(f->store, "demo", 8, &mean, &f->err));
    assert_int_equal(mean, 0);
    assert_ok(f, orl_forecast_newest(f->store, &newest_ms, &f->err));
    assert_true(newest_ms == from_ms + week_ms);
    assert_ok(f, orl_pool_remove(f->store, "demo", &f->err)); /* it goes with its pool */
}

static void a_host_is_replaced_by_its_heartbeat(void **state)
{
    struct fixture *f = *state;
    struct orl_host_row h = {.name = "here",
            .uri = "qemu:///system",
            .accel = "qemu",
            .report = "[]",
            .memory_mib = 4096,
            .state = ORL_HOST_UP,
            .heartbeat_ms = 1,
            .load = {.cpus = 4,
                    .cpu_permille = 250,
                    .load_centi = 150,
                    .pressure_cpu_centi = 3,
                    .pressure_memory_centi = 2,
                    .pressure_io_centi = 1}};
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    h.state = ORL_HOST_DOWN;
    h.reason = ORL_REASON_HYPERVISOR_DOWN;
    h.heartbeat_ms = 2;
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    struct orl_host_row got;
    assert_ok(f, orl_host_get(f->store, "here", &got, &f->err));
    assert_memory_equal(&got, &h, sizeof(h));
    struct orl_desktop_row d = {
            .pool = "demo", .host = "here", .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
    assert_ok(f, orl_desktop_insert(f->store, &d, "vmpool", 1, NULL, &f->err));
    assert_int_equal(orl_host_remove(f->store, "here", 60000, &f->err), ORL_E_CONFLICT);
    assert_int_equal(orl_host_remove(f->store, "there", 60000, &f->err), ORL_E_NOTFOUND);
}

static void host_that_beats_is_not_removed(void **state)
{
    struct fixture *f = *state;
    struct orl_host_row h = {.name = "here", .state = ORL_HOST_UP, .heartbeat_ms = 60000};
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    assert_int_equal(orl_host_remove(f->store, "here", 60001, &f->err), ORL_E_CONFLICT);
    assert_ok(f, orl_host_remove(f->store, "here", 60000 + ORL_HOST_SILENT_MS, &f->err));
    assert_int_equal(orl_host_get(f->store, "here", &h, &f->err), ORL_E_NOTFOUND);
}

static void host_that_drains_gives_nobody_a_desktop(void **state)
{
    struct fixture *f = *state;
    bool is_draining = true;
    struct orl_host_row h = {.name = "here", .state = ORL_HOST_UP, .heartbeat_ms = 1};
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    assert_ok(f, orl_host_is_draining(f->store, "here", &is_draining, &f->err));
    assert_false(is_draining);
    assert_ok(f, orl_host_drain(f->store, "here", true, "admin:0", 2, &f->err));
    h.heartbeat_ms = 3;
    assert_ok(f, orl_host_put(f->store, &h, &f->err)); /* vmpool's next word leaves it so */
    assert_ok(f, orl_host_is_draining(f->store, "here", &is_draining, &f->err));
    assert_true(is_draining);
    assert_int_equal(
            orl_host_drain(f->store, "there", true, "admin:0", 2, &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_host_is_draining(f->store, "there", &is_draining, &f->err));
    assert_false(is_draining);
}

static void on_a_host_that_drains_owners_keep_theirs_and_nobody_gets_a_free_one(void **state)
{
    struct fixture *f = *state;
    struct orl_host_row h = {.name = "here", .state = ORL_HOST_UP, .heartbeat_ms = 1};
    struct orl_desktop_row row;
    struct orl_id own = {{0}};
    struct orl_desktop_row anns = {.pool = "own",
            .host = "here",
            .user = "ann",
            .lease = ORL_LEASE_ASSIGNED,
            .power = ORL_POWER_STOPPED};
    struct orl_desktop_row spare = {.pool = "own",
            .host = "here",
            .lease = ORL_LEASE_FREE,
            .power = ORL_POWER_RUNNING,
            .is_ready = true};
    const struct orl_desktop_claim by_ann = {.pool = "own", .user = "ann"};
    const struct orl_desktop_claim by_bob = {.pool = "own", .user = "bob"};
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    assert_ok(f, orl_host_drain(f->store, "here", true, "admin:0", 2, &f->err));
    assert_ok(f, orl_desktop_insert(f->store, &anns, "vmpool", 3, &own, &f->err));
    assert_ok(f, orl_desktop_insert(f->store, &spare, "vmpool", 3, NULL, &f->err));
    assert_ok(f, orl_desktop_claim(f->store, &by_ann, 4, &row, &f->err));
    assert_string_equal(row.id, own.text);
    assert_int_equal(row.want, ORL_WANT_RUN);
    assert_int_equal(orl_desktop_claim(f->store, &by_bob, 5, &row, &f->err), ORL_E_NOTFOUND);
    assert_ok(f, orl_host_drain(f->store, "here", false, "admin:0", 6, &f->err));
    assert_ok(f, orl_desktop_claim(f->store, &by_bob, 7, &row, &f->err));
}

static void overview_counts_and_marks_tell_what_changed(void **state)
{
    struct fixture *f = *state;
    struct orl_overview o;
    struct orl_marks marks = {.is_known = false};
    uint32_t changed = 1;
    struct orl_host_row h = {.name = "here",
            .state = ORL_HOST_UP,
            .heartbeat_ms = 1000,
            .memory_mib = 4096,
            .free_memory_mib = 1024,
            .load = {.cpus = 2, .cpu_permille = 500}};
    assert_ok(f, orl_marks_look(f->store, &marks, &changed, &f->err));
    assert_int_equal(changed, 0);
    assert_ok(f, orl_host_put(f->store, &h, &f->err));
    struct orl_desktop_row d = {
            .pool = "demo", .host = "here", .lease = ORL_LEASE_FREE, .power = ORL_POWER_ABSENT};
    assert_ok(f, orl_desktop_insert(f->store, &d, "vmpool", 1, NULL, &f->err));
    assert_ok(f, orl_overview_read(f->store, 2000, &o, &f->err));
    assert_int_equal(o.hosts.up, 1);
    assert_int_equal(o.hosts.cpu_permille, 500);
    assert_int_equal(o.hosts.memory_mib - o.hosts.free_memory_mib, 3072);
    assert_int_equal(o.desktops.total, 1);
    assert_int_equal(o.desktops.ready, 0);
    assert_int_equal(o.pools, 3); /* the fixture's */
    assert_ok(f, orl_overview_read(f->store, 2000 + ORL_HOST_SILENT_MS, &o, &f->err));
    assert_int_equal(o.hosts.up, 0); /* silent for so long, it is down */
    assert_int_equal(o.hosts.down, 1);
    assert_ok(f, orl_marks_look(f->store, &marks, &changed, &f->err));
    assert_true((changed & 1U << ORL_KIND_HOSTS) != 0 && (changed & 1U << ORL_KIND_DESKTOPS) != 0);
    assert_true((changed & 1U << ORL_KIND_SESSIONS) == 0 && (changed & 1U << ORL_KIND_POOLS) == 0);
    assert_ok(f, orl_marks_look(f->store, &marks, &changed, &f->err));
    assert_int_equal(changed, 0);
    struct orl_audit_event event = {.actor = "admin:0", .action = "pool.change", .object = "demo"};
    assert_ok(f, orl_audit_append(f->store, &event, 5, NULL, &f->err));
    assert_ok(f, orl_marks_look(f->store, &marks, &changed, &f->err));
    assert_int_equal(changed, 1U << ORL_KIND_POOLS | 1U << ORL_KIND_AUDIT);
    assert_string_equal(orl_kind_name(ORL_KIND_POOLS), "pools");
}

static void quarantine_waits_for_a_verdict(void **state)
{
    struct fixture *f = *state;
    struct orl_quarantine_row q = {.id = "00112233445566778899aabbccddeeff",
            .host = "here",
            .domain = "oriel-old",
            .reason_text = "no row"};
    assert_ok(f, orl_quarantine_put(f->store, &q, 5, &f->err));
    assert_ok(f, orl_quarantine_judge(f->store, q.id, ORL_VERDICT_PURGE, "admin", 6, &f->err));
    assert_ok(f, orl_quarantine_put(f->store, &q, 7, &f->err));
    assert_ok(f, orl_quarantine_get(f->store, q.id, &q, &f->err));
    assert_int_equal(q.verdict, ORL_VERDICT_PURGE);
    assert_int_equal(q.seen_ms, 7);
    assert_ok(f, orl_quarantine_remove(f->store, q.id, &f->err));
    assert_int_equal(orl_quarantine_judge(f->store, q.id, ORL_VERDICT_ADOPT, "admin", 8, &f->err),
            ORL_E_NOTFOUND);
}

static void people_are_found_in_any_case(void **state)
{
    struct fixture *f = *state;
    struct orl_user_row user = {.name = "ALICE"};
    assert_int_equal(orl_user_insert(f->store, &user, 1, &f->err), ORL_E_EXISTS);
    assert_ok(f, orl_user_get(f->store, "aLiCe", &user, &f->err));
    assert_string_equal(user.name, "alice");
    (void)memcpy(user.password_hash, "$argon2id$", 11);
    user.is_disabled = true;
    user.role = ORL_ROLE_ADMIN;
    assert_ok(f, orl_user_update(f->store, &user, &f->err));
    struct orl_user_row got;
    assert_ok(f, orl_user_get(f->store, "alice", &got, &f->err));
    assert_memory_equal(&got, &user, sizeof(got));
    assert_int_equal(orl_user_get(f->store, "mallory", &got, &f->err), ORL_E_NOTFOUND);
}

static void a_person_with_a_desktop_stays(void **state)
{
    struct fixture *f = *state;
    struct orl_id id = fixture_active(f, "alice", "demo");
    assert_int_equal(orl_user_remove(f->store, "alice", &f->err), ORL_E_CONFLICT);
    assert_ok(f, orl_entitlement_insert(f->store, "alice", "demo", &f->err));
    struct orl_ticket_row ticket = {.id = "t-0123456789abcdef", .user = "alice", .pool = "demo"};
    assert_ok(f, orl_ticket_insert(f->store, &ticket, 1, &f->err));
    assert_ok(f, orl_session_end(
                         f->store, id.text, ORL_REASON_LOGGED_OFF, "broker", f->now_ms, &f->err));
    assert_ok(f, orl_user_remove(f->store, "alice", &f->err));
    assert_int_equal(orl_ticket_get(f->store, ticket.id, &ticket, &f->err), ORL_E_NOTFOUND);
    assert_int_equal(orl_entitlement_has(f->store, "alice", "demo", &f->err), 0);
    assert_ok(f, orl_store_check(f->store, &f->err));
}

static int count_row(void *ctx, const struct orl_entitlement_way *row)
{
    (void)row;
    ++*(unsigned *)ctx;
    return 0;
}

static void entitlements_name_real_people_and_pools(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(orl_entitlement_insert(f->store, "mallory", "demo", &f->err), ORL_E_NOTFOUND);
    assert_int_equal(orl_entitlement_insert(f->store, "alice", "none", &f->err), ORL_E_NOTFOUND);
    assert_int_equal(orl_entitlement_has(f->store, "alice", "demo", &f->err), 0);
    assert_ok(f, orl_entitlement_insert(f->store, "alice", "demo", &f->err));
    assert_ok(f, orl_entitlement_insert(f->store, "alice", "own", &f->err));
    assert_ok(f, orl_entitlement_insert(f->store, "bob", "own", &f->err));
    assert_int_equal(orl_entitlement_insert(f->store, "bob", "own", &f->err), ORL_E_EXISTS);
    assert_int_equal(orl_entitlement_has(f->store, "alice", "demo", &f->err), 1);
    unsigned n = 0;
    assert_ok(f, orl_entitlement_list(
                         f->store, &(struct orl_page){.user = "alice"}, count_row, &n, &f->err));
    assert_int_equal(n, 2);
    assert_ok(f, orl_pool_set_deleted(f->store, "own", &f->err));
    assert_int_equal(orl_entitlement_has(f->store, "alice", "own", &f->err), 0);
    n = 0;
    assert_ok(f, orl_entitlement_list(f->store, NULL, count_row, &n, &f->err));
    assert_int_equal(n, 1);
    assert_ok(f, orl_entitlement_remove(f->store, "alice", "demo", &f->err));
    assert_int_equal(orl_entitlement_remove(f->store, "alice", "demo", &f->err), ORL_E_NOTFOUND);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
            CASE(a_pool_needs_its_template),
            CASE(one_pool_and_one_version_too_many_are_refused),
            CASE(a_pool_keeps_what_each_side_wrote),
            CASE(a_pool_keeps_each_setting),
            CASE(a_new_pool_has_its_kinds_defaults),
            CASE(an_address_stays_with_its_card_while_the_desktop_is_there),
            CASE(an_rdp_login_is_its_desktops),
            CASE(an_alarm_is_one_row_until_it_is_over),
            CASE(a_pool_with_desktops_stays),
            CASE(a_template_is_checked_version_by_version),
            CASE(a_removed_template_gives_its_name_back),
            CASE(a_version_that_something_needs_stays),
            CASE(desktops_are_counted_by_their_version),
            CASE(a_forecast_learns_each_quarter_once),
            CASE(a_host_is_replaced_by_its_heartbeat),
            CASE(host_that_beats_is_not_removed),
            CASE(host_that_drains_gives_nobody_a_desktop),
            CASE(on_a_host_that_drains_owners_keep_theirs_and_nobody_gets_a_free_one),
            CASE(overview_counts_and_marks_tell_what_changed),
            CASE(quarantine_waits_for_a_verdict),
            CASE(people_are_found_in_any_case),
            CASE(a_person_with_a_desktop_stays),
            CASE(entitlements_name_real_people_and_pools),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
