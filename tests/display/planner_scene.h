/* A model client applies every update of a planner; whatever happens, it never shows a wrong pixel as right. */
#ifndef ORL_TESTS_DISPLAY_PLANNER_SCENE_H
#define ORL_TESTS_DISPLAY_PLANNER_SCENE_H
#include "display/planner.h"
#include "test_support.h"

#define SECOND UINT64_C(1000000)
#define FRAME_US UINT64_C(16667)

/* What a client would show. H.264 and photos leave pixels that are only nearly right: unknown here. */
struct planner_client {
    uint32_t width, height;
    uint32_t *pixels;
    bool *is_known;
    unsigned copies; /* applied */
    int32_t fault;   /* seeded: copies come from so many pixels beside */
};
struct planner_scene {
    uint32_t width, height;
    size_t stride; /* bytes */
    uint8_t *pixels;
    struct orl_planner *planner;
    struct planner_client client;
    uint64_t now_us;
    uint32_t last_id;
};

enum paint { PAINT_NOISE, PAINT_FLAT, PAINT_SAME };

void planner_scene_open(struct planner_scene *s, uint32_t width, uint32_t height, bool has_h264);
/* The size is the options'. */
void planner_scene_open_as(struct planner_scene *s, const struct orl_planner_opts *opts);
void planner_scene_close(struct planner_scene *s);
void planner_scene_paint(
        struct planner_scene *s, struct rng *rng, const struct orl_rect *r, enum paint how);
void planner_scene_report(struct planner_scene *s, const struct orl_rect *r);
/* In the source, by any means: what lies in r is shown dx, dy from there too. Reports both places. */
void planner_scene_shift(struct planner_scene *s, const struct orl_rect *r, int32_t dx, int32_t dy);
/* One update: 1 applied, 0 none, -1 given back. */
int planner_scene_step(struct planner_scene *s, bool is_sent, struct orl_update *ret_update);
/* Follows orl_planner_due_us() until nothing is due within 10 s; returns the number of updates. */
unsigned planner_scene_settle(struct planner_scene *s);
/* Wrong pixels that the client believes to be right, and pixels that are only nearly right. */
size_t planner_scene_count_wrong(const struct planner_scene *s, size_t *ret_unknown);
void planner_scene_assert_exact(const struct planner_scene *s);

#endif
