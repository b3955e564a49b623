/* The line to one client: what display/rate.h has to know of each frame, and what follows for planner and pacer. */
#ifndef ORL_SESSION_LINE_H
#define ORL_SESSION_LINE_H
#include "display/pacer.h"
#include "display/planner.h"
#include "display/rate.h"
#include "display/viewer.h"

#define ORL_LINE_FRAMES 16 /* more than are ever in flight */

struct orl_line {
    struct orl_viewer_handle viewer;
    struct orl_rate rate;
    bool has_arrivals; /* the client says when something arrived, not only when it was shown */
    bool has_acks;
    unsigned max_in_flight;                /* frames, as the viewer has it */
    uint32_t max_kbit_s;                   /* what its person allows; 0: no bound */
    uint32_t acked_id;                     /* the last frame that was acknowledged */
    uint64_t probed_bytes, probed_us;      /* sent up to the last probe */
    uint64_t small_us;                     /* the last probe with nothing large before it */
    uint64_t before_bytes;                 /* sent before the frame that is on its way out */
    uint64_t frame_bytes[ORL_LINE_FRAMES]; /* all that was sent up to a frame; by its number */
    uint32_t planned_kbit_s;               /* what the planner was told */
    uint64_t milli_bytes_per_px;           /* of lossless pixels, a mean */
};

void orl_line_init(struct orl_line *line, const struct orl_viewer_handle *viewer);
void orl_line_set_caps(struct orl_line *line, const struct orl_viewer_caps *caps, uint64_t now_us);
/* Around the viewer's send(); the second returns how many bytes the frame took. */
void orl_line_sending(struct orl_line *line, uint64_t now_us);
uint64_t orl_line_sent(struct orl_line *line, const struct orl_update *update, uint64_t now_us);
void orl_line_arrived(struct orl_line *line, uint64_t bytes_out, uint64_t now_us);
void orl_line_acked(struct orl_line *line, uint32_t frame_id, uint64_t now_us);
/* What is on its way will not be acknowledged. */
void orl_line_forget(struct orl_line *line);

bool orl_line_is_slow(const struct orl_line *line); /* it has a limit */
bool orl_line_can_move(struct orl_line *line, uint64_t now_us);
bool orl_line_can_send(const struct orl_line *line);
/* Tells planner and pacer what the line carries now. is_new: the planner knows nothing yet. */
void orl_line_tune(
        struct orl_line *line, struct orl_planner *planner, struct orl_pacer *pacer, bool is_new);
uint32_t orl_line_rtt_us(const struct orl_line *line); /* 0: unknown */

#endif
