/* Existing machines as static desktops: how they are named, what their XML says; and libvirt's test driver asked. */
#include "vmpool/backend_libvirt.h"
#include "vmpool/proc.h"
#include "vmpool/static_domain.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    static const char *const bad[] = {"", "web01", "domain:", "domain:@qemu:///system",
            "domain:a/b", "domain:a@system", "domain:a@"};
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

static void only_what_is_allowed_is_looked_at(void **state)
{
    (void)state;
    char dir[] = "/tmp/oriel-static-XXXXXX";
    assert_non_null(mkdtemp(dir));
    char uri[] = "test:///default";
    char *uris[] = {uri, NULL};
    struct orl_backend backend;
    struct orl_err err = {0};
    const struct orl_backend_libvirt_cfg cfg = {.uri = "test:///default",
            .images_dir = dir,
            .installation = "11111111-2222-4333-8444-555555555555",
            .network = "none",
            .static_uris = uris};
    assert_int_equal(orl_backend_libvirt_new(&cfg, &backend, &err), 0);
    /* The test driver's machine runs and has no display. */
    assert_int_equal(look(&backend, "domain:test", false, &err), ORL_E_UNSUPPORTED);
    assert_int_equal(look(&backend, "domain:test@test:///default", false, &err), ORL_E_UNSUPPORTED);
    assert_int_equal(look(&backend, "domain:nobody", false, &err), ORL_E_NOTFOUND);
    assert_int_equal(
            look(&backend, "domain:test@qemu+ssh://elsewhere/system", false, &err), ORL_E_DENIED);
    assert_non_null(strstr(err.text, "static_uris"));
    assert_int_equal(look(&backend, "127.0.0.1:5900", false, &err), ORL_E_INVAL);
    orl_backend_libvirt_free(&backend);
    const char *argv[] = {"rm", "-rf", "--", dir, NULL};
    assert_int_equal(orl_proc_run(argv, 10000, NULL, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(a_machine_is_named_with_or_without_its_libvirt),
            cmocka_unit_test(a_uri_has_a_host_or_none),
            cmocka_unit_test(graphics_are_counted_as_libvirt_counts_them),
            cmocka_unit_test(only_what_is_allowed_is_looked_at),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
