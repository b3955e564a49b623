/* JSON objects from outside into structs, by a table: a field that the table does not know, of
 * another type or out of range, is an error that names it. Pure. */
#ifndef ORL_BROKER_API_FIELDS_H
#define ORL_BROKER_API_FIELDS_H
#include "base/err.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum orl_api_type {
    ORL_API_STR = 1,
    ORL_API_LINES, /* the same, with tabs and line breaks */
    ORL_API_U32,
    ORL_API_U64, /* up to 2^53, which every JSON has exactly */
    ORL_API_BOOL,
    ORL_API_FLAG,   /* true or false into uint32_t */
    ORL_API_CHOICE, /* a text of choices into its index */
};
struct orl_api_field {
    const char *name; /* NULL ends the table */
    enum orl_api_type type;
    size_t offset; /* of char[size], uint32_t, uint64_t or bool */
    size_t size;   /* ORL_API_STR; ORL_API_U32, ORL_API_U64: the least */
    uint32_t max;  /* ORL_API_U32 */
    bool is_required;
    const char *const *choices; /* ORL_API_CHOICE; NULL ends them */
};
/* *ret_seen: bit i is set when field i was there. What was not there is left as it was. */
ORL_NODISCARD int orl_api_fields_read(const json_t *object, const struct orl_api_field *fields,
        void *ret, uint64_t *ret_seen, struct orl_err *err);
/* The text as one object: no duplicate keys, nothing after it. NULL and err. */
json_t *orl_api_parse(const char *text, size_t len, struct orl_err *err);

#endif
