#include "protocols/qemu/qemu_locks.h"
#include "display/link.h"
#include "protocols/qemu/qemu_calls.h"
#include <string.h>

static void tell(struct orl_qemu_locks *locks)
{
    const struct orl_link_msg msg = {
            .type = ORL_LINK_LOCKS, .locks = locks->locks, .surface_fd = -1};
    locks->is_owed = orl_link_send(locks->link_fd, &msg) == ORL_E_AGAIN;
}

/* One property of the dictionary. Negative: there is none left, or it makes no sense. */
static int take_property(struct orl_qemu_locks *locks, sd_bus_message *m)
{
    const char *name = NULL;
    uint32_t told = 0;
    int rc = sd_bus_message_enter_container(m, SD_BUS_TYPE_DICT_ENTRY, "sv");
    if (rc <= 0 || sd_bus_message_read(m, "s", &name) < 0) {
        return -1;
    }
    if (strcmp(name, "Modifiers") != 0) {
        rc = sd_bus_message_skip(m, "v");
    } else if ((rc = sd_bus_message_read(m, "v", "u", &told)) >= 0) {
        locks->locks = told & ORL_LOCKS_ALL; /* QEMU numbers its LEDs as we do */
        tell(locks);
    }
    return rc < 0 ? rc : sd_bus_message_exit_container(m);
}

static int on_changed(sd_bus_message *m, void *ctx, sd_bus_error *error)
{
    struct orl_qemu_locks *locks = ctx;
    const char *interface = NULL;
    (void)error;
    if (sd_bus_message_read(m, "s", &interface) < 0 ||
            strcmp(interface, "org.qemu.Display1.Keyboard") != 0 ||
            sd_bus_message_enter_container(m, SD_BUS_TYPE_ARRAY, "{sv}") < 0) {
        return 0;
    }
    while (take_property(locks, m) >= 0) {
    }
    return 0;
}

void orl_qemu_locks_open(struct orl_qemu_locks *locks, sd_bus *bus, int link_fd)
{
    *locks = (struct orl_qemu_locks){.link_fd = link_fd};
    if (sd_bus_match_signal(bus, &locks->slot, NULL, ORL_QEMU_CONSOLE_PATH,
                "org.freedesktop.DBus.Properties", "PropertiesChanged", on_changed, locks) < 0) {
        locks->slot = NULL;
    }
}

void orl_qemu_locks_tick(struct orl_qemu_locks *locks)
{
    if (locks->is_owed) {
        tell(locks);
    }
}

void orl_qemu_locks_close(struct orl_qemu_locks *locks)
{
    locks->slot = sd_bus_slot_unref(locks->slot);
    locks->is_owed = false;
}
