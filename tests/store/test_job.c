/* Jobs: each is done by one host, once, and its end stays for a while. */
#include "store/audit.h"
#include "store/job.h"
#include "tests/store/store_fixture.h"
#include <string.h>

#define KIND "template.check"

static struct orl_id add(struct fixture *f, const char *host)
{
    struct orl_job_row row = {
            .kind = "template.check", .object = "template:tiny", .actor = "admin:0"};
    struct orl_id id;
    orl_msg_text(row.host, sizeof(row.host), host);
    assert_ok(f, orl_job_add(f->store, &row, ++f->now_ms, &id, &f->err));
    return id;
}

static struct orl_job_row job(struct fixture *f, const char *id)
{
    struct orl_job_row row;
    assert_ok(f, orl_job_get(f->store, id, &row, &f->err));
    return row;
}

static void a_job_is_taken_once_and_by_its_host(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row;
    struct orl_id first = add(f, "a");
    struct orl_id second = add(f, "");
    assert_ok(f, orl_job_take(f->store, "b", KIND, ++f->now_ms, &row, &f->err));
    assert_string_equal(row.id, second.text);
    assert_int_equal(orl_job_take(f->store, "a", "template.import", ++f->now_ms, &row, NULL),
            ORL_E_NOTFOUND);
    assert_string_equal(row.host, "b");
    assert_int_equal(row.state, ORL_JOB_RUNNING);
    assert_int_equal(orl_job_take(f->store, "b", KIND, ++f->now_ms, &row, NULL), ORL_E_NOTFOUND);
    assert_ok(f, orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, &f->err));
    assert_string_equal(row.id, first.text);
    assert_int_equal(orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, NULL), ORL_E_NOTFOUND);
}

static void progress_and_end_are_the_takers(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row;
    struct orl_job_wish wish = {.is_cancel = true};
    struct orl_id id = add(f, "a");
    assert_ok(f, orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, &f->err));
    assert_ok(f, orl_job_progress(f->store, &row, 40, "boots", ++f->now_ms, &wish, &f->err));
    assert_false(wish.is_cancel);
    assert_int_equal(job(f, id.text).percent, 40);
    struct orl_job_row other = row;
    orl_msg_text(other.host, sizeof(other.host), "b");
    other.state = ORL_JOB_DONE;
    assert_int_equal(
            orl_job_progress(f->store, &other, 90, "", ++f->now_ms, &wish, NULL), ORL_E_CONFLICT);
    assert_int_equal(orl_job_end(f->store, &other, ++f->now_ms, NULL), ORL_E_CONFLICT);
    row.state = ORL_JOB_DONE;
    orl_msg_text(row.result, sizeof(row.result), "{}");
    assert_ok(f, orl_job_end(f->store, &row, ++f->now_ms, &f->err));
    assert_int_equal(job(f, id.text).state, ORL_JOB_DONE);
    assert_int_equal(job(f, id.text).percent, 100);
    assert_int_equal(orl_job_end(f->store, &row, ++f->now_ms, NULL), ORL_E_CONFLICT);
    assert_int_equal(
            orl_job_cancel(f->store, id.text, "admin:0", ++f->now_ms, NULL), ORL_E_CONFLICT);
}

static void cancelled_while_it_waits_it_is_never_taken(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row;
    struct orl_job_wish wish = {0};
    struct orl_id waiting = add(f, "a");
    assert_ok(f, orl_job_cancel(f->store, waiting.text, "admin:0", ++f->now_ms, &f->err));
    assert_int_equal(job(f, waiting.text).state, ORL_JOB_CANCELLED);
    assert_int_equal(orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, NULL), ORL_E_NOTFOUND);
    struct orl_id running = add(f, "a");
    assert_ok(f, orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, &f->err));
    assert_ok(f, orl_job_cancel(f->store, running.text, "admin:0", ++f->now_ms, &f->err));
    assert_int_equal(job(f, running.text).state, ORL_JOB_RUNNING);
    assert_ok(f, orl_job_progress(f->store, &row, 1, "", ++f->now_ms, &wish, &f->err));
    assert_true(wish.is_cancel);
}

static int count_ends(void *ctx, const struct orl_audit_row *row)
{
    unsigned *count = ctx;
    *count += row->reason == ORL_REASON_VMPOOL_DOWN;
    return 0;
}

static void what_a_dead_vmpool_ran_has_failed(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row;
    struct orl_id running = add(f, "a");
    struct orl_id waiting = add(f, "a");
    assert_ok(f, orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, &f->err));
    assert_ok(f, orl_job_fail_lost(f->store, "b", ++f->now_ms, &f->err));
    assert_int_equal(job(f, running.text).state, ORL_JOB_RUNNING);
    assert_ok(f, orl_job_fail_lost(f->store, "a", ++f->now_ms, &f->err));
    assert_int_equal(job(f, running.text).state, ORL_JOB_FAILED);
    assert_int_equal(job(f, running.text).reason, ORL_REASON_VMPOOL_DOWN);
    assert_int_equal(job(f, waiting.text).state, ORL_JOB_QUEUED);
    assert_ok(f, orl_job_take(f->store, "a", KIND, ++f->now_ms, &row, &f->err));
    assert_ok(f, orl_job_fail_silent(f->store, f->now_ms + ORL_JOB_SILENT_MS, &f->err));
    assert_int_equal(job(f, waiting.text).state, ORL_JOB_RUNNING);
    assert_ok(f, orl_job_fail_silent(f->store, f->now_ms + ORL_JOB_SILENT_MS + 1, &f->err));
    assert_int_equal(job(f, waiting.text).state, ORL_JOB_FAILED);
    const struct orl_audit_filter filter = {.action = "job.end"};
    unsigned count = 0;
    assert_ok(f, orl_audit_list(f->store, &filter, count_ends, &count, &f->err));
    assert_int_equal(count, 2);
}

static void an_installation_outlives_its_vmpool_once_its_machine_runs(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row = {.kind = "template.build", .actor = "admin:0"};
    struct orl_job_wish wish;
    struct orl_id id;
    for (unsigned percent = ORL_JOB_SEAL_PERCENT - 1; percent <= ORL_JOB_SEAL_PERCENT; percent++) {
        assert_ok(f, orl_job_add(f->store, &row, ++f->now_ms, &id, &f->err));
        struct orl_job_row taken;
        assert_ok(f, orl_job_take(f->store, "a", "template.build", ++f->now_ms, &taken, &f->err));
        assert_ok(f, orl_job_progress(f->store, &taken, percent, "", ++f->now_ms, &wish, &f->err));
        taken = job(f, id.text);
        bool outlives = percent >= ORL_JOB_SEAL_PERCENT;
        assert_int_equal(orl_job_outlives(&taken, "a"), outlives);
        assert_false(orl_job_outlives(&taken, "b"));
        assert_ok(f, orl_job_fail_lost(f->store, "a", ++f->now_ms, &f->err));
        assert_int_equal(job(f, id.text).state, outlives ? ORL_JOB_RUNNING : ORL_JOB_FAILED);
    }
    assert_ok(f, orl_job_fail_silent(f->store, f->now_ms + ORL_JOB_SILENT_MS + 1, &f->err));
    assert_int_equal(job(f, id.text).state, ORL_JOB_FAILED);
    struct orl_job_row ended = job(f, id.text);
    assert_false(orl_job_outlives(&ended, "a"));
}

struct page {
    unsigned count;
    char ids[4][ORL_ID_LEN + 1];
};

static int on_row(void *ctx, const struct orl_job_row *row)
{
    struct page *page = ctx;
    memcpy(page->ids[page->count++], row->id, sizeof(row->id));
    return 0;
}

static void they_are_listed_in_pages_and_go_after_a_week(void **state)
{
    struct fixture *f = *state;
    struct orl_id ids[3] = {add(f, "a"), add(f, "a"), add(f, "a")};
    struct orl_job_filter filter = {.max_count = 2};
    struct page page = {0};
    assert_ok(f, orl_job_list(f->store, &filter, on_row, &page, &f->err));
    assert_int_equal(page.count, 2);
    assert_string_equal(page.ids[0], ids[2].text);
    filter.after = page.ids[1];
    struct page next = {0};
    assert_ok(f, orl_job_list(f->store, &filter, on_row, &next, &f->err));
    assert_int_equal(next.count, 1);
    assert_string_equal(next.ids[0], ids[0].text);
    assert_ok(f, orl_job_cancel(f->store, ids[0].text, "admin:0", ++f->now_ms, &f->err));
    assert_int_equal(orl_job_prune(f->store, f->now_ms + ORL_JOB_KEEP_MS, &f->err), 0);
    assert_int_equal(orl_job_prune(f->store, f->now_ms + ORL_JOB_KEEP_MS + 1, &f->err), 1);
    assert_int_equal(
            orl_job_get(f->store, ids[0].text, &(struct orl_job_row){0}, NULL), ORL_E_NOTFOUND);
    assert_int_equal(job(f, ids[1].text).state, ORL_JOB_QUEUED);
}

static void a_host_has_only_so_many(void **state)
{
    struct fixture *f = *state;
    const struct orl_job_row row = {.kind = "template.check", .host = "a"};
    struct orl_id id;
    for (unsigned i = 0; i < ORL_JOBS_QUEUED_MAX; i++) {
        (void)add(f, "a");
    }
    assert_int_equal(orl_job_add(f->store, &row, ++f->now_ms, &id, NULL), ORL_E_LIMIT);
}

static void one_that_waits_for_a_file_is_taken_by_its_name_alone(void **state)
{
    struct fixture *f = *state;
    struct orl_job_row row = {
            .kind = "template.build", .actor = "admin:0", .state = ORL_JOB_WAITING};
    struct orl_id id;
    struct orl_id late;
    struct orl_job_wish wish = {0};
    assert_ok(f, orl_job_add(f->store, &row, ++f->now_ms, &id, &f->err));
    assert_ok(f, orl_job_add(f->store, &row, ++f->now_ms, &late, &f->err));
    assert_int_equal(job(f, id.text).state, ORL_JOB_WAITING);
    assert_int_equal(
            orl_job_take(f->store, "a", "template.build", ++f->now_ms, &row, NULL), ORL_E_NOTFOUND);
    assert_int_equal(orl_job_seal(f->store, id.text, "admin:0", ++f->now_ms, NULL), ORL_E_CONFLICT);
    assert_ok(f, orl_job_take_waiting(f->store, id.text, "a", ++f->now_ms, &row, &f->err));
    assert_string_equal(row.host, "a");
    assert_int_equal(
            orl_job_take_waiting(f->store, id.text, "b", ++f->now_ms, &row, NULL), ORL_E_NOTFOUND);
    assert_ok(f, orl_job_progress(f->store, &row, 49, "", ++f->now_ms, &wish, &f->err));
    assert_int_equal(orl_job_seal(f->store, id.text, "admin:0", ++f->now_ms, NULL), ORL_E_CONFLICT);
    assert_ok(f, orl_job_progress(f->store, &row, 50, "", ++f->now_ms, &wish, &f->err));
    assert_ok(f, orl_job_seal(f->store, id.text, "admin:0", ++f->now_ms, &f->err));
    assert_ok(f, orl_job_progress(f->store, &row, 50, "", ++f->now_ms, &wish, &f->err));
    assert_true(wish.is_seal);
    assert_false(wish.is_cancel);
    uint64_t later_ms = f->now_ms + ORL_JOB_WAIT_MS + 10;
    assert_ok(f, orl_job_fail_silent(f->store, later_ms, &f->err));
    assert_int_equal(job(f, id.text).state, ORL_JOB_RUNNING);
    assert_int_equal(job(f, late.text).reason, ORL_REASON_UPLOAD_STOPPED);
}

#define WITH_STORE(name) cmocka_unit_test_setup_teardown(name, fixture_set_up, fixture_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {WITH_STORE(a_job_is_taken_once_and_by_its_host),
            WITH_STORE(progress_and_end_are_the_takers),
            WITH_STORE(cancelled_while_it_waits_it_is_never_taken),
            WITH_STORE(what_a_dead_vmpool_ran_has_failed),
            WITH_STORE(an_installation_outlives_its_vmpool_once_its_machine_runs),
            WITH_STORE(one_that_waits_for_a_file_is_taken_by_its_name_alone),
            WITH_STORE(they_are_listed_in_pages_and_go_after_a_week),
            WITH_STORE(a_host_has_only_so_many)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
