/* What runs machines: libvirt (backend_libvirt.c) or, in tests, a fake with injected faults.
 * Every call blocks and runs on a worker (base/work.h), one at a time per machine; calls for different
 * machines run at once. Every call may be repeated after a crash: done already is success.
 * Not here: deciding what to do (vmpool/pool_plan.h). */
#ifndef ORL_VMPOOL_BACKEND_H
#define ORL_VMPOOL_BACKEND_H
#include "base/addr.h"
#include "base/err.h"
#include "base/id.h"
#include "base/ipc_msgs.h"
#include "base/vm_res.h"
#include "store/pool_settings.h"
#include "vmpool/name_index.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORL_VM_NAME_MAX 63
#define ORL_VM_PATH_MAX 511
#define ORL_VM_CMDLINE_MAX 1023
#define ORL_VM_USER_MAX 255
#define ORL_VM_ADDRESS_MAX 45
#define ORL_VM_LIST_MAX 16384 /* machines and overlays looked at in one pass */

enum orl_vm_accel { ORL_VM_ACCEL_QEMU = 0, ORL_VM_ACCEL_KVM = 1 };
enum orl_vm_kind {
    ORL_VM_FLOATING = 0,
    ORL_VM_DEDICATED = 1,
    ORL_VM_PROBE = 2,
    ORL_VM_GOLDEN = 3 /* a golden image in the making: nobody's desktop */
};
enum orl_vm_state {
    ORL_VM_ABSENT = 0,
    ORL_VM_OFF,     /* defined, not running; ended by itself or by us */
    ORL_VM_CRASHED, /* not running, and it did not end by itself or by us */
    ORL_VM_RUNNING,
    ORL_VM_PAUSED, /* by us, or by somebody at libvirt; after a fault it is CRASHED ... */
    ORL_VM_STUCK, /* ... or this: paused, as a disk of it took a write no more; wake() tries that again */
};

/* What we write into every machine's metadata; nothing else says that a machine is ours. */
struct orl_vm_meta {
    char installation[ORL_UUID_LEN + 1];
    char pool[ORL_VM_NAME_MAX + 1];
    enum orl_vm_kind kind;
    char desktop[ORL_ID_LEN + 1];
    uint64_t version;  /* of the desktop's row when it was cloned */
    uint64_t stamp_ms; /* wall clock when it was cloned */
    bool is_quarantined;
    char user[ORL_VM_USER_MAX + 1]; /* whose it is; empty: nobody's, or not said yet */
};

/* What guests get a card on. */
struct orl_vm_network {
    enum orl_network_mode mode;
    char name[ORL_VM_NAME_MAX +
              1]; /* libvirt's; with is_bridge, the host's bridge; empty: no card */
    bool is_bridge;
    char filter[ORL_VM_NAME_MAX + 1]; /* at each card; empty: none */
    bool has_addresses;               /* each card has one of ours, in v4; and in v6 by its MAC */
    struct orl_addr_net v4, v6;
    bool has_v6;
};

/* What a machine has to do with a golden image (vmpool/golden_files.h). All machines of one image have the same
 * devices, and none has a network card while its state is written or read: the card's address is in that state. */
enum orl_vm_golden_role {
    ORL_VM_GOLDEN_NONE = 0,
    ORL_VM_GOLDEN_MAKE,  /* booted to become the image */
    ORL_VM_GOLDEN_RESUME /* begins where the image was frozen */
};
struct orl_vm_golden {
    enum orl_vm_golden_role role;
    char id[ORL_ID_LEN + 1]; /* the image's; empty: none */
    bool is_shared; /* memory is the image's file, copied where it is written to; else read from the state */
    bool is_readonly; /* this QEMU can open that file for reading only (8.2); found out by the backend */
    char ram[ORL_VM_PATH_MAX + 1]; /* that file; the backend's */
};

/* All that a machine is made from. Strings are ours or from the store, never from a peer. */
struct orl_vm_spec {
    struct orl_vm_meta meta;
    char name[ORL_VM_NAME_MAX + 1];
    char uuid[ORL_UUID_LEN + 1];
    char overlay[ORL_VM_PATH_MAX + 1]; /* absolute; empty: no disk */
    char base[ORL_VM_PATH_MAX +
              1]; /* the template's qcow2 that the overlay is on; empty: the overlay is a whole
                                          disk, and there */
    char iso[ORL_VM_PATH_MAX +
             1]; /* a CD in its drive, booted where the disk can't be; empty: no drive */
    char kernel[ORL_VM_PATH_MAX + 1]; /* direct kernel boot when not empty */
    char initrd[ORL_VM_PATH_MAX + 1];
    char cmdline[ORL_VM_CMDLINE_MAX + 1];
    char machine[ORL_VM_NAME_MAX + 1]; /* "pc-q35-7.2" */
    struct orl_vm_network network;
    char address[ORL_VM_ADDRESS_MAX + 1]; /* of its card, where the network has addresses */
    struct orl_vm_res res;
    enum orl_vm_accel accel;
    bool is_windows;       /* gets what Windows runs better with */
    bool has_dbus_display; /* this QEMU has one, and it is wanted; found out by clone() */
    bool has_clipboard; /* the pool's policy lets text pass: QEMU speaks to the guest's agent for it */
    bool has_sound;     /* ... or sound */
    struct orl_vm_golden golden;
    bool is_buffered; /* the overlay's file system has no O_DIRECT; found out by clone() */
    uint32_t memory_mib;
    uint32_t vcpus;
    uint32_t width_px, height_px; /* of the display; 0: the device's own default */
    uint32_t tsc_khz; /* an emulated guest's kernel is told; 0: it measures; found out by clone() */
    uint32_t translation_cache_mib; /* of a copy under emulation; 0: QEMU's own limit */
};

/* A person's home on a disk of its own. */
struct orl_vm_home {
    char path[ORL_VM_PATH_MAX + 1];
    uint64_t size_mib; /* where it is not there yet */
    bool is_used;      /* its file has been in a guest: one that is missing is not made anew */
    bool is_buffered;  /* found out by home_attach() */
};

struct orl_vm {
    char name[ORL_VM_NAME_MAX + 1];
    char uuid[ORL_UUID_LEN + 1];
    enum orl_vm_state state;
    struct orl_vm_meta meta;
};
struct orl_vm_overlay {
    char path[ORL_VM_PATH_MAX + 1];
    char name[ORL_VM_NAME_MAX + 1]; /* of the machine that it belongs to */
    enum orl_vm_kind kind;
    uint64_t changed_ms;
};
/* Files of a golden image: complete or not. */
struct orl_vm_image {
    char id[ORL_ID_LEN + 1];
    bool is_published; /* state and disk are whole */
    bool has_memory;   /* so is the memory's file */
    uint64_t bytes;    /* that all of them take up */
};
/* An address that a network of ours keeps for a card. */
struct orl_vm_reservation {
    char network[ORL_VM_NAME_MAX + 1];
    char mac[18];
};
/* Only what carries the installation's UUID. */
struct orl_vm_list {
    struct orl_vm *vms;
    size_t vm_count;
    struct orl_vm_overlay *overlays;
    size_t overlay_count;
    struct orl_vm_image *images;
    size_t image_count;
    struct orl_vm_reservation *reservations;
    size_t reservation_count;
    struct orl_name_index by_uuid, by_name, by_overlay;
};
void orl_vm_list_fini(struct orl_vm_list *list);
/* Before anything is looked for in it. */
ORL_NODISCARD int orl_vm_list_index(struct orl_vm_list *list, struct orl_err *err);
/* The machine of that UUID, or NULL. */
const struct orl_vm *orl_vm_list_find(const struct orl_vm_list *list, const char *uuid);
const struct orl_vm *orl_vm_list_named(const struct orl_vm_list *list, const char *name);
/* The overlay of the machine of that name, or NULL. */
const struct orl_vm_overlay *orl_vm_list_overlay(const struct orl_vm_list *list, const char *name);

struct orl_vm_host {
    uint64_t memory_mib, free_memory_mib;
    uint64_t free_disk_mib; /* where the overlays are */
    uint32_t cpus;
    uint64_t qemu_version;             /* as libvirt counts: 7002022 */
    char machine[ORL_VM_NAME_MAX + 1]; /* newest pc-q35 */
    uint64_t golden_free_mib;          /* where the memory of golden images is */
    bool has_kvm; /* the hypervisor offers it; whether it works: vmpool/accel.h */
    bool lacks_uefi, lacks_secure_boot, lacks_tpm; /* programs or files of it are not installed */
};
struct orl_vm_look {
    bool is_running;
    bool has_picture;         /* the hypervisor could take one of its screen */
    unsigned painted_percent; /* of that picture's pixels are not black */
    bool has_agent;           /* qemu-guest-agent answers */
    bool has_hook;            /* a program in the guest has the port `oriel` open */
    uint64_t cpu_ms;          /* that the machine has used so far */
};
/* Who a machine is that began as a copy of another. Nothing of it comes from a guest. */
struct orl_vm_identity {
    char hostname[ORL_VM_NAME_MAX + 1];
    char machine_id[ORL_ID_LEN + 1];
    char seed[64 + 1]; /* for its random numbers, in hex */
    char mac[18];      /* of its card; empty: it has none */
};
enum orl_vm_stop {
    ORL_VM_STOP_ASK = 0,
    ORL_VM_STOP_KILL = 1,
    ORL_VM_STOP_REBOOT = 2,
    ORL_VM_STOP_RESET = 3
}; /* ACPI and agent; pulling the plug; the two of them to start again at once */

/* rebooted: UUID of a guest that restarted itself, borrowed; NULL: look at all of them. Any thread. */
typedef void (*orl_backend_event_fn)(void *ctx, const char *rebooted);
/* The display of a machine that is not ours (vmpool/static_domain.h). */
struct orl_vm_static {
    const char *target; /* "domain:..." */
    bool wants_dbus;
    bool may_start; /* when it is off */
    bool is_look;   /* nothing is opened */
    bool has_rdp;   /* its display is elsewhere: only its power is looked at */
};
struct orl_vm_static_display {
    int fd; /* connected, the caller's; or -1, then */
    bool is_dbus;
    char target[ORL_TEXT_MAX + 1]; /* where it listens; empty when it was only looked at */
};

/* A machine's card on a network of ours. */
struct orl_vm_card {
    char address[ORL_VM_ADDRESS_MAX + 1]; /* reserved for it; nothing that the guest says */
    char gateway[ORL_VM_ADDRESS_MAX + 1]; /* the host's, on that network */
};

/* What a guest's agent, and a script that it ran, said. A guest says what it likes. */
struct orl_vm_answer {
    char agent[32];  /* its version; empty: none answers */
    char text[4096]; /* what the script printed; empty: it can't be run */
};

struct orl_vm_users {
    unsigned count;
    uint64_t
            first_login_ms; /* of who has been in longest, by the guest's clock; UINT64_MAX: not said */
};

struct orl_backend_ops {
    /* Makes the overlay and the definition, not running. The machine then exists under spec->uuid. */
    int (*clone)(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
    int (*start)(void *self, const char *uuid, struct orl_err *err);
    /* Asks, and returns; or kills, and waits. After a reboot or a reset it is running as before. */
    int (*stop)(void *self, const char *uuid, enum orl_vm_stop how, struct orl_err *err);
    /* Its processors stop; memory and devices stay as they are. Of one that does not run: an error. */
    int (*suspend)(void *self, const char *uuid, struct orl_err *err);
    /* They go on, and its clock is told the time where its agent answers. Of one that was stuck, and is again:
     * ORL_E_LIMIT: its disk is full; ORL_E_SYS: it fails otherwise. */
    int (*wake)(void *self, const char *uuid, struct orl_err *err);
    /* Kills it, forgets it, removes the overlay (NULL: none). */
    int (*remove)(void *self, const char *uuid, const char *overlay, struct orl_err *err);
    /* Writes whose it is; a quarantine is over with that. */
    int (*mark)(void *self, const char *uuid, const char *user, struct orl_err *err);
    /* Marks it as not to be touched again. */
    int (*quarantine)(void *self, const char *uuid, struct orl_err *err);
    int (*list)(void *self, struct orl_vm_list *ret_list, struct orl_err *err);
    int (*host)(void *self, struct orl_vm_host *ret_host, struct orl_err *err);
    /* The address of that card is nobody's any more. NULL where list() has no reservations. */
    int (*unreserve)(void *self, const char *network, const char *mac, struct orl_err *err);
    /* Makes the guests' network of that kind if it is missing, and its filter as the host is now. name: the
     * administrator's network or bridge; empty: one of ours. An error says why they get no card. */
    int (*network)(void *self, enum orl_network_mode mode, const char *name,
            struct orl_vm_network *ret_network, struct orl_err *err);
    /* Through the hypervisor, not through its display: a screen nobody can open can still be seen. */
    int (*look)(void *self, const char *uuid, struct orl_vm_look *ret_look, struct orl_err *err);
    /* A connected stream to its display, without authentication; the caller's. */
    int (*console)(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
    /* A socket that QEMU took as its D-Bus display's client; the caller's. May be NULL. */
    int (*display)(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
    /* ORL_E_DENIED: it is an Oriel's, or its libvirt is not allowed; ORL_E_AGAIN: it was off, and was started. May be
     * NULL. */
    int (*static_display)(void *self, const struct orl_vm_static *want,
            struct orl_vm_static_display *ret_display, struct orl_err *err);
    /* Where the host reaches it. ORL_E_NOTFOUND: it has no card with an address of ours. May be NULL. */
    int (*card)(void *self, const char *uuid, struct orl_vm_card *ret_card, struct orl_err *err);
    /* Runs a script (of a shell, or PowerShell) in the guest, as its agent: only for machines that are nobody's. No
     * agent is no error; ORL_E_CLOSED: is_cancelled became true. May be NULL. */
    int (*ask)(void *self, const char *uuid, const char *script, bool is_windows,
            unsigned timeout_ms, const atomic_bool *is_cancelled, struct orl_vm_answer *ret_answer,
            struct orl_err *err);
    /* A non-blocking stream to the hook in the guest (base/hook_wire.h), taken from whoever had it; the caller's. */
    int (*hook_open)(void *self, const char *uuid, int *ret_fd, struct orl_err *err);
    /* Makes the home's disk if there never was one, and plugs it into the running machine. */
    int (*home_attach)(
            void *self, const char *uuid, const struct orl_vm_home *home, struct orl_err *err);
    /* Who is logged in, as its agent says; an error where it says nothing that can be read. May be NULL. */
    int (*users)(void *self, const char *uuid, struct orl_vm_users *ret_users, struct orl_err *err);
    /* Boots spec as a machine that goes away with this process or call, until marker is seen on its
     * first serial line. ORL_E_TIMEOUT: not seen within timeout_ms. */
    int (*boot_test)(void *self, const struct orl_vm_spec *spec, const char *marker,
            unsigned timeout_ms, struct orl_err *err);
    /* Begins to make the golden image spec->golden.id: files with names that no clone uses, and a machine on
     * them that boots. One that runs already is left to it. */
    int (*golden_boot)(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
    /* Stops that machine where it is, writes its state, ends it and gives the files their names: all or nothing. */
    int (*golden_freeze)(void *self, const struct orl_vm_spec *spec, struct orl_err *err);
    /* Ends the machine and removes the files, whatever there is of them. uuid: "" where there is no machine. */
    int (*golden_remove)(void *self, const char *id, const char *uuid, struct orl_err *err);
    /* Starts a machine that clone() made as a copy of the golden image, gives it its own identity and card, and
     * looks at it. It runs and is nobody but itself, or it does not run; then its disk may have been written to,
     * and only a new clone() makes it fit to be resumed. */
    int (*resume)(void *self, const struct orl_vm_spec *spec,
            const struct orl_vm_identity *identity, struct orl_vm_look *ret_look,
            struct orl_err *err);
};
struct orl_backend {
    const struct orl_backend_ops *ops;
    void *self;
};

#endif
