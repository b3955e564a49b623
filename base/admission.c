#include "base/admission.h"
#include <stdlib.h>
#include <string.h>

/* Prefixes remembered at a time: those with a half-open connection, and those of the last period. */
enum { MAX_PREFIXES = 8192 };

struct entry {
    struct orl_prefix prefix;
    bool is_used;
    unsigned half_open;
    unsigned in_window;
    uint64_t window_start_us;
};
struct orl_admission {
    struct orl_admission_limits limits;
    unsigned total;
    unsigned half_open;
    unsigned entry_count; /* entries[0 .. entry_count) were ever used */
    struct entry entries[MAX_PREFIXES];
};

const char *orl_admission_verdict_name(enum orl_admission_verdict verdict)
{
    static const char *const names[] = {
            "admitted", "connections", "half-open", "half-open of this address", "rate"};
    return names[verdict];
}

int orl_admission_new(
        const struct orl_admission_limits *limits, struct orl_admission **ret_admission)
{
    struct orl_admission *admission = calloc(1, sizeof(*admission));
    if (admission == NULL) {
        return ORL_E_NOMEM;
    }
    admission->limits = *limits;
    *ret_admission = admission;
    return ORL_OK;
}

static struct entry *find(struct orl_admission *admission, const struct orl_prefix *prefix)
{
    for (unsigned i = 0; i < admission->entry_count; i++) {
        struct entry *entry = &admission->entries[i];
        if (entry->is_used && memcmp(&entry->prefix, prefix, sizeof(*prefix)) == 0) {
            return entry;
        }
    }
    return NULL;
}

static bool is_stale(const struct entry *entry, uint64_t now_us)
{
    return !entry->is_used ||
           (entry->half_open == 0 && now_us - entry->window_start_us >= ORL_ADMISSION_PERIOD_US);
}

/* For a flood out of more prefixes than we remember: it must not keep a new one out. */
static struct entry *oldest_at_rest(struct orl_admission *admission)
{
    struct entry *oldest = NULL;
    for (unsigned i = 0; i < admission->entry_count; i++) {
        struct entry *entry = &admission->entries[i];
        if (entry->half_open == 0 &&
                (oldest == NULL || entry->window_start_us < oldest->window_start_us)) {
            oldest = entry;
        }
    }
    if (oldest != NULL) {
        *oldest = (struct entry){0};
    }
    return oldest;
}

static struct entry *find_or_add(
        struct orl_admission *admission, const struct orl_prefix *prefix, uint64_t now_us)
{
    struct entry *entry = find(admission, prefix);
    for (unsigned i = 0; entry == NULL && i < admission->entry_count; i++) {
        if (is_stale(&admission->entries[i], now_us)) {
            entry = &admission->entries[i];
            *entry = (struct entry){0};
        }
    }
    if (entry == NULL && admission->entry_count < MAX_PREFIXES) {
        entry = &admission->entries[admission->entry_count++];
    }
    if (entry == NULL) {
        entry = oldest_at_rest(admission);
    }
    if (entry != NULL && !entry->is_used) {
        *entry = (struct entry){.prefix = *prefix, .is_used = true, .window_start_us = now_us};
    }
    return entry;
}

enum orl_admission_verdict orl_admission_enter(
        struct orl_admission *admission, const struct orl_prefix *prefix, uint64_t now_us)
{
    const struct orl_admission_limits *limits = &admission->limits;
    struct entry *entry = find_or_add(admission, prefix, now_us);
    if (entry == NULL) {
        return ORL_REFUSE_HALF_OPEN; /* every prefix that we can remember has one */
    }
    if (now_us - entry->window_start_us >= ORL_ADMISSION_PERIOD_US) {
        entry->window_start_us = now_us;
        entry->in_window = 0;
    }
    if (entry->in_window >= limits->max_rate_per_prefix) {
        return ORL_REFUSE_RATE;
    }
    entry->in_window++;
    if (admission->total >= limits->max_total) {
        return ORL_REFUSE_TOTAL;
    }
    if (admission->half_open >= limits->max_half_open) {
        return ORL_REFUSE_HALF_OPEN;
    }
    unsigned room = limits->max_half_open - admission->half_open;
    if (entry->half_open >= limits->max_half_open_per_prefix ||
            (limits->leaves_room && entry->half_open >= room)) {
        return ORL_REFUSE_PREFIX;
    }
    entry->half_open++;
    admission->half_open++;
    admission->total++;
    return ORL_ADMIT;
}

void orl_admission_logged_in(struct orl_admission *admission, const struct orl_prefix *prefix)
{
    struct entry *entry = find(admission, prefix);
    orl_assert(entry != NULL && entry->half_open > 0 && admission->half_open > 0);
    entry->half_open--;
    admission->half_open--;
}

void orl_admission_leave(
        struct orl_admission *admission, const struct orl_prefix *prefix, bool is_half_open)
{
    if (is_half_open) {
        orl_admission_logged_in(admission, prefix);
    }
    orl_assert(admission->total > 0);
    admission->total--;
}

unsigned orl_admission_total(const struct orl_admission *admission)
{
    return admission->total;
}

unsigned orl_admission_half_open(const struct orl_admission *admission)
{
    return admission->half_open;
}

void orl_admission_free(struct orl_admission *admission)
{
    free(admission);
}
