/* What the store says, read again only after somebody wrote to it: the checker looks after every step. */
#include "sim.h"
#include <stdlib.h>
#include <string.h>

static int take(void *ctx, const struct orl_desktop_row *row)
{
    struct sim_view *view = ctx;
    if (view->count == view->room) {
        size_t room = view->room ? 2 * view->room : 64;
        struct orl_desktop_row *grown = realloc(view->rows, room * sizeof *grown);
        if (!grown) {
            abort();
        }
        view->rows = grown;
        view->room = room;
    }
    view->rows[view->count++] = *row;
    return 0;
}

static int take_version(void *ctx, const struct orl_template_row *row)
{
    struct sim_view *view = ctx;
    if (view->version_count == SIM_VERSIONS) {
        return 1;
    }
    struct sim_version *version = &view->versions[view->version_count++];
    version->version = row->version;
    version->is_ready = row->state == ORL_TEMPLATE_READY;
    orl_msg_text(version->path, sizeof version->path, row->path);
    return 0;
}

static int take_golden(void *ctx, const struct orl_golden_row *row)
{
    struct sim_view *view = ctx;
    if (view->golden_count == ORL_GOLDEN_MAX) {
        return 1;
    }
    view->golden[view->golden_count++] = *row;
    return 0;
}

const struct sim_view *sim_view(struct sim *sim)
{
    const struct orl_desktop_filter all = {0};
    struct sim_view *view = &sim->view;
    struct orl_err err = {0};
    if (view->is_stale) {
        enum sim_who before = sim->current; /* whoever is at work: it is the checker who asks */
        sim->current = SIM_CHECKER;
        view->is_stale = false;
        view->count = view->golden_count = view->version_count = 0;
        if (orl_template_list(sim->processes[SIM_CHECKER].store, NULL, take_version, view, &err) <
                0) {
            sim_fail(sim, "templates can't be listed: %s", err.text);
        }
        if (orl_golden_rows(
                    sim->processes[SIM_CHECKER].store, "here", NULL, take_golden, view, &err) < 0) {
            sim_fail(sim, "golden images can't be listed: %s", err.text);
        }
        if (orl_desktop_list(sim->processes[SIM_CHECKER].store, &all, take, view, &err) < 0) {
            sim_fail(sim, "desktops can't be listed: %s", err.text);
        }
        sim->current = before;
    }
    return view;
}

const struct orl_desktop_row *sim_view_uuid(struct sim *sim, const char *uuid)
{
    const struct sim_view *view = sim_view(sim);
    for (size_t i = 0; i < view->count; i++) {
        if (strcmp(view->rows[i].uuid, uuid) == 0) {
            return &view->rows[i];
        }
    }
    return NULL;
}

const struct orl_golden_row *sim_view_golden(struct sim *sim, const char *id)
{
    const struct sim_view *view = sim_view(sim);
    for (size_t i = 0; i < view->golden_count; i++) {
        if (strcmp(view->golden[i].id, id) == 0) {
            return &view->golden[i];
        }
    }
    return NULL;
}

const struct sim_version *sim_view_version(struct sim *sim, uint32_t version)
{
    const struct sim_view *view = sim_view(sim);
    for (size_t i = 0; i < view->version_count; i++) {
        if (view->versions[i].version == version) {
            return &view->versions[i];
        }
    }
    return NULL;
}
