#include "store/page.h"

#include "store/store_db.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

int orl_page_key_refuse(struct orl_err *err)
{
    return orl_err_set(err, ORL_E_INVAL, "after: not what an answer of this list had in `next`");
}

static int read_names(const char *at, unsigned count, struct orl_page_key *key, struct orl_err *err)
{
    for (unsigned i = 0; i < count; i++) {
        size_t len = i + 1 < count ? strcspn(at, "/") : strlen(at);
        if (len == 0 || len >= sizeof(key->part[i]) || (i + 1 < count && at[len] != '/')) {
            return orl_page_key_refuse(err);
        }
        memcpy(key->part[i], at, len);
        at += len + (i + 1 < count);
    }
    return 0;
}

static bool is_first(const struct orl_page *page)
{
    return page == NULL || page->after == NULL || page->after[0] == '\0';
}

int orl_page_key_names(const struct orl_page *page, unsigned count, struct orl_page_key *ret_key,
        struct orl_err *err)
{
    struct orl_page_key key = {0};
    int rc = is_first(page) ? 0 : read_names(page->after, count, &key, err);
    if (rc == 0) {
        *ret_key = key;
    }
    return rc;
}

int orl_page_key_timed(const struct orl_page *page, bool is_newest_first, unsigned count,
        struct orl_page_key *ret_key, struct orl_err *err)
{
    struct orl_page_key key = {.number = is_newest_first ? INT64_MAX : 0};
    if (!is_first(page)) {
        char *end = NULL;
        errno = 0;
        unsigned long long number = strtoull(page->after, &end, 10);
        if (isdigit((unsigned char)page->after[0]) == 0 || errno != 0 || number > INT64_MAX ||
                *end != '/') {
            return orl_page_key_refuse(err);
        }
        key.number = number;
        int rc = read_names(end + 1, count, &key, err);
        if (rc < 0) {
            return rc;
        }
    }
    *ret_key = key;
    return 0;
}

void orl_page_put_like(struct orl_db_query *q, const struct orl_page *page)
{
    char pattern[2 * ORL_USER_MAX + 3] = "%";
    size_t len = 1;
    const char *text = page != NULL && page->text != NULL ? page->text : "";
    for (const char *at = text; *at != '\0' && len + 3 < sizeof(pattern); at++) {
        if (strchr("%_\\", *at) != NULL) {
            pattern[len++] = '\\';
        }
        pattern[len++] = (char)(*at >= 'A' && *at <= 'Z' ? *at + ('a' - 'A') : *at);
    }
    if (len > 1) {
        pattern[len++] = '%';
    }
    pattern[len] = '\0';
    orl_db_put_text(q, pattern);
}

void orl_page_put_max(struct orl_db_query *q, const struct orl_page *page)
{
    orl_db_put_u64(q, page == NULL || page->max_count == 0 ? INT32_MAX : page->max_count);
}

struct orl_db_query orl_page_query(struct orl_db *db, const char *sql, const struct orl_page *page)
{
    struct orl_page_key key = {0};
    struct orl_db_query q = orl_db_query(db, sql);
    int rc = orl_page_key_names(page, 1, &key, q.failed.code == 0 ? &q.failed : NULL);
    orl_assert(rc == 0 || q.failed.code < 0);
    orl_db_put_text(&q, key.part[0]);
    orl_page_put_like(&q, page);
    orl_page_put_max(&q, page);
    return q;
}
