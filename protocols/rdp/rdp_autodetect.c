/* Round trips of the client (MS-RDPBCGR 2.2.14.1.1, 2.2.14.2.1): a request behind a frame is answered when the frame
 * has arrived, before it is decoded. Never at connect time: the log-in does not wait for it. */
#include "protocols/rdp/rdp_priv.h"
#include <freerdp/autodetect.h>

static FREERDP_AUTODETECT_STATE on_connect_time(rdpAutoDetect *autodetect)
{
    (void)autodetect;
    return FREERDP_AUTODETECT_STATE_COMPLETE;
}

static BOOL on_response(rdpAutoDetect *autodetect, RDP_TRANSPORT_TYPE transport, UINT16 sequence)
{
    struct orl_viewer *v = orl_rdp_of(autodetect->context);
    struct orl_rdp_probes *probes = &v->probes;
    (void)transport;
    const uint16_t at = (uint16_t)(sequence - probes->first);
    if (at >= probes->count) {
        return TRUE; /* one that we did not send, or that was answered before */
    }
    probes->first = (uint16_t)(sequence + 1);
    probes->count -= at + 1U;
    probes->has_arrived = true;
    probes->arrived_bytes = probes->bytes[sequence % ORL_RDP_PROBES];
    return TRUE;
}

void orl_rdp_autodetect_setup(struct orl_viewer *v)
{
    rdpAutoDetect *autodetect = autodetect_get(v->peer->context);
    autodetect->OnConnectTimeAutoDetectBegin = on_connect_time;
    autodetect->RTTMeasureResponse = on_response;
}

void orl_rdp_autodetect_probe(struct orl_viewer *v)
{
    struct orl_rdp_probes *probes = &v->probes;
    if (probes->count == ORL_RDP_PROBES ||
            !freerdp_settings_get_bool(orl_rdp_settings(v), FreeRDP_NetworkAutoDetect)) {
        return;
    }
    rdpAutoDetect *autodetect = autodetect_get(v->peer->context);
    const uint16_t sequence = (uint16_t)(probes->first + probes->count);
    if (autodetect->RTTMeasureRequest(autodetect, RDP_TRANSPORT_TCP, sequence)) {
        probes->bytes[sequence % ORL_RDP_PROBES] = orl_rdp_bytes_out(v);
        probes->count++;
    }
}
