#include "broker/thumbs.h"

#include "base/clock.h"
#include "base/secret.h"
#include "store/pool.h"

#include <stdlib.h>
#include <string.h>

enum { MAX_THUMBS = 512, SWEPT_AT_ONCE = 128 }; /* 8 MiB of pictures at most */
#define AGAIN_US (UINT64_C(4) * ORL_US_PER_S)

struct thumb {
    char session[ORL_ID_LEN + 1]; /* empty: unused */
    uint64_t asked_us;
    bool is_awaited;
    size_t len; /* 0: none yet */
    char *jpeg;
};
struct orl_thumbs {
    struct orl_broker *broker;
    struct thumb list[MAX_THUMBS];
    unsigned swept; /* the next to be looked at */
};

int orl_thumbs_new(struct orl_broker *broker, struct orl_thumbs **ret_thumbs, struct orl_err *err)
{
    struct orl_thumbs *thumbs = calloc(1, sizeof(*thumbs));
    if (thumbs == NULL) {
        return orl_err_set(err, ORL_E_NOMEM, "thumbnails: out of memory");
    }
    thumbs->broker = broker;
    *ret_thumbs = thumbs;
    return 0;
}

static void clear(struct thumb *thumb)
{
    if (thumb->jpeg != NULL) {
        orl_secret_wipe(thumb->jpeg, thumb->len);
    }
    free(thumb->jpeg);
    *thumb = (struct thumb){0};
}

void orl_thumbs_free(struct orl_thumbs *thumbs)
{
    for (unsigned i = 0; thumbs != NULL && i < MAX_THUMBS; i++) {
        clear(&thumbs->list[i]);
    }
    free(thumbs);
}

static struct thumb *find(const struct orl_thumbs *thumbs, const char *session)
{
    for (unsigned i = 0; i < MAX_THUMBS; i++) {
        if (strcmp(thumbs->list[i].session, session) == 0 && session[0] != '\0') {
            return (struct thumb *)(uintptr_t)&thumbs->list[i];
        }
    }
    return NULL;
}

/* The one that nobody has looked at for the longest makes room. */
static struct thumb *find_or_make(struct orl_thumbs *thumbs, const char *session)
{
    struct thumb *found = find(thumbs, session);
    if (found != NULL) {
        return found;
    }
    struct thumb *victim = &thumbs->list[0];
    for (unsigned i = 0; i < MAX_THUMBS; i++) {
        if (thumbs->list[i].asked_us < victim->asked_us) {
            victim = &thumbs->list[i];
        }
    }
    clear(victim);
    orl_msg_text(victim->session, sizeof(victim->session), session);
    return victim;
}

bool orl_thumbs_has_pool(const struct orl_thumbs *thumbs, const char *pool)
{
    struct orl_pool_row row = {0};
    return orl_pool_get(thumbs->broker->store, pool, &row, NULL) == 0 && row.has_thumbnails;
}

void orl_thumbs_ask(struct orl_thumbs *thumbs, const char *session)
{
    uint64_t now_us = orl_loop_now_us(thumbs->broker->loop);
    struct orl_conn *conn = orl_conn_find_session(thumbs->broker->gateways, session);
    if (conn == NULL || conn->state != ORL_CONN_LIVE || !orl_thumbs_has_pool(thumbs, conn->pool)) {
        return;
    }
    struct thumb *thumb = find_or_make(thumbs, session);
    if (thumb->asked_us == 0 || now_us - thumb->asked_us >= AGAIN_US) {
        thumb->asked_us = now_us;
        thumb->is_awaited = true;
        orl_conn_send_thumb(conn);
    }
}

static int ask_first(void *ctx, const struct orl_session_row *row)
{
    struct orl_thumbs *thumbs = ctx;
    if (!orl_thumbs_has(thumbs, row->id)) {
        orl_thumbs_ask(thumbs, row->id);
    }
    return 0;
}

void orl_thumbs_ask_first(struct orl_thumbs *thumbs, const char *user)
{
    struct orl_err err = {0};
    const struct orl_session_filter filter = {
            .user = user, .state = ORL_SESSION_ACTIVE, .is_live = true};
    if (orl_session_list(thumbs->broker->store, &filter, ask_first, thumbs, &err) < 0) {
        orl_broker_log_store(thumbs->broker, "a person's sessions", &err);
    }
}

bool orl_thumbs_put(
        struct orl_thumbs *thumbs, struct orl_conn *conn, const struct orl_msg_thumb *msg)
{
    static const uint8_t start[] = {0xFF, 0xD8, 0xFF}; /* SOI and the next marker, ITU T.81 B.1.1 */
    struct thumb *thumb = find(thumbs, msg->session);
    if (conn->state != ORL_CONN_LIVE || strcmp(conn->session, msg->session) != 0 || thumb == NULL ||
            !thumb->is_awaited) {
        return false;
    }
    if (msg->data_len <= sizeof(start) || msg->data_len > ORL_THUMB_MAX ||
            memcmp(msg->data, start, sizeof(start)) != 0) {
        return false;
    }
    char *jpeg = malloc(msg->data_len);
    if (jpeg == NULL) {
        return true;
    }
    memcpy(jpeg, msg->data, msg->data_len);
    free(thumb->jpeg);
    thumb->jpeg = jpeg;
    thumb->len = msg->data_len;
    thumb->is_awaited = false;
    return true;
}

bool orl_thumbs_has(const struct orl_thumbs *thumbs, const char *session)
{
    const struct thumb *thumb = find(thumbs, session);
    return thumb != NULL && thumb->len > 0;
}

int orl_thumbs_get(
        const struct orl_thumbs *thumbs, const char *session, char **ret_jpeg, size_t *ret_len)
{
    const struct thumb *thumb = find(thumbs, session);
    if (thumb == NULL || thumb->len == 0) {
        return ORL_E_NOTFOUND;
    }
    char *jpeg = malloc(thumb->len);
    if (jpeg == NULL) {
        return ORL_E_NOMEM;
    }
    memcpy(jpeg, thumb->jpeg, thumb->len);
    *ret_jpeg = jpeg;
    *ret_len = thumb->len;
    return 0;
}

void orl_thumbs_sweep(struct orl_thumbs *thumbs)
{
    struct orl_session_row row;
    for (unsigned i = 0; i < SWEPT_AT_ONCE; i++) {
        struct thumb *thumb = &thumbs->list[thumbs->swept];
        thumbs->swept = (thumbs->swept + 1) % MAX_THUMBS;
        if (thumb->session[0] == '\0') {
            continue;
        }
        int rc = orl_session_get(thumbs->broker->store, thumb->session, &row, NULL);
        if (rc == ORL_E_NOTFOUND || (rc == 0 && (row.state == ORL_SESSION_ENDED ||
                                                        !orl_thumbs_has_pool(thumbs, row.pool)))) {
            clear(thumb);
        }
    }
}
