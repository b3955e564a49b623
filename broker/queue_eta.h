/* When somebody who waits can expect a desktop: from those in the making, and from how long the last ones took. Pure. */
#ifndef ORL_BROKER_QUEUE_ETA_H
#define ORL_BROKER_QUEUE_ETA_H
#include "store/desktop.h"

/* position: 1 is the next. In seconds, at least 1; 0: nothing is known. Never less for who stands further back. */
uint32_t orl_queue_eta_s(const struct orl_desktop_pace *pace, unsigned position, uint64_t now_ms);
/* "Your desktop is expected in about 3 minutes."; empty for 0. In steps that do not flicker. */
void orl_queue_eta_text(uint32_t eta_s, char *ret_text, size_t size);

#endif
