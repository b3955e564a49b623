/* The site's own words: key and text, few and short. What the keys mean: broker/site.h. */
#ifndef ORL_STORE_SITE_H
#define ORL_STORE_SITE_H
#include "store/store.h"

#define ORL_SITE_KEY_MAX 63

/* "" where there is none. */
ORL_NODISCARD int orl_site_get(struct orl_store *store, const char *key,
        char ret_value[ORL_TEXT_MAX + 1], struct orl_err *err);
/* "" removes it. */
ORL_NODISCARD int orl_site_set(
        struct orl_store *store, const char *key, const char *value, struct orl_err *err);
typedef int (*orl_site_fn)(void *ctx, const char *key, const char *value);
/* By key. */
ORL_NODISCARD int orl_site_list(
        struct orl_store *store, orl_site_fn fn, void *ctx, struct orl_err *err);

#endif
