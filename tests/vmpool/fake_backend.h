/* A hypervisor in memory with injected faults: calls that fail before, after and half-way through
 * their work, that are done twice, guests that never boot or die. Deterministic by its seed. */
#ifndef ORL_TESTS_VMPOOL_FAKE_BACKEND_H
#define ORL_TESTS_VMPOOL_FAKE_BACKEND_H
#include "vmpool/backend.h"
#include "vmpool/pool_plan.h"

#define FAKE_MAX_VMS 256

/* What a reconciler on it may do at once, and how long it waits. */
struct orl_plan_limits fake_limits(uint32_t max_in_flight);

/* What people leave in a guest: in its overlay, in its memory, in its clipboard. */
struct fake_guest {
    char disk[ORL_VM_USER_MAX + 1], memory[ORL_VM_USER_MAX + 1], clipboard[ORL_VM_USER_MAX + 1];
};
struct fake_vm {
    struct orl_vm vm;
    struct fake_guest guest;
    bool is_defined; /* false: only its overlay is there */
    bool has_overlay;
    bool has_card;
    bool has_run;                   /* its disk is not what it was cloned from any more */
    bool is_frozen;                 /* a golden image: no machine any more, files only */
    bool is_nobody;                 /* it runs as a copy, and is still who it was copied from */
    char base[ORL_VM_PATH_MAX + 1]; /* what its overlay lies on */
    int boot_left;                  /* looks until it has painted */
    bool is_late;                   /* made by a call whose caller is dead */
    unsigned boots;
    char person[16];                /* who is logged in */
    bool was_used;                  /* somebody was, since it booted */
    char home[ORL_VM_PATH_MAX + 1]; /* plugged in, until it is off */
};
struct fake_card { /* its address is kept for it */
    char installation[ORL_UUID_LEN + 1];
    struct orl_vm_reservation kept;
};
struct fake_faults { /* per cent */
    unsigned fail_before, fail_after, half, twice, no_boot;
};
struct fake {
    uint64_t rng;
    struct fake_faults faults;
    unsigned injected;        /* faults so far */
    const char *installation; /* who calls; it sees its own machines only. NULL: there is but one */
    uint64_t qemu_version;    /* as libvirt counts */
    const char *machine;      /* what its newest machine type is */
    bool is_down;             /* every call fails */
    bool has_no_network;
    bool has_display; /* a D-Bus display that closes at once */
    unsigned displays_opened;
    int display_gate; /* not 0: opening a display waits for a byte of this fd, as where QEMU hangs */
    bool is_late;     /* the caller of the next call is dead */
    bool half_clones;         /* as on a full disk */
    unsigned squats;          /* so many clones find their name taken, by a machine with our mark */
    const char *start_fault;  /* why none starts */
    const char *golden_fault; /* why no golden image is made */
    bool is_readonly;         /* so is the disk: nothing is made, nothing goes */
    bool lacks_firmware, lacks_tpm; /* of the host; the first: both */
    int disk_fault; /* what wake() says of it; guests that run write, and stop there. 0: none */
    bool swallows_removal; /* a seeded bug: says that it removed */
    struct fake_vm vms[FAKE_MAX_VMS];
    size_t count;
    struct fake_card cards[FAKE_MAX_VMS];
    size_t card_count;
    const char *stuck_cards; /* addresses of cards whose MAC begins so are never given up */
    /* Before a machine is touched: what the world thinks of that. */
    void (*on_touch)(void *ctx, const char *what, const char *uuid);
    void *ctx;
    unsigned suspends, wakes, wake_calls;
    unsigned clone_calls, start_calls, remove_calls; /* whatever came of them */
    unsigned starts, clones, removals, reboots, resets;
    unsigned resumes;
    bool cannot_resume;      /* machines don't begin as copies here */
    bool resumes_fail_late;  /* they run, but don't become somebody of their own */
    unsigned resumed_again;  /* on a disk that was written to */
    unsigned resumed_astray; /* on a disk that the image's memory does not know */
    unsigned boot_tests;
    int boot_test_result;
    char last_console[ORL_UUID_LEN + 1];
    struct orl_vm_card card; /* of every machine; empty: none has one */
};

void fake_init(struct fake *fake, uint64_t seed);
void fake_reboot(struct fake_vm *vm); /* by itself: dark, then painted again */
struct orl_backend fake_backend(struct fake *fake);
struct fake_vm *fake_find(struct fake *fake, const char *uuid);
bool fake_has_card(const struct fake *fake, const struct orl_vm_meta *meta);
unsigned fake_random(struct fake *fake, unsigned below);

#endif
