/* What must hold after every frame, judged by the updates alone: what the client shows, which of it is exact and which
 * came as H.264. */
#ifndef ORL_TESTS_MODEL_ORACLE_H
#define ORL_TESTS_MODEL_ORACLE_H
#include "display/plan.h"
#include "tests/model/desk.h"

/* The means of small blocks of H.264 that are further off than this show something else than the plan says. */
#define ORACLE_MIN_DB 16.0

struct oracle {
    uint32_t width, height;
    uint8_t *is_lossy;        /* by pixel: the client got it as H.264 */
    uint8_t *is_unreported;   /* by pixel: the source changed it and has not said so */
    uint8_t *is_owed;         /* by pixel: the client asked for it and has not got it */
    uint32_t *shown, *before; /* by pixel: as the updates say, after the last one and before it */
    bool has_before;
    bool is_rate_bound; /* an encoder that may not send enough may show what was before */
    struct orl_rect slots[ORL_H264_SLOTS]; /* pictures of the decoders; empty: there is none */
    double worst_db;
};
void oracle_open(struct oracle *oracle, uint32_t width, uint32_t height);
void oracle_close(struct oracle *oracle);
/* Nothing that the client has counts. */
void oracle_owe_all(struct oracle *oracle);
/* The client's decoders are gone, and what they have shown. */
void oracle_forget_client(struct oracle *oracle);
void oracle_report(struct oracle *oracle, const struct orl_rect *r, bool is_reported);
/* The plan is well-formed. */
void oracle_check_plan(struct oracle *oracle, const struct orl_update *update);
/* What is shown is as new as the source, wherever the source reported what it did. */
void oracle_check_fresh(const struct oracle *oracle, const struct desk *desk);
void oracle_sent(struct oracle *oracle, const struct orl_update *update);
struct oracle_picture {
    const uint8_t *pixels;
    size_t stride;
    uint32_t width, height;
};
/* The client shows that: exactly, but for what came as H.264. */
void oracle_check_client(struct oracle *oracle, const struct oracle_picture *client);
/* Exactly the source, everywhere. */
void oracle_check_rest(
        const struct oracle *oracle, const struct desk *desk, const struct oracle_picture *client);

#endif
