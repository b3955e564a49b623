/* What is told about a template, and the job that finds it out, on a fake hypervisor. */
#include "base/clock.h"
#include "fake_backend.h"
#include "store/job.h"
#include "tests/store/store_fixture.h"
#include "vmpool/template_findings.h"
#include "vmpool/template_jobs.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char good[] =
        "disk 1\nnet 1\ngpu 1\nballoon 1\nrng 1\ntime 1700000000\nclock kvm-clock\n"
        "efi 0\ntpm 0\nusers \nhostkeys 0\ntimesync chronyd\n";

static const struct orl_template_item *item(
        const struct orl_template_item *items, size_t count, const char *name)
{
    size_t i = 0;
    while (i < count && strcmp(items[i].name, name) != 0) {
        i++;
    }
    assert_true(i < count);
    return &items[i];
}

static struct orl_template_seen seen_good(void)
{
    struct orl_template_seen seen = {.has_painted = true,
            .painted_s = 9,
            .has_hook = true,
            .hook_version = 1,
            .hook_features = "identity,assign,home,rdp",
            .answer = {.agent = "7.2.19"}};
    memcpy(seen.answer.text, good, sizeof good);
    return seen;
}

static void a_good_template_has_nothing_to_do(void **state)
{
    (void)state;
    struct orl_template_item items[ORL_TEMPLATE_ITEMS_MAX];
    const struct orl_template_wants wants = {
            .has_person = true, .has_rdp = true, .has_card = true, .deadline_s = 60};
    const struct orl_template_seen seen = seen_good();
    size_t count = orl_template_judge_seen(&wants, &seen, items);
    for (size_t i = 0; i < count; i++) {
        if (items[i].finding != ORL_FINDING_OK || items[i].todo[0] != '\0') {
            fail_msg("%s: %s", items[i].name, items[i].text);
        }
    }
    assert_int_equal(orl_template_worst(items, count), ORL_FINDING_OK);
}

static void what_is_missing_is_named_with_what_to_do(void **state)
{
    (void)state;
    struct orl_template_item items[ORL_TEMPLATE_ITEMS_MAX];
    const struct orl_template_wants wants = {.has_person = true,
            .has_rdp = true,
            .has_card = true,
            .res = {.has_uefi = true, .has_secure_boot = true, .has_tpm = true},
            .deadline_s = 60};
    struct orl_template_seen seen = seen_good();
    (void)snprintf(seen.answer.text, sizeof seen.answer.text, "%s",
            "disk 1\r\nnet 0\r\ngpu 1\r\nballoon 0\r\nrng 1\r\ntime 1\r\nefi 1\r\nsecureboot 0\r\n"
            "tpm 0\r\nusers ann bob\x1b \r\nhostkeys 1\r\ntimesync no\r\n");
    seen.clock_ms = -3600000;
    (void)snprintf(seen.hook_features, sizeof seen.hook_features, "identity");
    size_t count = orl_template_judge_seen(&wants, &seen, items);
    static const struct {
        const char *name;
        enum orl_finding finding;
    } expected[] = {{"boots", ORL_FINDING_OK}, {"disk", ORL_FINDING_OK}, {"net", ORL_FINDING_WARN},
            {"balloon", ORL_FINDING_WARN}, {"accounts", ORL_FINDING_WARN},
            {"ssh_keys", ORL_FINDING_BAD}, {"time", ORL_FINDING_BAD}, {"uefi", ORL_FINDING_OK},
            {"secure_boot", ORL_FINDING_BAD}, {"tpm", ORL_FINDING_BAD}, {"rdp", ORL_FINDING_BAD}};
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        const struct orl_template_item *found = item(items, count, expected[i].name);
        assert_int_equal(found->finding, expected[i].finding);
        assert_int_equal(found->todo[0] != '\0', expected[i].finding != ORL_FINDING_OK);
    }
    assert_string_equal(item(items, count, "accounts")->text, "accounts of people: ann bob?");
    assert_int_equal(orl_template_worst(items, count), ORL_FINDING_BAD);
}

/* As a real one of guest/desktop answered: its account is nobody's, its clock is set by the hook alone. */
static void the_demo_desktop_has_a_clock_to_keep_and_nothing_else_to_do(void **state)
{
    (void)state;
    struct orl_template_item items[ORL_TEMPLATE_ITEMS_MAX];
    const struct orl_template_wants wants = {.has_person = true, .deadline_s = 60};
    struct orl_template_seen seen = seen_good();
    (void)snprintf(seen.answer.text, sizeof seen.answer.text, "%s",
            "disk 1\nnet 0\ngpu 1\nballoon 1\nrng 1\ntime 1795336399\nclock tsc\nefi 0\ntpm 0\n"
            "users \nhostkeys 0\ntimesync no\n");
    size_t count = orl_template_judge_seen(&wants, &seen, items);
    for (size_t i = 0; i < count; i++) {
        bool is_time = strcmp(items[i].name, "time") == 0;
        assert_int_equal(items[i].finding, is_time ? ORL_FINDING_WARN : ORL_FINDING_OK);
    }
    assert_string_equal(item(items, count, "accounts")->text, "no accounts of people");
}

static void a_guest_that_does_not_answer_is_not_praised(void **state)
{
    (void)state;
    struct orl_template_item items[ORL_TEMPLATE_ITEMS_MAX];
    const struct orl_template_wants wants = {.has_card = true, .deadline_s = 60};
    const struct orl_template_seen seen = {.has_painted = false};
    size_t count = orl_template_judge_seen(&wants, &seen, items);
    assert_int_equal(item(items, count, "boots")->finding, ORL_FINDING_BAD);
    static const char *const unknown[] = {"disk", "net", "gpu", "balloon", "rng", "left", "time"};
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        assert_int_equal(item(items, count, unknown[i])->finding, ORL_FINDING_UNKNOWN);
    }
}

static void a_clock_is_off_only_where_no_moment_of_the_asking_fits(void **state)
{
    (void)state;
    assert_int_equal(orl_template_clock_off_ms(100, 100000, 100200), 0);
    assert_int_equal(
            orl_template_clock_off_ms(100, 100900, 101200), 0); /* a second is all that it says */
    assert_int_equal(
            orl_template_clock_off_ms(100, 91000, 100000), 0); /* a busy host: it took long */
    assert_int_equal(orl_template_clock_off_ms(100, 100000, 109000), 0);
    assert_int_equal(orl_template_clock_off_ms(100, 90000, 91000), 9000);
    assert_int_equal(orl_template_clock_off_ms(100, 103999, 110000), -3000);
}

struct world {
    struct fixture *f;
    struct orl_loop *loop;
    struct orl_timer *timer;
    struct orl_work *work;
    struct fake fake;
    struct orl_backend backend;
    struct orl_template_jobs *jobs;
    bool is_ready;
    uint64_t now_ms;
    struct orl_pool_row pool; /* as whose the last machine was made */
};

static bool is_ready(void *ctx)
{
    return ((struct world *)ctx)->is_ready;
}

static int make_spec(void *ctx, const struct orl_pool_row *pool, const struct orl_template_row *t,
        struct orl_vm_spec *spec, struct orl_err *err)
{
    (void)err;
    ((struct world *)ctx)->pool = *pool;
    memset(spec, 0, sizeof *spec);
    (void)snprintf(spec->base, sizeof spec->base, "%.100s", t->path);
    return 0;
}

static void on_time(void *ctx)
{
    struct world *w = ctx;
    w->now_ms += 2000;
    orl_template_jobs_tick(w->jobs, w->now_ms);
    orl_loop_stop(w->loop);
}

static void turn(struct world *w)
{
    orl_timer_start(w->timer, 20 * ORL_US_PER_MS, 0);
    orl_loop_run(w->loop);
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);
    void *fixture = NULL;
    if (!w || fixture_set_up(&fixture) < 0) {
        free(w);
        return -1;
    }
    *state = w;
    w->f = fixture;
    w->now_ms = orl_clock_wall_ms();
    w->is_ready = true;
    fake_init(&w->fake, 1);
    w->backend = fake_backend(&w->fake);
    assert_ok(w->f, orl_loop_new(&w->loop, &w->f->err));
    assert_ok(w->f, orl_timer_new(w->loop, on_time, w, &w->timer, &w->f->err));
    assert_ok(w->f, orl_work_new(w->loop, 1, 1, &w->work, &w->f->err));
    struct orl_template_row t;
    assert_ok(w->f, orl_template_get(w->f->store, "tiny", 1, &t, &w->f->err));
    t.state = ORL_TEMPLATE_READY;
    assert_ok(w->f, orl_template_observe(w->f->store, &t, &w->f->err));
    const struct orl_template_jobs_cfg cfg = {.store = w->f->store,
            .backend = &w->backend,
            .work = w->work,
            .host = "local",
            .images_dir = "/images",
            .deadline_s = 600,
            .is_ready = is_ready,
            .make_spec = make_spec,
            .ctx = w};
    assert_ok(w->f, orl_template_jobs_new(&cfg, &w->jobs, &w->f->err));
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;
    void *fixture = w->f;
    orl_template_jobs_stop(w->jobs);
    orl_work_free(w->work);
    orl_template_jobs_free(w->jobs);
    orl_timer_free(w->timer);
    orl_loop_free(w->loop);
    free(w);
    return fixture_tear_down(&fixture);
}

static struct orl_id ask(struct world *w, const char *kind, const char *object)
{
    struct orl_job_row row = {.actor = "admin:0"};
    struct orl_id id;
    orl_msg_text(row.kind, sizeof(row.kind), kind);
    orl_msg_text(row.object, sizeof(row.object), object);
    assert_ok(w->f, orl_job_add(w->f->store, &row, w->now_ms, &id, &w->f->err));
    return id;
}

static struct orl_job_row await(struct world *w, const char *id, enum orl_job_state state)
{
    struct orl_job_row row = {.state = ORL_JOB_UNKNOWN};
    for (unsigned i = 0; i < 1000 && row.state != state; i++) {
        turn(w);
        assert_ok(w->f, orl_job_get(w->f->store, id, &row, &w->f->err));
    }
    assert_int_equal(row.state, state);
    return row;
}

static void a_machine_is_looked_at_and_removed(void **state)
{
    struct world *w = *state;
    w->is_ready = false;
    struct orl_id id = ask(w, "template.check", "template:tiny");
    turn(w);
    turn(w);
    turn(w);
    assert_int_equal(w->fake.clone_calls, 0); /* the host is not there yet */
    w->is_ready = true;
    (void)await(w, id.text, ORL_JOB_RUNNING);
    assert_int_equal(orl_template_jobs_holds(w->jobs, "oriel-nobody-1"), false);
    orl_template_jobs_stop(w->jobs); /* the fake's guests have no agent that it need wait for */
    orl_work_free(w->work);
    w->work = NULL;
    assert_int_equal(w->fake.clone_calls, 1);
    assert_int_equal(w->fake.removals, 1);
    struct orl_job_row row;
    assert_ok(w->f, orl_job_get(w->f->store, id.text, &row, &w->f->err));
    assert_true(row.state == ORL_JOB_FAILED || row.state == ORL_JOB_DONE);
}

static void a_template_of_no_pool_is_looked_at_as_a_new_pool_would_have_it(void **state)
{
    struct world *w = *state;
    struct orl_pool_row fresh = {.kind = ORL_POOL_FLOATING};
    orl_pool_set_defaults(&fresh, fresh.kind);
    assert_ok(w->f, orl_db_exec(w->f->store->db, "UPDATE pool SET is_deleted = 1", &w->f->err));
    struct orl_id id = ask(w, "template.check", "template:tiny");
    (void)await(w, id.text, ORL_JOB_RUNNING);
    assert_string_equal(w->pool.name, "");
    assert_int_equal(w->pool.person.mode, fresh.person.mode);
    assert_int_equal(w->pool.person.hook_deadline_s, fresh.person.hook_deadline_s);
}

static void called_off_the_machine_goes(void **state)
{
    struct world *w = *state;
    struct orl_id id = ask(w, "template.check", "template:tiny");
    (void)await(w, id.text, ORL_JOB_RUNNING);
    assert_ok(w->f, orl_job_cancel(w->f->store, id.text, "admin:0", w->now_ms, &w->f->err));
    (void)await(w, id.text, ORL_JOB_CANCELLED);
    assert_int_equal(w->fake.removals, w->fake.clones);
}

static void what_cannot_be_done_fails_with_a_reason(void **state)
{
    struct world *w = *state;
    struct orl_id unknown = ask(w, "template.check", "pool:tiny");
    struct orl_id none = ask(w, "template.check", "template:none");
    assert_non_null(strstr(await(w, unknown.text, ORL_JOB_FAILED).reason_text, "only templates"));
    assert_true(await(w, none.text, ORL_JOB_FAILED).reason != ORL_REASON_NONE);
    w->fake.is_readonly = true;
    struct orl_id full = ask(w, "template.check", "template:tiny");
    assert_true(await(w, full.text, ORL_JOB_FAILED).reason_text[0] != '\0');
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_good_template_has_nothing_to_do),
            cmocka_unit_test(what_is_missing_is_named_with_what_to_do),
            cmocka_unit_test(the_demo_desktop_has_a_clock_to_keep_and_nothing_else_to_do),
            cmocka_unit_test(a_guest_that_does_not_answer_is_not_praised),
            cmocka_unit_test(a_clock_is_off_only_where_no_moment_of_the_asking_fits),
            cmocka_unit_test_setup_teardown(
                    a_template_of_no_pool_is_looked_at_as_a_new_pool_would_have_it, set_up,
                    tear_down),
            cmocka_unit_test_setup_teardown(a_machine_is_looked_at_and_removed, set_up, tear_down),
            cmocka_unit_test_setup_teardown(called_off_the_machine_goes, set_up, tear_down),
            cmocka_unit_test_setup_teardown(
                    what_cannot_be_done_fails_with_a_reason, set_up, tear_down)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
