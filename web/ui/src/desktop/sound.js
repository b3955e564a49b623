// Sound of the desktop: Opus by WebCodecs, or plain PCM, into an AudioWorklet. A browser lets it start in a click only.
import {CODEC_OPUS, CODEC_PCM} from './aux.js';

const RATE_HZ = 48000;

export class Sound {
    constructor() {
        this.context = /** @type {AudioContext|null} */ (null);
        this.node = /** @type {AudioWorkletNode|null} */ (null);
        this.decoder = /** @type {AudioDecoder|null} */ (null);
        this.format = {codec: 0, channels: 2, rate: RATE_HZ};
        this.heard = 0;
    }

    get isOn() { return this.node !== null; }

    /** The codecs to ask for, as HELLO's bits. */
    get codecs() {
        return this.isOn ? CODEC_PCM | ('AudioDecoder' in window ? CODEC_OPUS : 0) : 0;
    }

    /** In a click. */
    async start() {
        const context = new AudioContext({sampleRate: RATE_HZ, latencyHint: 'interactive'});
        this.context = context;
        await context.audioWorklet.addModule(WORKLET_URL);
        this.node = new AudioWorkletNode(context, 'oriel-player', {numberOfInputs: 0, outputChannelCount: [2]});
        this.node.connect(context.destination);
        await context.resume();
    }

    stop() {
        this.closeDecoder();
        this.node?.disconnect();
        this.node = null;
        this.context?.close();
        this.context = null;
    }

    closeDecoder() {
        if (this.decoder && this.decoder.state !== 'closed') {
            this.decoder.close();
        }
        this.decoder = null;
    }

    onFormat(codec, channels, rate) {
        this.closeDecoder();
        if (channels < 1 || channels > 2 || rate < 8000 || rate > 192000) {
            codec = 0;
        }
        this.format = {codec, channels, rate};
    }

    openDecoder() {
        const mine = new AudioDecoder({
            output: (data) => {
                const channels = Array.from({length: data.numberOfChannels}, (_, i) => {
                    const samples = new Float32Array(data.numberOfFrames);
                    data.copyTo(samples, {planeIndex: i, format: 'f32-planar'});
                    return samples;
                });
                data.close();
                this.play(channels);
            },
            error: () => {
                if (mine === this.decoder) {
                    this.decoder = null; // the next packet opens another
                }
            },
        });
        this.decoder = mine;
        mine.configure({codec: 'opus', sampleRate: this.format.rate, numberOfChannels: this.format.channels});
    }

    /** @param {number} ms @param {Uint8Array} data */
    onSound(ms, data) {
        if (!this.isOn) {
            return;
        }
        if (this.format.codec === CODEC_PCM) {
            this.play(pcmChannels(data, this.format.channels));
        } else if (this.format.codec === CODEC_OPUS) {
            try {
                if (!this.decoder) {
                    this.openDecoder();
                }
                this.decoder.decode(new EncodedAudioChunk({type: 'key', timestamp: ms * 1000, data}));
            } catch {
                this.closeDecoder();
            }
        }
    }

    /** @param {Float32Array[]} channels */
    play(channels) {
        this.heard += channels[0].length;
        this.node?.port.postMessage(channels, channels.map((samples) => samples.buffer));
    }
}

/** @param {Uint8Array} data s16le, interleaved */
function pcmChannels(data, channels) {
    const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
    const count = Math.floor(data.byteLength / (2 * channels));
    return Array.from({length: channels}, (_, channel) => {
        const samples = new Float32Array(count);
        for (let i = 0; i < count; i++) {
            samples[i] = view.getInt16((i * channels + channel) * 2, true) / 32768;
        }
        return samples;
    });
}
