#include "session/session.h"
#include "base/clock.h"
#include "base/log.h"
#include "session/aside.h"
#include "session/band.h"
#include "session/consent.h"
#include "session/control.h"
#include "session/input.h"
#include "session/picture.h"
#include "session/stream.h"
#include "session/thumb.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THUMB_US ORL_US_PER_S /* between two; the gateway bounds them too */
#define STATS_US (10 * ORL_US_PER_S)
#define WATCHED_STATS_US ORL_US_PER_S
#define WATCHED_US (15 * ORL_US_PER_S)  /* after each wish to look */
#define FOLLOW_US (600 * ORL_US_PER_MS) /* how long a source may take to follow a wanted size */
#define ECHO_US                                                                                    \
    (3 * ORL_US_PER_S) /* how long a client takes to say that its window is as it was told */
#define LAST_WORD_US (3 * ORL_US_PER_S)   /* how long the reason of a refusal is shown */
#define LIVE_NOTICE_US (5 * ORL_US_PER_S) /* a notice over a console that is still there */

/* A source that is just starting may not know yet that its display can change. */
enum { FOLLOW_ASKS = 3 };

enum state {
    LOGIN = 0, /* the client is not ready */
    OPEN,      /* it sees something */
    LAST_WORD, /* it sees why it has to go */
    CLOSING,   /* the viewer says goodbye */
    OVER,
    STATE_COUNT
};

struct orl_session {
    struct orl_loop *loop;
    enum state state;
    unsigned threads;
    uint32_t silent_s;
    struct orl_control *control;
    struct orl_viewer_handle viewer;
    struct orl_picture *picture;
    struct orl_stream *stream;
    struct orl_session_input input;
    struct orl_aside aside;
    struct orl_band band;
    struct orl_consent consent;
    struct orl_viewer_caps caps;
    struct orl_msg_plan plan;
    bool has_plan;
    bool is_stats_due; /* the first ones tell the gateway that the client is active */
    bool was_told;     /* the gateway said CLOSE, or is gone */
    enum orl_reason reason;
    char text[ORL_TEXT_MAX + 1];
    struct orl_layout layout;                 /* the monitors that the client wants */
    uint32_t given_width_px, given_height_px; /* the last size that it was told against its wish */
    uint64_t given_us;
    unsigned asks_left;
    bool has_source;     /* the link's console has a picture */
    bool has_asked_size; /* a person changed it, not only the log-in */
    uint64_t last_input_ms;
    struct orl_input pointer; /* as it was last */
    uint64_t watched_until_us;
    uint64_t thumb_us; /* when the last one was sent */
    struct orl_timer *stats_timer;
    struct orl_timer *follow_timer;
    struct orl_timer *word_timer;
};

static const struct orl_log_ctx log_ctx = {.name = "session"};

static void set_state(struct orl_session *session, enum state state)
{
    static const unsigned next[STATE_COUNT] = {
            [LOGIN] = 1U << OPEN | 1U << CLOSING | 1U << OVER,
            [OPEN] = 1U << LAST_WORD | 1U << CLOSING | 1U << OVER,
            [LAST_WORD] = 1U << CLOSING | 1U << OVER,
            [CLOSING] = 1U << OVER,
    };
    orl_assert((next[session->state] & (1U << state)) != 0);
    session->state = state;
}

/* What the client holds down; from now on the guest does not hear when it lets go. */
static void release_all(struct orl_session *session)
{
    const struct orl_input release = {.kind = ORL_INPUT_RELEASE_ALL};
    orl_session_input_send(&session->input, &release);
}

static void close_viewer(struct orl_session *session)
{
    if (session->state < CLOSING) {
        set_state(session, CLOSING);
        release_all(session);
        if (session->stream != NULL) {
            orl_stream_stop(session->stream);
        }
        session->viewer.ops->close(session->viewer.viewer, session->reason, session->text);
    }
}

static void end(struct orl_session *session, enum orl_reason reason, const char *text)
{
    if (session->state < CLOSING) {
        session->reason = reason;
        orl_msg_text(session->text, sizeof(session->text), text != NULL ? text : "");
        close_viewer(session);
    }
}

static void send_stats(void *ctx)
{
    struct orl_session *session = ctx;
    if (session->state == LOGIN || !session->has_plan) {
        return;
    }
    struct orl_msg msg = {.type = ORL_MSG_STATS};
    struct orl_msg_stats *stats = &msg.u.stats;
    memcpy(stats->session, session->plan.session, sizeof(stats->session));
    stats->width_px = orl_picture_width(session->picture);
    stats->height_px = orl_picture_height(session->picture);
    stats->frames = orl_stream_frames(session->stream);
    stats->bytes_out = session->viewer.ops->bytes_out(session->viewer.viewer);
    stats->rtt_us = orl_stream_rtt_us(session->stream);
    stats->ack_us = (uint32_t)orl_stream_latency_us(session->stream);
    stats->last_input_ms = session->last_input_ms;
    uint64_t now_us = orl_clock_now_us();
    orl_telemetry_take(orl_stream_telemetry(session->stream), now_us, &stats->since);
    orl_control_post(session->control, &msg);
    orl_timer_start(session->stats_timer,
            now_us < session->watched_until_us ? WATCHED_STATS_US : STATS_US, 0);
}

static void on_watch(void *ctx)
{
    struct orl_session *session = ctx;
    uint64_t now_us = orl_clock_now_us();
    bool is_new = now_us >= session->watched_until_us;
    session->watched_until_us = now_us + WATCHED_US;
    if (is_new) {
        send_stats(session); /* what was before somebody looked is not what he wants to see */
    }
}

static void on_thumb(void *ctx)
{
    struct orl_session *session = ctx;
    const uint64_t now_us = orl_clock_now_us();
    struct orl_jpeg_picture picture = {.bgrx = NULL};
    if (session->state == OPEN && session->has_plan && now_us >= session->thumb_us + THUMB_US) {
        picture.bgrx = orl_picture_live_pixels(session->picture, &picture.stride_bytes);
    }
    struct orl_msg msg = {.type = ORL_MSG_THUMB};
    if (picture.bgrx == NULL ||
            !orl_picture_source_size(session->picture, &picture.width_px, &picture.height_px) ||
            orl_thumb_make(&picture, &msg.u.thumb) < 0) {
        return;
    }
    session->thumb_us = now_us;
    orl_control_post(session->control, &msg);
}

static void say(void *ctx, const char *text)
{
    struct orl_session *session = ctx;
    if (session->viewer.ops != NULL && session->viewer.ops->say != NULL) {
        session->viewer.ops->say(session->viewer.viewer, text);
    }
}

/* ---- sizes ---- */

static bool is_client_size(const struct orl_session *session, uint32_t width_px, uint32_t height_px)
{
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(&session->layout, &width, &height);
    return width_px == width && height_px == height;
}

/* An RFB client wishes for no size until somebody changes its window: it takes the desktop's. */
static bool has_wish(const struct orl_session *session)
{
    return session->layout.count > 0;
}

static void note_given(struct orl_session *session, uint32_t width_px, uint32_t height_px)
{
    if (has_wish(session) && !is_client_size(session, width_px, height_px)) {
        session->given_width_px = width_px;
        session->given_height_px = height_px;
        session->given_us = orl_clock_now_us();
    }
}

/* A client whose window follows says so, as if somebody had wished for it. A guest that was somewhere else for a moment,
 * as while it starts, would have to stay there. */
static bool is_echo(const struct orl_session *session, const struct orl_layout *layout)
{
    uint32_t width;
    uint32_t height;
    orl_layout_bounds(layout, &width, &height);
    bool is_given = layout->count == 1 && session->given_us != 0 &&
                    width == session->given_width_px && height == session->given_height_px;
    bool is_there = width == orl_picture_width(session->picture) &&
                    height == orl_picture_height(session->picture) &&
                    !is_client_size(session, width, height);
    return is_given && (is_there || orl_clock_now_us() - session->given_us < ECHO_US);
}

/* Makes the client's desktop this large; false: it keeps its size. */
static bool set_viewer_size(struct orl_session *session, uint32_t width_px, uint32_t height_px)
{
    if (orl_picture_width(session->picture) == width_px &&
            orl_picture_height(session->picture) == height_px) {
        return true;
    }
    if (!session->caps.has_resize || session->state >= CLOSING ||
            session->viewer.ops->set_size(session->viewer.viewer, width_px, height_px) < 0) {
        return false;
    }
    if (orl_picture_set_size(session->picture, width_px, height_px) < 0) {
        end(session, ORL_REASON_INTERNAL, "out of memory");
        return false;
    }
    note_given(session, width_px, height_px);
    orl_stream_on_size(session->stream);
    return true;
}

static void say_source_size(struct orl_session *session)
{
    orl_session_input_layout(&session->input, &session->layout);
    orl_timer_start(session->follow_timer, FOLLOW_US, 0);
}

/* Before there is a picture: a display that is only now connected to may begin with that size. */
static void hint_source_size(struct orl_session *session)
{
    if (session->state == OPEN && !session->has_source && has_wish(session)) {
        orl_session_input_layout(&session->input, &session->layout);
    }
}

static void ask_source_size(struct orl_session *session)
{
    session->asks_left = FOLLOW_ASKS;
    say_source_size(session);
}

/* The source did not follow. A size that a person chose is kept, and the picture fitted into it;
 * otherwise the client takes the source's, which needs no scaling. */
static void on_not_followed(void *ctx)
{
    struct orl_session *session = ctx;
    uint32_t width = 0;
    uint32_t height = 0;
    if (session->state != OPEN || !orl_picture_source_size(session->picture, &width, &height)) {
        return;
    }
    if (!is_client_size(session, width, height) && --session->asks_left > 0) {
        say_source_size(session);
        return;
    }
    /* A desktop with one monitor has none to fit into the second. */
    if (session->has_asked_size && session->layout.count == 1) {
        orl_layout_bounds(&session->layout, &width, &height);
    }
    (void)set_viewer_size(session, width, height);
}

static void on_source(void *ctx, uint32_t width_px, uint32_t height_px)
{
    struct orl_session *session = ctx;
    bool is_wanted = is_client_size(session, width_px, height_px);
    bool is_first = !session->has_source;
    session->has_source = true;
    if (is_first) {
        orl_band_say(&session->band); /* no other text covers it any more */
    }
    if (session->state != OPEN) {
        return; /* the size is settled when the client is ready */
    }
    if (is_wanted) {
        orl_timer_stop(session->follow_timer);
    } else if (is_first && has_wish(session)) {
        ask_source_size(session);
    }
    if (is_wanted || !orl_timer_is_active(session->follow_timer)) {
        (void)set_viewer_size(session, width_px, height_px);
    }
    orl_stream_on_damage(session->stream);
}

/* ---- picture ---- */

static void on_damage(void *ctx)
{
    struct orl_session *session = ctx;
    if (session->stream != NULL) {
        orl_stream_on_damage(session->stream);
    }
}

static void on_cursor(void *ctx, const struct orl_cursor *cursor)
{
    struct orl_session *session = ctx;
    if (session->state <= OPEN && session->viewer.ops != NULL) {
        session->viewer.ops->set_cursor(session->viewer.viewer, cursor);
    }
}

static void on_link_lost(void *ctx, enum orl_reason reason)
{
    struct orl_session *session = ctx;
    orl_log_info(&log_ctx, "the console is gone", "reason", orl_reason_code(reason));
    orl_session_input_clear(&session->input);
    orl_aside_lost(&session->aside);
}

static void on_link_broken(void *ctx)
{
    end(ctx, ORL_REASON_CONSOLE_PROTOCOL, NULL);
}

static void on_link_writable(void *ctx)
{
    struct orl_session *session = ctx;
    orl_session_input_flush(&session->input);
    orl_aside_flush(&session->aside);
}

static int on_link_aside(void *ctx, const struct orl_link_msg *msg)
{
    struct orl_session *session = ctx;
    return session->state == OPEN ? orl_aside_on_link(&session->aside, msg) : ORL_OK;
}

static void on_locks(void *ctx, uint32_t locks)
{
    struct orl_session *session = ctx;
    if (session->viewer.ops != NULL && session->viewer.ops->set_locks != NULL) {
        session->viewer.ops->set_locks(session->viewer.viewer, locks);
    }
}

/* Once the client is ready and the plan is there. */
static void permit_aside(struct orl_session *session)
{
    if (session->state == OPEN && session->has_plan) {
        orl_aside_set(&session->aside, &session->viewer, &session->caps, &session->plan.permit);
    }
}

static void on_stream_failed(void *ctx, enum orl_reason reason, const char *text)
{
    end(ctx, reason, text);
}

static void show_waiting(struct orl_session *session)
{
    const struct orl_msg_plan *plan = &session->plan;
    bool is_ready = session->has_plan && plan->is_ready != 0;
    char text[ORL_TEXT_MAX + 1];
    if (is_ready || !session->has_plan) {
        (void)snprintf(text, sizeof(text), "The picture of your desktop comes in a moment.");
    } else {
        (void)snprintf(
                text, sizeof(text), "A desktop of %s is being prepared for you.", plan->pool);
    }
    orl_picture_notice(session->picture,
            is_ready ? "Connecting to your desktop" : "Waiting for your desktop", text, NULL,
            session->has_plan && !is_ready ? plan->waiting_since_ms : 0);
}

/* ---- from the gateway ---- */

static void tell_name(struct orl_session *session)
{
    char name[ORL_NAME_MAX + sizeof(" - Oriel")];
    if (session->viewer.ops != NULL && session->viewer.ops->set_name != NULL) {
        (void)snprintf(name, sizeof(name), "%s - Oriel", session->plan.pool);
        session->viewer.ops->set_name(session->viewer.viewer, name);
    }
}

static void on_plan(void *ctx, const struct orl_msg_plan *plan)
{
    struct orl_session *session = ctx;
    session->plan = *plan;
    session->has_plan = true;
    session->input.is_view_only = plan->permit.is_view_only != 0;
    tell_name(session);
    if (session->is_stats_due) {
        session->is_stats_due = false;
        send_stats(session);
    }
    permit_aside(session);
    /* Before the log-in is over, it is painted when the client's size is known. */
    if (session->state == LOGIN ||
            (session->state == OPEN && !orl_picture_is_live(session->picture))) {
        show_waiting(session);
    }
}

static void on_notice(void *ctx, const struct orl_msg_notice *notice)
{
    struct orl_session *session = ctx;
    if (session->state > OPEN) {
        return;
    }
    if (notice->kind != ORL_NOTICE_SCREEN) {
        orl_band_show(&session->band, notice);
        return;
    }
    enum orl_reason reason = orl_reason_from_u32(notice->reason);
    const char *text = notice->text;
    if (text[0] == '\0' && notice->reason != 0) {
        text = orl_reason_text(reason);
    }
    release_all(session);
    say(session, text);
    orl_picture_notice(session->picture, notice->title, text,
            notice->reason != 0 ? orl_reason_code(reason) : NULL, notice->since_ms);
    orl_timer_start(session->word_timer, LIVE_NOTICE_US, 0);
}

static void on_consent(void *ctx, const struct orl_msg_consent *consent)
{
    struct orl_session *session = ctx;
    if (session->state <= OPEN) {
        orl_consent_show(&session->consent, consent);
    }
}

static void send_answer(void *ctx, const struct orl_msg_consent *answer)
{
    struct orl_session *session = ctx;
    const struct orl_msg msg = {.type = ORL_MSG_CONSENT, .u.consent = *answer};
    orl_control_post(session->control, &msg);
}

static void on_link(void *ctx, int fd)
{
    struct orl_session *session = ctx;
    struct orl_err err = {0};
    orl_session_input_clear(&session->input);
    if (orl_picture_attach(session->picture, fd, &err) < 0) {
        end(session, ORL_REASON_INTERNAL, err.text);
        return;
    }
    session->has_source = false;
    orl_aside_attached(&session->aside);
    hint_source_size(session);
}

/* Refusals are worth reading; who logs off, is taken over, or only looked, knows. */
static bool is_worth_reading(enum orl_reason reason)
{
    bool is_known = reason == ORL_REASON_NONE ||
                    (reason >= ORL_REASON_TOO_MANY_CONNECTIONS && reason <= ORL_REASON_INTERNAL);
    bool is_watchers = reason >= ORL_REASON_WATCH_REFUSED && reason <= ORL_REASON_WATCH_UNUSED;
    return !is_known && !is_watchers;
}

/* By its pool's rules: it was there until now. */
static bool is_end_by_policy(enum orl_reason reason)
{
    return reason == ORL_REASON_IDLE_TIMEOUT || reason == ORL_REASON_MAX_SESSION ||
           reason == ORL_REASON_OUTSIDE_HOURS;
}

static void on_close(void *ctx, enum orl_reason reason, const char *text, const char *audit)
{
    struct orl_session *session = ctx;
    char footer[ORL_TEXT_MAX + 1];
    session->was_told = true;
    if (session->state != OPEN || !is_worth_reading(reason)) {
        end(session, reason, text);
        return;
    }
    set_state(session, LAST_WORD);
    session->reason = reason;
    orl_msg_text(
            session->text, sizeof(session->text), text[0] != '\0' ? text : orl_reason_text(reason));
    (void)snprintf(footer, sizeof(footer), "%s %s", orl_reason_code(reason), audit);
    release_all(session);
    orl_picture_notice(session->picture,
            is_end_by_policy(reason) ? "Your session is over" : "Your desktop is not available",
            session->text, footer, 0);
    orl_timer_start(session->word_timer, LAST_WORD_US, 0);
}

static void on_gone(void *ctx)
{
    struct orl_session *session = ctx;
    session->was_told = true;
    end(session, ORL_REASON_SHUTDOWN, NULL);
}

static void on_word_due(void *ctx)
{
    struct orl_session *session = ctx;
    if (session->state == LAST_WORD) {
        close_viewer(session);
    } else if (session->state == OPEN) {
        orl_picture_resume(session->picture);
    }
}

/* ---- from the viewer ---- */

static void on_login(
        void *ctx, struct orl_msg_login *login, struct orl_viewer_login_answer *ret_answer)
{
    struct orl_session *session = ctx;
    struct orl_msg msg = {.type = ORL_MSG_LOGIN, .u.login = *login};
    orl_control_ask(session->control, &msg, ret_answer);
    session->was_told = session->was_told || !ret_answer->is_accepted;
    orl_msg_wipe(&msg);
}

static void on_proof(
        void *ctx, struct orl_msg_proof *proof, struct orl_viewer_login_answer *ret_answer)
{
    struct orl_session *session = ctx;
    struct orl_msg msg = {.type = ORL_MSG_PROOF, .u.proof = *proof};
    orl_control_ask(session->control, &msg, ret_answer);
    session->was_told = session->was_told || !ret_answer->is_accepted;
    orl_msg_wipe(&msg);
}

static void become_open(struct orl_session *session)
{
    uint32_t width = 0;
    uint32_t height = 0;
    set_state(session, OPEN);
    session->layout = session->caps.layout;
    hint_source_size(session);
    if (session->has_source && has_wish(session)) {
        ask_source_size(session);
    } else if (orl_picture_source_size(session->picture, &width, &height)) {
        (void)set_viewer_size(session, width, height);
    } else if (!session->has_plan) {
        show_waiting(session);
    }
    session->is_stats_due = !session->has_plan;
    send_stats(session);
}

static void on_ready(void *ctx, const struct orl_viewer_caps *caps)
{
    struct orl_session *session = ctx;
    if (session->state >= CLOSING) {
        return;
    }
    session->caps = *caps;
    if ((orl_picture_width(session->picture) != caps->width_px ||
                orl_picture_height(session->picture) != caps->height_px) &&
            orl_picture_set_size(session->picture, caps->width_px, caps->height_px) < 0) {
        end(session, ORL_REASON_INTERNAL, "out of memory");
        return;
    }
    orl_stream_set_caps(session->stream, caps);
    if (session->state == LOGIN) {
        become_open(session);
    }
    permit_aside(session);
}

static void on_input(void *ctx, const struct orl_input *input)
{
    struct orl_session *session = ctx;
    if (session->state != OPEN || !orl_input_is_valid(input)) {
        return;
    }
    if (orl_input_is_deed(&session->pointer, input)) {
        session->last_input_ms = orl_clock_wall_ms();
        if (orl_band_on_deed(&session->band, input)) {
            send_stats(session); /* who decides hears at once that somebody is there */
        }
    }
    if (orl_consent_on_input(&session->consent, input)) {
        return;
    }
    bool is_key = input->kind == ORL_INPUT_KEY || input->kind == ORL_INPUT_KEYSYM;
    if (is_key && input->is_down != 0) {
        orl_telemetry_key(orl_stream_telemetry(session->stream), orl_clock_now_us());
    }
    orl_session_input_send(&session->input, input);
}

static void on_layout(void *ctx, const struct orl_layout *layout)
{
    struct orl_session *session = ctx;
    uint32_t width;
    uint32_t height;
    if (session->state != OPEN || session->input.is_view_only || !orl_layout_is_valid(layout) ||
            is_echo(session, layout)) {
        return;
    }
    session->layout = *layout;
    session->has_asked_size = true;
    if (session->has_source) {
        ask_source_size(session);
    }
    if (!orl_picture_is_live(session->picture)) {
        orl_layout_bounds(layout, &width, &height);
        (void)set_viewer_size(session, width, height);
    }
}

static void on_ack(void *ctx, uint32_t frame_id)
{
    struct orl_session *session = ctx;
    orl_stream_on_ack(session->stream, frame_id);
}

static void on_arrived(void *ctx, uint64_t bytes_out)
{
    struct orl_session *session = ctx;
    orl_stream_on_arrived(session->stream, bytes_out);
}

static void on_writable(void *ctx)
{
    struct orl_session *session = ctx;
    orl_stream_on_writable(session->stream);
}

static void on_visible(void *ctx, bool is_visible)
{
    struct orl_session *session = ctx;
    orl_stream_set_visible(session->stream, is_visible);
}

static void on_refresh(void *ctx, const struct orl_rect *r)
{
    struct orl_session *session = ctx;
    (void)r;
    orl_stream_refresh(session->stream);
}

static void on_clipboard(void *ctx, const struct orl_clipboard *step)
{
    struct orl_session *session = ctx;
    if (session->state == OPEN) {
        orl_aside_on_client(&session->aside, step);
    }
}

static void on_viewer_closed(void *ctx, enum orl_reason reason, const char *text)
{
    struct orl_session *session = ctx;
    release_all(session);
    orl_stream_stop(session->stream);
    set_state(session, OVER);
    orl_log_info(&log_ctx, "client gone", "reason", orl_reason_code(reason), "text", text);
    if (!session->was_told) {
        struct orl_msg msg = {.type = ORL_MSG_CLOSE};
        msg.u.close.reason = reason;
        orl_msg_text(msg.u.close.text, sizeof(msg.u.close.text), text != NULL ? text : "");
        orl_control_post(session->control, &msg);
    }
    orl_loop_stop(session->loop);
}

const struct orl_viewer_events *orl_session_viewer_events(void)
{
    static const struct orl_viewer_events events = {.on_login = on_login,
            .on_proof = on_proof,
            .on_ready = on_ready,
            .on_input = on_input,
            .on_layout = on_layout,
            .on_ack = on_ack,
            .on_arrived = on_arrived,
            .on_writable = on_writable,
            .on_visible = on_visible,
            .on_refresh = on_refresh,
            .on_clipboard = on_clipboard,
            .on_closed = on_viewer_closed};
    return &events;
}

static int make_parts(struct orl_session *session, struct orl_err *err)
{
    static const struct orl_picture_events picture_events = {.on_damage = on_damage,
            .on_cursor = on_cursor,
            .on_source = on_source,
            .on_lost = on_link_lost,
            .on_broken = on_link_broken,
            .on_writable = on_link_writable,
            .on_aside = on_link_aside,
            .on_locks = on_locks};
    int code = orl_picture_new(session->loop, &picture_events, session, &session->picture, err);
    if (code == ORL_OK) {
        orl_session_input_init(&session->input, session->picture);
        code = orl_aside_init(&session->aside, session->loop, session->picture, err);
    }
    if (code == ORL_OK) {
        code = orl_band_init(&session->band, session->loop, session->picture, say, session, err);
        orl_consent_init(&session->consent, session->picture, &session->band, send_answer, session);
    }
    if (code == ORL_OK) {
        code = orl_timer_new(session->loop, send_stats, session, &session->stats_timer, err);
    }
    if (code == ORL_OK) {
        code = orl_timer_new(session->loop, on_not_followed, session, &session->follow_timer, err);
    }
    if (code == ORL_OK) {
        code = orl_timer_new(session->loop, on_word_due, session, &session->word_timer, err);
    }
    return code;
}

int orl_session_new(struct orl_loop *loop, const struct orl_session_opts *opts,
        struct orl_session **ret_session, struct orl_err *err)
{
    static const struct orl_control_events control_events = {.on_plan = on_plan,
            .on_notice = on_notice,
            .on_link = on_link,
            .on_watch = on_watch,
            .on_thumb = on_thumb,
            .on_consent = on_consent,
            .on_close = on_close,
            .on_gone = on_gone};
    struct orl_session *session = calloc(1, sizeof(*session));
    if (session == NULL) {
        close(opts->control_fd);
        return orl_err_set(err, ORL_E_NOMEM, "session: out of memory");
    }
    session->loop = loop;
    session->threads = opts->threads;
    session->silent_s = opts->silent_s;
    int code = orl_control_new(
            loop, opts->control_fd, &control_events, session, &session->control, err);
    if (code == ORL_OK) {
        code = make_parts(session, err);
    }
    if (code < 0) {
        orl_session_free(session);
        return code;
    }
    *ret_session = session;
    return ORL_OK;
}

int orl_session_set_viewer(
        struct orl_session *session, const struct orl_viewer_handle *viewer, struct orl_err *err)
{
    static const struct orl_stream_events stream_events = {.on_failed = on_stream_failed};
    session->viewer = *viewer;
    int code = orl_stream_new(session->loop, session->picture, viewer, session->threads,
            &stream_events, session, &session->stream, err);
    if (code == ORL_OK && session->silent_s > 0) {
        orl_stream_set_stall(session->stream, session->silent_s * ORL_US_PER_S);
    }
    return code;
}

static void free_timer(struct orl_timer *timer)
{
    if (timer != NULL) {
        orl_timer_free(timer);
    }
}

void orl_session_free(struct orl_session *session)
{
    if (session == NULL) {
        return;
    }
    free_timer(session->stats_timer);
    free_timer(session->follow_timer);
    free_timer(session->word_timer);
    orl_stream_free(session->stream);
    if (session->viewer.ops != NULL) {
        session->viewer.ops->free(session->viewer.viewer);
    }
    orl_band_fini(&session->band);
    orl_aside_fini(&session->aside);
    orl_picture_free(session->picture);
    orl_control_free(session->control);
    free(session);
}
