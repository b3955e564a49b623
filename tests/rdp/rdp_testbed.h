/* A viewer on one end of a socket pair, with what it reported; the test plays the client on the other. */
#ifndef ORL_TESTS_RDP_TESTBED_H
#define ORL_TESTS_RDP_TESTBED_H
#include "base/loop.h"
#include "protocols/rdp/rdp_viewer.h"
#include <pthread.h>

enum { TESTBED_WIDTH = 256, TESTBED_HEIGHT = 208 };

struct testbed {
    struct orl_loop *loop;
    struct orl_timer *watchdog;
    struct orl_viewer_handle viewer;
    int client_fd; /* the client's end; whoever takes it leaves -1 */
    pthread_t client;
    void (*play)(struct testbed *bed); /* on its own thread */
    unsigned seed;
    bool accepts;
    bool has_timed_out;
    bool has_two_monitors; /* the client's, side by side */
    unsigned
            cursors; /* set one after the other when the client is ready, each of one colour: its number */
    bool sets_cursors_early; /* when it logs in instead */
    uint64_t cursor_bytes;   /* that all of them took at once */
    _Atomic bool has_set_cursors;
    _Atomic unsigned refreshes;
    uint32_t client_cursor; /* the colour of the client's pointer */

    unsigned logins, readies, closes, acks;
    _Atomic unsigned arrivals; /* read by the client's thread too */
    enum orl_reason reason;
    struct orl_viewer_caps caps;
    uint8_t pixels[TESTBED_WIDTH * TESTBED_HEIGHT * 4];
    uint32_t frame_id;
    unsigned matches; /* of the client's picture */
};

void testbed_init_once(void);
/* Of the one certificate that all servers here have; after testbed_init_once(). */
const char *testbed_cert_pem(void);
const char *testbed_key_pem(void);
/* Runs one connection until on_closed, with play() on a thread. */
void testbed_run(struct testbed *bed, void (*play)(struct testbed *bed));
uint32_t testbed_random(unsigned *seed);

#endif
