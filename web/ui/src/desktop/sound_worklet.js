// Plays what the page decodes, from a ring: starts when a little is there, and drops the oldest when it would lag.
const START_S = 0.03;
const MOST_S = 0.12;
const RING_S = 0.5;

class Player extends AudioWorkletProcessor {
    constructor() {
        super();
        this.size = Math.floor(sampleRate * RING_S);
        this.ring = [new Float32Array(this.size), new Float32Array(this.size)];
        this.read = 0;
        this.count = 0;
        this.isPlaying = false;
        this.port.onmessage = (event) => this.take(event.data);
    }

    /** @param {Float32Array[]} channels */
    take(channels) {
        const samples = Math.min(channels[0].length, this.size);
        for (let i = 0; i < samples; i++) {
            const at = (this.read + this.count + i) % this.size;
            this.ring[0][at] = channels[0][i];
            this.ring[1][at] = (channels[1] ?? channels[0])[i];
        }
        this.count += samples;
        const extra = this.count - Math.floor(sampleRate * MOST_S);
        if (extra > 0) {
            this.read = (this.read + extra) % this.size;
            this.count -= extra;
        }
        this.isPlaying ||= this.count >= sampleRate * START_S;
    }

    process(_inputs, outputs) {
        const output = outputs[0];
        const samples = output[0].length;
        if (this.count < samples) {
            this.isPlaying = false;
        }
        if (!this.isPlaying) {
            return true;
        }
        for (let channel = 0; channel < output.length; channel++) {
            const from = this.ring[Math.min(channel, 1)];
            for (let i = 0; i < samples; i++) {
                output[channel][i] = from[(this.read + i) % this.size];
            }
        }
        this.read = (this.read + samples) % this.size;
        this.count -= samples;
        return true;
    }
}

registerProcessor('oriel-player', Player);
