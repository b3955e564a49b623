#include "vmpool/qcow2_head.h"
#include "base/rd.h"

#define MAGIC UINT32_C(0x514649fb)
#define FEATURE_CORRUPT (UINT64_C(1) << 1)
#define FEATURE_DATA_FILE (UINT64_C(1) << 2)
#define FEATURES_KNOWN UINT64_C(0x1f)
enum { CLUSTER_BITS_MIN = 9, CLUSTER_BITS_MAX = 21, L1_MAX = 4 * 1024 * 1024, V2 = 2, V3 = 3 };

struct head {
    uint32_t version, cluster_bits, l1_size, crypt;
    uint64_t backing_offset, features;
};

static bool read_head(const uint8_t *bytes, size_t len, struct head *head)
{
    struct orl_rd rd;
    orl_rd_init(&rd, bytes, len);
    if (orl_rd_u32be(&rd) != MAGIC) {
        return false;
    }
    head->version = orl_rd_u32be(&rd);
    head->backing_offset = (uint64_t)orl_rd_u32be(&rd) << 32;
    head->backing_offset |= orl_rd_u32be(&rd);
    orl_rd_skip(&rd, 4);
    head->cluster_bits = orl_rd_u32be(&rd);
    orl_rd_skip(&rd, 8);
    head->crypt = orl_rd_u32be(&rd);
    head->l1_size = orl_rd_u32be(&rd);
    if (head->version >= V3) {
        orl_rd_skip(&rd, 32); /* tables and snapshots */
        head->features = (uint64_t)orl_rd_u32be(&rd) << 32;
        head->features |= orl_rd_u32be(&rd);
    }
    return !rd.is_failed;
}

const char *orl_qcow2_fault(const uint8_t *bytes, size_t len, bool allows_backing)
{
    struct head head = {0};
    if (!read_head(bytes, len, &head) || (head.version != V2 && head.version != V3)) {
        return "is not qcow2";
    }
    if (head.features & FEATURE_CORRUPT) {
        return "is marked as corrupt";
    }
    if (head.features & FEATURE_DATA_FILE) {
        return "keeps its data in another file";
    }
    if (head.features & ~FEATURES_KNOWN) {
        return "has features that this program does not know";
    }
    if (head.backing_offset != 0 && !allows_backing) {
        return "needs another file; flatten it with qemu-img convert, or set allow_backing";
    }
    if (head.crypt != 0) {
        return "is encrypted";
    }
    if (head.cluster_bits < CLUSTER_BITS_MIN || head.cluster_bits > CLUSTER_BITS_MAX ||
            head.l1_size > L1_MAX) {
        return "has tables that are out of range";
    }
    return NULL;
}
