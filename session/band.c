#include "session/band.h"

#include "base/clock.h"

#include <stdio.h>

const char *orl_band_text(const struct orl_band *band)
{
    return band->text;
}

void orl_band_say(struct orl_band *band)
{
    char text[ORL_TEXT_MAX + 1];
    orl_msg_text(text, sizeof(text), band->text);
    band->say(band->ctx, text);
}

static void paint(struct orl_band *band)
{
    const char *below = band->message[0] != '\0' ? band->message : band->warning;
    const char *between = band->watch[0] != '\0' && below[0] != '\0' ? "\n" : "";
    char text[sizeof(band->watch) + sizeof(band->message)];
    (void)snprintf(text, sizeof(text), "%s%s%s", band->watch, between, below);
    orl_msg_text(band->text, sizeof(band->text), text);
    orl_picture_band(band->picture, band->text);
    orl_band_say(band);
}

void orl_band_watch(struct orl_band *band, const char *text)
{
    orl_msg_text(band->watch, sizeof(band->watch), text);
    paint(band);
}

static void end_message(void *ctx)
{
    struct orl_band *band = ctx;
    orl_timer_stop(band->timer);
    band->message[0] = '\0';
    paint(band);
}

int orl_band_init(struct orl_band *band, struct orl_loop *loop, struct orl_picture *picture,
        orl_band_say_fn say, void *ctx, struct orl_err *err)
{
    *band = (struct orl_band){.picture = picture, .say = say, .ctx = ctx};
    return orl_timer_new(loop, end_message, band, &band->timer, err);
}

void orl_band_show(struct orl_band *band, const struct orl_msg_notice *notice)
{
    if (notice->kind == ORL_NOTICE_MESSAGE) {
        orl_msg_text(band->message, sizeof(band->message), notice->text);
        band->shown_us = orl_clock_now_us();
        orl_timer_start(band->timer, ORL_BAND_MESSAGE_US, 0);
    } else {
        orl_msg_text(band->warning, sizeof(band->warning), notice->text);
        band->is_for_idle = notice->kind == ORL_NOTICE_BAND_INPUT && notice->text[0] != '\0';
    }
    paint(band);
}

static bool is_press(const struct orl_input *input)
{
    bool is_key = input->kind == ORL_INPUT_KEY || input->kind == ORL_INPUT_KEYSYM;
    bool is_pointer = input->kind == ORL_INPUT_POINTER || input->kind == ORL_INPUT_RELATIVE;
    return (is_key && input->is_down != 0) || (is_pointer && input->code != 0);
}

bool orl_band_on_deed(struct orl_band *band, const struct orl_input *input)
{
    const bool is_over = band->is_for_idle;
    if (is_over) {
        band->is_for_idle = false;
        band->warning[0] = '\0';
        paint(band);
    }
    if (band->message[0] != '\0' && is_press(input) &&
            orl_clock_now_us() - band->shown_us >= ORL_BAND_READ_US) {
        end_message(band);
    }
    return is_over;
}

void orl_band_fini(struct orl_band *band)
{
    orl_timer_free(band->timer);
    band->timer = NULL;
}
