#include "display/slots.h"
#include "base/clock.h"
#include <string.h>

enum { NOW = 1, LAST = 2 };

/* Disjoint places where something moves; one that has a slot's own rectangle keeps it. */
struct places {
    struct orl_rect rects[ORL_REGION_MAX + ORL_H264_SLOTS];
    unsigned count;
};

int orl_slots_init(struct orl_slots *slots, const struct orl_tiles *tiles)
{
    memset(slots, 0, sizeof(*slots));
    return orl_tiles_init(&slots->recent, tiles->width_px, tiles->height_px);
}

void orl_slots_fini(struct orl_slots *slots)
{
    orl_tiles_fini(&slots->recent);
}

void orl_slots_drop(struct orl_slots *slots, unsigned slot)
{
    slots->rects[slot] = (struct orl_rect){0, 0, 0, 0};
    slots->used_us[slot] = 0;
}

static struct orl_rect whole_of(const struct orl_slots *slots)
{
    const struct orl_rect whole = {
            0, 0, (int32_t)slots->recent.width_px, (int32_t)slots->recent.height_px};
    return whole;
}

static bool is_whole(const struct orl_slots *slots, const struct orl_rect *r)
{
    const struct orl_rect whole = whole_of(slots);
    return orl_rect_contains(r, &whole);
}

static bool has_whole(const struct orl_slots *slots)
{
    bool is_found = false;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        is_found = is_found || is_whole(slots, &slots->rects[i]);
    }
    return is_found;
}

static bool do_meet(const struct orl_rect *a, const struct orl_rect *b)
{
    const struct orl_rect both = orl_rect_intersect(a, b);
    return !orl_rect_is_empty(&both);
}

/* True: a window ended. */
static bool turn_window(struct orl_slots *slots, uint64_t now_us)
{
    const uint64_t window_us = ORL_SLOTS_WINDOW_MS * ORL_US_PER_MS;
    if (now_us < slots->window_us + window_us) {
        return false;
    }
    const bool is_next = now_us < slots->window_us + 2 * window_us;
    for (size_t i = 0; i < slots->recent.count; i++) {
        slots->recent.flags[i] = is_next && (slots->recent.flags[i] & NOW) != 0 ? LAST : 0;
    }
    slots->changes[1] = is_next ? slots->changes[0] : 0;
    slots->changes[0] = 0;
    slots->window_us = now_us;
    return true;
}

/* Of the CODED tiles, how many lie in no slot; is_dropped: these lose CODED, and the others' slots are in use. */
static size_t count_outside(
        struct orl_slots *slots, struct orl_tiles *tiles, bool is_dropped, uint64_t now_us)
{
    size_t outside = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_CODED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_CODED)) {
        const struct orl_rect tile = orl_tiles_rect(tiles, i);
        unsigned k = 0;
        while (k < ORL_H264_SLOTS && !orl_rect_contains(&slots->rects[k], &tile)) {
            k++;
        }
        if (k == ORL_H264_SLOTS) {
            outside++;
            tiles->flags[i] &= (uint8_t) ~(is_dropped ? ORL_TILE_CODED : 0);
        } else if (is_dropped) {
            slots->used_us[k] = now_us;
        }
    }
    return outside;
}

static void merge_pair(struct places *p, unsigned a, unsigned b)
{
    p->rects[a] = orl_rect_union(&p->rects[a], &p->rects[b]);
    p->rects[b] = p->rects[--p->count];
}

static int64_t waste_of(const struct orl_rect *a, const struct orl_rect *b)
{
    const struct orl_rect both = orl_rect_union(a, b);
    return orl_rect_area(&both) - orl_rect_area(a) - orl_rect_area(b);
}

/* The pair that wastes the fewest pixels when it becomes one; false: there is none. */
static bool find_pair(const struct places *p, unsigned *ret_a, unsigned *ret_b, int64_t *ret_waste)
{
    bool has_pair = false;
    for (unsigned a = 0; a < p->count; a++) {
        for (unsigned b = a + 1; b < p->count; b++) {
            const int64_t waste = do_meet(&p->rects[a], &p->rects[b])
                                          ? INT64_MIN
                                          : waste_of(&p->rects[a], &p->rects[b]);
            if (!has_pair || waste < *ret_waste) {
                has_pair = true;
                *ret_a = a;
                *ret_b = b;
                *ret_waste = waste;
            }
        }
    }
    return has_pair;
}

/* Until they are few, disjoint, and far apart. */
static void merge_places(struct places *p)
{
    unsigned a = 0;
    unsigned b = 0;
    int64_t waste = 0;
    while (find_pair(p, &a, &b, &waste)) {
        const int64_t area = orl_rect_area(&p->rects[a]) + orl_rect_area(&p->rects[b]);
        if (p->count <= ORL_H264_SLOTS && waste > area / 4) {
            return;
        }
        merge_pair(p, a, b);
    }
}

static void drop_small(struct places *p)
{
    for (unsigned i = p->count; i-- > 0;) {
        if (orl_rect_area(&p->rects[i]) < (int64_t)ORL_SLOTS_MIN_TILES * ORL_TILE_AREA_PX) {
            p->rects[i] = p->rects[--p->count];
        }
    }
}

static void find_places(const struct orl_slots *slots, struct places *ret_places)
{
    ret_places->count =
            orl_tiles_rects(&slots->recent, NOW | LAST, false, ret_places->rects, ORL_REGION_MAX);
    merge_places(ret_places);
    drop_small(ret_places);
}

static int64_t area_of(const struct places *p)
{
    int64_t px = 0;
    for (unsigned i = 0; i < p->count; i++) {
        px += orl_rect_area(&p->rects[i]);
    }
    return px;
}

/* Rectangles of slots in which at least half still moves. */
static void keep_rects(const struct orl_slots *slots, struct places *p)
{
    const unsigned found = p->count;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        const struct orl_rect *r = &slots->rects[i];
        int64_t inside_px = 0;
        for (unsigned k = 0; k < found; k++) {
            const struct orl_rect both = orl_rect_intersect(r, &p->rects[k]);
            inside_px += orl_rect_area(&both);
        }
        if (inside_px > 0 && !is_whole(slots, r) && inside_px * 2 >= orl_rect_area(r)) {
            p->rects[p->count++] = *r;
        }
    }
    merge_places(p);
}

static bool is_same(const struct orl_rect *a, const struct orl_rect *b)
{
    return orl_rect_contains(a, b) && orl_rect_contains(b, a);
}

/* For a place without one: a slot that meets it, else a free one, else the one unused for longest. */
static unsigned find_slot(
        const struct orl_slots *slots, const struct orl_rect *place, const bool *is_taken)
{
    unsigned best = ORL_H264_SLOTS;
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        if (!is_taken[i] && do_meet(&slots->rects[i], place)) {
            return i;
        }
        if (is_taken[i]) {
            continue;
        }
        const bool is_free = orl_rect_is_empty(&slots->rects[i]);
        const bool has_free = best < ORL_H264_SLOTS && orl_rect_is_empty(&slots->rects[best]);
        if (best == ORL_H264_SLOTS ||
                (!has_free && (is_free || slots->used_us[i] < slots->used_us[best]))) {
            best = i;
        }
    }
    return best;
}

static void drop_where_met(struct orl_slots *slots, const struct places *p, const bool *is_taken)
{
    for (unsigned i = 0; i < ORL_H264_SLOTS; i++) {
        for (unsigned k = 0; k < p->count && !is_taken[i]; k++) {
            if (do_meet(&slots->rects[i], &p->rects[k])) {
                orl_slots_drop(slots, i);
            }
        }
    }
}

/* At most ORL_H264_SLOTS places, disjoint. */
static void assign(struct orl_slots *slots, const struct places *p, uint64_t now_us)
{
    bool is_taken[ORL_H264_SLOTS] = {false};
    bool is_placed[ORL_H264_SLOTS] = {false};
    for (unsigned k = 0; k < p->count; k++) {
        for (unsigned i = 0; i < ORL_H264_SLOTS && !is_placed[k]; i++) {
            is_placed[k] = !is_taken[i] && is_same(&slots->rects[i], &p->rects[k]);
            is_taken[i] = is_taken[i] || is_placed[k];
        }
    }
    for (unsigned k = 0; k < p->count; k++) {
        if (is_placed[k]) {
            continue;
        }
        const unsigned i = find_slot(slots, &p->rects[k], is_taken);
        if (do_meet(&slots->rects[i], &p->rects[k])) {
            slots->changes[0]++;
        }
        slots->changed_us = now_us;
        slots->rects[i] = p->rects[k];
        is_taken[i] = true;
    }
    drop_where_met(slots, p, is_taken);
}

static void lay_out(struct orl_slots *slots, uint64_t now_us)
{
    struct places p;
    find_places(slots, &p);
    if (p.count == 0) {
        return;
    }
    const struct orl_rect whole = whole_of(slots);
    const int64_t percent = has_whole(slots) ? ORL_SLOTS_PARTS_PERCENT : ORL_SLOTS_WHOLE_PERCENT;
    if (slots->changes[0] + slots->changes[1] >= ORL_SLOTS_RESTLESS) {
        slots->whole_until_us = now_us + ORL_SLOTS_RESTLESS_MS * ORL_US_PER_MS;
        slots->changes[0] = slots->changes[1] = 0;
    }
    if (now_us >= slots->whole_until_us && area_of(&p) * 100 < orl_rect_area(&whole) * percent) {
        keep_rects(slots, &p);
        if (area_of(&p) * 100 < orl_rect_area(&whole) * ORL_SLOTS_WHOLE_PERCENT) {
            assign(slots, &p, now_us);
            return;
        }
    }
    p.count = 1;
    p.rects[0] = whole;
    assign(slots, &p, now_us);
}

bool orl_slots_choose(struct orl_slots *slots, struct orl_tiles *tiles, uint64_t now_us)
{
    const bool has_turned = turn_window(slots, now_us);
    size_t coded = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_CODED); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_CODED)) {
        slots->recent.flags[i] |= NOW;
        coded++;
    }
    size_t outside = count_outside(slots, tiles, false, now_us);
    const bool can_wait = outside <= ORL_SLOTS_OUTSIDE_TILES &&
                          now_us < slots->changed_us + ORL_SLOTS_PATIENCE_MS * ORL_US_PER_MS;
    if (coded > 0 && (has_turned || (outside > 0 && !can_wait))) {
        lay_out(slots, now_us);
    }
    outside = count_outside(slots, tiles, true, now_us);
    return coded > outside;
}
