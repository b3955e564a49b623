/* What must hold after every frame, judged by the updates alone: which pixels are exact and which came as H.264. */
#ifndef ORL_TESTS_MODEL_ORACLE_H
#define ORL_TESTS_MODEL_ORACLE_H
#include "display/plan.h"
#include "tests/model/desk.h"

/* A tile of H.264 that is further off than this shows something else than the plan says. */
#define ORACLE_MIN_DB 8.0

struct oracle {
    uint32_t width, height;
    uint8_t *is_lossy;      /* by pixel: the client got it as H.264 */
    uint8_t *is_unreported; /* by pixel: the source changed it and has not said so */
    double worst_db;
    size_t lossy; /* pixels, after the last update */
};
void oracle_open(struct oracle *oracle, uint32_t width, uint32_t height);
void oracle_close(struct oracle *oracle);
void oracle_report(struct oracle *oracle, const struct orl_rect *r, bool is_reported);
/* The plan is well-formed and as new as the source, wherever the source reported what it did. */
void oracle_check_plan(
        const struct oracle *oracle, const struct orl_update *update, const struct desk *desk);
void oracle_sent(struct oracle *oracle, const struct orl_update *update);
struct oracle_picture {
    const uint8_t *pixels;
    size_t stride;
    uint32_t width, height;
};
/* The client shows the plan: exactly, but for what came as H.264. */
void oracle_check_client(struct oracle *oracle, const struct orl_update *update,
        const struct oracle_picture *client);
/* Exactly the source, everywhere. */
void oracle_check_rest(
        const struct oracle *oracle, const struct desk *desk, const struct oracle_picture *client);

#endif
