#include "protocols/rdp/rdp_priv.h"

unsigned orl_rdp_flight_max(const struct orl_viewer *v)
{
    return v->use_gfx ? ORL_RDP_FLIGHT_SLOTS : ORL_RDP_BITMAPS_IN_FLIGHT;
}

bool orl_rdp_flight_has_room(const struct orl_viewer *v)
{
    return !v->has_acks || v->flight.count < orl_rdp_flight_max(v);
}

void orl_rdp_flight_add(struct orl_viewer *v, uint32_t frame_id)
{
    if (!v->has_acks) {
        return;
    }
    if (v->flight.count == 0) {
        v->flight.progress_us = orl_loop_now_us(v->loop);
    }
    if (v->flight.count < ORL_RDP_FLIGHT_SLOTS) {
        v->flight.ids[v->flight.count++] = frame_id;
    }
}

void orl_rdp_flight_ack(struct orl_viewer *v, uint32_t frame_id)
{
    struct orl_rdp_flight *flight = &v->flight;
    unsigned done = 0;
    for (unsigned i = 0; i < flight->count; i++) {
        if (flight->ids[i] == frame_id) {
            done = i + 1;
        }
    }
    if (done == 0) {
        return; /* a frame that we never sent, or acknowledged before */
    }
    for (unsigned i = done; i < flight->count; i++) {
        flight->ids[i - done] = flight->ids[i];
    }
    flight->count -= done;
    flight->progress_us = orl_loop_now_us(v->loop);
    flight->acked = frame_id;
    flight->has_acked = true;
}

void orl_rdp_flight_report(struct orl_viewer *v)
{
    if (v->probes.has_arrived) {
        v->probes.has_arrived = false;
        if (v->state == ORL_RDP_READY && v->events->on_arrived != NULL) {
            v->events->on_arrived(v->ctx, v->probes.arrived_bytes);
        }
    }
    if (v->flight.has_acked) {
        v->flight.has_acked = false;
        if (v->state == ORL_RDP_READY) {
            v->events->on_ack(v->ctx, v->flight.acked);
        }
    }
}
