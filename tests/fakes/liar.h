/* Lies that a VNC server can tell. No libraries: what it sends is what is written here. */
#ifndef ORL_TESTS_FAKES_LIAR_H
#define ORL_TESTS_FAKES_LIAR_H
#include <stdbool.h>

/* Serves one client on fd with that lie; returns when the client is gone. False: no such lie. */
bool liar_serve(const char *lie, int fd);
void liar_list(void); /* their names, one a line, on stdout */

#endif
