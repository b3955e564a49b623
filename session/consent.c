#include "session/consent.h"

#include "base/clock.h"
#include "display/notice.h"

#include <stdio.h>
#include <string.h>

enum { CTRL_LEFT = 1, CTRL_RIGHT = 2, SHIFT_LEFT = 4, SHIFT_RIGHT = 8 };
static const char allow_label[] = "[ Allow: Ctrl+Shift+F9 ]";
static const char refuse_label[] = "[ Refuse: Ctrl+Shift+F10 ]";
static const char end_label[] = "[ End: Ctrl+Shift+F10 ]";

/* Where they are does not depend on the keyboard's layout. Scancodes of set 1, and X11's keysyms. */
static const struct {
    uint32_t scancode, keysym;
    unsigned modifier; /* 0: a key that answers */
    enum orl_consent_kind answer;
} keys[] = {
        {0x1D, 0xFFE3, CTRL_LEFT, 0},
        {0x1D | ORL_SCANCODE_EXTENDED, 0xFFE4, CTRL_RIGHT, 0},
        {0x2A, 0xFFE1, SHIFT_LEFT, 0},
        {0x36, 0xFFE2, SHIFT_RIGHT, 0},
        {0x43, 0xFFC6, 0, ORL_CONSENT_ALLOW},
        {0x44, 0xFFC7, 0, ORL_CONSENT_REFUSE},
};

void orl_consent_init(struct orl_consent *consent, struct orl_picture *picture,
        struct orl_band *band, orl_consent_answer_fn answer, void *ctx)
{
    *consent = (struct orl_consent){.picture = picture, .band = band, .answer = answer, .ctx = ctx};
}

static int characters(const char *text)
{
    int count = 0;
    for (; *text != '\0'; text++) {
        count += ((unsigned char)*text & 0xC0U) != 0x80U;
    }
    return count;
}

/* Labels are the last words of what we say: a name or reason that looks like one is not taken for it. */
static void note_labels(struct orl_consent *consent, int end, bool is_question)
{
    const int refuse_len = (int)strlen(is_question ? refuse_label : end_label);
    const int gap = 2;
    consent->refuse.from = end - refuse_len;
    consent->refuse.to = end;
    consent->allow.to = consent->refuse.from - gap;
    consent->allow.from = consent->allow.to - (is_question ? (int)strlen(allow_label) : 0);
}

static void paint(struct orl_consent *consent)
{
    const struct orl_msg_consent *asked = &consent->asked;
    const bool is_question = asked->kind == ORL_CONSENT_ASK;
    const bool has_why = asked->why[0] != '\0';
    char labels[80] = "";
    char text[ORL_BAND_TEXT_MAX + 1];
    if (asked->kind != ORL_CONSENT_NONE) {
        (void)snprintf(labels, sizeof(labels), "%s%s%s%s", is_question || has_why ? "\n" : "  ",
                is_question ? allow_label : "", is_question ? "  " : "",
                is_question ? refuse_label : end_label);
    }
    (void)snprintf(text, sizeof(text), "%s%s%s%s", asked->text, has_why ? "\nReason: " : "",
            asked->why, labels);
    note_labels(consent, characters(text), is_question);
    orl_band_watch(consent->band, text);
}

void orl_consent_show(struct orl_consent *consent, const struct orl_msg_consent *msg)
{
    const bool is_same =
            consent->asked.kind == msg->kind && strcmp(consent->asked.watch, msg->watch) == 0;
    consent->asked = *msg;
    consent->is_ending = false;
    consent->shown_us = is_same ? consent->shown_us : orl_clock_now_us();
    paint(consent);
}

/* Once for each question and each notice: what comes next is the broker's to say. Until then the notice stands: somebody
 * may still look. */
static void give(struct orl_consent *consent, enum orl_consent_kind kind)
{
    const bool is_question = consent->asked.kind == ORL_CONSENT_ASK;
    struct orl_msg_consent answer = {.kind = kind};
    if (kind == ORL_CONSENT_ALLOW &&
            (!is_question || orl_clock_now_us() - consent->shown_us < ORL_CONSENT_READ_US)) {
        return;
    }
    if (consent->is_ending) {
        return;
    }
    memcpy(answer.watch, consent->asked.watch, sizeof(answer.watch));
    if (is_question) {
        consent->asked.kind = ORL_CONSENT_NONE;
        paint(consent);
    }
    consent->is_ending = !is_question;
    consent->answer(consent->ctx, &answer);
}

static bool on_key(struct orl_consent *consent, const struct orl_input *input)
{
    const bool is_keysym = input->kind == ORL_INPUT_KEYSYM;
    for (unsigned i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
        if (input->code != (is_keysym ? keys[i].keysym : keys[i].scancode)) {
            continue;
        }
        if (keys[i].modifier != 0) {
            consent->modifiers = input->is_down != 0 ? consent->modifiers | keys[i].modifier
                                                     : consent->modifiers & ~keys[i].modifier;
            return false;
        }
        if (input->is_down == 0) {
            const bool is_ours = consent->held_key == input->code;
            consent->held_key = is_ours ? 0 : consent->held_key;
            return is_ours;
        }
        if (consent->held_key == input->code) {
            return true; /* it repeats */
        }
        if (consent->asked.kind == ORL_CONSENT_NONE ||
                (consent->modifiers & (CTRL_LEFT | CTRL_RIGHT)) == 0 ||
                (consent->modifiers & (SHIFT_LEFT | SHIFT_RIGHT)) == 0) {
            return false;
        }
        consent->held_key = input->code;
        give(consent, keys[i].answer);
        return true;
    }
    return false;
}

static bool on_pointer(struct orl_consent *consent, const struct orl_input *input)
{
    const bool is_click = (input->code & ORL_BUTTON_LEFT) != 0 && consent->buttons == 0;
    consent->buttons = input->code;
    if (consent->is_click_ours) {
        consent->is_click_ours = input->code != 0;
        return true;
    }
    if (!is_click || consent->asked.kind == ORL_CONSENT_NONE ||
            !orl_picture_is_live(consent->picture)) {
        return false;
    }
    const int at =
            orl_notice_band_hit(orl_band_text(consent->band), orl_picture_width(consent->picture),
                    orl_picture_height(consent->picture), input->x, input->y);
    const bool is_allow = at >= 0 && at >= consent->allow.from && at < consent->allow.to;
    const bool is_refuse = at >= 0 && at >= consent->refuse.from && at < consent->refuse.to;
    consent->is_click_ours = is_allow || is_refuse;
    if (consent->is_click_ours) {
        give(consent, is_allow ? ORL_CONSENT_ALLOW : ORL_CONSENT_REFUSE);
    }
    return consent->is_click_ours;
}

bool orl_consent_on_input(struct orl_consent *consent, const struct orl_input *input)
{
    switch (input->kind) {
    case ORL_INPUT_KEY:
    case ORL_INPUT_KEYSYM:
        return on_key(consent, input);
    case ORL_INPUT_POINTER:
        return on_pointer(consent, input);
    case ORL_INPUT_RELEASE_ALL:
        consent->modifiers = 0;
        consent->held_key = 0;
        return false;
    default:
        return false;
    }
}
