#include "vmpool/backend.h"
#include <stdlib.h>
#include <string.h>

void orl_vm_list_fini(struct orl_vm_list *list)
{
    free(list->vms);
    free(list->overlays);
    free(list->images);
    memset(list, 0, sizeof *list);
}

const struct orl_vm *orl_vm_list_find(const struct orl_vm_list *list, const char *uuid)
{
    for (size_t i = 0; i < list->vm_count; i++) {
        if (strcmp(list->vms[i].uuid, uuid) == 0) {
            return &list->vms[i];
        }
    }
    return NULL;
}
