/* What a pool's problem says, and when it is over, on the calm world of pool_world.h. */
#include "base/log.h"
#include "pool_world.h"
#include "store/pool.h"
#include "store/template.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SETTLED_S = 60 };

/* Until the pool says so. */
static void let_guests_hang(struct world *w, struct orl_pool_row *ret_pool)
{
    assert_int_equal(orl_pool_get(w->store, "floating", ret_pool, NULL), 0);
    ret_pool->spares = 3;
    assert_int_equal(orl_pool_update(w->store, ret_pool, NULL), 0);
    for (int i = 0; i < 70; i++) {
        world_calm(w, 1);
        for (size_t v = 0; v < w->fake.count; v++) {
            w->fake.vms[v].boot_left += w->fake.vms[v].boot_left > 0 ? 10 : 0;
        }
    }
    assert_int_equal(orl_pool_get(w->store, "floating", ret_pool, NULL), 0);
    assert_int_equal(ret_pool->problem, ORL_REASON_GUEST_START_FAILED);
}

static void guests_that_never_boot_are_the_pools_problem(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    let_guests_hang(w, &pool);
    world_calm(w, 2 * SETTLED_S); /* they boot again */
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_NONE);
}

/* Whoever comes to a pool with a problem is refused; where nobody waits and no spares are wanted nothing is tried. */
static void a_problem_ends_where_nothing_is_tried(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    let_guests_hang(w, &pool);
    pool.spares = 0;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_NONE);
}

/* It waits for who is still in it, and nothing is made there that could show that its guests boot again. */
static void a_problem_ends_where_a_pool_is_drained(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    world_calm(w, SETTLED_S);
    struct orl_desktop_row desktop;
    assert_int_equal(world_give(w, "ann", &desktop), 0);
    let_guests_hang(w, &pool);
    assert_int_equal(orl_pool_set_deleted(w->store, "floating", NULL), 0);
    world_calm(w, 2 * SETTLED_S);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_NONE);
    assert_int_equal(orl_desktop_get(w->store, desktop.id, &desktop, NULL), 0);
    assert_string_equal(desktop.user, "ann");
}

static enum orl_reason problem_of(struct world *w)
{
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    return pool.problem;
}

static void check_lacks(struct world *w, const char *what)
{
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    assert_int_equal(pool.problem, ORL_REASON_POOL_LIMITS);
    assert_non_null(strstr(pool.problem_text, what));
}

static void a_pool_that_asks_for_a_firmware_that_its_host_lacks_says_so(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    pool.spares = 3;
    pool.max_desktops = 3;
    pool.clone_method = ORL_CLONE_COLD;
    pool.res.firmware = ORL_FIRMWARE_UEFI;
    pool.res.has_tpm = true;
    w->fake.lacks_firmware = true;
    unsigned clones = w->fake.clones;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, 20);
    check_lacks(w, "install ovmf");
    w->fake.lacks_firmware = false;
    w->fake.lacks_tpm = true;
    world_calm(w, SETTLED_S);
    check_lacks(w, "install swtpm");
    assert_int_equal(w->fake.clones, clones);
    w->fake.lacks_tpm = false; /* somebody did */
    world_calm(w, 3 * SETTLED_S);
    assert_int_equal(problem_of(w), ORL_REASON_NONE);
    assert_true(w->fake.clones > clones);
}

static void nothing_but_a_disk_boots_with_secure_boot(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    struct orl_template_row t = {.name = "kernel",
            .kind = ORL_TEMPLATE_KERNEL,
            .path = "/fake/template.qcow2",
            .kernel = "/fake/vmlinux"};
    assert_int_equal(orl_template_insert(w->store, &t, w->now_ms, NULL), 0);
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    (void)snprintf(pool.template_name, sizeof pool.template_name, "kernel");
    pool.template_version = 0;
    pool.spares = 3;
    pool.res.firmware = ORL_FIRMWARE_UEFI;
    pool.res.has_secure_boot = true;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, SETTLED_S);
    check_lacks(w, "names a kernel");
}

static void a_pool_that_asks_for_nonsense_or_a_missing_network_says_so(void **state)
{
    struct world *w = *state;
    struct orl_pool_row pool;
    struct orl_desktop_counts counts;
    assert_int_equal(orl_pool_get(w->store, "floating", &pool, NULL), 0);
    pool.spares = 3;
    pool.max_desktops = 3;
    pool.res.cpu_cap_percent = 1;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, 20);
    assert_int_equal(problem_of(w), ORL_REASON_POOL_LIMITS);
    unsigned clones = w->fake.clones;
    pool.res.cpu_cap_percent = 0;
    pool.net.mode = ORL_NETWORK_NAT;
    w->fake.has_no_network = true;
    assert_int_equal(orl_pool_update(w->store, &pool, NULL), 0);
    world_calm(w, SETTLED_S);
    assert_int_equal(problem_of(w), ORL_REASON_POOL_NETWORK);
    assert_int_equal(w->fake.clones, clones);
    w->fake.has_no_network = false;
    world_calm(w, 3 * SETTLED_S);
    assert_int_equal(problem_of(w), ORL_REASON_NONE);
    assert_int_equal(orl_desktop_count(w->store, "floating", &counts, NULL), 0);
    assert_int_equal(counts.ready, 3);
    assert_string_equal(w->fault, "");
}

#define WITH_WORLD(fn) cmocka_unit_test_setup_teardown(fn, world_setup, world_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
            WITH_WORLD(guests_that_never_boot_are_the_pools_problem),
            WITH_WORLD(a_problem_ends_where_nothing_is_tried),
            WITH_WORLD(a_problem_ends_where_a_pool_is_drained),
            WITH_WORLD(a_pool_that_asks_for_a_firmware_that_its_host_lacks_says_so),
            WITH_WORLD(nothing_but_a_disk_boots_with_secure_boot),
            WITH_WORLD(a_pool_that_asks_for_nonsense_or_a_missing_network_says_so),
    };
    orl_log_set_level(ORL_LOG_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
