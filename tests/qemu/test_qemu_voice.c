/* What QEMU plays, as it comes: in pieces of any size, of voices that are ours and that are not. */
#include "frames.h"
#include "protocols/qemu/qemu_voice.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEARD_MAX 65536
#define PIECE_BYTES 1920

struct heard {
    uint8_t data[HEARD_MAX];
    size_t len;
    unsigned pieces, ends;
    uint32_t rate_hz, channels;
};

static const struct frames_voice voice = {
        .id = 0x564D1B27D310, .bits = 16, .is_signed = true, .rate_hz = 48000, .channels = 2};

static void on_sound(void *ctx, const struct orl_sound *sound)
{
    struct heard *heard = ctx;
    assert_true(orl_sound_is_valid(sound));
    assert_true(heard->len + sound->len <= sizeof heard->data);
    heard->rate_hz = sound->rate_hz;
    heard->channels = sound->channels;
    heard->pieces++;
    if (sound->len == 0) {
        heard->ends++;
        return;
    }
    memcpy(heard->data + heard->len, sound->samples, sound->len);
    heard->len += sound->len;
}

/* step bytes at a time, at most. */
static int feed(struct orl_qemu_voice *v, const struct orl_buf *in, size_t step)
{
    int rc = ORL_OK;
    for (size_t at = 0; rc == ORL_OK && at < in->len;) {
        size_t room = 0;
        uint8_t *to = orl_qemu_voice_room(v, &room);
        size_t part = room < step ? room : step;
        part = part < in->len - at ? part : in->len - at;
        assert_true(room > 0);
        memcpy(to, in->data + at, part);
        at += part;
        rc = orl_qemu_voice_got(v, part);
    }
    return rc;
}

static void fill(uint8_t *samples, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        samples[i] = (uint8_t)(i * 31 >> 3);
    }
}

/* Of one voice: begins, plays, rests. */
static void put_tune(struct orl_buf *out, const struct frames_voice *v, uint32_t len)
{
    uint8_t samples[HEARD_MAX / 2];
    fill(samples, len);
    frames_put_voice_init(out, v);
    frames_put_voice_enable(out, v->id, true);
    frames_put_voice_volume(out, v->id);
    frames_put_voice_write(out, v->id, samples, len);
    frames_put_voice_enable(out, v->id, false);
}

static int hear(const struct orl_buf *in, size_t step, struct heard *ret_heard)
{
    struct orl_qemu_voice v;
    *ret_heard = (struct heard){.len = 0};
    orl_qemu_voice_init(&v, on_sound, ret_heard);
    return feed(&v, in, step);
}

static void samples_arrive_whole_however_the_bytes_come(void **state)
{
    (void)state;
    static const size_t steps[] = {1, 2, 3, 7, 16, 1000, 100000};
    static const uint32_t lens[] = {0, 4, PIECE_BYTES, ORL_SOUND_MAX_BYTES, ORL_SOUND_MAX_BYTES + 4,
            3 * ORL_SOUND_MAX_BYTES + 8};
    uint8_t samples[HEARD_MAX];
    fill(samples, sizeof samples);
    for (size_t i = 0; i < sizeof steps / sizeof steps[0] * 6; i++) {
        static struct heard heard;
        uint32_t len = lens[i % 6];
        struct orl_buf in;
        orl_buf_init(&in, 1U << 20);
        put_tune(&in, &voice, len);
        assert_int_equal(hear(&in, steps[i / 6], &heard), ORL_OK);
        assert_int_equal(heard.len, len);
        assert_memory_equal(heard.data, samples, len);
        assert_int_equal(heard.ends, len > 0 ? 1 : 0);
        if (len > 0) {
            assert_int_equal(heard.rate_hz, 48000);
            assert_int_equal(heard.channels, 2);
        }
        orl_buf_fini(&in);
    }
}

static void what_is_in_no_format_of_ours_is_not_heard(void **state)
{
    (void)state;
    static struct heard heard;
    struct frames_voice wrong[8];
    for (size_t i = 0; i < 8; i++) {
        wrong[i] = voice;
    }
    wrong[0].bits = 32;
    wrong[1].is_signed = false;
    wrong[2].is_float = true;
    wrong[3].is_big_endian = true;
    wrong[4].rate_hz = ORL_SOUND_RATE_MAX_HZ + 1;
    wrong[5].rate_hz = ORL_SOUND_RATE_MIN_HZ - 1;
    wrong[6].channels = 0;
    wrong[7].channels = ORL_SOUND_CHANNELS_MAX + 1;
    for (size_t i = 0; i < 8; i++) {
        struct orl_buf in;
        orl_buf_init(&in, 1U << 20);
        put_tune(&in, &wrong[i], PIECE_BYTES);
        wrong[i] = voice;
        wrong[i].id += i % 2;
        put_tune(&in, &wrong[i], 4); /* another format of the same voice, or another voice */
        assert_int_equal(hear(&in, 1000, &heard), ORL_OK);
        assert_int_equal(heard.len, 4);
        orl_buf_fini(&in);
    }
}

static void of_several_voices_one_is_heard(void **state)
{
    (void)state;
    static struct heard heard;
    struct frames_voice other = voice;
    struct orl_buf in;
    other.id = 1;
    orl_buf_init(&in, 1U << 20);
    put_tune(&in, &voice, 8);
    put_tune(&in, &other, 16);
    frames_put_voice_fini(&in, other.id);
    put_tune(&in, &voice, 8);
    frames_put_voice_fini(&in, voice.id);
    put_tune(&in, &other, 4);
    assert_int_equal(hear(&in, 1000, &heard), ORL_OK);
    assert_int_equal(heard.len, 20);
    assert_int_equal(heard.ends, 3);
    orl_buf_fini(&in);
}

static void what_is_late_is_thrown_away_by_whole_messages(void **state)
{
    (void)state;
    static struct heard heard;
    struct orl_qemu_voice v;
    struct orl_buf in;
    heard = (struct heard){.len = 0};
    orl_buf_init(&in, 1U << 20);
    put_tune(&in, &voice, 8);
    orl_qemu_voice_init(&v, on_sound, &heard);
    assert_int_equal(feed(&v, &in, 1000), ORL_OK);
    v.is_late = true;
    assert_int_equal(feed(&v, &in, 1000), ORL_OK);
    v.is_late = false;
    assert_int_equal(feed(&v, &in, 1000), ORL_OK);
    assert_int_equal(heard.len, 16);
    assert_int_equal(heard.ends, 2);
    orl_qemu_voice_stop(&v);
    assert_int_equal(heard.ends, 2);
    orl_buf_fini(&in);
}

static void the_end_is_told_where_none_came(void **state)
{
    (void)state;
    static struct heard heard;
    struct orl_qemu_voice v;
    struct orl_buf in;
    heard = (struct heard){.len = 0};
    orl_buf_init(&in, 1U << 20);
    frames_put_voice_init(&in, &voice);
    frames_put_voice_write(&in, voice.id, "abcd", 4);
    orl_qemu_voice_init(&v, on_sound, &heard);
    assert_int_equal(feed(&v, &in, 1000), ORL_OK);
    orl_qemu_voice_stop(&v);
    orl_qemu_voice_stop(&v);
    assert_int_equal(heard.ends, 1);
    orl_buf_fini(&in);
}

static void lengths_that_lie_and_questions_end_the_stream(void **state)
{
    (void)state;
    static struct heard heard;
    for (unsigned i = 0; i < 5; i++) {
        struct orl_buf in;
        orl_buf_init(&in, 1U << 20);
        frames_put_voice_init(&in, &voice);
        size_t at = in.len;
        if (i < 3) {
            frames_put_voice_write(&in, voice.id, "abcdefgh", i == 0 ? 6 : 8);
        } else if (i == 3) {
            frames_put_get_all(&in);
        } else {
            frames_put_voice_fini(&in, voice.id);
        }
        if (i == 1) {
            in.data[in.len - 12] = 4; /* the array ends before the body */
        } else if (i == 2 || i == 4) {
            in.data[at + 4] = 7; /* a body shorter than its arguments */
        }
        assert_int_equal(hear(&in, 1000, &heard), ORL_E_PROTO);
        assert_int_equal(heard.len, 0);
        orl_buf_fini(&in);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
            cmocka_unit_test(samples_arrive_whole_however_the_bytes_come),
            cmocka_unit_test(what_is_in_no_format_of_ours_is_not_heard),
            cmocka_unit_test(of_several_voices_one_is_heard),
            cmocka_unit_test(what_is_late_is_thrown_away_by_whole_messages),
            cmocka_unit_test(the_end_is_told_where_none_came),
            cmocka_unit_test(lengths_that_lie_and_questions_end_the_stream),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
