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

static void end(struct orl_reconcile *r, const struct orl_vm_reservation *card, uint64_t now_ms)
{
    struct orl_job *job = orl_job_new(ORL_JOB_UNRESERVE, r->cfg.backend);
    if (job) {
        orl_msg_text(job->spec.name, sizeof job->spec.name, card->mac);
        orl_msg_text(job->spec.network.name, sizeof job->spec.network.name, card->network);
        orl_log_info(&r->log, "a card of nobody has no address any more", "mac", card->mac,
                "network", card->network);
        (void)orl_reconcile_submit(r, job, card->mac, now_ms);
    }
}

/* A few at once, and the next time those after them: what libvirt never gives up keeps no other from its turn. */
static void end_strays(
        struct orl_reconcile *r, const struct cards *cards, size_t count, uint64_t now_ms)
{
    size_t first = r->card_turn;
    unsigned ended = 0;
    for (size_t k = 0; k < count; k++) {
        size_t at = (first + k) % count;
        const struct orl_vm_reservation *card = &cards->list->reservations[at];
        struct orl_memo *memo = cards->is_known[at] ? NULL : orl_memo_get(r, card->mac);
        if (!memo) {
            continue;
        }
        memo->stray_since_ms = memo->stray_since_ms ? memo->stray_since_ms : now_ms;
        bool is_due = now_ms >= memo->stray_since_ms + r->cfg.sweep_grace_ms;
        if (is_due && !memo->is_busy && ended < AT_ONCE) {
            end(r, card, now_ms);
            ended++;
            r->card_turn = at + 1;
        }
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
    end_strays(r, &cards, count, now_ms);
    orl_name_index_fini(&cards.by_mac);
    free(cards.is_known);
}
