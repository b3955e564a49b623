#include "broker/doctor.h"

#include "base/clock.h"
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

static const char *const states[] = {"ok", "warn", "bad"};

static void add(json_t *checks, enum orl_doctor_state state, const char *area, const char *object,
        const char *remedy, const char *format, ...) __attribute__((format(printf, 6, 7)));

static void add(json_t *checks, enum orl_doctor_state state, const char *area, const char *object,
        const char *remedy, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    (void)vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    json_t *check = json_pack("{s:s, s:s, s:s, s:s%, s:s}", "area", area, "object", object, "state",
            states[state], "text", text, strlen(text), "remedy",
            state == ORL_DOCTOR_OK ? "" : remedy);
    (void)json_array_append_new(checks, check);
}

/* ---- the broker's own ---- */

static void check_key(struct orl_broker *broker, json_t *checks, const char *name, mode_t allowed)
{
    char path[1100];
    struct stat st;
    (void)snprintf(path, sizeof(path), "%s/%s", broker->cfg->state_dir, name);
    if (stat(path, &st) < 0) {
        add(checks, ORL_DOCTOR_BAD, "secrets", path, "restore it from a backup of the folder", "%s",
                strerror(errno));
    } else if ((st.st_mode & 0777 & ~allowed) != 0) {
        add(checks, ORL_DOCTOR_BAD, "secrets", path, "chmod it, and make the key anew",
                "mode %04o lets others read it", (unsigned)(st.st_mode & 0777));
    } else {
        add(checks, ORL_DOCTOR_OK, "secrets", path, "", "mode %04o", (unsigned)(st.st_mode & 0777));
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
    add(checks, is_up ? ORL_DOCTOR_OK : ORL_DOCTOR_BAD, "store", orl_store_kind(broker->store),
            "look at its own log; see operations.md, PostgreSQL", "schema %d%s%s",
            orl_store_schema(broker->store), is_up ? "" : ": ", err.text);
    if (statvfs(dir, &fs) == 0) {
        uint64_t free_mib = (uint64_t)fs.f_bavail * fs.f_frsize / MIB;
        add(checks,
                free_mib < NO_DISK_MIB    ? ORL_DOCTOR_BAD
                : free_mib < LOW_DISK_MIB ? ORL_DOCTOR_WARN
                                          : ORL_DOCTOR_OK,
                "storage", dir, "make room there: a full disk stops every log-in", "%llu MiB free",
                (unsigned long long)free_mib);
    }
    if (stat(dir, &st) == 0) {
        bool is_open = (st.st_mode & 0007) != 0;
        add(checks, is_open ? ORL_DOCTOR_BAD : ORL_DOCTOR_OK, "storage", dir, "chmod 2770",
                "mode %04o%s", (unsigned)(st.st_mode & 07777),
                is_open ? ": everybody may look into it" : "");
    }
    check_key(broker, checks, "ticket.key", 0600);
    check_key(broker, checks, "totp.key", 0600);
    check_key(broker, checks, "console.key", 0640);
}

static void check_programs(struct orl_broker *broker, json_t *checks)
{
    unsigned gateways = orl_gateway_count(broker->gateways);
    add(checks, gateways > 0 ? ORL_DOCTOR_OK : ORL_DOCTOR_BAD, "programs", "gateway",
            "start oriel-gateway; its log says why it is not connected", "%u connected", gateways);
    add(checks, geteuid() == 0 ? ORL_DOCTOR_WARN : ORL_DOCTOR_OK, "programs", "broker",
            "start it by its unit, as oriel-broker", "runs as uid %u", (unsigned)geteuid());
}

/* ---- what vmpools say ---- */

struct walk {
    json_t *checks;
    uint64_t now_ms;
    unsigned count;
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
        add(walk->checks, is_good ? ORL_DOCTOR_OK : ORL_DOCTOR_WARN, "virtualization", object,
                remedy != NULL ? remedy : "", "%s: %s", state, reason != NULL ? reason : "");
    }
    json_decref(report);
}

static void check_host_load(const struct walk *walk, const struct orl_host_row *row)
{
    add(walk->checks, row->free_memory_mib < LOW_MEMORY_MIB ? ORL_DOCTOR_WARN : ORL_DOCTOR_OK,
            "memory", row->name, "fewer spares, smaller desktops, or another host",
            "%llu of %llu MiB free", (unsigned long long)row->free_memory_mib,
            (unsigned long long)row->memory_mib);
    add(walk->checks,
            row->free_disk_mib < NO_DISK_MIB    ? ORL_DOCTOR_BAD
            : row->free_disk_mib < LOW_DISK_MIB ? ORL_DOCTOR_WARN
                                                : ORL_DOCTOR_OK,
            "storage", row->name, "make room where the images are: guests stop when it is full",
            "%llu MiB free for images", (unsigned long long)row->free_disk_mib);
}

static int check_host(void *ctx, const struct orl_host_row *row)
{
    struct walk *walk = ctx;
    uint64_t age_ms = walk->now_ms > row->heartbeat_ms ? walk->now_ms - row->heartbeat_ms : 0;
    walk->count++;
    if (age_ms > SILENT_MS) {
        add(walk->checks, ORL_DOCTOR_BAD, "programs", row->name,
                "start oriel-vmpool there; its log says what it waits for",
                "its vmpool is silent for %llu s", (unsigned long long)(age_ms / 1000));
        return 0;
    }
    bool is_ahead = row->heartbeat_ms > walk->now_ms + SKEW_MS;
    add(walk->checks, is_ahead ? ORL_DOCTOR_BAD : ORL_DOCTOR_OK, "clock", row->name,
            "set both clocks by NTP", is_ahead ? "its clock is ahead of ours" : "as ours");
    bool is_up = row->state == ORL_HOST_UP;
    add(walk->checks, is_up ? ORL_DOCTOR_OK : ORL_DOCTOR_BAD, "libvirt", row->name,
            "start libvirtd there, and let oriel-vmpool into the group libvirt", "%s%s",
            is_up ? "answers at " : "", is_up ? row->uri : row->reason_text);
    bool is_kvm = strcmp(row->accel, "kvm") == 0;
    add(walk->checks, is_kvm ? ORL_DOCTOR_OK : ORL_DOCTOR_WARN, "virtualization", row->name,
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
        add(walk->checks, ORL_DOCTOR_BAD, "templates", object,
                "put its files back, or register another version", "%s: %s",
                orl_template_state_name(row->state), row->reason_text);
    }
    return 0;
}

static int check_alarm(void *ctx, const struct orl_alarm_row *row)
{
    const struct walk *walk = ctx;
    add(walk->checks, ORL_DOCTOR_WARN, "alarms", row->object,
            "see operations.md for this reason; oriel alarm clear when its cause is over", "%s: %s",
            orl_reason_code(row->reason),
            row->text[0] != '\0' ? row->text : orl_reason_text(row->reason));
    return 0;
}

int orl_doctor(struct orl_broker *broker, json_t **ret_checks, struct orl_err *err)
{
    json_t *checks = json_array();
    struct walk walk = {.checks = checks, .now_ms = orl_clock_wall_ms()};
    check_store(broker, checks);
    check_programs(broker, checks);
    int rc = orl_host_list(broker->store, NULL, check_host, &walk, err);
    if (rc == 0 && walk.count == 0) {
        add(checks, ORL_DOCTOR_BAD, "programs", "vmpool",
                "start oriel-vmpool on a host with libvirt", "no host has ever reported");
    }
    rc = rc < 0 ? rc : orl_template_list(broker->store, NULL, check_template, &walk, err);
    rc = rc < 0 ? rc : orl_alarm_list(broker->store, NULL, check_alarm, &walk, err);
    if (rc < 0) {
        json_decref(checks);
        return rc;
    }
    *ret_checks = checks;
    return 0;
}
