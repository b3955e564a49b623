/* What a guest does to its screen, by random numbers: text, pictures, scrolling, dragged windows, videos. */
#ifndef ORL_TESTS_MODEL_DESK_H
#define ORL_TESTS_MODEL_DESK_H
#include "display/region.h"
#include "tests/display/test_support.h"

struct desk {
    uint32_t width, height;
    size_t stride;   /* bytes */
    uint8_t *pixels; /* BGRX; X is anything */
};
enum desk_paint { DESK_FILL = 0, DESK_TEXT, DESK_GRADIENT, DESK_PHOTO, DESK_NOISE, DESK_PAINTS };

void desk_open(struct desk *desk, struct rng *rng, uint32_t width, uint32_t height);
void desk_close(struct desk *desk);
struct orl_rect desk_bounds(const struct desk *desk);
struct orl_rect desk_random_rect(const struct desk *desk, struct rng *rng, int32_t max_side);
void desk_paint(struct desk *desk, struct rng *rng, const struct orl_rect *r, enum desk_paint how);
/* All of it anew: pictures, windows, text. */
void desk_paint_all(struct desk *desk, struct rng *rng);
/* What is in r is seen dx, dy from there, as far as that is on the screen; the rest of r's place is new.
 * Returns what may have changed. */
struct orl_rect desk_move(
        struct desk *desk, struct rng *rng, const struct orl_rect *r, int32_t dx, int32_t dy);

#endif
