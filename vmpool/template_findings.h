/* What a machine of a template was seen to be, and what an administrator is told about it: item by item, with what to
 * do. Pure. Not here: looking (vmpool/template_inspect.h). */
#ifndef ORL_VMPOOL_TEMPLATE_FINDINGS_H
#define ORL_VMPOOL_TEMPLATE_FINDINGS_H
#include "base/buf.h"
#include "vmpool/backend.h"

#define ORL_TEMPLATE_ITEMS_MAX 24

/* What its pools ask of it. */
struct orl_template_wants {
    bool is_windows;
    bool has_person; /* a pool tells guests whose they are; without any pool: a new one would */
    bool has_rdp;    /* ... is shown by the guest's RDP server */
    bool has_card;   /* the machine that is looked at has one */
    struct orl_vm_res res;
    unsigned deadline_s; /* to paint */
};
struct orl_template_seen {
    bool has_painted;
    unsigned painted_s;
    struct orl_vm_answer answer; /* to orl_template_script() */
    int64_t clock_ms;            /* the guest's ahead of ours, when the script ran */
    bool has_hook;
    uint64_t hook_version;
    char hook_features[128];
};
enum orl_finding { ORL_FINDING_OK = 0, ORL_FINDING_WARN, ORL_FINDING_BAD, ORL_FINDING_UNKNOWN };
struct orl_template_item {
    const char *name; /* "boots", "disk", ... */
    enum orl_finding finding;
    char text[160];
    const char *todo; /* empty: nothing */
};
/* Prints lines "key value". */
const char *orl_template_script(bool is_windows);
/* The value of a line of the script; false: there is none. */
bool orl_template_value(const char *text, const char *key, char *ret, size_t size);
/* How far a guest's clock is ahead of ours, at least, when it said that second at some time from before to after. */
int64_t orl_template_clock_off_ms(uint64_t guest_s, uint64_t before_ms, uint64_t after_ms);
size_t orl_template_judge_seen(const struct orl_template_wants *wants,
        const struct orl_template_seen *seen,
        struct orl_template_item ret_items[ORL_TEMPLATE_ITEMS_MAX]);
enum orl_finding orl_template_worst(const struct orl_template_item *items, size_t count);
const char *orl_finding_name(enum orl_finding finding); /* "ok", "warn", "bad", "unknown" */
/* {"worst": ..., "items": [{"item", "finding", "text", "todo"}...]} with its NUL. */
void orl_template_items_json(
        const struct orl_template_item *items, size_t count, struct orl_buf *out);

#endif
