/* Many people log in at once: a real broker with real passwords, this program in the place of its gateway, and of
 * vmpool, which makes desktops ready a few at a time. What nobody may see is checked while it happens: a login that is
 * lost, a desktop that two get, somebody who overtakes. */
#ifndef ORL_TESTS_STORM_H
#define ORL_TESTS_STORM_H
#include "broker_fixture.h"

struct storm_opts {
    unsigned people;
    unsigned networks; /* that they come from, in turn */
    unsigned at_once;  /* desktops that become ready between two looks */
    const char *password_cost;
    unsigned threads; /* 0: the broker's own choice */
};
struct storm_result {
    double seconds;   /* from the first login to the last desktop */
    unsigned waited;  /* who did not get one at once */
    unsigned noticed; /* texts with a place in the queue */
    char metrics[200000];
};
/* Failures are cmocka's. */
void storm_run(const struct storm_opts *opts, struct storm_result *ret_result);
/* A value of ret_result->metrics; -1: there is none. */
double storm_metric(const struct storm_result *result, const char *name);

#endif
