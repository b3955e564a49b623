#include "protocols/vnc/rfb_priv.h"
#include <string.h>

bool orl_rfb_flight_has_room(const struct orl_viewer *v)
{
    return v->flight.count < ORL_RFB_FLIGHT_MAX;
}

void orl_rfb_flight_add(struct orl_viewer *v, uint32_t frame_id)
{
    struct orl_rfb_flight *flight = &v->flight;
    if (flight->count < ORL_RFB_FLIGHT_MAX) {
        flight->ids[flight->count] = frame_id;
        flight->sent_us[flight->count] = orl_loop_now_us(v->loop);
        flight->count++;
    }
}

void orl_rfb_flight_ack(struct orl_viewer *v, uint32_t frame_id)
{
    struct orl_rfb_flight *flight = &v->flight;
    unsigned done = 0;
    for (unsigned i = 0; i < flight->count; i++) {
        if (flight->ids[i] == frame_id) {
            done = i + 1;
        }
    }
    if (done == 0) {
        return; /* a frame that we never sent, or acknowledged before */
    }
    const uint64_t now_us = orl_loop_now_us(v->loop);
    const uint64_t took_us = now_us - flight->sent_us[done - 1];
    flight->rtt_us = took_us < UINT32_MAX ? (uint32_t)took_us : UINT32_MAX;
    flight->count -= done;
    memmove(flight->ids, flight->ids + done, flight->count * sizeof(flight->ids[0]));
    memmove(flight->sent_us, flight->sent_us + done, flight->count * sizeof(flight->sent_us[0]));
    flight->acked = frame_id;
    flight->has_acked = true;
    v->progress_us = now_us;
}
