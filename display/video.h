/* The H.264 side of the planner: encoders, each with a picture of its own, and what of it is shown. Opened when
 * something moves, closed after a minute without. Private to the planner's files. */
#ifndef ORL_DISPLAY_VIDEO_H
#define ORL_DISPLAY_VIDEO_H
#include "display/slots.h"
#include "display/speed.h"

struct orl_video_opts {
    uint32_t width_px, height_px; /* of the whole picture */
    enum orl_colours colours;
    bool shows_all; /* the client shows all of a picture: there is one, of the whole surface */
    unsigned threads;
    uint32_t max_kbit_s; /* 0: no bound known */
};
struct orl_video_slot {
    struct orl_h264 *h264;   /* NULL: free */
    struct orl_rect picture; /* of the whole picture; its corner lies on the tiles' grid */
    struct orl_tiles tiles;  /* of `picture` alone */
    struct orl_region shown; /* of the last op */
    bool want_key;
    bool is_in_last; /* has an op in the last update */
    unsigned frames; /* encoded, since it was opened */
};
struct orl_video {
    struct orl_video_opts opts;
    struct orl_slots places;
    struct orl_speed speed;
    struct orl_video_slot slots[ORL_H264_SLOTS];
    uint64_t used_us; /* when something was encoded last */
};

ORL_NODISCARD int orl_video_init(
        struct orl_video *video, const struct orl_tiles *tiles, const struct orl_video_opts *opts);
void orl_video_fini(struct orl_video *video);
/* 0: no bound known. Shared among the encoders. */
void orl_video_set_rate(struct orl_video *video, uint32_t max_kbit_s);
/* The client does not have what was encoded for the last update. */
void orl_video_unsent(struct orl_video *video);
/* The client has nothing any more. */
void orl_video_want_keys(struct orl_video *video);
/* Encodes CODED tiles, where they have or get a place, and takes CODED from the others. Writes the ops and sets
 * LOSSY and SHOWN where they show. ret_ops has room for ORL_H264_SLOTS. Returns how many, or a negative ORL_E_*. */
ORL_NODISCARD int orl_video_encode(struct orl_video *video, struct orl_tiles *tiles,
        const uint8_t *pixels, size_t stride_bytes, uint64_t now_us, struct orl_op *ret_ops,
        struct orl_err *err);
/* A new update; closes encoders that were not used for long. */
void orl_video_begin(struct orl_video *video, uint64_t now_us);
void orl_video_close(struct orl_video *video); /* all of them */
/* When orl_video_begin() will have something to close; 0: never. */
uint64_t orl_video_due_us(const struct orl_video *video);
/* Bit n: slot n is open. */
unsigned orl_video_open_slots(const struct orl_video *video);

#endif
