/* What an administrator sends as a certificate: chain and key, the first line break that is doubled between them. */
#include "base/cert_check.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    const char *gap = size > 0 ? memmem(text, size, "\n\n", 2) : NULL;
    const size_t len = gap != NULL ? (size_t)(gap - text) : size;
    const char *key = gap != NULL ? gap : "";
    const struct orl_cert_rules rules = {.now_ms = 1795000000000};
    struct orl_cert_pair pair;
    struct orl_cert_facts facts;
    struct orl_err err = {0};
    if (orl_cert_check(text, len, key, size - len, &rules, &pair, &facts, &err) == 0) {
        orl_assert(orl_cert_is_pair(pair.cert_pem, pair.cert_len, pair.key_pem, pair.key_len));
        orl_cert_pair_fini(&pair);
    } else {
        orl_assert(err.text[0] != '\0');
    }
    (void)orl_cert_look(text, len, &facts, NULL);
    return 0;
}
