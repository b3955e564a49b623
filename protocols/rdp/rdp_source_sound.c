/* A server's sound (MS-RDPEA): FreeRDP's channel speaks the protocol and asks for PCM; this is the device it plays on. */
#include "protocols/rdp/rdp_source_priv.h"
#include <freerdp/addin.h>
#include <freerdp/client/channels.h>
#include <freerdp/client/rdpsnd.h>
#include <freerdp/codec/audio.h>
#include <string.h>

enum { BITS = 16 };

struct device {
    rdpsndDevicePlugin base; /* first: FreeRDP's */
    struct orl_source *source;
};

static struct orl_source *source_of(rdpsndDevicePlugin *base)
{
    return ((struct device *)(void *)base)->source;
}

static BOOL on_supported(rdpsndDevicePlugin *base, const AUDIO_FORMAT *format)
{
    (void)base;
    return format->wFormatTag == WAVE_FORMAT_PCM && format->wBitsPerSample == BITS &&
           format->nChannels >= 1 && format->nChannels <= ORL_SOUND_CHANNELS_MAX &&
           format->nBlockAlign == format->nChannels * (BITS / 8) &&
           format->nSamplesPerSec >= ORL_SOUND_RATE_MIN_HZ &&
           format->nSamplesPerSec <= ORL_SOUND_RATE_MAX_HZ;
}

static void stop(struct orl_source *s)
{
    const struct orl_sound over = {.rate_hz = s->sound.rate_hz, .channels = s->sound.channels};
    if (s->sound.is_playing && s->state == ORL_RDP_SOURCE_UP) {
        s->events->on_sound(s->ctx, &over);
    }
    s->sound.is_playing = false;
}

static BOOL on_open(rdpsndDevicePlugin *base, const AUDIO_FORMAT *format, UINT32 latency)
{
    struct orl_source *s = source_of(base);
    (void)latency;
    if (!on_supported(base, format)) {
        return FALSE;
    }
    stop(s);
    s->sound.rate_hz = format->nSamplesPerSec;
    s->sound.channels = format->nChannels;
    return TRUE;
}

static UINT on_play(rdpsndDevicePlugin *base, const BYTE *data, size_t len)
{
    struct orl_source *s = source_of(base);
    struct orl_sound sound = {.rate_hz = s->sound.rate_hz, .channels = s->sound.channels};
    const size_t frame = (size_t)sound.channels * (BITS / 8);
    if (!s->sound.is_wanted || s->state != ORL_RDP_SOURCE_UP || frame == 0) {
        return 0;
    }
    const size_t piece = ORL_SOUND_MAX_BYTES - ORL_SOUND_MAX_BYTES % frame;
    len -= len % frame;
    while (len > 0) {
        sound.len = len < piece ? len : piece;
        sound.samples = data;
        s->events->on_sound(s->ctx, &sound);
        s->sound.is_playing = true;
        data += sound.len;
        len -= sound.len;
    }
    return 0; /* of delay that we know */
}

static void on_close(rdpsndDevicePlugin *base)
{
    stop(source_of(base));
}

static BOOL on_volume(rdpsndDevicePlugin *base, UINT32 volume)
{
    (void)base;
    (void)volume; /* a person has their own */
    return TRUE;
}

static void on_free(rdpsndDevicePlugin *base)
{
    free(base);
}

static UINT VCAPITYPE on_entry(PFREERDP_RDPSND_DEVICE_ENTRY_POINTS points)
{
    struct device *device = calloc(1, sizeof(*device));
    if (device == NULL) {
        return CHANNEL_RC_NO_MEMORY;
    }
    device->source = orl_rdp_source_of(freerdp_rdpsnd_get_context(points->rdpsnd));
    device->base.FormatSupported = on_supported;
    device->base.Open = on_open;
    device->base.Play = on_play;
    device->base.Close = on_close;
    device->base.SetVolume = on_volume;
    device->base.Free = on_free;
    points->pRegisterRdpsndDevice(points->rdpsnd, &device->base);
    return CHANNEL_RC_OK;
}

/* FreeRDP asks by name for channels and their devices: ours, else its own, which are all built in. */
static PVIRTUALCHANNELENTRY on_addin(LPCSTR name, LPCSTR subsystem, LPCSTR type, DWORD flags)
{
    if (subsystem != NULL && strcmp(name, "rdpsnd") == 0 && strcmp(subsystem, "oriel") == 0) {
        return (PVIRTUALCHANNELENTRY)(void (*)(void))on_entry;
    }
    return freerdp_channels_load_static_addin_entry(name, subsystem, type, flags);
}

bool orl_rdp_source_sound_register(void)
{
    return freerdp_register_addin_provider(on_addin, 0) == 0;
}
