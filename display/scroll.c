/* A few tiles that changed, the needles, are looked for in the old picture: in their column and their row as
 * far as these go, and near by in all directions. Where they were found votes for offsets; more tiles choose
 * among these; from tiles that match, rectangles grow. A guess that explains nearly all spares the search. PICK here: differs from the picture in its place. */
#include "display/scroll.h"
#include "display/scroll_priv.h"
#include <string.h>

#define NEEDLES 14
#define NEEDLE_TRIES 6     /* tiles looked at for each */
#define NEEDLE_MIN_EDGES 3 /* in its key row: less is found everywhere */
#define NEEDLE_MAX_HITS 6
#define AGREED 6 /* needles for one offset: the rest need not be looked for */
#define NEAR_PX 96
#define CANDIDATES 48
#define CANDIDATES_SCORED 6
#define SAMPLES 48
#define MIN_TILES (ORL_SCROLL_MIN_PX / ORL_TILE_AREA_PX)
#define MIN_GAIN_TILES 8
#define MAX_FUTILE 8 /* rectangles that were not worth it */
#define ROUNDS 4
#define ENOUGH_PERCENT 50 /* of what changed is explained without looking in all directions */
#define GUESS_PERCENT 90  /* as above, without looking at all */

struct needle {
    int32_t x, y;
    int32_t key_x, key_y; /* in the tile: two pixels that differ */
    uint8_t px[ORL_TILE_PX][ORL_SCROLL_TILE_BYTES];
};
struct candidate {
    int32_t dx, dy;
    unsigned votes, score;
};
struct search {
    const struct orl_scroll_view *view;
    size_t changed; /* tiles with PICK, at first */
    struct needle needles[NEEDLES];
    unsigned needle_count;
    struct candidate candidates[CANDIDATES];
    unsigned candidate_count;
    unsigned most_votes;
    struct orl_move *moves;
    unsigned move_count;
    unsigned futile;
};

static bool is_full(const struct orl_rect *tile)
{
    return tile->width == ORL_TILE_PX && tile->height == ORL_TILE_PX;
}

/* Four rows tell: two inside, as text often begins with empty ones, and both ends, where the rim of what moved
 * may cut the tile. What is missed here is found when all that no move explains is compared. */
static bool differs_in_place(const struct orl_scroll_view *v, size_t index)
{
    static const int32_t rows[] = {5, 15, 0, 10};
    const struct orl_rect r = orl_tiles_rect(v->tiles, index);
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        const int32_t y = r.y + rows[i];
        if (rows[i] < r.height && orl_scroll_equal_right(v, r.x, y, r.x, y, r.width) < r.width) {
            return true;
        }
    }
    return false;
}

static size_t mark_changed(const struct orl_scroll_view *v)
{
    size_t count = 0;
    for (size_t i = orl_tiles_find(v->tiles, 0, ORL_TILE_DAMAGED); i < v->tiles->count;
            i = orl_tiles_find(v->tiles, i + 1, ORL_TILE_DAMAGED)) {
        if (differs_in_place(v, i)) {
            v->tiles->flags[i] |= ORL_TILE_PICK;
            count++;
        }
    }
    return count;
}

static void copy_tile(const struct orl_scroll_view *v, const struct orl_rect *tile,
        uint8_t px[ORL_TILE_PX][ORL_SCROLL_TILE_BYTES])
{
    for (int32_t y = 0; y < ORL_TILE_PX; y++) {
        memcpy(px[y], orl_scroll_src(v, tile->x, tile->y + y), ORL_SCROLL_TILE_BYTES);
    }
}

/* The key: in the row with the most edges, one in the middle. */
static bool make_needle(const struct orl_scroll_view *v, size_t index, struct needle *ret_needle)
{
    const struct orl_rect tile = orl_tiles_rect(v->tiles, index);
    if (!is_full(&tile)) {
        return false;
    }
    struct needle *n = ret_needle;
    n->x = tile.x;
    n->y = tile.y;
    copy_tile(v, &tile, n->px);
    unsigned most = 0;
    for (int32_t y = 0; y < ORL_TILE_PX; y++) {
        uint32_t row[ORL_TILE_PX];
        memcpy(row, n->px[y], sizeof(row));
        unsigned edges = 0;
        int32_t key_x = 0;
        for (int32_t x = 0; x + 1 < ORL_TILE_PX; x++) {
            edges += row[x] != row[x + 1];
            key_x = row[x] != row[x + 1] && (key_x == 0 || x < ORL_TILE_PX / 2) ? x : key_x;
        }
        if (edges > most) {
            most = edges;
            n->key_x = key_x;
            n->key_y = y;
        }
    }
    return most >= NEEDLE_MIN_EDGES;
}

static void choose_needles(struct search *s)
{
    struct orl_tiles *tiles = s->view->tiles;
    const size_t step = (s->changed + NEEDLES - 1) / NEEDLES;
    size_t left = 0; /* until the next needle */
    unsigned tries = 0;
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_PICK);
            i < tiles->count && s->needle_count < NEEDLES;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_PICK)) {
        if (left > 0) {
            left--;
            continue;
        }
        tries++;
        const bool is_good = make_needle(s->view, i, &s->needles[s->needle_count]);
        s->needle_count += is_good;
        if (is_good || tries == NEEDLE_TRIES) {
            left = step > tries ? step - tries : 0;
            tries = 0;
        }
    }
}

static void vote(struct search *s, int32_t dx, int32_t dy)
{
    unsigned i = 0;
    while (i < s->candidate_count && (s->candidates[i].dx != dx || s->candidates[i].dy != dy)) {
        i++;
    }
    if (i == CANDIDATES) {
        return;
    }
    if (i == s->candidate_count) {
        s->candidates[s->candidate_count++] = (struct candidate){.dx = dx, .dy = dy};
    }
    const unsigned votes = ++s->candidates[i].votes;
    s->most_votes = votes > s->most_votes ? votes : s->most_votes;
}

static bool is_needle_at(
        const struct orl_scroll_view *v, const struct needle *n, int32_t x, int32_t y)
{
    for (int32_t i = 0; i < ORL_TILE_PX; i++) {
        const int32_t row = (n->key_y + i) % ORL_TILE_PX;
        if (memcmp(orl_scroll_picture(v, x, y + row), n->px[row], ORL_SCROLL_TILE_BYTES) != 0) {
            return false;
        }
    }
    return true;
}

/* The needle with its top at y and its left at x0 .. x1 - 1; what the picture cannot hold is left out. */
static unsigned search_row(struct search *s, const struct needle *n, int32_t y, int32_t x0,
        int32_t x1, unsigned max_hits)
{
    const struct orl_scroll_view *v = s->view;
    const int32_t width = (int32_t)v->tiles->width_px;
    x0 = x0 < 0 ? 0 : x0;
    x1 = x1 > width - ORL_TILE_PX + 1 ? width - ORL_TILE_PX + 1 : x1;
    if (y < 0 || y + ORL_TILE_PX > (int32_t)v->tiles->height_px || x0 >= x1) {
        return 0;
    }
    uint64_t key;
    memcpy(&key, n->px[n->key_y] + (size_t)n->key_x * ORL_SCROLL_PX_BYTES, sizeof(key));
    const uint8_t *at = orl_scroll_picture(v, n->key_x, y + n->key_y);
    unsigned hits = 0;
    for (int32_t x = x0; x < x1 && hits < max_hits; x++) {
        uint64_t here;
        memcpy(&here, at + (size_t)x * ORL_SCROLL_PX_BYTES, sizeof(here));
        if (here == key && is_needle_at(v, n, x, y) && (x != n->x || y != n->y)) {
            vote(s, n->x - x, n->y - y);
            hits++;
        }
    }
    return hits;
}

/* 0, 1, -1, 2, -2 ...: near matches come first. */
static int32_t outward(int32_t i)
{
    return i % 2 != 0 ? (i + 1) / 2 : -(i / 2);
}

static void search_cross(struct search *s)
{
    const int32_t height = (int32_t)s->view->tiles->height_px;
    const int32_t width = (int32_t)s->view->tiles->width_px;
    for (unsigned k = 0; k < s->needle_count && s->most_votes < AGREED; k++) {
        const struct needle *n = &s->needles[k];
        unsigned hits = 0;
        for (int32_t i = 0; i <= 2 * height && hits < NEEDLE_MAX_HITS; i++) {
            hits += search_row(s, n, n->y + outward(i), n->x, n->x + 1, NEEDLE_MAX_HITS - hits);
        }
        (void)search_row(s, n, n->y, 0, width, NEEDLE_MAX_HITS);
    }
}

static void search_near(struct search *s)
{
    for (unsigned k = 0; k < s->needle_count; k++) {
        const struct needle *n = &s->needles[k];
        unsigned hits = 0;
        for (int32_t i = 1; i <= 2 * NEAR_PX && hits < NEEDLE_MAX_HITS; i++) {
            hits += search_row(s, n, n->y + outward(i), n->x - NEAR_PX, n->x + NEAR_PX + 1,
                    NEEDLE_MAX_HITS - hits);
        }
    }
}

/* Those with the most votes come first, and remain. */
static void keep_best_voted(struct search *s)
{
    for (unsigned i = 1; i < s->candidate_count; i++) {
        const struct candidate c = s->candidates[i];
        unsigned at = i;
        while (at > 0 && s->candidates[at - 1].votes < c.votes) {
            s->candidates[at] = s->candidates[at - 1];
            at--;
        }
        s->candidates[at] = c;
    }
    if (s->candidate_count > CANDIDATES_SCORED) {
        s->candidate_count = CANDIDATES_SCORED;
    }
}

static bool can_seed(const struct orl_scroll_view *v, const struct orl_rect *tile)
{
    if (!is_full(tile)) {
        return false;
    }
    uint8_t px[ORL_TILE_PX][ORL_SCROLL_TILE_BYTES];
    copy_tile(v, tile, px);
    const size_t rest = sizeof(px) - ORL_SCROLL_PX_BYTES;
    return memcmp(px[0], px[0] + ORL_SCROLL_PX_BYTES, rest) != 0; /* not of one colour */
}

/* What each candidate explains of the tiles that still differ; the best, or NULL. */
static struct candidate *choose_candidate(struct search *s, size_t *ret_explained_percent)
{
    struct orl_tiles *tiles = s->view->tiles;
    const size_t left = orl_tiles_count(tiles, ORL_TILE_PICK);
    const size_t step = left / SAMPLES + 1;
    size_t seen = 0;
    size_t sampled = 0;
    for (unsigned k = 0; k < s->candidate_count; k++) {
        s->candidates[k].score = 0;
    }
    for (size_t i = orl_tiles_find(tiles, 0, ORL_TILE_PICK); i < tiles->count;
            i = orl_tiles_find(tiles, i + 1, ORL_TILE_PICK)) {
        if (seen++ % step != 0) {
            continue;
        }
        const struct orl_rect tile = orl_tiles_rect(tiles, i);
        if (!can_seed(s->view, &tile)) {
            continue;
        }
        sampled++;
        for (unsigned k = 0; k < s->candidate_count; k++) {
            struct candidate *c = &s->candidates[k];
            c->score += orl_scroll_is_tile_moved(s->view, &tile, c->dx, c->dy);
        }
    }
    struct candidate *best = NULL;
    for (unsigned k = 0; k < s->candidate_count; k++) {
        if (s->candidates[k].score > (best == NULL ? 0 : best->score)) {
            best = &s->candidates[k];
        }
    }
    *ret_explained_percent = best == NULL ? 0 : (size_t)best->score * 100 / sampled;
    return best;
}

struct tile_span {
    unsigned col0, row0, col1, row1; /* 1: exclusive */
};

static struct tile_span touched_by(const struct orl_rect *r)
{
    return (struct tile_span){(unsigned)r->x / ORL_TILE_PX, (unsigned)r->y / ORL_TILE_PX,
            (unsigned)(r->x + r->width - 1) / ORL_TILE_PX + 1,
            (unsigned)(r->y + r->height - 1) / ORL_TILE_PX + 1};
}

/* The part of *r that tiles with PICK touch; how many of them are inside. */
static size_t trim(const struct orl_tiles *tiles, struct orl_rect *r)
{
    const struct tile_span all = touched_by(r);
    struct tile_span used = {all.col1, all.row1, all.col0, all.row0};
    size_t inside = 0;
    for (unsigned row = all.row0; row < all.row1; row++) {
        const uint8_t *flags = tiles->flags + (size_t)row * tiles->cols;
        const bool is_row_inside = (int32_t)row * ORL_TILE_PX >= r->y &&
                                   (int32_t)(row + 1) * ORL_TILE_PX <= r->y + r->height;
        for (unsigned col = all.col0; col < all.col1; col++) {
            if ((flags[col] & ORL_TILE_PICK) == 0) {
                continue;
            }
            used.col0 = col < used.col0 ? col : used.col0;
            used.col1 = col >= used.col1 ? col + 1 : used.col1;
            used.row0 = row < used.row0 ? row : used.row0;
            used.row1 = row + 1;
            inside += is_row_inside && (int32_t)col * ORL_TILE_PX >= r->x &&
                      (int32_t)(col + 1) * ORL_TILE_PX <= r->x + r->width;
        }
    }
    const struct orl_rect box = {(int32_t)used.col0 * ORL_TILE_PX, (int32_t)used.row0 * ORL_TILE_PX,
            ((int32_t)used.col1 - (int32_t)used.col0) * ORL_TILE_PX,
            ((int32_t)used.row1 - (int32_t)used.row0) * ORL_TILE_PX};
    *r = orl_rect_intersect(r, &box); /* empty when none has it */
    return inside;
}

/* Where pixels may land that come from inside the picture, and where something changed. */
static struct orl_rect landing_of(const struct search *s, int32_t dx, int32_t dy)
{
    const struct orl_tiles *tiles = s->view->tiles;
    struct orl_rect changed = {0, 0, (int32_t)tiles->width_px, (int32_t)tiles->height_px};
    const struct orl_rect shifted = {dx, dy, changed.width, changed.height};
    struct orl_rect landing = orl_rect_intersect(&changed, &shifted);
    changed = landing;
    if (!orl_rect_is_empty(&changed)) {
        (void)trim(tiles, &changed);
    }
    return changed;
}

static void take_offset(struct search *s, int32_t dx, int32_t dy)
{
    const struct orl_scroll_view *v = s->view;
    const struct orl_rect landing = landing_of(s, dx, dy);
    for (size_t i = orl_tiles_find(v->tiles, 0, ORL_TILE_PICK); i < v->tiles->count;
            i = orl_tiles_find(v->tiles, i + 1, ORL_TILE_PICK)) {
        const struct orl_rect tile = orl_tiles_rect(v->tiles, i);
        if (s->move_count == ORL_SCROLL_MAX_MOVES || s->futile == MAX_FUTILE) {
            return;
        }
        if (!orl_rect_contains(&landing, &tile) || !orl_scroll_is_tile_moved(v, &tile, dx, dy) ||
                !can_seed(v, &tile)) {
            continue;
        }
        struct orl_move move = {orl_scroll_grow(v, &tile, &landing, dx, dy), dx, dy};
        if (orl_rect_is_empty(&move.to) || trim(v->tiles, &move.to) < MIN_GAIN_TILES) {
            s->futile++;
            continue;
        }
        orl_move_apply(&move, v->tiles, v->picture, v->stride_bytes);
        s->moves[s->move_count++] = move;
    }
}

/* True: nothing is left to be looked for. */
static bool take_guess(struct search *s)
{
    const struct orl_scroll_view *v = s->view;
    size_t explained_percent = 0;
    s->candidates[0] = (struct candidate){.dx = v->guess_dx, .dy = v->guess_dy};
    s->candidate_count = 1;
    (void)choose_candidate(s, &explained_percent);
    s->candidate_count = 0;
    if (explained_percent < GUESS_PERCENT) {
        return false;
    }
    take_offset(s, v->guess_dx, v->guess_dy);
    return orl_tiles_count(v->tiles, ORL_TILE_PICK) < MIN_TILES;
}

static void take_all(struct search *s)
{
    if ((s->view->guess_dx != 0 || s->view->guess_dy != 0) && take_guess(s)) {
        return;
    }
    choose_needles(s);
    search_cross(s);
    keep_best_voted(s);
    size_t explained_percent = 0;
    struct candidate *best = choose_candidate(s, &explained_percent);
    if (explained_percent < ENOUGH_PERCENT) {
        search_near(s);
        keep_best_voted(s);
        best = choose_candidate(s, &explained_percent);
    }
    for (unsigned i = 0; i < ROUNDS && best != NULL; i++) {
        take_offset(s, best->dx, best->dy);
        *best = s->candidates[--s->candidate_count];
        best = NULL;
        if (orl_tiles_count(s->view->tiles, ORL_TILE_PICK) >= MIN_TILES) {
            best = choose_candidate(s, &explained_percent);
        }
    }
}

unsigned orl_scroll_take(
        const struct orl_scroll_view *view, struct orl_move ret_moves[ORL_SCROLL_MAX_MOVES])
{
    struct search s = {.view = view, .moves = ret_moves, .changed = mark_changed(view)};
    if (s.changed >= MIN_TILES) {
        take_all(&s);
    }
    orl_tiles_clear_all(view->tiles, ORL_TILE_PICK);
    return s.move_count;
}
