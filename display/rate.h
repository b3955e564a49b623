/* What the line to the client carries, from what was sent and when it arrived: a rate, a delay, and from
 * them how much may be on its way without keeping a key press waiting. Congestion is delay above the least
 * one seen (as LEDBAT and BBR have it); a slow decoder delays acknowledgements of frames, and often arrivals.
 * Pure: bytes are counted as the viewer counts them, times are passed in. */
#ifndef ORL_DISPLAY_RATE_H
#define ORL_DISPLAY_RATE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_RATE_MARKS 32
#define ORL_RATE_MIN_KBIT_S 200
#define ORL_RATE_QUEUE_US 30000 /* of line that a frame may fill, with what waits before it */

struct orl_rate_mark {
    uint64_t total_bytes; /* sent up to here */
    uint64_t sent_us;
    bool is_alone; /* all before it had arrived */
};
/* What arrived since the rate was judged last. */
struct orl_rate_window {
    unsigned count;
    uint64_t bytes, busy_us; /* busy: as long as the line took for these bytes */
    uint64_t wait_us;        /* least time that something waited behind what was sent before it */
    uint64_t late_us;        /* least time from leaving to arriving, above the base */
    uint64_t idle_us;        /* when nothing was on its way */
    bool has_room;           /* as TCP saw it, all the time */
};
struct orl_rate {
    uint64_t sent_bytes, arrived_bytes;
    struct orl_rate_mark marks[ORL_RATE_MARKS]; /* not arrived, oldest first */
    unsigned mark_count;
    uint64_t base_us;     /* least delay, there and back; 0: none yet */
    uint64_t base_at_us;  /* when it was seen */
    uint64_t delay_us;    /* of what arrived last */
    uint64_t arrived_us;  /* when */
    uint64_t window_us;   /* when the window began */
    uint64_t frame_bytes; /* mean of the frames of what moves */
    struct orl_rate_window window;
    unsigned late_count;   /* windows that were late, without a limit */
    uint32_t limit_kbit_s; /* 0: no limit was met */
    uint32_t seen_kbit_s;  /* most that arrived, of late */
    bool is_used;          /* in this window, more would have been sent */
    bool is_draining;      /* until all has arrived, to see the base again */
    bool has_room;         /* TCP's delay is the client's, and nothing waits in it */
    uint64_t socket_us;    /* TCP's delay */
    bool is_blind;         /* TCP says nothing: what a browser takes to paint looks like the line */
};

void orl_rate_init(struct orl_rate *rate);
/* All that was sent so far. The arrival of these marks is told by orl_rate_arrived(). */
void orl_rate_sent(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us);
/* So large was a frame of what moves. */
void orl_rate_frame(struct orl_rate *rate, uint64_t bytes);
/* What TCP says of its round trip (0: nothing); before the next two. A client that is busy answers late, too. */
void orl_rate_socket(struct orl_rate *rate, uint64_t rtt_us, uint64_t least_us);
/* The client has everything up to total_bytes. */
void orl_rate_arrived(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us);
/* As above, where only the client's acknowledgement of a frame is known, which its decoder always delays. */
void orl_rate_acked(struct orl_rate *rate, uint64_t total_bytes, uint64_t now_us);
/* As above, but nothing is to be learnt from when: only that it is no longer on its way. */
void orl_rate_done(struct orl_rate *rate, uint64_t total_bytes);

/* What moves may be sent now. False is noted as "more would have been sent". */
bool orl_rate_can_move(struct orl_rate *rate, uint64_t now_us);
/* Small things, keys and text, go before what moves, but not without end. */
bool orl_rate_can_send(const struct orl_rate *rate);
uint32_t orl_rate_kbit_s(const struct orl_rate *rate); /* 0: no limit was met */
/* Bytes that the line carries in so long; SIZE_MAX where no limit was met. */
size_t orl_rate_bytes(const struct orl_rate *rate, uint64_t time_us);
uint64_t orl_rate_rtt_us(const struct orl_rate *rate); /* of late; 0: unknown */
/* Frames that may be unacknowledged so that the line need not wait for acknowledgements; 2 .. max. */
unsigned orl_rate_frames(const struct orl_rate *rate, uint64_t interval_us, unsigned max);

#endif
