/* The fuzzer's bytes as a script: each command takes its arguments from what follows; none left are zeros. */
#ifndef ORL_TESTS_FUZZ_SCRIPT_H
#define ORL_TESTS_FUZZ_SCRIPT_H
#include "base/loop.h"
#include <stddef.h>
#include <stdint.h>

struct script {
    const uint8_t *data;
    size_t len, at;
};

static inline bool script_is_over(const struct script *script)
{
    return script->at >= script->len;
}

static inline uint8_t script_u8(struct script *script)
{
    return script_is_over(script) ? 0 : script->data[script->at++];
}

static inline uint32_t script_u16(struct script *script)
{
    const uint32_t low = script_u8(script);
    return low | (uint32_t)script_u8(script) << 8;
}

static inline uint32_t script_u32(struct script *script)
{
    const uint32_t low = script_u16(script);
    return low | script_u16(script) << 16;
}

/* At most max bytes, as many as the next byte says; borrowed. */
static inline const uint8_t *script_bytes(struct script *script, size_t max, size_t *ret_len)
{
    size_t len = script_u8(script);
    len = len < max ? len : max;
    len = len < script->len - script->at ? len : script->len - script->at;
    *ret_len = len;
    script->at += len;
    return script->data + script->at - len;
}

/* Lets the loop do what is due now. The timer stops it. */
static inline void script_turn(struct orl_loop *loop, struct orl_timer *timer)
{
    orl_timer_start(timer, 0, 0);
    orl_loop_run(loop);
}

#endif
