/* An address is kept for a card before its machine is there, and given up when that goes. Whatever ends in between leaves
 * one that nobody has: it goes after the sweep's grace period. A card's MAC says whose it is. */
#include "vmpool/network_xml.h"
#include "vmpool/reconcile_priv.h"
#include <stdlib.h>
#include <string.h>

enum { AT_ONCE = 8 };

struct cards {
    const struct orl_vm_list *list;
    struct orl_name_index by_mac;
    bool *is_known;
};

static void know(struct cards *cards, const char *desktop, uint64_t version)
{
    char mac[18];
    orl_network_mac(mac, desktop, version);
    size_t at =
            orl_name_index_find(&cards->by_mac, ORL_NAME_KEYS(cards->list->reservations, mac), mac);
    if (at != ORL_NAME_INDEX_NONE) {
        cards->is_known[at] = true;
    }
}

static void end(struct orl_reconcile *r, const struct orl_vm_reservation *card,
        struct orl_memo *memo, uint64_t now_ms)
{
    struct orl_job *job = memo->is_busy ? NULL : orl_job_new(ORL_JOB_UNRESERVE, r->cfg.backend);
    if (job) {
        orl_msg_text(job->spec.name, sizeof job->spec.name, card->mac);
        orl_msg_text(job->spec.network.name, sizeof job->spec.network.name, card->network);
        orl_log_info(&r->log, "a card of nobody has no address any more", "mac", card->mac,
                "network", card->network);
        (void)orl_reconcile_submit(r, job, card->mac, now_ms);
    }
}

/* A machine that is being made may have its address and not be in the list: its row has its version. */
void orl_reservations_sweep(struct orl_reconcile *r, const struct orl_rows *rows,
        const struct orl_vm_list *list, uint64_t now_ms)
{
    size_t count = list->reservation_count;
    struct cards cards = {.list = list, .is_known = count ? calloc(count, sizeof(bool)) : NULL};
    if (!cards.is_known ||
            !orl_name_index_build(&cards.by_mac, ORL_NAME_KEYS(list->reservations, mac), count)) {
        count = 0;
    }
    for (size_t i = 0; count > 0 && i < list->vm_count; i++) {
        know(&cards, list->vms[i].meta.desktop, list->vms[i].meta.version);
    }
    for (size_t i = 0; count > 0 && i < rows->desktop_count; i++) {
        know(&cards, rows->desktops[i].id, rows->desktops[i].version);
    }
    unsigned strays = 0;
    for (size_t i = 0; i < count && strays < AT_ONCE; i++) {
        const struct orl_vm_reservation *card = &list->reservations[i];
        struct orl_memo *memo = cards.is_known[i] ? NULL : orl_memo_get(r, card->mac);
        if (!memo) {
            continue;
        }
        strays++;
        memo->stray_since_ms = memo->stray_since_ms ? memo->stray_since_ms : now_ms;
        if (now_ms >= memo->stray_since_ms + r->cfg.sweep_grace_ms) {
            end(r, card, memo, now_ms);
        }
    }
    orl_name_index_fini(&cards.by_mac);
    free(cards.is_known);
}
