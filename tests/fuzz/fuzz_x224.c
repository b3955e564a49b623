#include "protocols/rdp/rdp_gfx_wire.h"
#include "protocols/rdp/rdp_x224_wire.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct orl_x224_request request;
    const int used = orl_x224_parse_request(data, size, &request);
    if (used > 0 && ((size_t)used > size || strlen(request.user) >= sizeof(request.user) ||
                            strlen(request.route) >= sizeof(request.route))) {
        abort();
    }
    struct orl_gfx_client_pdu pdu;
    const int taken = orl_gfx_parse_client(data, size, &pdu);
    if (taken == 0 || (taken > 0 && (size_t)taken > size)) {
        abort();
    }
    return 0;
}
