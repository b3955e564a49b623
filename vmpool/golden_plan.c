#include "vmpool/golden_plan.h"
#include <string.h>

enum { BOOTS_MAX = 3, BACKOFF_FIRST_MS = 60000, BACKOFF_MAX_SHIFT = 9, BACKOFF_MAX_MS = 21600000 };

static bool is_kin(const struct orl_golden_row *row, const struct orl_golden_want *want)
{
    return strcmp(row->template_name, want->template_name) == 0 &&
           strcmp(row->devices, want->devices) == 0;
}

/* Its copies are what the want's own would be. */
static bool serves(const struct orl_golden_row *row, const struct orl_golden_want *want)
{
    return is_kin(row, want) && row->template_version == want->template_version;
}

static bool is_exact(const struct orl_golden_row *row, const struct orl_golden_want *want)
{
    return serves(row, want) && row->qemu == want->qemu && strcmp(row->machine, want->machine) == 0;
}

uint64_t orl_golden_backoff_ms(uint32_t attempts)
{
    uint32_t shift = attempts > 0 ? attempts - 1 : 0;
    uint64_t ms = (uint64_t)BACKOFF_FIRST_MS
                  << (shift < BACKOFF_MAX_SHIFT ? shift : BACKOFF_MAX_SHIFT);
    return ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

enum orl_golden_answer orl_golden_pick(const struct orl_golden_row *rows, size_t count,
        const struct orl_golden_want *want, const struct orl_golden_row **ret_row)
{
    const struct orl_golden_row *best = NULL;
    const struct orl_golden_row *making = NULL;
    const struct orl_golden_row *failed = NULL;
    for (size_t i = 0; i < count; i++) { /* the newest first */
        const struct orl_golden_row *row = &rows[i];
        if (row->state == ORL_GOLDEN_READY && serves(row, want) &&
                (!best || (is_exact(row, want) && !is_exact(best, want)))) {
            best = row;
        } else if (row->state == ORL_GOLDEN_BUILDING && is_exact(row, want)) {
            making = row;
        } else if (row->state == ORL_GOLDEN_FAILED && is_exact(row, want) && !failed) {
            failed = row;
        }
    }
    *ret_row = best ? best : making ? making : failed;
    return best                              ? ORL_GOLDEN_SERVES
           : making && making->attempts <= 1 ? ORL_GOLDEN_WAIT
                                             : ORL_GOLDEN_NONE;
}

uint32_t orl_golden_failures(
        const struct orl_golden_row *rows, size_t count, const struct orl_golden_want *want)
{
    uint32_t most = 0;
    for (size_t i = 0; i < count; i++) {
        if (rows[i].state == ORL_GOLDEN_FAILED && is_exact(&rows[i], want) &&
                rows[i].attempts > most) {
            most = rows[i].attempts;
        }
    }
    return most;
}

uint32_t orl_golden_older_version(
        const struct orl_golden_row *rows, size_t count, const struct orl_golden_want *want)
{
    const struct orl_golden_row *own = NULL;
    uint32_t older = 0;
    if (orl_golden_pick(rows, count, want, &own) != ORL_GOLDEN_WAIT) {
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (rows[i].state == ORL_GOLDEN_READY && is_kin(&rows[i], want) &&
                rows[i].template_version < want->template_version &&
                rows[i].template_version > older) {
            older = rows[i].template_version;
        }
    }
    return older;
}

struct pass {
    const struct orl_golden_input *in;
    struct orl_golden_todo *todo;
    bool is_building;
};

static void add(struct pass *pass, enum orl_golden_act act, size_t subject, const char *text)
{
    struct orl_golden_todo *todo = pass->todo;
    if (todo->count < sizeof todo->actions / sizeof todo->actions[0]) {
        todo->actions[todo->count++] =
                (struct orl_golden_action){.act = act, .subject = subject, .text = text};
    }
}

static bool is_wanted(const struct orl_golden_input *in, const struct orl_golden_row *row)
{
    for (size_t i = 0; i < in->want_count; i++) {
        if (is_exact(row, &in->wants[i])) {
            return true;
        }
    }
    return false;
}

static bool has_exact(const struct orl_golden_input *in, const struct orl_golden_want *want)
{
    for (size_t i = 0; i < in->seen_count; i++) {
        const struct orl_golden_row *row = in->seen[i].row;
        if (row->state == ORL_GOLDEN_READY && is_exact(row, want)) {
            return true;
        }
    }
    return false;
}

/* An older one is kept while what takes its place is not there yet. */
static bool is_needed(const struct orl_golden_input *in, const struct orl_golden_row *row)
{
    for (size_t i = 0; i < in->want_count; i++) {
        if (is_exact(row, &in->wants[i]) ||
                (is_kin(row, &in->wants[i]) && !has_exact(in, &in->wants[i]))) {
            return true;
        }
    }
    return false;
}

static bool has_room(const struct orl_golden_input *in, uint32_t memory_mib, bool is_shared)
{
    return in->free_memory_mib >= memory_mib + in->limits.reserve_memory_mib &&
           (!is_shared || in->golden_free_mib >= memory_mib);
}

static void plan_building(struct pass *pass, size_t index)
{
    const struct orl_golden_input *in = pass->in;
    const struct orl_golden_seen *s = &in->seen[index];
    if (!is_wanted(in, s->row)) {
        add(pass, ORL_GOLDEN_RETIRE, index, "no pool wants it any more");
    } else if (s->is_whole && !s->is_running) {
        add(pass, ORL_GOLDEN_PUBLISH, index, NULL);
    } else if (s->fault) {
        add(pass, ORL_GOLDEN_FAIL, index, s->fault);
    } else if (in->now_ms >= s->row->created_ms + in->limits.build_timeout_ms) {
        add(pass, ORL_GOLDEN_FAIL, index, "its desktop did not come to rest in time");
    } else if (s->is_running && s->has_rested) {
        add(pass, ORL_GOLDEN_FREEZE, index, NULL);
    } else if (s->is_running) {
        if (in->now_ms >= s->looked_ms + in->limits.look_period_ms) {
            add(pass, ORL_GOLDEN_LOOK, index, NULL);
        }
    } else if (s->boots >= BOOTS_MAX) {
        add(pass, ORL_GOLDEN_FAIL, index, "its machine ended by itself");
    } else if (in->can_build && has_room(in, s->row->memory_mib, s->row->is_shared)) {
        add(pass, ORL_GOLDEN_BOOT, index, NULL);
    }
}

static bool is_superseded(const struct orl_golden_input *in, const struct orl_golden_row *row)
{
    for (size_t i = 0; i < in->seen_count; i++) {
        const struct orl_golden_row *other = in->seen[i].row;
        if (other != row && other->created_ms > row->created_ms &&
                strcmp(other->template_name, row->template_name) == 0 &&
                other->template_version == row->template_version &&
                strcmp(other->devices, row->devices) == 0 && other->qemu == row->qemu) {
            return true;
        }
    }
    return false;
}

static void plan_over(struct pass *pass, size_t index)
{
    const struct orl_golden_seen *s = &pass->in->seen[index];
    if (pass->in->copies[index] > 0) {
        return;
    }
    if (s->is_here) {
        add(pass, ORL_GOLDEN_ERASE, index, NULL);
    } else if (s->row->state == ORL_GOLDEN_STALE || !is_wanted(pass->in, s->row) ||
               is_superseded(pass->in, s->row)) {
        add(pass, ORL_GOLDEN_FORGET, index, NULL);
    }
}

static void plan_row(struct pass *pass, size_t index)
{
    const struct orl_golden_seen *s = &pass->in->seen[index];
    pass->is_building = pass->is_building || s->row->state == ORL_GOLDEN_BUILDING;
    if (s->is_busy) {
        return;
    }
    switch (s->row->state) {
    case ORL_GOLDEN_BUILDING:
        plan_building(pass, index);
        break;
    case ORL_GOLDEN_READY:
        if (!s->is_whole) {
            add(pass, ORL_GOLDEN_RETIRE, index, "its files are gone");
        } else if (!is_needed(pass->in, s->row)) {
            add(pass, ORL_GOLDEN_RETIRE, index, "another took its place, or no pool wants it");
        }
        break;
    default:
        plan_over(pass, index);
        break;
    }
}

static bool is_due(const struct orl_golden_input *in, const struct orl_golden_want *want)
{
    for (size_t i = 0; i < in->seen_count; i++) {
        const struct orl_golden_row *row = in->seen[i].row;
        if (!is_exact(row, want)) {
            continue;
        }
        if (row->state == ORL_GOLDEN_BUILDING || row->state == ORL_GOLDEN_READY ||
                (row->state == ORL_GOLDEN_FAILED &&
                        in->now_ms < row->changed_ms + orl_golden_backoff_ms(row->attempts))) {
            return false;
        }
    }
    return true;
}

void orl_golden_plan(const struct orl_golden_input *input, struct orl_golden_todo *ret_todo)
{
    struct pass pass = {.in = input, .todo = ret_todo};
    ret_todo->count = 0;
    for (size_t i = 0; i < input->seen_count; i++) {
        plan_row(&pass, i);
    }
    /* One at a time: each is a whole desktop that boots. */
    for (size_t i = 0; i < input->want_count && !pass.is_building; i++) {
        const struct orl_golden_want *want = &input->wants[i];
        if (input->can_build && input->seen_count < ORL_GOLDEN_MAX && is_due(input, want) &&
                has_room(input, want->memory_mib, want->is_shared)) {
            add(&pass, ORL_GOLDEN_INSERT, i, NULL);
            pass.is_building = true;
        }
    }
}
