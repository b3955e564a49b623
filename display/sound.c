#include "display/sound.h"

bool orl_sound_is_valid(const struct orl_sound *sound)
{
    return sound->rate_hz >= ORL_SOUND_RATE_MIN_HZ && sound->rate_hz <= ORL_SOUND_RATE_MAX_HZ &&
           sound->channels >= 1 && sound->channels <= ORL_SOUND_CHANNELS_MAX &&
           sound->len <= ORL_SOUND_MAX_BYTES &&
           sound->len % (sound->channels * sizeof(int16_t)) == 0;
}
