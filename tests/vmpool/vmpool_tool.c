/* The broker's and the gateway's part in the VM test, one command at a time:
 *   seed DB TINY | pool DB NAME MODE SPARES | static DB MACHINE | bios DB DISK | list DB | login DB USER [POOL] |
 *   wait DB USER | end DB SESSION | method DB auto|instant|restore|cold | goldens DB | made DB |
 *   machine DB DISK KERNEL INITRD CMDLINE MEMORY VCPUS | home DB SIZE_MIB | programs DB ON_ASSIGN ON_LOGOFF DEADLINE_S | person DB DESKTOP | version DB TEMPLATE |
 *   spares DB RUNNING,SUSPENDED | console|hold SOCKET DESKTOP VERSION SESSION */
#include "base/cleanup.h"
#include "base/clock.h"
#include "base/ipc.h"
#include "store/desktop.h"
#include "store/golden.h"
#include "store/home.h"
#include "store/host.h"
#include "store/pool.h"
#include "store/pool_settings.h"
#include "store/session.h"
#include "store/template.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { LEASE_MS = 3600000, ANSWER_MS = 10000 };

static int seed(struct orl_store *store, const char *tiny, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_template_row t = {.name = "tiny",
            .kind = ORL_TEMPLATE_KERNEL,
            .cmdline = "console=ttyS0 quiet loglevel=3 tsc=reliable panic=1",
            .memory_mib = 192,
            .vcpus = 1};
    (void)snprintf(t.path, sizeof t.path, "%s/tiny.qcow2", tiny);
    (void)snprintf(t.kernel, sizeof t.kernel, "%s/vmlinux", tiny);
    (void)snprintf(t.initrd, sizeof t.initrd, "%s/initrd", tiny);
    const struct orl_pool_row pool = {.name = "p",
            .kind = ORL_POOL_FLOATING,
            .template_name = "tiny",
            .spares = 1,
            .max_desktops = 3,
            .clone_method = ORL_CLONE_COLD,
            .disconnect_timeout_s = 600,
            .person.hook_deadline_s = 20};
    int r = orl_template_insert(store, &t, now_ms, err);
    return r < 0 ? r : orl_pool_insert(store, &pool, now_ms, err);
}

/* Pool p of any guest: as seed, without a spare. */
static int seed_machine(struct orl_store *store, char **argv, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_template_row t = {.name = "tiny", .kind = ORL_TEMPLATE_KERNEL};
    orl_msg_text(t.path, sizeof t.path, argv[0]);
    orl_msg_text(t.kernel, sizeof t.kernel, argv[1]);
    orl_msg_text(t.initrd, sizeof t.initrd, argv[2]);
    orl_msg_text(t.cmdline, sizeof t.cmdline, argv[3]);
    t.memory_mib = (uint32_t)strtoul(argv[4], NULL, 10);
    t.vcpus = (uint32_t)strtoul(argv[5], NULL, 10);
    const struct orl_pool_row pool = {.name = "p",
            .kind = ORL_POOL_FLOATING,
            .template_name = "tiny",
            .max_desktops = 8,
            .clone_method = ORL_CLONE_COLD,
            .disconnect_timeout_s = 600,
            .person.hook_deadline_s = 60};
    int r = orl_template_insert(store, &t, now_ms, err);
    return r < 0 ? r : orl_pool_insert(store, &pool, now_ms, err);
}

/* A disk that boots by its firmware: no kernel of ours. */
static int seed_bios(struct orl_store *store, const char *disk, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_template_row t = {
            .name = "bios", .kind = ORL_TEMPLATE_DISK, .memory_mib = 64, .vcpus = 1};
    (void)snprintf(t.path, sizeof t.path, "%s", disk);
    const struct orl_pool_row pool = {.name = "b",
            .kind = ORL_POOL_DEDICATED,
            .template_name = "bios",
            .spares = 1,
            .max_desktops = 1,
            .clone_method = ORL_CLONE_COLD,
            .disconnect_timeout_s = 600};
    int r = orl_template_insert(store, &t, now_ms, err);
    return r < 0 ? r : orl_pool_insert(store, &pool, now_ms, err);
}

/* Another pool of the tiny guest, on a network of that kind ("bridged:NAME" with its bridge). */
static int seed_pool(struct orl_store *store, char **argv, struct orl_err *err)
{
    static const char *const modes[] = {"isolated", "nat", "routed", "bridged", "none"};
    struct orl_pool_row pool = {.kind = ORL_POOL_FLOATING};
    orl_pool_set_defaults(&pool, pool.kind);
    pool.clone_method = ORL_CLONE_COLD;
    orl_msg_text(pool.name, sizeof pool.name, argv[0]);
    orl_msg_text(pool.template_name, sizeof pool.template_name, "tiny");
    pool.spares = (uint32_t)strtoul(argv[2], NULL, 10);
    size_t len = strcspn(argv[1], ":");
    for (uint32_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if (strlen(modes[i]) == len && strncmp(modes[i], argv[1], len) == 0) {
            pool.net.mode = i;
        }
    }
    orl_msg_text(pool.net.name, sizeof pool.net.name, argv[1][len] ? argv[1] + len + 1 : "");
    return orl_pool_insert(store, &pool, orl_clock_wall_ms(), err);
}

/* A machine that libvirt knows already, in a static pool "s" that is made with the first one. */
static int seed_static(struct orl_store *store, const char *machine, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_pool_row pool = {.name = "s", .kind = ORL_POOL_STATIC};
    struct orl_desktop_row row = {.pool = "s", .lease = ORL_LEASE_FREE, .power = ORL_POWER_RUNNING};
    struct orl_id id;
    orl_pool_set_defaults(&pool, pool.kind);
    (void)snprintf(row.vnc_target, sizeof row.vnc_target, "domain:%s", machine);
    int r = orl_pool_insert(store, &pool, now_ms, err);
    r = r == ORL_E_EXISTS ? 0 : r;
    r = r < 0 ? r : orl_desktop_insert(store, &row, "test", now_ms, &id, err);
    if (r == 0) {
        (void)printf("%s\n", id.text);
    }
    return r;
}

static int print_row(void *ctx, const struct orl_desktop_row *row)
{
    (void)ctx;
    (void)printf("%s %llu %s %s %s %s %s %s %s %u\n", row->id, (unsigned long long)row->version,
            orl_lease_name(row->lease), orl_power_name(row->power),
            row->is_ready ? "ready" : "unready", row->domain, row->user[0] ? row->user : "-",
            row->overlay, orl_reason_code(row->reason), row->template_version);
    return 0;
}

static int list(struct orl_store *store, struct orl_err *err)
{
    const struct orl_desktop_filter all = {0};
    struct orl_host_row host;
    struct orl_pool_row pool;
    if (orl_host_get(store, "local", &host, NULL) == 0) {
        static const char item[] = "\"guest_network\",\"state\":\"";
        const char *network = strstr(host.report, item);
        network = network ? network + sizeof item - 1 : "";
        (void)printf("host %s accel=%s network=%.*s memory=%llu\n", orl_host_state_name(host.state),
                host.accel, (int)strcspn(network, "\""), network,
                (unsigned long long)host.memory_mib);
    }
    if (orl_pool_get(store, "p", &pool, NULL) == 0) {
        (void)printf("pool problem=%s\n", orl_reason_code(pool.problem));
    }
    return orl_desktop_list(store, &all, print_row, NULL, err);
}

static int login(struct orl_store *store, const char *user, const char *pool, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_session_row row = {.protocol = ORL_PROTOCOL_RDP, .conn = 1};
    struct orl_desktop_row desktop;
    struct orl_id id;
    (void)snprintf(row.user, sizeof row.user, "%s", user);
    (void)snprintf(row.pool, sizeof row.pool, "%s", pool);
    (void)snprintf(row.locale, sizeof row.locale, "de_DE");
    (void)snprintf(row.timezone, sizeof row.timezone, "Europe/Berlin");
    (void)snprintf(row.keyboard, sizeof row.keyboard, "de");
    int r = orl_session_insert(store, &row, now_ms + LEASE_MS, now_ms, &id, err);
    r = r < 0 ? r : orl_session_claim(store, id.text, now_ms, &desktop, err);
    r = r < 0 ? r : orl_session_activate(store, id.text, now_ms + LEASE_MS, now_ms, err);
    if (r == 0) {
        (void)printf("%s %s %llu\n", id.text, desktop.id, (unsigned long long)desktop.version);
    }
    return r;
}

/* Somebody who waits: whatever there is, nothing is claimed. */
static int wait_for_one(struct orl_store *store, const char *user, struct orl_err *err)
{
    uint64_t now_ms = orl_clock_wall_ms();
    struct orl_session_row row = {.pool = "p", .protocol = ORL_PROTOCOL_RDP, .conn = 2};
    struct orl_id id;
    (void)snprintf(row.user, sizeof row.user, "%s", user);
    int r = orl_session_insert(store, &row, now_ms + LEASE_MS, now_ms, &id, err);
    if (r == 0) {
        (void)printf("%s\n", id.text);
    }
    return r;
}

/* The same files once more: another version all the same. */
static int add_version(struct orl_store *store, const char *name, struct orl_err *err)
{
    struct orl_template_row t;
    uint32_t version = 0;
    int r = orl_template_get(store, name, 0, &t, err);
    r = r < 0 ? r : orl_template_add_version(store, &t, orl_clock_wall_ms(), &version, err);
    if (r == 0) {
        (void)printf("%u\n", version);
    }
    return r;
}

static int set_spares(struct orl_store *store, const char *text, struct orl_err *err)
{
    struct orl_pool_row pool;
    char *rest = NULL;
    int r = orl_pool_get(store, "p", &pool, err);
    if (r < 0) {
        return r;
    }
    pool.spares = (uint32_t)strtoul(text, &rest, 10);
    pool.spares_suspended = *rest == ',' ? (uint32_t)strtoul(rest + 1, NULL, 10) : 0;
    return orl_pool_update(store, &pool, err);
}

static int set_method(struct orl_store *store, const char *name, struct orl_err *err)
{
    static const char *const names[] = {"auto", "instant", "restore", "cold"};
    struct orl_pool_row pool;
    int r = orl_pool_get(store, "p", &pool, err);
    for (uint32_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        pool.clone_method = r == 0 && strcmp(names[i], name) == 0 ? i : pool.clone_method;
    }
    return r < 0 ? r : orl_pool_update(store, &pool, err);
}

static int print_golden(void *ctx, const struct orl_golden_row *row)
{
    (void)ctx;
    (void)printf("%s %s %u %u %s %llu %s\n", row->id, orl_golden_state_name(row->state),
            row->percent, row->template_version, row->is_shared ? "instant" : "restore",
            (unsigned long long)(row->built_ms > row->created_ms ? row->built_ms - row->created_ms
                                                                 : 0),
            row->text);
    return 0;
}

static int print_made(void *ctx, const struct orl_desktop_row *row)
{
    (void)ctx;
    (void)printf("%s %s %s %s\n", row->id, row->golden[0] ? row->golden : "-",
            row->is_instant ? "copy" : "-", row->made_text);
    return 0;
}

/* Prints what the display is, "QEMU" or its first three bytes, or "reason final". */
static int console(char **argv, bool is_held, struct orl_err *err)
{
    struct orl_msg msg = {.type = ORL_MSG_CONSOLE, .conn = 7};
    struct orl_msg_console *ask = &msg.u.console;
    struct orl_ipc_fds fds;
    ORL_AUTO(orl_close_auto) int sock = -1;
    ORL_AUTO(orl_close_auto) int display = -1;
    ORL_AUTO(orl_close_auto) int input = -1;
    orl_msg_text(ask->desktop, sizeof ask->desktop, argv[1]);
    ask->version = strtoull(argv[2], NULL, 10);
    orl_msg_text(ask->session, sizeof ask->session, argv[3]);
    int r = orl_ipc_connect(argv[0], &sock, err);
    r = r < 0 ? r : orl_ipc_send(sock, &msg, NULL, 0);
    r = r < 0 ? r : orl_ipc_recv(sock, ANSWER_MS, &msg, &fds);
    if (r < 0) {
        return err->text[0] ? r : orl_err_set(err, r, "console: %s", orl_err_name(r));
    }
    display = orl_ipc_fds_take(&fds, 0);
    input = orl_ipc_fds_take(&fds, 1);
    if (display < 0) {
        (void)printf("%s %s\n", orl_reason_code(orl_reason_from_u32(ask->reason)),
                ask->is_final ? "final" : "again");
        return 0;
    }
    char banner[4] = "";
    struct pollfd p = {.fd = display, .events = POLLIN};
    if (poll(&p, 1, ANSWER_MS) != 1 || recv(display, banner, 3, 0) != 3) {
        return orl_err_set(err, ORL_E_TIMEOUT, "the display says nothing");
    }
    (void)printf("%s\n", ask->source == ORL_SOURCE_QEMU ? "QEMU" : banner);
    (void)fflush(stdout);
    if (is_held) { /* until standard input ends: "open" or "closed" */
        while (getchar() != EOF) {
        }
        ssize_t n = recv(display, banner, 1, MSG_PEEK | MSG_DONTWAIT);
        (void)printf("%s\n", n == 0 ? "closed" : "open");
    }
    return 0;
}

static int poke(const char *path, struct orl_err *err)
{
    const struct orl_msg msg = {.type = ORL_MSG_POKE};
    ORL_AUTO(orl_close_auto) int sock = -1;
    int r = orl_ipc_connect(path, &sock, err);
    return r < 0 ? r : orl_ipc_send(sock, &msg, NULL, 0);
}

/* Disks of so many MiB, or SERVER:/PATH by NFS, over a network by NAT. */
static int set_home(struct orl_store *store, const char *what, struct orl_err *err)
{
    struct orl_pool_row pool;
    int r = orl_pool_get(store, "p", &pool, err);
    bool is_nfs = strchr(what, ':') != NULL;
    pool.spares = is_nfs ? 1 : 2;
    pool.net.mode = is_nfs ? ORL_NETWORK_NAT : pool.net.mode;
    pool.person.home = is_nfs ? ORL_HOME_NFS : ORL_HOME_VOLUME;
    pool.person.home_size_mib = is_nfs ? 0 : (uint32_t)strtoul(what, NULL, 10);
    orl_msg_text(pool.person.home_target, sizeof pool.person.home_target, is_nfs ? what : "");
    pool.person.hook_deadline_s = 120;
    return r < 0 ? r : orl_pool_update(store, &pool, err);
}

static int set_programs(struct orl_store *store, char **argv, struct orl_err *err)
{
    struct orl_pool_row pool;
    int r = orl_pool_get(store, "p", &pool, err);
    orl_msg_text(pool.person.on_assign, sizeof pool.person.on_assign, argv[0]);
    orl_msg_text(pool.person.on_logoff, sizeof pool.person.on_logoff, argv[1]);
    pool.person.hook_deadline_s = (uint32_t)strtoul(argv[2], NULL, 10);
    return r < 0 ? r : orl_pool_update(store, &pool, err);
}

static int print_home(void *ctx, const struct orl_home_row *row)
{
    (void)ctx;
    (void)printf("home %s %s %s\n", row->user, row->desktop[0] ? row->desktop : "-", row->path);
    return 0;
}

/* How the guest has its person, and all homes. */
static int person(struct orl_store *store, const char *id, struct orl_err *err)
{
    struct orl_desktop_row row;
    int r = orl_desktop_get(store, id, &row, NULL);
    if (r == 0) {
        (void)printf("%s %s %s hook=%d %s\n", orl_person_name(row.person),
                row.guest_state != ORL_GUEST_UNKNOWN ? orl_guest_state_name(row.guest_state) : "-",
                orl_reason_code(row.reason), row.has_hook, row.reason_text);
    }
    return orl_home_list(store, NULL, print_home, NULL, err);
}

static int on_store(int argc, char **argv, struct orl_err *err)
{
    struct orl_store *store = NULL;
    int r = orl_store_open(argv[2], &store, err);
    if (r < 0) {
        return r;
    }
    if (strcmp(argv[1], "list") == 0) {
        r = list(store, err);
    } else if (strcmp(argv[1], "goldens") == 0) {
        r = orl_golden_rows(store, NULL, NULL, print_golden, NULL, err);
    } else if (strcmp(argv[1], "made") == 0) {
        const struct orl_desktop_filter all = {0};
        r = orl_desktop_list(store, &all, print_made, NULL, err);
    } else if (argc < 4) {
        r = orl_err_set(err, ORL_E_INVAL, "usage: see the head of vmpool_tool.c");
    } else if (strcmp(argv[1], "seed") == 0) {
        r = seed(store, argv[3], err);
    } else if (strcmp(argv[1], "template") == 0) {
        struct orl_template_row t;
        r = orl_template_get(store, argv[3], 0, &t, err);
        if (r == 0) {
            (void)printf("%s %s\n", orl_template_state_name(t.state), t.reason_text);
        }
    } else if (strcmp(argv[1], "pool") == 0 && argc == 6) {
        r = seed_pool(store, argv + 3, err);
    } else if (strcmp(argv[1], "static") == 0) {
        r = seed_static(store, argv[3], err);
    } else if (strcmp(argv[1], "bios") == 0) {
        r = seed_bios(store, argv[3], err);
    } else if (strcmp(argv[1], "home") == 0) {
        r = set_home(store, argv[3], err);
    } else if (strcmp(argv[1], "programs") == 0 && argc == 6) {
        r = set_programs(store, argv + 3, err);
    } else if (strcmp(argv[1], "person") == 0) {
        r = person(store, argv[3], err);
    } else if (strcmp(argv[1], "login") == 0) {
        r = login(store, argv[3], argc > 4 ? argv[4] : "p", err);
    } else if (strcmp(argv[1], "wait") == 0) {
        r = wait_for_one(store, argv[3], err);
    } else if (strcmp(argv[1], "version") == 0) {
        r = add_version(store, argv[3], err);
    } else if (strcmp(argv[1], "spares") == 0) {
        r = set_spares(store, argv[3], err);
    } else if (strcmp(argv[1], "machine") == 0 && argc == 9) {
        r = seed_machine(store, argv + 3, err);
    } else if (strcmp(argv[1], "method") == 0) {
        r = set_method(store, argv[3], err);
    } else if (strcmp(argv[1], "end") == 0) {
        r = orl_session_end(
                store, argv[3], ORL_REASON_LOGGED_OFF, "test", orl_clock_wall_ms(), err);
    } else {
        r = orl_err_set(err, ORL_E_INVAL, "no such command");
    }
    orl_store_close(store);
    return r;
}

int main(int argc, char **argv)
{
    struct orl_err err = {0};
    int r = ORL_E_INVAL;
    if (argc == 6 && (strcmp(argv[1], "console") == 0 || strcmp(argv[1], "hold") == 0)) {
        r = console(argv + 2, argv[1][0] == 'h', &err);
    } else if (argc == 3 && strcmp(argv[1], "poke") == 0) {
        r = poke(argv[2], &err);
    } else if (argc >= 3) {
        r = on_store(argc, argv, &err);
    }
    if (r < 0) {
        (void)fprintf(stderr, "%s\n", err.text[0] ? err.text : orl_err_name(r));
    }
    return r < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}
