/* The band over the picture: a warning that stands as long as the broker says, and over it an administrator's message,
 * which goes by itself after a while, or when somebody who can have read it presses a key or a button. Above both, as
 * long as it lasts: that somebody looks, or asks to (session/consent.h). */
#ifndef ORL_SESSION_BAND_H
#define ORL_SESSION_BAND_H
#include "display/input.h"
#include "session/picture.h"

#define ORL_BAND_TEXT_MAX ORL_PICTURE_BAND_MAX
#define ORL_BAND_MESSAGE_US (120 * ORL_US_PER_S)
#define ORL_BAND_READ_US (2 * ORL_US_PER_S) /* what is pressed before is nobody's answer to it */

typedef void (*orl_band_say_fn)(void *ctx, const char *text);
struct orl_band {
    struct orl_picture *picture; /* borrowed */
    orl_band_say_fn say;         /* the same in words, for who does not see it */
    void *ctx;
    struct orl_timer *timer; /* of the message */
    char warning[ORL_TEXT_MAX + 1];
    char message[ORL_TEXT_MAX + 1];
    char watch[ORL_BAND_TEXT_MAX + 1];
    char text[ORL_BAND_TEXT_MAX + 1]; /* all that stands there */
    bool is_for_idle;                 /* any input takes the warning away */
    uint64_t shown_us;
};
ORL_NODISCARD int orl_band_init(struct orl_band *band, struct orl_loop *loop,
        struct orl_picture *picture, orl_band_say_fn say, void *ctx, struct orl_err *err);
/* kind is no screen. */
void orl_band_show(struct orl_band *band, const struct orl_msg_notice *notice);
/* "" takes it away. */
void orl_band_watch(struct orl_band *band, const char *text);
const char *orl_band_text(const struct orl_band *band);
/* Somebody did something. True: it took a warning away that somebody waits for. */
bool orl_band_on_deed(struct orl_band *band, const struct orl_input *input);
void orl_band_say(struct orl_band *band); /* what stands there now, or nothing */
void orl_band_fini(struct orl_band *band);

#endif
