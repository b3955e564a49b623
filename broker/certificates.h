/* The certificates that gateway and portal show: what they last said of them, and sending them another one. Their keys
 * pass through here and are kept by them alone. Raises the alarms about expiry and about what is not shown as it should. */
#ifndef ORL_BROKER_CERTIFICATES_H
#define ORL_BROKER_CERTIFICATES_H
#include "base/cert.h"
#include "base/ipc_msgs.h"
#include "broker/broker.h"

#define ORL_CERTIFICATE_SOON_DAYS 30
#define ORL_CERTIFICATE_NOW_DAYS 7

struct orl_certificates;
ORL_NODISCARD int orl_certificates_new(
        struct orl_broker *broker, struct orl_certificates **ret_certificates, struct orl_err *err);
void orl_certificates_free(
        struct orl_certificates *certificates); /* NULL is fine; without calling done */

/* gateway_sock.c: a program has come and said what it shows, or says it again; it has gone. */
void orl_certificates_heard(
        struct orl_certificates *certificates, const struct orl_msg_service *said, bool is_new);
void orl_certificates_gone(struct orl_certificates *certificates, enum orl_service service);

/* What it said last; NULL: nothing yet. *ret_is_up: it is connected. */
const struct orl_msg_service *orl_certificates_get(
        const struct orl_certificates *certificates, enum orl_service service, bool *ret_is_up);
/* Days until it is no good any more; 0: less than one, or over. */
unsigned orl_certificates_days(const struct orl_msg_service *said, uint64_t now_ms);
const char *orl_service_name(enum orl_service service); /* "rdp", "web"; "" */
bool orl_service_parse(const char *name, enum orl_service *ret_service);
/* "sha256:ab:cd:...", as FreeRDP takes it. */
#define ORL_CERTIFICATE_PRINT_LEN 102
void orl_certificates_print(
        const struct orl_msg_service *said, char ret[ORL_CERTIFICATE_PRINT_LEN + 1]);

/* Once: 0, or negative and why; ORL_E_TIMEOUT: no answer, it may still come. */
typedef void (*orl_certificates_fn)(void *ctx, int code, const char *why);
/* pair NULL: back to its own. One at a time for each service: ORL_E_LIMIT. ORL_E_CLOSED: it is not connected. */
ORL_NODISCARD int orl_certificates_send(struct orl_certificates *certificates,
        enum orl_service service, const struct orl_cert_pair *pair, orl_certificates_fn done,
        void *ctx, struct orl_err *err);

#endif
