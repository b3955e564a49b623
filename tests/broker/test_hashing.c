#include "broker/hashing.h"
#include "broker/password.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <cmocka.h>

enum { JOBS = 300 };

struct load {
    struct orl_loop *loop;
    struct orl_hashing *hashing;
    atomic_uint running, most;
    atomic_uint kib, most_kib;
    unsigned done, refused, total;
};
struct job {
    struct load *load;
    unsigned kib;
    unsigned ends;
};

static void raise_to(atomic_uint *most, unsigned value)
{
    unsigned known = atomic_load(most);
    while (known < value && !atomic_compare_exchange_weak(most, &known, value)) {
    }
}

static void run(void *ctx)
{
    struct job *job = ctx;
    const struct timespec pause = {.tv_nsec = 200000};
    raise_to(&job->load->most, atomic_fetch_add(&job->load->running, 1) + 1);
    raise_to(&job->load->most_kib, atomic_fetch_add(&job->load->kib, job->kib) + job->kib);
    (void)nanosleep(&pause, NULL);
    (void)atomic_fetch_sub(&job->load->kib, job->kib);
    (void)atomic_fetch_sub(&job->load->running, 1);
}

static void done(void *ctx, bool was_run)
{
    struct job *job = ctx;
    struct load *load = job->load;
    job->ends++;
    load->done += was_run;
    load->refused += !was_run;
    if (load->done + load->refused == load->total) {
        orl_loop_stop(load->loop);
    }
}

static void start(struct load *load, unsigned threads, unsigned memory_kib, unsigned max_waiting)
{
    const struct orl_hashing_opts opts = {
            .threads = threads, .memory_kib = memory_kib, .max_waiting = max_waiting};
    *load = (struct load){.total = JOBS};
    assert_int_equal(orl_loop_new(&load->loop, NULL), 0);
    assert_int_equal(orl_hashing_new(load->loop, &opts, &load->hashing, NULL), 0);
}

static void stop(struct load *load)
{
    orl_hashing_free(load->hashing);
    orl_loop_free(load->loop);
}

static void submit(struct load *load, struct job *job, const char *client, unsigned kib)
{
    *job = (struct job){.load = load, .kib = kib};
    const struct orl_hashing_job hashing = {.client = client,
            .account = "somebody",
            .memory_kib = kib,
            .run = run,
            .done = done,
            .ctx = job};
    assert_int_equal(orl_hashing_submit(load->hashing, &hashing), 0);
}

static void no_more_run_at_once_than_threads_and_memory_allow(void **state)
{
    static struct job jobs[JOBS];
    struct load load;
    struct orl_hashing_stats stats;
    (void)state;
    start(&load, 4, 100, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        char client[32];
        (void)snprintf(client, sizeof(client), "10.0.0.%u:1", i % 250);
        submit(&load, &jobs[i], client,
                i % 50 == 0 ? 200 : 30); /* one is over the bound by itself */
    }
    orl_loop_run(load.loop);
    assert_int_equal(load.done, JOBS);
    assert_true(atomic_load(&load.most) <= 3);
    assert_true(atomic_load(&load.most_kib) <= 200);
    orl_hashing_stats(load.hashing, &stats);
    assert_int_equal(stats.done, JOBS);
    assert_int_equal(stats.running + stats.waiting, 0);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].ends, 1);
    }
    stop(&load);
}

static void what_has_no_room_is_told_so_and_others_are_served(void **state)
{
    static struct job jobs[JOBS];
    struct load load;
    (void)state;
    start(&load, 1, 1000, 20);
    for (unsigned i = 0; i < JOBS - 5; i++) {
        submit(&load, &jobs[i], "10.0.0.1:1", 1);
    }
    assert_true(load.refused >= JOBS - 5 - 22);
    for (unsigned i = JOBS - 5; i < JOBS; i++) {
        submit(&load, &jobs[i], "[2001:db8::1]:1", 1);
        assert_int_equal(jobs[i].ends, 0); /* the flood makes room */
    }
    orl_loop_run(load.loop);
    for (unsigned i = 0; i < JOBS; i++) {
        assert_int_equal(jobs[i].ends, 1);
    }
    stop(&load);
}

static void stopping_answers_who_waits(void **state)
{
    static struct job jobs[JOBS];
    struct load load;
    (void)state;
    start(&load, 2, 1000, JOBS);
    for (unsigned i = 0; i < JOBS; i++) {
        submit(&load, &jobs[i], "10.0.0.1:1", 1);
    }
    stop(&load);
    assert_int_equal(load.done + load.refused, JOBS);
    assert_true(load.refused > 0);
}

static void a_hash_says_how_much_memory_it_takes(void **state)
{
    char hash[ORL_PASSWORD_HASH_MAX + 1];
    (void)state;
    assert_int_equal(orl_password_init(NULL), 0);
    assert_int_equal(orl_password_hash("secret-secret", ORL_PASSWORD_MINIMAL, hash), 0);
    assert_int_equal(orl_password_memory_kib(hash), orl_password_cost_kib(ORL_PASSWORD_MINIMAL));
    assert_int_equal(orl_password_cost_kib(ORL_PASSWORD_INTERACTIVE), 65536);
    assert_int_equal(orl_password_memory_kib("nothing of ours"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(no_more_run_at_once_than_threads_and_memory_allow),
            cmocka_unit_test(what_has_no_room_is_told_so_and_others_are_served),
            cmocka_unit_test(stopping_answers_who_waits),
            cmocka_unit_test(a_hash_says_how_much_memory_it_takes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
