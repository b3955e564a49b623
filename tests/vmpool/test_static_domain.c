/* Existing machines as static desktops: how they are named, what their XML says; and libvirt's test driver asked. */
#include "base/cleanup.h"
#include "vmpool/backend_libvirt.h"
#include "vmpool/job.h"
#include "vmpool/proc.h"
#include "vmpool/static_domain.h"
#include <arpa/inet.h>
#include <libvirt/libvirt.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

static void a_machine_is_named_with_or_without_its_libvirt(void **state)
{
    (void)state;
    struct orl_static_domain d;
    assert_true(orl_static_domain_parse("domain:office pc", &d));
    assert_string_equal(d.name, "office pc");
    assert_string_equal(d.uri, "");
    assert_true(orl_static_domain_parse("domain:web01@qemu+ssh://root@node2/system", &d));
    assert_string_equal(d.name, "web01");
    assert_string_equal(d.uri, "qemu+ssh://root@node2/system");
    assert_true(orl_static_domain_parse("domain:win 11 rdp:h:3389", &d));
    assert_string_equal(d.name, "win 11");
    assert_string_equal(d.uri, "");
    assert_true(orl_static_domain_parse("domain:a@test:///default rdp:unix:/run/a@b", &d));
    assert_string_equal(d.name, "a");
    assert_string_equal(d.uri, "test:///default");
    assert_true(orl_static_domain_parse("domain:a rdp:unix:/run/a@b", &d));
    assert_string_equal(d.uri, "");
    static const char *const bad[] = {"", "web01", "domain:", "domain:@qemu:///system",
            "domain:a/b", "domain:a@system", "domain:a@", "domain: rdp:h:1",
            "domain:a@system rdp:h:1"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(orl_static_domain_parse(bad[i], &d));
    }
}

static void a_uri_has_a_host_or_none(void **state)
{
    (void)state;
    static const char *const cases[][2] = {{"qemu:///system", ""}, {"test:///default", ""},
            {"qemu+unix:///system?socket=/run/x", ""}, {"qemu+ssh://root@node2:22/system", "node2"},
            {"esx://[fd00::1]/?no_verify=1", "[fd00::1]"}, {"nonsense", ""}};
    char host[64];
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        orl_static_domain_host(cases[i][0], host, sizeof host);
        assert_string_equal(host, cases[i][1]);
    }
}

static void graphics_are_counted_as_libvirt_counts_them(void **state)
{
    (void)state;
    struct orl_static_graphics g;
    orl_static_domain_graphics("<graphics type='spice' port='5901'/>"
                               "<graphics type='vnc' port='5900' autoport='yes' listen='0.0.0.0'>"
                               "<listen type='address' address='0.0.0.0'/></graphics>"
                               "<graphics type='dbus' p2p='yes'/>",
            "", &g);
    assert_int_equal(g.vnc_index, 1);
    assert_int_equal(g.dbus_index, 2);
    assert_string_equal(g.vnc, "127.0.0.1:5900");
    orl_static_domain_graphics("<graphics type='vnc' port='5900' listen='::'/>", "node2", &g);
    assert_string_equal(g.vnc, "node2:5900");
    orl_static_domain_graphics("<graphics type='vnc' port='5900' listen='fd00::7'/>", "", &g);
    assert_string_equal(g.vnc, "[fd00::7]:5900");
    orl_static_domain_graphics("<graphics type='vnc' socket='/run/x/vnc.sock'/>", "", &g);
    assert_string_equal(g.vnc, "unix:/run/x/vnc.sock");
    orl_static_domain_graphics("<graphics type='vnc' socket='/run/x/vnc.sock'/>", "node2", &g);
    assert_string_equal(g.vnc, "");
    /* Not started, not a number, a display bus that only its own users see, none at all. */
    static const char *const none[] = {"<graphics type='vnc' port='-1'/>",
            "<graphics type='vnc' port='5900x'/>", "<graphics type='vnc' port='0'/>",
            "<graphics type='dbus' address='unix:path=/x'/>", "<graphics type=", ""};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        orl_static_domain_graphics(none[i], "", &g);
        assert_string_equal(g.vnc, "");
        assert_int_equal(g.dbus_index, ORL_STATIC_GRAPHICS_NONE);
    }
}

static int look(
        struct orl_backend *backend, const char *target, bool may_start, struct orl_err *err)
{
    struct orl_vm_static_display found;
    const struct orl_vm_static want = {.target = target, .may_start = may_start, .is_look = true};
    return backend->ops->static_display(backend->self, &want, &found, err);
}

struct world {
    char dir[32];
    struct orl_backend backend;
};

/* On libvirt's test driver, whose machine "test" runs and has no display. */
static void open_world(struct world *w)
{
    static char uri[] = "test:///default";
    static char *uris[] = {uri, NULL};
    struct orl_err err = {0};
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/oriel-static-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    const struct orl_backend_libvirt_cfg cfg = {.uri = "test:///default",
            .images_dir = w->dir,
            .installation = "11111111-2222-4333-8444-555555555555",
            .network = "none",
            .static_uris = uris};
    assert_int_equal(orl_backend_libvirt_new(&cfg, &w->backend, &err), 0);
}

static void close_world(struct world *w)
{
    orl_backend_libvirt_free(&w->backend);
    const char *argv[] = {"rm", "-rf", "--", w->dir, NULL};
    assert_int_equal(orl_proc_run(argv, 10000, NULL, NULL), 0);
}

/* As RDP servers answer the first message, once for each who comes. */
static void *answer_as_rdp(void *fd_)
{
    static const uint8_t yes[] = {3, 0, 0, 19, 14, 0xD0, 0, 0, 0, 0, 0, 2, 0, 8, 0, 1, 0, 0, 0};
    const int *listener = fd_;
    uint8_t request[19];
    int fd = -1;
    while ((fd = accept(*listener, NULL, NULL)) >= 0) {
        if (recv(fd, request, sizeof request, MSG_WAITALL) == sizeof request) {
            (void)!write(fd, yes, sizeof yes);
        }
        close(fd);
    }
    return NULL;
}

static int reach(struct world *w, const char *target, bool may_start, struct orl_err *ret_err)
{
    static char any[] = "127.0.0.0/8";
    static char *allow[] = {any, NULL};
    struct orl_job *job = orl_job_new(ORL_JOB_REACH, &w->backend);
    assert_non_null(job);
    job->static_allow = allow;
    job->may_start = may_start;
    orl_msg_text(job->vnc_target, sizeof job->vnc_target, target);
    orl_job_run(job);
    int result = job->result;
    *ret_err = job->err;
    orl_job_free(job);
    return result;
}

/* Its power is libvirt's to say, by whatever driver, its display an RDP server's: ready is when both are there. */
static void a_machine_of_any_driver_is_shown_by_rdp(void **state)
{
    (void)state;
    struct world w;
    struct orl_err err;
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof in;
    char target[64];
    pthread_t server;
    open_world(&w);
    int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(listener, (struct sockaddr *)&in, sizeof in), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&in, &len), 0);
    (void)snprintf(target, sizeof target, "domain:test rdp:127.0.0.1:%u", ntohs(in.sin_port));
    assert_int_equal(reach(&w, "domain:test", false, &err), ORL_E_UNSUPPORTED);
    assert_int_not_equal(reach(&w, target, false, &err), 0); /* it runs, and nothing listens */
    assert_int_equal(listen(listener, 4), 0);
    assert_int_equal(pthread_create(&server, NULL, answer_as_rdp, &listener), 0);
    assert_int_equal(reach(&w, target, false, &err), 0);

    virConnectPtr conn = virConnectOpen("test:///default"); /* the same one, in this process */
    virDomainPtr domain = virDomainLookupByName(conn, "test");
    assert_int_equal(virDomainDestroy(domain), 0);
    assert_int_equal(reach(&w, target, false, &err), ORL_E_BACKEND);
    assert_non_null(strstr(err.text, "autostart"));
    assert_int_equal(virDomainIsActive(domain), 0);
    assert_int_equal(reach(&w, target, true, &err), ORL_E_AGAIN);
    assert_int_equal(virDomainIsActive(domain), 1);
    assert_int_equal(reach(&w, target, true, &err), 0);
    assert_int_equal(reach(&w, "domain:nobody rdp:127.0.0.1:1", true, &err), ORL_E_NOTFOUND);
    assert_int_equal(reach(&w, "domain:test rdp:192.0.2.1:3389", false, &err), ORL_E_DENIED);
    (void)virDomainFree(domain);
    (void)virConnectClose(conn);
    (void)shutdown(listener, SHUT_RDWR);
    assert_int_equal(pthread_join(server, NULL), 0);
    close(listener);
    close_world(&w);
}

static void only_what_is_allowed_is_looked_at(void **state)
{
    (void)state;
    struct world w;
    struct orl_err err = {0};
    open_world(&w);
    assert_int_equal(look(&w.backend, "domain:test", false, &err), ORL_E_UNSUPPORTED);
    assert_int_equal(
            look(&w.backend, "domain:test@test:///default", false, &err), ORL_E_UNSUPPORTED);
    assert_int_equal(look(&w.backend, "domain:nobody", false, &err), ORL_E_NOTFOUND);
    assert_int_equal(
            look(&w.backend, "domain:test@qemu+ssh://elsewhere/system", false, &err), ORL_E_DENIED);
    assert_non_null(strstr(err.text, "static_uris"));
    assert_int_equal(look(&w.backend, "127.0.0.1:5900", false, &err), ORL_E_INVAL);
    close_world(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_machine_is_named_with_or_without_its_libvirt),
            cmocka_unit_test(a_uri_has_a_host_or_none),
            cmocka_unit_test(graphics_are_counted_as_libvirt_counts_them),
            cmocka_unit_test(only_what_is_allowed_is_looked_at),
            cmocka_unit_test(a_machine_of_any_driver_is_shown_by_rdp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
