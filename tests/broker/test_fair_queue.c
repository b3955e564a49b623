#include "broker/fair_queue.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

enum { ITEMS = 4000, PLACES = 40, ACCOUNTS = 10 };

struct thing {
    struct orl_fair_item item; /* first */
    unsigned place, account, number;
    bool is_in;
};

static unsigned next_random(uint32_t *seed)
{
    *seed = *seed * 1664525U + 1013904223U;
    return *seed >> 8;
}

static struct thing *thing_of(struct orl_fair_item *item)
{
    return (struct thing *)(void *)item;
}

static struct orl_fair_queue *queue_of(unsigned max)
{
    struct orl_fair_queue *queue = NULL;
    assert_int_equal(orl_fair_queue_new(max, &queue, NULL), 0);
    return queue;
}

static struct thing *push(struct orl_fair_queue *queue, struct thing *thing, unsigned place,
        unsigned account, unsigned number)
{
    struct orl_fair_item *out = NULL;
    *thing = (struct thing){.place = place, .account = account, .number = number, .is_in = true};
    assert_int_equal(orl_fair_queue_push(queue, place, account, &thing->item, &out), 0);
    return out != NULL ? thing_of(out) : NULL;
}

/* Whatever comes and goes: each comes out once, in its account's order, and the queue keeps its bound. */
static void every_item_comes_out_once_and_in_the_order_of_its_account(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 20; seed++) {
        static struct thing things[ITEMS];
        uint32_t random = seed;
        unsigned max = 1 + next_random(&random) % 300;
        unsigned pushed = 0;
        unsigned out = 0;
        unsigned last[PLACES][ACCOUNTS] = {{0}};
        struct orl_fair_queue *queue = queue_of(max);
        while (out < ITEMS) {
            struct thing *thing = NULL;
            if (pushed < ITEMS && next_random(&random) % 3 != 0) {
                unsigned place = next_random(&random) % (1 + next_random(&random) % PLACES);
                unsigned account = next_random(&random) % ACCOUNTS;
                unsigned number = pushed + 1;
                thing = push(queue, &things[pushed++], place, account, number);
            } else {
                struct orl_fair_item *item = orl_fair_queue_pop(queue);
                thing = item != NULL ? thing_of(item) : NULL;
                if (thing != NULL) {
                    assert_true(thing->number > last[thing->place][thing->account]);
                    last[thing->place][thing->account] = thing->number;
                }
            }
            if (thing != NULL) {
                assert_true(thing->is_in);
                thing->is_in = false;
                out++;
            }
            assert_int_equal(orl_fair_queue_count(queue), pushed - out);
            assert_true(pushed - out <= max);
        }
        assert_null(orl_fair_queue_pop(queue));
        orl_fair_queue_free(queue);
    }
}

/* As long as two places wait, neither was served two more than the other; the same for accounts of one place. */
static void places_and_accounts_take_turns(void **state)
{
    (void)state;
    static struct thing things[1000 + 10 + 10];
    unsigned count = 0;
    unsigned served[3] = {0};
    struct orl_fair_queue *queue = queue_of(5000);
    for (unsigned i = 0; i < 1000; i++, count++) { /* a flood: one place, one account most of it */
        assert_null(push(queue, &things[count], 0, i % 10 == 0 ? 1 : 0, count));
    }
    for (unsigned i = 0; i < 10; i++, count++) {
        assert_null(push(queue, &things[count], 1, 0, count));
    }
    for (unsigned i = 0; i < 10; i++, count++) {
        assert_null(push(queue, &things[count], 2, i, count));
    }
    for (unsigned i = 0; i < 30; i++) {
        served[thing_of(orl_fair_queue_pop(queue))->place]++;
        assert_true(served[1] + 1 >= served[0] && served[2] + 1 >= served[0]);
    }
    assert_int_equal(served[1], 10);
    assert_int_equal(served[2], 10);
    unsigned of_account[2] = {0};
    for (unsigned i = 0; i < 100; i++) {
        of_account[thing_of(orl_fair_queue_pop(queue))->account]++;
    }
    assert_int_equal(of_account[0], of_account[1]);
    orl_fair_queue_free(queue);
}

static void who_fills_it_pushes_out_their_own(void **state)
{
    (void)state;
    static struct thing things[200];
    struct orl_fair_queue *queue = queue_of(50);
    for (unsigned i = 0; i < 50; i++) {
        assert_null(push(queue, &things[i], 7, i, i));
    }
    struct thing *out = push(queue, &things[50], 7, 50, 50); /* its own newest */
    assert_int_equal(out->number, 50);
    for (unsigned i = 51; i < 75; i++) { /* others find room up to their share */
        out = push(queue, &things[i], i, 0, i);
        assert_int_equal(out->place, 7);
    }
    assert_int_equal(orl_fair_queue_count(queue), 50);
    orl_fair_queue_free(queue);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(every_item_comes_out_once_and_in_the_order_of_its_account),
            cmocka_unit_test(places_and_accounts_take_turns),
            cmocka_unit_test(who_fills_it_pushes_out_their_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
