/* Programs of the guest, run as root with a deadline; their whole process group ends with it. */
#ifndef ORL_GUEST_HOOK_RUN_H
#define ORL_GUEST_HOOK_RUN_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* argv[0] is looked for in PATH; env NULL: PATH only. The exit status; 126: cannot run, 137: deadline, 128+n: signal. */
int orl_run(char *const argv[], char *const env[], unsigned timeout_ms);
/* Started and left alone: it may outlive us. */
void orl_run_apart(char *const argv[]);
/* Ends every process of uid: asks, waits up to grace_ms, kills. False: some are left. */
bool orl_run_end_all(uint32_t uid, unsigned grace_ms);
uint64_t orl_run_now_ms(void); /* monotonic */

#endif
