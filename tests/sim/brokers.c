/* The broker: all of it but its HTTP server, on a loop whose time stands still. */
#include "broker/auth.h"
#include "broker/gateway_sock.h"
#include "sim.h"
#include <string.h>

void sim_start_broker(struct sim *sim)
{
    struct orl_err err = {0};
    enum sim_who before = sim_enter(sim, SIM_BROKER);
    if (orl_loop_new(&sim->loop, &err) < 0) {
        sim_fail(sim, "no loop");
    }
    sim->has_broker = true;
    int rc = orl_broker_init(&sim->broker, &sim->broker_cfg, sim->loop, &err);
    rc = rc < 0 ? rc : orl_gateways_new(&sim->broker, &sim->broker.gateways, &err);
    sim_note(sim, "%s %s", rc < 0 ? "cannot start:" : "starts", err.text);
    sim->processes[SIM_BROKER].store = NULL; /* the broker's own: closed with it */
    if (rc < 0) {
        sim->processes[SIM_BROKER].is_dying = true;
    }
    sim_leave(sim, before);
}

void sim_bury_broker(struct sim *sim)
{
    if (!sim->has_broker) {
        return;
    }
    for (size_t i = 0; i < SIM_GATEWAYS; i++) { /* what was on its way to it is lost */
        sim->gateways[i].to_broker.count = 0;
    }
    sim->accepting = -1;
    orl_auth_close(sim->broker.auth);
    orl_gateways_free(sim->broker.gateways);
    sim->broker.gateways = NULL;
    orl_broker_fini(&sim->broker);
    orl_loop_free(sim->loop);
    memset(&sim->broker, 0, sizeof sim->broker);
    sim->loop = NULL;
    sim->has_broker = false;
}

void sim_broker_turn(struct sim *sim)
{
    if (sim->processes[SIM_BROKER].is_running) {
        return;
    }
    if (!sim->has_broker) {
        sim_start_broker(sim);
        return;
    }
    enum sim_who before = sim_enter(sim, SIM_BROKER);
    for (int i = 0; i < SIM_GATEWAYS; i++) { /* connects again by itself */
        if (!sim->gateways[i].ipc && (sim->is_calm || sim_pick(sim, 2) == 0)) {
            sim->accepting = i;
            sim_loop_turn(sim->loop);
            for (size_t c = 0; c < SIM_CONNS; c++) { /* it announces its sessions soon */
                sim->gateways[i].conns[c].stats_ms = 0;
            }
        }
    }
    sim_loop_turn(sim->loop);
    sim_leave(sim, before);
}
