/* Jobs that make templates (store/job.h): template.import of a disk image, template.build from an ISO; of a file that is
 * sent through upload.sock, or that lies below import_dir. A few at once. Loop thread only; what takes its time is on workers.
 * Not here: what is done with the file (vmpool/image_convert.h, vmpool/image_build.h). */
#ifndef ORL_VMPOOL_IMPORTS_H
#define ORL_VMPOOL_IMPORTS_H
#include "base/work.h"
#include "store/pool.h"
#include "store/template.h"
#include "vmpool/import_files.h"
#include "vmpool/upload_sock.h"

struct orl_imports_cfg { /* borrowed for the object's life */
    struct orl_store *store;
    const struct orl_backend *backend;
    struct orl_work *work;       /* one converts */
    struct orl_work *build_work; /* a thread for each ORL_IMPORT_BUILDS_MAX */
    const char *host;
    const char *images_dir;
    const char *import_dir; /* empty: no files of this host */
    uint64_t max_virtual_bytes, max_file_bytes, reserve_bytes;
    bool (*is_ready)(
            void *ctx); /* machines can be made, and what a former life left is ended in the store */
    int (*make_spec)(void *ctx, const struct orl_pool_row *pool, const struct orl_template_row *t,
            struct orl_vm_spec *spec, struct orl_err *err);
    void *ctx;
};
#define ORL_IMPORT_BUILDS_MAX 2

struct orl_imports;
/* Removes what a former life left on the disk; but installations that are under way go on. */
ORL_NODISCARD int orl_imports_new(
        const struct orl_imports_cfg *cfg, struct orl_imports **ret_imports, struct orl_err *err);
/* So that work can end: what is under way gives up soon; the machines of installations stay. */
void orl_imports_stop(struct orl_imports *imports);
void orl_imports_free(struct orl_imports *imports); /* after orl_work_free(); NULL is fine */
void orl_imports_tick(struct orl_imports *imports, uint64_t now_ms); /* now and then */
/* The machine of that name is in use by one: no leftover. */
bool orl_imports_holds(const struct orl_imports *imports, const char *name);
/* As struct orl_upload_sock_cfg has them; ctx: struct orl_imports. */
bool orl_imports_begin_piece(void *ctx, const struct orl_upload_piece *piece, int *ret_fd,
        struct orl_upload_answer *answer);
void orl_imports_end_piece(void *ctx, const struct orl_upload_piece *piece, uint64_t written,
        int error, struct orl_upload_answer *answer);

#endif
