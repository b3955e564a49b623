/* Identifiers: random 128-bit ids as 32 lower-case hex digits, UUIDs as libvirt prints them. */
#ifndef ORL_BASE_ID_H
#define ORL_BASE_ID_H
#include <stdbool.h>

#define ORL_ID_LEN 32
#define ORL_UUID_LEN 36

struct orl_id {
    char text[ORL_ID_LEN + 1];
};

void orl_id_new(struct orl_id *ret_id);
bool orl_id_is_valid(const char *text);             /* exactly 32 of [0-9a-f] */
void orl_uuid_new(char ret_text[ORL_UUID_LEN + 1]); /* RFC 4122 version 4 */
bool orl_uuid_is_valid(const char *text);
/* 1 to 63 of [a-z0-9-], starting with a letter or digit: pools, templates, hosts. */
bool orl_name_is_valid(const char *text);

#endif
