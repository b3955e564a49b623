/* One direction of a line: a bounded queue, a rate, a delay. What does not fit the queue is not taken, so a
 * sender feels the line as it feels a slow one. Pure: time is passed in, bytes are copied in and out. */
#ifndef ORL_TESTS_FAKES_RELAY_LINK_H
#define ORL_TESTS_FAKES_RELAY_LINK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define RELAY_SEGMENT_BYTES 1400
#define RELAY_RING_BYTES ((size_t)4 << 20)
#define RELAY_SEGMENTS 8192

struct relay_segment {
    size_t len;
    uint64_t at_us; /* when it comes out */
};
struct relay_line {
    uint32_t rate_kbit_s; /* 0: no limit */
    uint64_t delay_us;
    size_t buffer_bytes; /* of the queue before the line */
    bool is_stopped;
};
struct relay_link {
    struct relay_line line;
    uint8_t *ring;                  /* bytes on the line, then those queued */
    size_t first, flying, queued;   /* in the ring */
    struct relay_segment *segments; /* on the line, oldest first */
    size_t first_segment, segment_count;
    uint64_t free_us; /* when the line takes the next segment */
    size_t peak_bytes;
    uint64_t total_bytes; /* that came out */
};

bool relay_link_init(struct relay_link *link, const struct relay_line *line);
void relay_link_fini(struct relay_link *link);
void relay_link_set(struct relay_link *link, const struct relay_line *line, uint64_t now_us);
/* A place for the next bytes; *ret_len 0: the queue is full. */
uint8_t *relay_link_room(struct relay_link *link, size_t *ret_len);
void relay_link_put(struct relay_link *link, size_t len, uint64_t now_us);
/* What comes out now, contiguous; *ret_len 0: nothing. */
const uint8_t *relay_link_due(struct relay_link *link, uint64_t now_us, size_t *ret_len);
void relay_link_take(struct relay_link *link, size_t len);
/* When to look again though nothing was put; 0: never. */
uint64_t relay_link_next_us(const struct relay_link *link);
bool relay_link_is_empty(const struct relay_link *link);

#endif
