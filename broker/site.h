/* What the site says itself: whom to call, a notice at the log-in, and its own texts for reasons. */
#ifndef ORL_BROKER_SITE_H
#define ORL_BROKER_SITE_H
#include "store/site.h"

#define ORL_SITE_CONTACT "contact"
#define ORL_SITE_NOTICE "notice"
/* A reason's text and the contact fit on one screen: together at most ORL_TEXT_MAX bytes. */
#define ORL_SITE_CONTACT_MAX 99
#define ORL_SITE_REASON_MAX 139
#define ORL_SITE_NOTICE_MAX 239

/* Both may be empty. */
ORL_NODISCARD int orl_site_check(const char *contact, const char *notice, struct orl_err *err);
void orl_site_reason_key(enum orl_reason reason, char ret_key[ORL_SITE_KEY_MAX + 1]);
/* For the person who is refused or sent away: the site's text for the reason, else the given one, else ours; and whom to call,
 * where it is no ordinary end. A store that fails gives our own text. */
void orl_site_words(struct orl_store *store, enum orl_reason reason, const char *text,
        char ret_text[ORL_TEXT_MAX + 1]);

#endif
