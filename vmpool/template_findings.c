#include "vmpool/template_findings.h"
#include "vmpool/identity.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CLOCK_OFF_MS = 2000, VALUE_MAX = 128, MS_PER_S = 1000 };

/* Prints nothing of what a template's people wrote but names. A key that is younger than the machine's start is
 * its own. */
static const char linux_script[] =
        "PATH=/usr/sbin:/usr/bin:/sbin:/bin; b=; [ -x /bin/busybox ] && b=/bin/busybox\n"
        "n() { for f in /sys/bus/virtio/drivers/$1/virtio*; do [ -e \"$f\" ] && echo \"$2 1\" && "
        "return; done; echo \"$2 0\"; }\n"
        "n virtio_blk disk; n virtio_net net; n virtio_gpu gpu; n virtio_balloon balloon; n "
        "virtio_rng rng\n"
        "echo \"time $($b date +%s)\"\n"
        "echo \"clock $($b cat "
        "/sys/devices/system/clocksource/clocksource0/current_clocksource)\"\n"
        "[ -d /sys/firmware/efi ] && echo 'efi 1' || echo 'efi 0'\n"
        "[ -e /dev/tpm0 ] && echo 'tpm 1' || echo 'tpm 0'\n"
        "for f in /sys/firmware/efi/efivars/SecureBoot-*; do [ -e \"$f\" ] && echo \"secureboot "
        "$($b tail -c 1 \"$f\" | $b od -An -tu1 | $b tr -d ' ')\"; done\n"
        "p=; [ -r /etc/oriel/prepared ] && read -r p u </etc/oriel/prepared\n" /* nobody's */
        "echo \"users $($b awk -F: -v p=\"$p\" '$3 >= 1000 && $3 < 60000 && $1 != p { print $1 }' "
        "/etc/passwd | $b head -n 5 | $b tr '\\n' ' ')\"\n"
        "up=$($b cut -d. -f1 /proc/uptime); up=$(($($b date +%s) - up)); k=0\n"
        "for f in /etc/ssh/ssh_host_*_key; do [ -e \"$f\" ] && [ \"$($b stat -c %Y \"$f\")\" -lt "
        "\"$up\" ] && k=1; done; echo \"hostkeys $k\"\n"
        "s=no; for p in chronyd systemd-timesyncd ntpd; do $b pidof $p >/dev/null 2>&1 && s=$p; "
        "done; $b pidof systemd-timesyn >/dev/null 2>&1 && s=systemd-timesyncd; echo \"timesync "
        "$s\"\n";
static const char windows_script[] =
        "$d = Get-CimInstance Win32_PnPSignedDriver; "
        "function n($k, $p) { if ($d | Where-Object DeviceName -Match $p) { \"$k 1\" } else { \"$k "
        "0\" } }; "
        "n disk 'VirtIO SCSI|VirtIO.*(Disk|Block)'; n net 'VirtIO Ethernet'; n gpu 'VirtIO GPU'; "
        "n balloon 'VirtIO Balloon'; n rng 'VirtIO RNG'; "
        "\"time $([DateTimeOffset]::UtcNow.ToUnixTimeSeconds())\"; "
        "\"efi $([int](Test-Path HKLM:\\SYSTEM\\CurrentControlSet\\Control\\SecureBoot))\"; "
        "\"tpm $([int][bool](Get-Tpm -ErrorAction SilentlyContinue).TpmPresent)\"; "
        "\"secureboot $([int](Confirm-SecureBootUEFI -ErrorAction SilentlyContinue))\"; "
        "\"users $((Get-LocalUser | Where-Object { $_.Enabled -and $_.SID -notmatch '-50[0-4]$' } "
        "| "
        "Select-Object -First 5).Name -join ' ')\"; \"hostkeys 0\"; "
        "\"timesync $(if ((Get-Service W32Time).Status -eq 'Running') { 'W32Time' } else { 'no' "
        "})\"";

const char *orl_template_script(bool is_windows)
{
    return is_windows ? windows_script : linux_script;
}

bool orl_template_value(const char *text, const char *key, char *ret, size_t size)
{
    size_t key_len = strlen(key);
    while (*text) {
        size_t len = strcspn(text, "\r\n");
        if (len > key_len && strncmp(text, key, key_len) == 0 && text[key_len] == ' ') {
            const char *value = text + key_len + 1;
            size_t value_len = len - key_len - 1;
            while (value_len > 0 && value[value_len - 1] == ' ') {
                value_len--;
            }
            size_t used = 0;
            for (size_t i = 0; i < value_len && used + 1 < size; i++) {
                /* It goes to a terminal, and a guest says what it likes. */
                ret[used++] = value[i] >= ' ' && value[i] < 127 ? value[i] : '?';
            }
            ret[used] = '\0';
            return true;
        }
        text += len;
        text += strspn(text, "\r\n");
    }
    return false;
}

struct judge {
    const struct orl_template_wants *wants;
    const struct orl_template_seen *seen;
    struct orl_template_item *items;
    size_t count;
};

__attribute__((format(printf, 5, 6))) static void add(struct judge *j, const char *name,
        enum orl_finding finding, const char *todo, const char *text, ...)
{
    struct orl_template_item *item = &j->items[j->count];
    va_list args;
    if (j->count == ORL_TEMPLATE_ITEMS_MAX) {
        return;
    }
    j->count++;
    item->name = name;
    item->finding = finding;
    item->todo = finding == ORL_FINDING_OK ? "" : todo;
    va_start(args, text);
    (void)vsnprintf(item->text, sizeof item->text, text, args);
    va_end(args);
}

static bool is_value(const struct judge *j, const char *key, const char *value)
{
    char found[VALUE_MAX];
    return orl_template_value(j->seen->answer.text, key, found, sizeof found) &&
           strcmp(found, value) == 0;
}

static bool has_feature(const struct judge *j, const char *name)
{
    size_t len = strlen(name);
    for (const char *at = j->seen->hook_features; *at;) {
        size_t word = strcspn(at, ",");
        if (word == len && strncmp(at, name, len) == 0) {
            return true;
        }
        at += word + (at[word] == ',');
    }
    return false;
}

static void judge_boot(struct judge *j)
{
    if (j->seen->has_painted) {
        add(j, "boots", ORL_FINDING_OK, "", "paints after %u s", j->seen->painted_s);
    } else {
        add(j, "boots", ORL_FINDING_BAD,
                "Look at its screen: which firmware and driver for the disk does it want? "
                "ready_timeout_s of vmpool.yaml is how long it has.",
                "paints nothing within %u s", j->wants->deadline_s);
    }
}

static void judge_programs(struct judge *j)
{
    const struct orl_template_seen *seen = j->seen;
    bool needs_hook = j->wants->has_person || j->wants->has_rdp;
    if (seen->answer.agent[0]) {
        add(j, "agent", ORL_FINDING_OK, "", "qemu-guest-agent %s answers", seen->answer.agent);
    } else {
        add(j, "agent", ORL_FINDING_WARN, "Install qemu-guest-agent and let it start by itself.",
                "no guest agent answers: clean shutdowns and the next items are not known");
    }
    if (seen->has_hook) {
        add(j, "hook", ORL_FINDING_OK, "", "version %" PRIu64 ": %s", seen->hook_version,
                seen->hook_features);
    } else {
        add(j, "hook", needs_hook ? ORL_FINDING_WARN : ORL_FINDING_OK,
                "Install guest/hook (docs/guest.md), or set the pool to --person off.",
                "no hook answers: no accounts and homes, log-offs are not told apart");
    }
    if (seen->has_hook && has_feature(j, "identity")) {
        add(j, "identity", ORL_FINDING_OK, "", "the hook sets host name and machine id");
    } else {
        bool is_by_agent = seen->answer.text[0] != '\0' && !j->wants->is_windows;
        add(j, "identity", is_by_agent ? ORL_FINDING_OK : ORL_FINDING_WARN,
                "Set the pools to --clone-method cold; Windows: sysprep /generalize.",
                is_by_agent ? "the agent can set host name and machine id"
                            : "nothing in the guest sets host name and machine id");
    }
}

static void judge_drivers(struct judge *j)
{
    static const struct {
        const char *key, *todo;
    } drivers[] = {
            {"disk", "Install the virtio disk driver (virtio_blk, viostor)."},
            {"net", "Install the virtio network driver (virtio_net, NetKVM)."},
            {"gpu", "Install the virtio display driver (virtio_gpu, viogpudo)."},
            {"balloon", "Install the virtio balloon driver: memory is not given back."},
            {"rng", "Install the virtio RNG driver (virtio_rng, viorng)."},
    };
    for (size_t i = 0; i < sizeof drivers / sizeof drivers[0]; i++) {
        const char *key = drivers[i].key;
        bool has_device = strcmp(key, "net") != 0 || j->wants->has_card;
        if (!has_device) {
            add(j, key, ORL_FINDING_OK, "", "not looked at: this machine had none");
        } else if (is_value(j, key, "1")) {
            add(j, key, ORL_FINDING_OK, "", "the virtio driver is bound");
        } else if (!is_value(j, key, "0")) {
            add(j, key, ORL_FINDING_UNKNOWN, "The guest agent has to answer, and run programs.",
                    "the guest did not say");
        } else {
            add(j, key, ORL_FINDING_WARN, drivers[i].todo, "no virtio driver is bound");
        }
    }
}

static void judge_left(struct judge *j)
{
    char users[VALUE_MAX] = "";
    if (!orl_template_value(j->seen->answer.text, "users", users, sizeof users) &&
            !is_value(j, "hostkeys", "0") && !is_value(j, "hostkeys", "1")) {
        add(j, "left", ORL_FINDING_UNKNOWN, "The guest agent has to answer, and run programs.",
                "whether accounts or keys are left is not known");
        return;
    }
    add(j, "accounts", users[0] ? ORL_FINDING_WARN : ORL_FINDING_OK,
            "Remove people's accounts and homes from the template: each clone has them.",
            users[0] ? "accounts of people: %s" : "no accounts of people%s", users);
    bool has_keys = is_value(j, "hostkeys", "1");
    add(j, "ssh_keys", has_keys ? ORL_FINDING_BAD : ORL_FINDING_OK,
            "rm /etc/ssh/ssh_host_*_key*, and have them made at the first boot (ssh-keygen -A).",
            has_keys ? "SSH host keys that each clone would have" : "no SSH host keys");
}

int64_t orl_template_clock_off_ms(uint64_t guest_s, uint64_t before_ms, uint64_t after_ms)
{
    int64_t first_ms = (int64_t)guest_s * MS_PER_S;
    int64_t last_ms = first_ms + MS_PER_S - 1;
    return first_ms > (int64_t)after_ms   ? first_ms - (int64_t)after_ms
           : last_ms < (int64_t)before_ms ? last_ms - (int64_t)before_ms
                                          : 0;
}

static void judge_time(struct judge *j)
{
    char program[VALUE_MAX];
    char seconds[VALUE_MAX];
    if (!orl_template_value(j->seen->answer.text, "time", seconds, sizeof seconds)) {
        add(j, "time", ORL_FINDING_UNKNOWN, "The guest agent has to answer, and run programs.",
                "the guest did not say");
        return;
    }
    bool is_off = llabs((long long)j->seen->clock_ms) > CLOCK_OFF_MS;
    bool has_program =
            orl_template_value(j->seen->answer.text, "timesync", program, sizeof program) &&
            strcmp(program, "no") != 0;
    if (is_off) {
        add(j, "time", ORL_FINDING_BAD,
                "Linux takes UTC from the machine; Windows must be registered with --os windows.",
                "its clock is off by %lld s", (long long)j->seen->clock_ms / MS_PER_S);
    } else {
        add(j, "time", has_program ? ORL_FINDING_OK : ORL_FINDING_WARN,
                "Install chrony or systemd-timesyncd: the clock of a guest drifts.",
                has_program ? "right, and kept by %s" : "right, and kept by nothing%s",
                has_program ? program : "");
    }
}

static void judge_firmware(struct judge *j)
{
    const struct orl_vm_res *res = &j->wants->res;
    const struct {
        const char *name, *key;
        bool is_wanted;
        const char *todo;
    } parts[] = {
            {"uefi", "efi", res->has_uefi,
                    "The template was installed with BIOS: --firmware bios."},
            {"secure_boot", "secureboot", res->has_secure_boot,
                    "The guest's boot loader and kernel must be signed; --no-secure-boot."},
            {"tpm", "tpm", res->has_tpm, "The guest's kernel needs tpm_crb; or --no-tpm."},
    };
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++) {
        bool is_there = is_value(j, parts[i].key, "1");
        if (parts[i].is_wanted) {
            enum orl_finding finding = is_there                  ? ORL_FINDING_OK
                                       : j->seen->answer.text[0] ? ORL_FINDING_BAD
                                                                 : ORL_FINDING_UNKNOWN;
            add(j, parts[i].name, finding, parts[i].todo,
                    is_there ? "as its pools ask" : "its pools ask for it, and the guest has none");
        }
    }
}

static void judge_rdp(struct judge *j)
{
    if (j->wants->has_rdp) {
        bool has_rdp = j->seen->has_hook && has_feature(j, "rdp");
        add(j, "rdp", has_rdp ? ORL_FINDING_OK : ORL_FINDING_BAD,
                "Install a hook that starts an RDP server (docs/guest.md), or --display auto.",
                has_rdp ? "the hook starts an RDP server and names its certificate"
                        : "its pools show by RDP, and its hook has no RDP server");
    }
}

size_t orl_template_judge_seen(const struct orl_template_wants *wants,
        const struct orl_template_seen *seen,
        struct orl_template_item ret_items[ORL_TEMPLATE_ITEMS_MAX])
{
    struct judge j = {.wants = wants, .seen = seen, .items = ret_items};
    judge_boot(&j);
    judge_programs(&j);
    judge_drivers(&j);
    judge_left(&j);
    judge_time(&j);
    judge_firmware(&j);
    judge_rdp(&j);
    return j.count;
}

enum orl_finding orl_template_worst(const struct orl_template_item *items, size_t count)
{
    enum orl_finding worst = ORL_FINDING_OK;
    for (size_t i = 0; i < count; i++) {
        enum orl_finding one =
                items[i].finding == ORL_FINDING_UNKNOWN ? ORL_FINDING_WARN : items[i].finding;
        worst = one > worst ? one : worst;
    }
    return worst;
}

const char *orl_finding_name(enum orl_finding finding)
{
    static const char *const names[] = {"ok", "warn", "bad", "unknown"};
    return finding <= ORL_FINDING_UNKNOWN ? names[finding] : "unknown";
}

static void put(struct orl_buf *out, const char *text)
{
    orl_buf_put(out, text, strlen(text));
}

void orl_template_items_json(
        const struct orl_template_item *items, size_t count, struct orl_buf *out)
{
    put(out, "{\"worst\":");
    orl_agent_put_string(out, orl_finding_name(orl_template_worst(items, count)));
    put(out, ",\"items\":[");
    for (size_t i = 0; i < count; i++) {
        put(out, i > 0 ? ",{\"item\":" : "{\"item\":");
        orl_agent_put_string(out, items[i].name);
        put(out, ",\"finding\":");
        orl_agent_put_string(out, orl_finding_name(items[i].finding));
        put(out, ",\"text\":");
        orl_agent_put_string(out, items[i].text);
        put(out, ",\"todo\":");
        orl_agent_put_string(out, items[i].todo);
        put(out, "}");
    }
    orl_buf_put(out, "]}", 3);
}
