/* A session without its sockets, in a time of its own: a source, planner, pacer, the RDP viewer's graphics and a
 * client that decodes. After every frame the client is compared with the plan, and the plan with the source.
 * Does what session/stream.c does with real time. */
#ifndef ORL_TESTS_MODEL_WORLD_H
#define ORL_TESTS_MODEL_WORLD_H
#include "display/pacer.h"
#include "display/planner.h"
#include "tests/model/gfx_server.h"
#include "tests/model/oracle.h"

#define WORLD_ACKS_MAX 64
#define WORLD_REST_US UINT64_C(300000) /* after the last change everything is exact */

struct world_ack {
    uint8_t data[64];
    size_t len;
    uint64_t due_us;
};
struct world {
    struct rng rng;
    struct orl_loop *loop;
    struct desk desk;
    struct gfx_server server;
    struct oracle oracle;
    struct orl_planner *planner;
    struct orl_pacer pacer;
    struct orl_viewer_caps caps;
    bool has_h264, has_copy; /* policy; and only if the client can */
    uint32_t max_kbit_s;
    struct orl_region damage; /* reported, not yet the planner's */
    uint64_t now_us, due_us, writable_us;
    bool is_visible, is_blocked;
    bool is_calm;                  /* no refusals, quick acknowledgements */
    bool loses_acks, is_suspended; /* acknowledgements */
    bool client_suspends;          /* by itself, for good */
    bool has_racing_source;        /* somebody else paints at any time */
    bool is_held;                  /* a slow line: what is large or moves waits */
    int64_t lossless_max_px;       /* INT64_MAX: no bound */
    uint64_t ack_max_us;
    struct world_ack acks[WORLD_ACKS_MAX], last_ack;
    unsigned ack_count;
    uint64_t frames, given_back, planned;
    double worst_db;
};

void world_init_once(void);
void world_open(struct world *world, uint64_t seed, uint32_t width, uint32_t height);
void world_close(struct world *world);
/* The source says that something changed in r, which may reach beyond it. */
void world_report(struct world *world, const struct orl_rect *r);
void world_run(struct world *world, uint64_t for_us);
/* Everything is let go; after WORLD_REST_US the client is exact, and from then on nothing is sent. */
void world_rest(struct world *world);

void world_reconnect(struct world *world); /* another client, with other capabilities */
void world_resize(struct world *world, uint32_t width, uint32_t height);
void world_set_policy(struct world *world, bool has_h264, bool has_copy, uint32_t max_kbit_s);
void world_set_rate(struct world *world, uint32_t max_kbit_s);
/* As session/line.h does on a slow line. */
void world_hold(struct world *world, bool is_held);
void world_set_lossless(struct world *world, int64_t max_px);
void world_refresh(struct world *world);
void world_set_visible(struct world *world, bool is_visible);
/* Acknowledgements are no longer lost; the last one, which stands for all before it, comes now. */
void world_find_acks(struct world *world);
/* The client stops, or goes on, to acknowledge. */
void world_suspend_acks(struct world *world, bool is_suspended);

#endif
