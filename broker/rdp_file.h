/* What a person needs to open a desktop in an RDP client: an .rdp file and FreeRDP's command line. Pure text. The
 * file never holds the password: clients keep it for themselves. */
#ifndef ORL_BROKER_RDP_FILE_H
#define ORL_BROKER_RDP_FILE_H
#include <stddef.h>

struct orl_rdp_target {     /* borrowed */
    const char *address;    /* "HOST", "HOST:PORT" or "[V6]:PORT"; empty: the host of portal_url */
    const char *portal_url; /* may be empty */
    const char
            *fingerprint; /* "sha256:aa:..", or empty: then the client asks about the certificate */
    const char *pool;
    const char *user, *password; /* a ticket's */
};
struct orl_rdp_file {
    char name[128]; /* "office.rdp" */
    char text[1024];
    char command[1024];
};
void orl_rdp_file_make(const struct orl_rdp_target *target, struct orl_rdp_file *ret_file);

#endif
