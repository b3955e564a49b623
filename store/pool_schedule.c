#include "store/pool_schedule.h"
#include "base/hours.h"
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

struct text {
    const char *start, *at;
};
struct entry {
    struct orl_hours hours;
    bool has_running, has_suspended;
    struct orl_spares spares;
};

static int fault(const struct text *in, const char *what, struct orl_err *err)
{
    return orl_err_set(
            err, ORL_E_INVAL, "character %zu: %s", (size_t)(in->at - in->start) + 1, what);
}

static void skip_blanks(struct text *in)
{
    in->at += strspn(in->at, " \t");
}

static int read_number(struct text *in, uint32_t *ret_number, struct orl_err *err)
{
    uint32_t number = 0;
    const struct text start = *in;
    while (*in->at >= '0' && *in->at <= '9' && number <= ORL_SCHEDULE_MAX_SPARES) {
        number = number * 10 + (uint32_t)(*in->at++ - '0');
    }
    if (in->at == start.at || number > ORL_SCHEDULE_MAX_SPARES) {
        return fault(&start, "a number up to 10000 is expected", err);
    }
    *ret_number = number;
    return *in->at && !strchr(" \t;", *in->at) ? fault(in, "a blank or ';' is expected", err) : 0;
}

static bool skip_word(struct text *in, const char *word)
{
    size_t len = strlen(word);
    bool is_there = strncmp(in->at, word, len) == 0;
    in->at += is_there ? len : 0;
    return is_there;
}

/* "spares=20" or "suspended=5", each once. */
static int read_setting(struct text *in, struct entry *entry, struct orl_err *err)
{
    int r = 0;
    if (!entry->has_running && skip_word(in, "spares=")) {
        entry->has_running = true;
        r = read_number(in, &entry->spares.running, err);
    } else if (!entry->has_suspended && skip_word(in, "suspended=")) {
        entry->has_suspended = true;
        r = read_number(in, &entry->spares.suspended, err);
    } else {
        r = fault(in, "spares=N or suspended=N is expected, each once", err);
    }
    skip_blanks(in);
    return r;
}

static int read_entry(struct text *in, struct entry *ret_entry, struct orl_err *err)
{
    size_t used = 0;
    memset(ret_entry, 0, sizeof *ret_entry);
    if (orl_hours_add(&ret_entry->hours, in->at, strlen(in->at), &used, err) < 0) {
        char place[24];
        (void)snprintf(place, sizeof place, "character %zu", (size_t)(in->at - in->start) + 1);
        return orl_err_prefix(err, "%s", place);
    }
    in->at += used;
    int r = read_setting(in, ret_entry, err);
    while (r == 0 && *in->at && *in->at != ';') {
        r = read_setting(in, ret_entry, err);
    }
    return r;
}

/* The next entry; 0: there is none, 1: there is. */
static int next_entry(struct text *in, size_t *count, struct entry *ret_entry, struct orl_err *err)
{
    skip_blanks(in);
    if (!*in->at) {
        return 0;
    }
    if ((*count)++ == ORL_SCHEDULE_MAX_ENTRIES) {
        return fault(in, "more than 32 entries", err);
    }
    int r = read_entry(in, ret_entry, err);
    in->at += r == 0 && *in->at == ';';
    return r < 0 ? r : 1;
}

static struct orl_spares spares_of(const struct entry *entry, struct orl_spares own)
{
    own.running = entry->has_running ? entry->spares.running : own.running;
    own.suspended = entry->has_suspended ? entry->spares.suspended : own.suspended;
    return own;
}

int orl_schedule_spares(const char *text, uint64_t wall_ms, struct orl_spares own,
        struct orl_spares *ret_spares, struct orl_err *err)
{
    struct text in = {.start = text, .at = text};
    struct orl_spares spares = own;
    struct entry entry;
    bool is_found = false;
    size_t count = 0;
    int r = 0;
    while ((r = next_entry(&in, &count, &entry, err)) == 1) {
        if (!is_found && orl_hours_has(&entry.hours, wall_ms)) {
            is_found = true;
            spares = spares_of(&entry, own);
        }
    }
    if (r == 0) {
        *ret_spares = spares;
    }
    return r;
}

int orl_schedule_check(const char *text, struct orl_spares own, uint32_t max, struct orl_err *err)
{
    struct text in = {.start = text, .at = text};
    struct entry entry;
    size_t count = 0;
    int r = 0;
    while ((r = next_entry(&in, &count, &entry, err)) == 1) {
        struct orl_spares spares = spares_of(&entry, own);
        if ((uint64_t)spares.running + spares.suspended > max) {
            return orl_err_set(err, ORL_E_INVAL, "entry %zu wants %u and %u spares: over 'max'",
                    count, spares.running, spares.suspended);
        }
    }
    return r;
}
