#include "vmpool/image_tool.h"
#include "base/sandbox_program.h"
#include "vmpool/proc.h"
#include <unistd.h>

enum { WORDS_MAX = 16, MS_PER_S = 1000 };
#define MEMORY_BYTES (UINT64_C(2) << 30)

static const char *find_program(void)
{
    static const char *const paths[] = {"/usr/local/bin/qemu-img", "/usr/bin/qemu-img"};
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        if (access(paths[i], X_OK) == 0) {
            return paths[i];
        }
    }
    return NULL;
}

int orl_image_tool_run(const struct orl_image_tool *tool, const char *const *words,
        struct orl_buf *out, struct orl_err *err)
{
    const char *argv[WORDS_MAX] = {find_program()};
    size_t count = 1;
    struct orl_sandbox_program *sandbox = NULL;
    if (!argv[0]) {
        return orl_err_set(err, ORL_E_BACKEND, "there is no qemu-img (package qemu-utils)");
    }
    for (; *words && count + 1 < WORDS_MAX; words++) {
        argv[count++] = *words;
    }
    const struct orl_sandbox_program_opts limits = {.path = argv[0],
            .reads = tool->from,
            .writes = tool->to,
            .memory_bytes = MEMORY_BYTES,
            .file_bytes = tool->to_max_bytes,
            .cpu_s = tool->timeout_ms / MS_PER_S};
    int r = orl_sandbox_program_new(&limits, &sandbox, err);
    if (r == 0) {
        const struct orl_proc_opts opts = {.timeout_ms = tool->timeout_ms,
                .is_cancelled = tool->is_cancelled,
                .sandbox = sandbox};
        r = orl_proc_run_with(argv, &opts, out, err);
    }
    orl_sandbox_program_free(sandbox);
    return r;
}
