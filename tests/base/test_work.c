#include "base/work.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdatomic.h>

struct count {
    struct orl_loop *loop;
    atomic_int ran;
    int done;
    int wanted;
};

struct job {
    struct count *count;
};

static void run(void *arg)
{
    struct job *job = arg;
    atomic_fetch_add(&job->count->ran, 1);
}

static void done(void *arg, void *ctx)
{
    struct job *job = arg;
    struct count *count = ctx;
    assert_ptr_equal(job->count, count);
    if (++count->done == count->wanted) {
        orl_loop_stop(count->loop);
    }
}

static void every_job_runs_and_is_given_back_on_the_loop(void **state)
{
    (void)state;
    struct count count = {.wanted = 100};
    struct job job = {&count};
    assert_int_equal(orl_loop_new(&count.loop, NULL), 0);
    struct orl_work *work;
    assert_int_equal(orl_work_new(count.loop, 3, 100, &work, NULL), 0);
    for (int i = 0; i < 100; i++) {
        assert_int_equal(orl_work_submit(work, run, done, &job, &count), 0);
    }
    orl_loop_run(count.loop);
    assert_int_equal(atomic_load(&count.ran), 100);
    orl_work_free(work);
    orl_loop_free(count.loop);
}

static void free_gives_back_what_was_submitted(void **state)
{
    (void)state;
    struct count count = {.wanted = 1000};
    struct job job = {&count};
    assert_int_equal(orl_loop_new(&count.loop, NULL), 0);
    struct orl_work *work;
    assert_int_equal(orl_work_new(count.loop, 1, 50, &work, NULL), 0);
    int submitted = 0;
    while (submitted < 50 && orl_work_submit(work, run, done, &job, &count) == 0) {
        submitted++;
    }
    orl_work_free(work);
    assert_int_equal(count.done, submitted);
    orl_loop_free(count.loop);
}

struct blocked {
    atomic_bool is_released;
    int done;
};

static void wait_released(void *arg)
{
    struct blocked *blocked = arg;
    while (!atomic_load(&blocked->is_released)) {
    }
}

static void count_done(void *arg, void *ctx)
{
    (void)ctx;
    ((struct blocked *)arg)->done++;
}

static void the_queue_is_bounded(void **state)
{
    (void)state;
    struct orl_loop *loop;
    assert_int_equal(orl_loop_new(&loop, NULL), 0);
    struct orl_work *work;
    assert_int_equal(orl_work_new(loop, 1, 2, &work, NULL), 0);
    struct blocked blocked = {.done = 0};
    int accepted = 0;
    int refused = 0;
    for (int i = 0; i < 10; i++) {
        int code = orl_work_submit(work, wait_released, count_done, &blocked, NULL);
        accepted += code == 0 ? 1 : 0;
        refused += code == ORL_E_LIMIT ? 1 : 0;
    }
    assert_true(accepted >= 2 && accepted <= 3); /* one may be running already */
    assert_int_equal(accepted + refused, 10);
    atomic_store(&blocked.is_released, true);
    orl_work_free(work);
    assert_int_equal(blocked.done, accepted);
    orl_loop_free(loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_job_runs_and_is_given_back_on_the_loop),
            cmocka_unit_test(free_gives_back_what_was_submitted),
            cmocka_unit_test(the_queue_is_bounded),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
