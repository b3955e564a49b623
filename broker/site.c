#include "broker/site.h"

#include "broker/line_text.h"

#include <stdio.h>
#include <string.h>

int orl_site_check(const char *contact, const char *notice, struct orl_err *err)
{
    int rc = orl_line_check("contact", contact, ORL_SITE_CONTACT_MAX, err);
    return rc < 0 ? rc : orl_line_check("notice", notice, ORL_SITE_NOTICE_MAX, err);
}

void orl_site_reason_key(enum orl_reason reason, char ret_key[ORL_SITE_KEY_MAX + 1])
{
    (void)snprintf(ret_key, ORL_SITE_KEY_MAX + 1, "reason:%s", orl_reason_code(reason));
}

/* Nobody has to call anybody about these. */
static bool is_ordinary(enum orl_reason reason)
{
    switch (reason) {
    case ORL_REASON_NONE:
    case ORL_REASON_GUEST_REBOOTING:
    case ORL_REASON_CLIENT_CLOSED:
    case ORL_REASON_TAKEN_OVER:
    case ORL_REASON_LOGGED_OFF:
    case ORL_REASON_DISCONNECT_TIMEOUT:
    case ORL_REASON_SECOND_FACTOR:
    case ORL_REASON_IDLE_TIMEOUT:
    case ORL_REASON_MAX_SESSION:
    case ORL_REASON_CONSOLE_ENDED:
        return true;
    default:
        return false;
    }
}

void orl_site_words(struct orl_store *store, enum orl_reason reason, const char *text,
        char ret_text[ORL_TEXT_MAX + 1])
{
    char key[ORL_SITE_KEY_MAX + 1];
    char own[ORL_TEXT_MAX + 1] = "";
    char contact[ORL_TEXT_MAX + 1] = "";
    orl_site_reason_key(reason, key);
    if (orl_site_get(store, key, own, NULL) < 0 ||
            orl_site_get(store, ORL_SITE_CONTACT, contact, NULL) < 0) {
        own[0] = contact[0] = '\0';
    }
    if (own[0] != '\0') {
        text = own;
    } else if (text == NULL || text[0] == '\0') {
        text = orl_reason_text(reason);
    }
    orl_msg_text(ret_text, ORL_TEXT_MAX + 1, text);
    const size_t len = strlen(ret_text);
    bool has_room = len + 1 + strlen(contact) <= ORL_TEXT_MAX;
    if (contact[0] != '\0' && has_room && !is_ordinary(reason)) {
        ret_text[len] = ' ';
        orl_msg_text(ret_text + len + 1, ORL_TEXT_MAX - len, contact);
    }
}
