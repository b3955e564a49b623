/* All that an administrator decides, as one JSON object: what export writes and apply reads. No secrets: no passwords, no
 * second factors, no tickets, no tokens. */
#ifndef ORL_BROKER_SITE_DOC_H
#define ORL_BROKER_SITE_DOC_H
#include "broker/broker.h"
#include <jansson.h>

#define ORL_SITE_DOC_SECTIONS 10

/* One kind of object in it; in the order in which they are made, and the other way round removed. */
struct orl_site_section {
    const char *name;    /* "pools"; of the document */
    const char *kind;    /* "pool" */
    const char *keys[2]; /* its name: "name"; or "user" and "pool" */
    bool is_single;      /* one object, not a list */
};
extern const struct orl_site_section orl_site_sections[ORL_SITE_DOC_SECTIONS];

/* {"site": {}, "reasons": [], "users": [], ...}, each list by name. */
ORL_NODISCARD int orl_site_doc(struct orl_broker *broker, json_t **ret_doc, struct orl_err *err);

#endif
