/* The path of a request with its query, in a buffer of ORL_CLI_PATH_MAX + 1 bytes. */
#ifndef ORL_CLI_PATH_H
#define ORL_CLI_PATH_H
#include <stdbool.h>
#include <stddef.h>

#define ORL_CLI_PATH_MAX 2047

/* Appends at *len, percent-encoded. false: it does not fit. */
bool orl_cli_path_escape(char *path, size_t *len, const char *text);
/* false: it does not fit. */
bool orl_cli_path_query(char *path, const char *key, const char *value);

#endif
