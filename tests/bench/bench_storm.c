/* A login storm's table: so many people log in at once by password, and desktops become ready as they are asked for.
 *     oriel-bench-storm [PEOPLE [NETWORKS]]
 * Authentication, decision and queue apart, as the broker's metrics have them; what is lost, double or out of order
 * ends it with an error. */
#include "tests/broker/storm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

struct size {
    unsigned people, networks;
};

static double milliseconds(
        const struct storm_result *result, const char *part, const char *quantile)
{
    char name[80];
    (void)snprintf(name, sizeof(name), "oriel_login_seconds{part=\"%s\",quantile=\"%s\"} ", part,
            quantile);
    return storm_metric(result, name) * 1000;
}

static void print_row(const struct size *size, const char *cost, const struct storm_result *result)
{
    static const char *const parts[] = {"authentication", "decision", "queue"};
    for (unsigned i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        (void)printf("| %u | %s | %.1f | %s | %.1f | %.1f | %.1f |\n", size->people, cost,
                result->seconds, parts[i], milliseconds(result, parts[i], "0.50"),
                milliseconds(result, parts[i], "0.90"), milliseconds(result, parts[i], "0.99"));
    }
}

static void storm(void **state)
{
    static const char *const costs[] = {"minimal", "interactive"};
    static struct storm_result result;
    const struct size *size = *state;
    (void)printf("| people | password cost | all in s | part | p50 ms | p90 ms | p99 ms |\n"
                 "|---|---|---|---|---|---|---|\n");
    for (unsigned i = 0; i < sizeof(costs) / sizeof(costs[0]); i++) {
        const struct storm_opts opts = {.people = size->people,
                .networks = size->networks,
                .at_once = 20,
                .password_cost = costs[i]};
        storm_run(&opts, &result);
        print_row(size, costs[i], &result);
        (void)fflush(stdout);
    }
}

static unsigned number(const char *text, unsigned fallback)
{
    unsigned long value = text != NULL ? strtoul(text, NULL, 10) : 0;
    return value >= 1 && value <= 8000 ? (unsigned)value : fallback;
}

int main(int argc, char **argv)
{
    struct size size = {.people = number(argc > 1 ? argv[1] : NULL, 1000)};
    size.networks = number(argc > 2 ? argv[2] : NULL, 200);
    const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(storm, &size)};
    return cmocka_run_group_tests_name("login storm", tests, NULL, NULL);
}
