/* What vmpool reads of others: metadata and networks from libvirt, qemu-img's JSON, heads of images,
 * addresses of static desktops. */
#include "vmpool/guest_address.h"
#include "vmpool/image_convert.h"
#include "vmpool/json_top.h"
#include "vmpool/network_filter.h"
#include "vmpool/pressure.h"
#include "vmpool/qcow2_head.h"
#include "vmpool/static_domain.h"
#include "vmpool/static_target.h"
#include "vmpool/template_check.h"
#include "vmpool/upload_sock.h"
#include "vmpool/vm_meta.h"
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct orl_template_rules rules = {.max_virtual_mib = 1024};
    struct orl_vm_meta meta;
    struct orl_template_row row = {.path = "/t", .kind = ORL_TEMPLATE_DISK};
    char host[64];
    char port[8];
    bool is_unix = false;
    uint32_t centi = 0;
    char *text = malloc(size + 1);
    if (!text) {
        return 0;
    }
    memcpy(text, data, size);
    text[size] = '\0';
    if (orl_vm_meta_parse(text, &meta) == 0 && !orl_id_is_valid(meta.desktop)) {
        abort();
    }
    orl_template_judge(&rules, text, &row);
    struct orl_upload_piece piece;
    const char *fault = NULL;
    if (orl_upload_head_parse(text, size, &piece) &&
            (!orl_id_is_valid(piece.job) || piece.length > ORL_UPLOAD_PIECE_MAX)) {
        abort();
    }
    if (!orl_image_format(data, size, &fault) && !fault) {
        abort();
    }
    (void)orl_image_info_fault(text, UINT64_MAX);
    (void)orl_image_check_fault(text);
    (void)orl_static_parse(text, host, sizeof host, port, &is_unix);
    (void)orl_static_rule_is_valid(text);
    (void)orl_vm_name_is_ours(text);
    struct orl_static_domain domain;
    struct orl_static_graphics graphics;
    (void)orl_static_domain_parse(text, &domain);
    orl_static_domain_host(text, host, sizeof host);
    orl_static_domain_graphics(text, "", &graphics);
    (void)orl_pressure_parse(text, &centi);
    const struct orl_network_plan isolated = {.mode = ORL_NETWORK_ISOLATED};
    (void)orl_network_fault(text, &isolated, "11111111-2222-4333-8444-555555555555");
    (void)orl_network_foreign_fault(text);
    struct orl_addr_net net;
    (void)orl_guest_net_parse(text, false, &net, NULL);
    (void)orl_network_block_is_valid(text);
    (void)orl_qcow2_fault(data, size, false);
    free(text);
    return 0;
}
