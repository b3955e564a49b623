#include "base/hours.h"

#include <string.h>
#include <time.h>

enum { DAY_MIN = 24 * 60, DAYS = 7, ALL_DAYS = (1 << DAYS) - 1 };

struct text {
    const char *at;
    size_t left;
};

static bool skip(struct text *text, char c)
{
    if (text->left == 0 || *text->at != c) {
        return false;
    }
    text->at++;
    text->left--;
    return true;
}

static void skip_spaces(struct text *text)
{
    while (skip(text, ' ') || skip(text, '\t')) {
    }
}

static bool skip_word(struct text *text, const char *word)
{
    size_t len = strlen(word);
    if (text->left < len || strncmp(text->at, word, len) != 0) {
        return false;
    }
    text->at += len;
    text->left -= len;
    return true;
}

/* -1: none. */
static int get_day(struct text *text)
{
    static const char *const names[DAYS] = {"mon", "tue", "wed", "thu", "fri", "sat", "sun"};
    for (int i = 0; i < DAYS; i++) {
        if (skip_word(text, names[i])) {
            return i;
        }
    }
    return -1;
}

/* A bit for each day; 0: none. */
static unsigned get_days(struct text *text)
{
    unsigned days = 0;
    if (skip_word(text, "daily")) {
        return ALL_DAYS;
    }
    do {
        int first = get_day(text);
        int last = first >= 0 && skip(text, '-') ? get_day(text) : first;
        if (first < 0 || last < 0) {
            return 0;
        }
        for (int day = first;; day = (day + 1) % DAYS) {
            days |= 1U << day;
            if (day == last) {
                break;
            }
        }
    } while (skip(text, ','));
    return days;
}

static int get_two_digits(struct text *text)
{
    if (text->left < 2 || text->at[0] < '0' || text->at[0] > '9' || text->at[1] < '0' ||
            text->at[1] > '9') {
        return -1;
    }
    int value = (text->at[0] - '0') * 10 + (text->at[1] - '0');
    text->at += 2;
    text->left -= 2;
    return value;
}

/* Minutes since midnight; -1: no time. */
static int get_time(struct text *text, int max_min)
{
    int hour = get_two_digits(text);
    int minute = hour >= 0 && skip(text, ':') ? get_two_digits(text) : -1;
    int at = hour * 60 + minute;
    return minute < 0 || minute > 59 || at > max_min ? -1 : at;
}

static void set_minutes(struct orl_hours *hours, int from, int count)
{
    for (int i = 0; i < count; i++) {
        int minute = (from + i) % ORL_HOURS_WEEK_MIN;
        hours->minutes[minute / 8] |= (uint8_t)(1U << (minute % 8));
    }
}

int orl_hours_add(struct orl_hours *hours, const char *text, size_t len, size_t *ret_used,
        struct orl_err *err)
{
    struct text rest = {text, len};
    skip_spaces(&rest);
    unsigned days = get_days(&rest);
    bool has_gap = skip(&rest, ' ');
    skip_spaces(&rest);
    int from = days != 0 && has_gap ? get_time(&rest, DAY_MIN - 1) : -1;
    int to = from >= 0 && skip(&rest, '-') ? get_time(&rest, DAY_MIN) : -1;
    skip_spaces(&rest);
    if (to < 0 || (ret_used == NULL && rest.left > 0)) {
        return orl_err_set(err, ORL_E_INVAL,
                "hours are written as \"mon-fri 08:00-18:00\", several by semicolons");
    }
    for (int day = 0; day < DAYS; day++) {
        if ((days & (1U << day)) != 0) {
            set_minutes(hours, day * DAY_MIN + from, to > from ? to - from : to + DAY_MIN - from);
        }
    }
    if (ret_used != NULL) {
        *ret_used = len - rest.left;
    }
    return 0;
}

int orl_hours_parse(const char *text, struct orl_hours *ret_hours, struct orl_err *err)
{
    struct orl_hours hours = {{0}};
    const char *at = text;
    while (*at != '\0') {
        const char *end = strchr(at, ';');
        size_t len = end != NULL ? (size_t)(end - at) : strlen(at);
        int rc = orl_hours_add(&hours, at, len, NULL, err);
        if (rc < 0) {
            return rc;
        }
        at += len;
        at += *at == ';';
    }
    *ret_hours = hours;
    return 0;
}

bool orl_hours_has(const struct orl_hours *hours, uint64_t wall_ms)
{
    time_t seconds = (time_t)(wall_ms / 1000);
    struct tm local;
    if (localtime_r(&seconds, &local) == NULL) {
        return false;
    }
    int day = (local.tm_wday + DAYS - 1) % DAYS; /* tm counts from Sunday */
    int minute = day * DAY_MIN + local.tm_hour * 60 + local.tm_min;
    return (hours->minutes[minute / 8] & (1U << (minute % 8))) != 0;
}

uint32_t orl_hours_left_s(const struct orl_hours *hours, uint64_t wall_ms, uint32_t max_s)
{
    if (!orl_hours_has(hours, wall_ms)) {
        return 0;
    }
    uint64_t left_s = 60 - wall_ms / 1000 % 60; /* clocks are put by whole minutes */
    while (left_s < max_s && orl_hours_has(hours, wall_ms + left_s * 1000)) {
        left_s += 60;
    }
    return left_s < max_s ? (uint32_t)left_s : max_s;
}
