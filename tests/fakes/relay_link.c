#include "tests/fakes/relay_link.h"
#include <stdlib.h>
#include <string.h>

bool relay_link_init(struct relay_link *link, const struct relay_line *line)
{
    *link = (struct relay_link){.line = *line,
            .ring = malloc(RELAY_RING_BYTES),
            .segments = calloc(RELAY_SEGMENTS, sizeof(*link->segments))};
    return link->ring != NULL && link->segments != NULL;
}

void relay_link_fini(struct relay_link *link)
{
    free(link->ring);
    free(link->segments);
    *link = (struct relay_link){0};
}

void relay_link_set(struct relay_link *link, const struct relay_line *line, uint64_t now_us)
{
    if (link->line.is_stopped && !line->is_stopped && link->free_us < now_us) {
        link->free_us = now_us; /* the time of the stop is not made up for */
    }
    link->line = *line;
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

uint8_t *relay_link_room(struct relay_link *link, size_t *ret_len)
{
    const size_t used = link->flying + link->queued;
    const size_t at = (link->first + used) % RELAY_RING_BYTES;
    size_t room =
            link->line.buffer_bytes > link->queued ? link->line.buffer_bytes - link->queued : 0;
    room = smaller(room, RELAY_RING_BYTES - used);
    *ret_len = link->line.is_stopped ? 0 : smaller(room, RELAY_RING_BYTES - at);
    return link->ring + at;
}

/* Queued bytes enter the line one segment after the other, each as soon as the one before has left it. */
static void advance(struct relay_link *link, uint64_t now_us)
{
    while (!link->line.is_stopped && link->queued > 0 && link->free_us <= now_us &&
            link->segment_count < RELAY_SEGMENTS) {
        const size_t len = smaller(link->queued, RELAY_SEGMENT_BYTES);
        if (link->line.rate_kbit_s > 0) {
            link->free_us += len * 8000 / link->line.rate_kbit_s;
        }
        link->segments[(link->first_segment + link->segment_count++) % RELAY_SEGMENTS] =
                (struct relay_segment){len, link->free_us + link->line.delay_us};
        link->queued -= len;
        link->flying += len;
    }
}

void relay_link_put(struct relay_link *link, size_t len, uint64_t now_us)
{
    advance(link, now_us);
    if (link->queued == 0 && link->free_us < now_us) {
        link->free_us = now_us; /* what the line could have carried while idle is gone */
    }
    link->queued += len;
    link->peak_bytes = link->queued > link->peak_bytes ? link->queued : link->peak_bytes;
    advance(link, now_us);
}

const uint8_t *relay_link_due(struct relay_link *link, uint64_t now_us, size_t *ret_len)
{
    advance(link, now_us);
    size_t due = 0;
    for (size_t i = 0; i < link->segment_count && !link->line.is_stopped; i++) {
        const struct relay_segment *s = &link->segments[(link->first_segment + i) % RELAY_SEGMENTS];
        if (s->at_us > now_us) {
            break;
        }
        due += s->len;
    }
    *ret_len = smaller(due, RELAY_RING_BYTES - link->first);
    return link->ring + link->first;
}

void relay_link_take(struct relay_link *link, size_t len)
{
    link->first = (link->first + len) % RELAY_RING_BYTES;
    link->flying -= len;
    link->total_bytes += len;
    while (len > 0) {
        struct relay_segment *s = &link->segments[link->first_segment];
        const size_t part = smaller(len, s->len);
        s->len -= part;
        len -= part;
        if (s->len == 0) {
            link->first_segment = (link->first_segment + 1) % RELAY_SEGMENTS;
            link->segment_count--;
        }
    }
}

uint64_t relay_link_next_us(const struct relay_link *link)
{
    if (link->line.is_stopped) {
        return 0;
    }
    uint64_t next_us = link->queued > 0 ? link->free_us : 0;
    if (link->segment_count > 0) {
        const uint64_t at_us = link->segments[link->first_segment].at_us;
        next_us = next_us == 0 || at_us < next_us ? at_us : next_us;
    }
    return next_us;
}

bool relay_link_is_empty(const struct relay_link *link)
{
    return link->flying + link->queued == 0;
}
