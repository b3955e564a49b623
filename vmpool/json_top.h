/* The few values we need of a program's JSON: keys of the outermost object. Pure. */
#ifndef ORL_VMPOOL_JSON_TOP_H
#define ORL_VMPOOL_JSON_TOP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* json is one object, NUL-terminated. false: no such key there, or not of that type, or too long.
 * Strings with an escape are refused, not decoded. */
bool orl_json_top_text(const char *json, const char *key, char *ret, size_t size);
bool orl_json_top_u64(const char *json, const char *key, uint64_t *ret);
/* The key stands there, whatever its value. */
bool orl_json_top_has(const char *json, const char *key);

#endif
