#include "broker/doctor.h"

#include "base/clock.h"
#include "base/host_check.h"
#include "broker/certificates.h"
#include "broker/gateway_sock.h"
#include "store/alarm.h"
#include "store/host.h"
#include "store/template.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { MIB = 1024 * 1024, LOW_DISK_MIB = 2048, NO_DISK_MIB = 256, LOW_MEMORY_MIB = 1024 };
enum { SILENT_MS = 60000, SKEW_MS = 5000 };
#define FRESH_US (UINT64_C(5) * ORL_US_PER_S)

static void add(json_t *checks, enum orl_check_state state, const char *area, const char *object,
        const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void add(json_t *checks, enum orl_check_state state, const char *area, const char *object,
        const char *remedy, const char *format, ...)
{
    char words[400];
    char text[sizeof(words) - 4]; /* shorter: so a letter is not cut in two */
    va_list args;
    va_start(args, format);
    (void)vsnprintf(words, sizeof(words), format, args);
    va_end(args);
    orl_msg_text(text, sizeof(text), words);
    json_t *check = json_pack("{s:s, s:s, s:s, s:s, s:s}", "area", area, "object", object, "state",
            orl_check_state_name(state), "text", text, "remedy",
            state == ORL_CHECK_OK ? "" : remedy);
    (void)json_array_append_new(checks, check);
}

/* ---- the broker's own ---- */

static void check_key(struct orl_broker *broker, json_t *checks, const char *name, mode_t allowed)
{
    char path[1100];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", broker->cfg->state_dir, name);
    if (stat(path, &st) < 0) {
        add(checks, ORL_CHECK_BAD, "secrets", path, "restore it from a backup of the folder", "%s",
                strerror(errno));
    } else if ((st.st_mode & 0777 & ~allowed) != 0) {
        add(checks, ORL_CHECK_BAD, "secrets", path, "chmod it, and make the key anew",
                "mode %04o lets others read it", (unsigned)(st.st_mode & 0777));
    } else {
        add(checks, ORL_CHECK_OK, "secrets", path, "", "mode %04o", (unsigned)(st.st_mode & 0777));
    }
}

static void check_store(struct orl_broker *broker, json_t *checks)
{
    struct orl_err err = {0};
    uint64_t stamp_ms = 0;
    struct statvfs fs;
    struct stat st;
    const char *dir = broker->cfg->state_dir;
    bool is_up = orl_store_stamp(broker->store, &stamp_ms, &err) == 0;
    add(checks, is_up ? ORL_CHECK_OK : ORL_CHECK_BAD, "store", orl_store_kind(broker->store),
            "look at its own log; see operations.md, PostgreSQL", "schema %d%s%s",
            orl_store_schema(broker->store), is_up ? "" : ": ", err.text);
    if (statvfs(dir, &fs) == 0) {
        uint64_t free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
        add(checks,
                free_mib < NO_DISK_MIB    ? ORL_CHECK_BAD
                : free_mib < LOW_DISK_MIB ? ORL_CHECK_WARN
                                          : ORL_CHECK_OK,
                "storage", dir, "make room there: a full disk stops every log-in", "%llu MiB free",
                (unsigned long long)free_mib);
    }
    if (stat(dir, &st) == 0) {
        bool is_open = (st.st_mode & 0007) != 0;
        add(checks, is_open ? ORL_CHECK_BAD : ORL_CHECK_OK, "storage", dir, "chmod 2770",
                "mode %04o%s", (unsigned)(st.st_mode & 07777),
                is_open ? ": everybody may look into it" : "");
    }
    check_key(broker, checks, "ticket.key", 0600);
    check_key(broker, checks, "totp.key", 0600);
    check_key(broker, checks, "console.key", 0640);
}

/* In either direction; a file has no clock of its own. */
static void check_own_clock(struct orl_broker *broker, json_t *checks)
{
    uint64_t theirs_ms = 0;
    uint64_t ours_ms = orl_clock_wall_ms();
    if (orl_store_clock(broker->store, &theirs_ms, NULL) < 0) {
        return;
    }
    bool is_ahead = ours_ms > theirs_ms + SKEW_MS;
    bool is_behind = theirs_ms > ours_ms + SKEW_MS;
    add(checks, is_ahead || is_behind ? ORL_CHECK_BAD : ORL_CHECK_OK, "clock", "broker",
            "set all clocks by NTP", "%s",
            is_ahead    ? "ours is ahead of the database's"
            : is_behind ? "ours is behind the database's"
                        : "as the database's");
}

static void check_programs(struct orl_broker *broker, json_t *checks)
{
    unsigned gateways = orl_gateway_count(broker->gateways);
    add(checks, gateways > 0 ? ORL_CHECK_OK : ORL_CHECK_BAD, "programs", "gateway",
            "start oriel-gateway; its log says why it is not connected", "%u connected", gateways);
    add(checks, geteuid() == 0 ? ORL_CHECK_WARN : ORL_CHECK_OK, "programs", "broker",
            "start it by its unit, as oriel-broker", "runs as uid %u", (unsigned)geteuid());
}

/* ---- what gateway and portal say ---- */

static void check_port(json_t *checks, const char *what, uint32_t port)
{
    if (port == 0) {
        add(checks, ORL_CHECK_OK, "ports", what, "", "not served");
    } else {
        add(checks, ORL_CHECK_OK, "ports", what, "", "TCP %u", port);
    }
}

static void check_expiry(
        json_t *checks, const char *object, const struct orl_msg_service *said, uint64_t now_ms)
{
    static const char remedy[] = "oriel certificate set, or replace the files of its settings";
    unsigned days = orl_certificates_days(said, now_ms);
    if (said->until_ms <= now_ms || said->from_ms > now_ms) {
        add(checks, ORL_CHECK_BAD, "certificates", object, remedy, "%s",
                said->until_ms <= now_ms ? "has expired" : "is not good yet");
    } else {
        add(checks,
                days < ORL_CERTIFICATE_NOW_DAYS    ? ORL_CHECK_BAD
                : days < ORL_CERTIFICATE_SOON_DAYS ? ORL_CHECK_WARN
                                                   : ORL_CHECK_OK,
                "certificates", object, remedy, "good for %u days", days);
    }
}

static void check_certificate(
        json_t *checks, const char *object, const struct orl_msg_service *said)
{
    check_expiry(checks, object, said, orl_clock_wall_ms());
    add(checks, said->is_self_signed != 0 ? ORL_CHECK_WARN : ORL_CHECK_OK, "certificates", object,
            "have one signed that people's programs know, then oriel certificate set", "%s, for %s",
            said->is_self_signed != 0 ? "self-signed" : said->issuer, said->names);
    if (said->problem[0] != '\0') {
        add(checks, ORL_CHECK_BAD, "certificates", object, "oriel certificate set, or reset", "%s",
                said->problem);
    }
    if (said->is_key_open != 0) {
        add(checks, ORL_CHECK_BAD, "certificates", object,
                "chmod 0600, and have a new one made: others may have read it",
                "others can read its key's file");
    }
}

static void check_services(struct orl_broker *broker, json_t *checks)
{
    static const struct {
        enum orl_service service;
        const char *program, *object, *port, *other_port;
    } services[] = {{ORL_SERVICE_RDP, "oriel-gateway", "RDP and VNC", "RDP", "VNC"},
            {ORL_SERVICE_WEB, "oriel-web", "portal", "portal", "portal, redirection to HTTPS"}};
    for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
        bool is_up = false;
        const struct orl_msg_service *said =
                orl_certificates_get(broker->certificates, services[i].service, &is_up);
        if (said == NULL || !is_up) {
            add(checks, ORL_CHECK_BAD, "ports", services[i].object,
                    "start it: its log says what is in its way, as a port that is taken",
                    "%s is not connected", services[i].program);
            continue;
        }
        check_port(checks, services[i].port, said->port);
        check_port(checks, services[i].other_port, said->other_port);
        check_certificate(checks, services[i].object, said);
    }
}

/* ---- what vmpools say ---- */

struct walk {
    const char *only; /* a host; NULL: all */
    json_t *checks;
    uint64_t now_ms;
    unsigned count;
    json_t *clocks; /* what hosts themselves say of theirs, by "host:NAME" */
};

/* vmpool's own findings: yes is good, no and partly are for somebody to look at. */
static void add_findings(const struct walk *walk, const struct orl_host_row *row)
{
    json_t *report = json_loads(row->report, 0, NULL);
    size_t i;
    json_t *item;
    json_array_foreach(json_object_get(report, "items"), i, item)
    {
        const char *state = json_string_value(json_object_get(item, "state"));
        const char *name = json_string_value(json_object_get(item, "name"));
        const char *reason = json_string_value(json_object_get(item, "reason"));
        const char *remedy = json_string_value(json_object_get(item, "remedy"));
        char object[200];
        if (state == NULL || name == NULL) {
            continue;
        }
        bool is_good = strcmp(state, "yes") == 0 || remedy == NULL || remedy[0] == '\0';
        (void)snprintf(object, sizeof(object), "%s/%s", row->name, name);
        add(walk->checks, is_good ? ORL_CHECK_OK : ORL_CHECK_WARN, "virtualization", object,
                remedy != NULL ? remedy : "", "%s: %s", state, reason != NULL ? reason : "");
    }
    json_decref(report);
}

static void check_host_load(const struct walk *walk, const struct orl_host_row *row)
{
    add(walk->checks, row->free_memory_mib < LOW_MEMORY_MIB ? ORL_CHECK_WARN : ORL_CHECK_OK,
            "memory", row->name, "fewer spares, smaller desktops, or another host",
            "%llu of %llu MiB free", (unsigned long long)row->free_memory_mib,
            (unsigned long long)row->memory_mib);
    add(walk->checks,
            row->free_disk_mib < NO_DISK_MIB    ? ORL_CHECK_BAD
            : row->free_disk_mib < LOW_DISK_MIB ? ORL_CHECK_WARN
                                                : ORL_CHECK_OK,
            "storage", row->name, "make room where the images are: guests stop when it is full",
            "%llu MiB free for images", (unsigned long long)row->free_disk_mib);
}

/* One that is behind looks like a silent one: only the host itself can tell. */
static void check_clock(const struct walk *walk, const struct orl_host_row *row)
{
    char object[ORL_NAME_MAX + 8];
    (void)snprintf(object, sizeof(object), "host:%s", row->name);
    const char *said = json_string_value(json_object_get(walk->clocks, object));
    bool is_ahead = row->heartbeat_ms > walk->now_ms + SKEW_MS;
    if (said == NULL && row->heartbeat_ms + SILENT_MS < walk->now_ms) {
        return;
    }
    add(walk->checks, is_ahead || said != NULL ? ORL_CHECK_BAD : ORL_CHECK_OK, "clock", row->name,
            "set all clocks by NTP", "%s",
            said != NULL ? said
            : is_ahead   ? "its clock is ahead of ours"
                         : "as ours");
}

static int see_clock(void *ctx, const struct orl_alarm_row *row)
{
    if (row->reason == ORL_REASON_CLOCK_OFF) {
        (void)json_object_set_new(ctx, row->object, json_string(row->text));
    }
    return 0;
}

static int check_host(void *ctx, const struct orl_host_row *row)
{
    struct walk *walk = ctx;
    if (walk->only != NULL && strcmp(walk->only, row->name) != 0) {
        return 0;
    }
    uint64_t age_ms = walk->now_ms > row->heartbeat_ms ? walk->now_ms - row->heartbeat_ms : 0;
    walk->count++;
    check_clock(walk, row);
    if (age_ms > SILENT_MS) {
        add(walk->checks, ORL_CHECK_BAD, "programs", row->name,
                "start oriel-vmpool there; its log says what it waits for",
                "its vmpool is silent for %llu s", (unsigned long long)(age_ms / 1000));
        return 0;
    }
    bool is_up = row->state == ORL_HOST_UP;
    add(walk->checks, is_up ? ORL_CHECK_OK : ORL_CHECK_BAD, "libvirt", row->name,
            "start libvirtd there, and let oriel-vmpool into the group libvirt", "%s%s",
            is_up ? "answers at " : "", is_up ? row->uri : row->reason_text);
    bool is_kvm = strcmp(row->accel, "kvm") == 0;
    add(walk->checks, is_kvm ? ORL_CHECK_OK : ORL_CHECK_WARN, "virtualization", row->name,
            "turn on VT-x or AMD-V in the firmware, load kvm; desktops are slow without", "%s%s%s",
            row->accel[0] != '\0' ? row->accel : "not known yet",
            row->accel_reason[0] != '\0' ? ": " : "", row->accel_reason);
    check_host_load(walk, row);
    add_findings(walk, row);
    return 0;
}

static int check_template(void *ctx, const struct orl_template_row *row)
{
    const struct walk *walk = ctx;
    char object[ORL_NAME_MAX + 16];
    bool is_bad = row->state == ORL_TEMPLATE_MISSING || row->state == ORL_TEMPLATE_CORRUPT;
    if (is_bad) {
        (void)snprintf(object, sizeof(object), "%s:%u", row->name, (unsigned)row->version);
        add(walk->checks, ORL_CHECK_BAD, "templates", object,
                "put its files back, or register another version", "%s: %s",
                orl_template_state_name(row->state), row->reason_text);
    }
    return 0;
}

static int check_alarm(void *ctx, const struct orl_alarm_row *row)
{
    const struct walk *walk = ctx;
    add(walk->checks, ORL_CHECK_WARN, "alarms", row->object,
            "see operations.md for this reason; oriel alarm clear when its cause is over", "%s: %s",
            orl_reason_code(row->reason),
            row->text[0] != '\0' ? row->text : orl_reason_text(row->reason));
    return 0;
}

static int look(struct orl_broker *broker, const char *only, json_t *checks, struct orl_err *err)
{
    struct walk walk = {.only = only, .checks = checks, .now_ms = orl_clock_wall_ms()};
    check_store(broker, checks);
    check_own_clock(broker, checks);
    check_programs(broker, checks);
    check_services(broker, checks);
    walk.clocks = json_object();
    int rc = orl_alarm_list(broker->store, NULL, see_clock, walk.clocks, err);
    rc = rc < 0 ? rc : orl_host_list(broker->store, NULL, check_host, &walk, err);
    json_decref(walk.clocks);
    if (rc == 0 && walk.count == 0) {
        add(checks, ORL_CHECK_BAD, "programs", "vmpool",
                "start oriel-vmpool on a host with libvirt", "no host has ever reported");
    }
    rc = rc < 0 ? rc : orl_template_list(broker->store, NULL, check_template, &walk, err);
    return rc < 0 ? rc : orl_alarm_list(broker->store, NULL, check_alarm, &walk, err);
}

int orl_doctor(struct orl_broker *broker, json_t **ret_checks, struct orl_err *err)
{
    json_t *checks = json_array();
    int rc = look(broker, NULL, checks, err);
    if (rc < 0) {
        json_decref(checks);
        return rc;
    }
    *ret_checks = checks;
    return 0;
}

static void add_check(void *ctx, const struct orl_check *check)
{
    add(ctx, check->state, check->area, check->object, check->remedy, "%s", check->text);
}

/* Who shares a file with us is on this machine; of others' names we know our own. */
static bool is_ours(const struct orl_broker *broker, const char *name)
{
    char own[65] = "";
    (void)gethostname(own, sizeof(own) - 1);
    return strcmp(orl_store_kind(broker->store), "sqlite") == 0 || strcmp(own, name) == 0;
}

int orl_doctor_host(
        struct orl_broker *broker, const char *name, json_t **ret_checks, struct orl_err *err)
{
    struct orl_doctor_cache *cache = &broker->doctor;
    struct orl_host_row row;
    uint64_t now_us = orl_clock_now_us();
    int rc = orl_host_get(broker->store, name, &row, err);
    if (rc < 0) {
        return rc;
    }
    if (cache->checks == NULL || strcmp(cache->host, row.name) != 0 ||
            now_us - cache->at_us > FRESH_US) {
        json_t *checks = json_array();
        if (is_ours(broker, row.name)) {
            const struct orl_host_check_opts opts = {
                    .root = "", .run_dir = broker->cfg->run_dir, .is_confined = true};
            orl_host_check(&opts, add_check, checks);
        }
        rc = look(broker, row.name, checks, err);
        if (rc < 0) {
            json_decref(checks);
            return rc;
        }
        orl_doctor_forget(broker);
        cache->checks = checks;
        cache->at_us = now_us;
        orl_msg_text(cache->host, sizeof(cache->host), row.name);
    }
    *ret_checks = json_incref(cache->checks);
    return 0;
}

void orl_doctor_forget(struct orl_broker *broker)
{
    json_decref(broker->doctor.checks);
    broker->doctor.checks = NULL;
}
