#include "vmpool/backend.h"
#include <stdlib.h>
#include <string.h>

void orl_vm_list_fini(struct orl_vm_list *list)
{
    free(list->vms);
    free(list->overlays);
    free(list->images);
    free(list->reservations);
    orl_name_index_fini(&list->by_uuid);
    orl_name_index_fini(&list->by_name);
    orl_name_index_fini(&list->by_overlay);
    memset(list, 0, sizeof *list);
}

int orl_vm_list_index(struct orl_vm_list *list, struct orl_err *err)
{
    bool is_made =
            orl_name_index_build(&list->by_uuid, ORL_NAME_KEYS(list->vms, uuid), list->vm_count) &&
            orl_name_index_build(&list->by_name, ORL_NAME_KEYS(list->vms, name), list->vm_count) &&
            orl_name_index_build(
                    &list->by_overlay, ORL_NAME_KEYS(list->overlays, name), list->overlay_count);
    return is_made ? 0 : orl_err_set(err, ORL_E_NOMEM, "list of machines");
}

const struct orl_vm *orl_vm_list_find(const struct orl_vm_list *list, const char *uuid)
{
    size_t at = orl_name_index_find(&list->by_uuid, ORL_NAME_KEYS(list->vms, uuid), uuid);
    return at != ORL_NAME_INDEX_NONE ? &list->vms[at] : NULL;
}

const struct orl_vm *orl_vm_list_named(const struct orl_vm_list *list, const char *name)
{
    size_t at = orl_name_index_find(&list->by_name, ORL_NAME_KEYS(list->vms, name), name);
    return at != ORL_NAME_INDEX_NONE ? &list->vms[at] : NULL;
}

const struct orl_vm_overlay *orl_vm_list_overlay(const struct orl_vm_list *list, const char *name)
{
    size_t at = orl_name_index_find(&list->by_overlay, ORL_NAME_KEYS(list->overlays, name), name);
    return at != ORL_NAME_INDEX_NONE ? &list->overlays[at] : NULL;
}
