/* YAML in and out, as JSON: maps, lists, texts, whole numbers, true and false; no tags, no merge keys.
 * Read alike by web/ui/src/admin/site_yaml.js. */
#ifndef ORL_CLI_YAML_H
#define ORL_CLI_YAML_H
#include "base/err.h"
#include <jansson.h>
#include <stddef.h>
#include <stdio.h>

#define ORL_CLI_YAML_MAX_BYTES ((size_t)4 * 1024 * 1024)

/* One document. *ret_lines: object of places ("/pools/3/max", "" for all of it) to line numbers, from 1.
 * ORL_E_INVAL: err begins with the line: "12: ...". */
ORL_NODISCARD int orl_cli_yaml_read(
        const char *text, size_t len, json_t **ret_root, json_t **ret_lines, struct orl_err *err);
/* What read gives back again as it was. */
ORL_NODISCARD int orl_cli_yaml_write(const json_t *root, FILE *out, struct orl_err *err);
/* The line of a place, or of the nearest thing around it; 0: of nothing. */
unsigned orl_cli_yaml_line(const json_t *lines, const char *place);

#endif
