/* How long a client may take, where nobody says otherwise: the gateway's settings have these defaults, and the broker prints
 * them beside those of a pool. Numbers only: they are made into text. */
#ifndef ORL_BASE_CLIENT_LIMITS_H
#define ORL_BASE_CLIENT_LIMITS_H

#define ORL_CLIENT_HANDSHAKE_S                                                                     \
    30 /* from connecting to the login, and from its answer to the first picture */
#define ORL_CLIENT_SILENT_S 60 /* without taking the picture that it was sent */

#endif
