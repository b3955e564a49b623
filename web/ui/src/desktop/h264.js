// Open H.264 (RFB encoding 50) by WebCodecs. Unlike noVNC's own class it survives whatever the decoder does: each picture is given
// back, empty if it must be; then a key picture is asked for, then software decoding, then the server is told to do without H.264.
import {readAccessUnit} from './sei.js';

const RESET_CONTEXT = 1;
const RESET_ALL = 2;
const MAX_CONTEXTS = 16;
const OUTPUT_MS = 3000;
const ASK_MS = 1000;
const GOOD_AFTER = 60; // pictures in a row that make earlier failures forgotten
const FAILURES_TO_SOFTWARE = 2;
const FAILURES_TO_GIVE_UP = 5;

/** A picture that noVNC's render queue waits for; empty until the decoder has answered, or for ever. */
export class Picture {
    constructor(timestamp, regions) {
        this.timestamp = timestamp;
        this.regions = regions;
        this.ready = false;
        this.video = /** @type {VideoFrame|null} */ (null);
        this.promise = new Promise((resolve) => {
            this.resolve = resolve;
        });
        this.frame = this; // the queue draws .frame
    }

    get codedWidth() { return this.video?.codedWidth ?? 65535; }

    get codedHeight() { return this.video?.codedHeight ?? 65535; }

    /** @param {VideoFrame|null} video */
    settle(video) {
        if (this.ready) {
            video?.close();
            return;
        }
        this.video = video;
        this.ready = true;
        this.resolve();
    }

    /**
     * Paints what counts, in one drawing: a browser converts the whole picture each time it is drawn.
     * @param {CanvasRenderingContext2D} context
     */
    paint(context, x, y, width, height) {
        if (!this.video || this.regions?.length === 0) {
            return;
        }
        context.save();
        context.imageSmoothingEnabled = false;
        context.beginPath();
        for (const region of this.regions ?? [{x: 0, y: 0, w: width, h: height}]) {
            context.rect(x + region.x, y + region.y, Math.min(region.w, width - region.x), Math.min(region.h, height - region.y));
        }
        context.clip();
        context.drawImage(this.video, 0, 0, width, height, x, y, width, height);
        context.restore();
    }

    close() {
        this.video?.close();
        this.video = null;
    }
}

class Context {
    constructor(width, height, owner) {
        this.width = width;
        this.height = height;
        this.owner = owner;
        this.decoder = /** @type {VideoDecoder|null} */ (null);
        this.codec = '';
        this.pending = /** @type {Picture[]} */ ([]);
        this.timer = 0;
        this.needsKey = true;
    }

    configure(codec) {
        this.close();
        this.codec = codec;
        const mine = new VideoDecoder({
            output: (video) => (mine === this.decoder ? this.onOutput(video) : video.close()),
            error: () => mine === this.decoder && this.fail(),
        });
        this.decoder = mine;
        mine.configure({
            codec, codedWidth: this.width, codedHeight: this.height, optimizeForLatency: true,
            hardwareAcceleration: this.owner.isSoftware ? 'prefer-software' : 'no-preference',
        });
        this.needsKey = false;
    }

    /** @param {Uint8Array} data @returns {Picture|null} null: nothing to paint */
    decode(data) {
        const unit = readAccessUnit(data);
        try {
            if (unit.isKey && unit.codec && (this.needsKey || unit.codec !== this.codec || this.decoder?.state !== 'configured')) {
                this.configure(unit.codec);
            }
            if (this.needsKey) {
                this.owner.askForKey();
                return null;
            }
            const picture = new Picture(this.owner.nextTimestamp(), unit.regions);
            this.pending.push(picture);
            this.decoder.decode(new EncodedVideoChunk({timestamp: picture.timestamp, type: unit.isKey ? 'key' : 'delta', data}));
            this.watch();
            return picture;
        } catch {
            this.fail();
            return null;
        }
    }

    /** @param {VideoFrame} video */
    onOutput(video) {
        const at = this.pending.findIndex((picture) => picture.timestamp === video.timestamp);
        if (at < 0) {
            video.close();
            return;
        }
        // Those before it never come: a decoder without reordering gives pictures in order.
        const done = this.pending.splice(0, at + 1);
        done.forEach((picture, i) => picture.settle(i === at ? video : null));
        this.owner.onGood();
        this.watch();
    }

    watch() {
        clearTimeout(this.timer);
        this.timer = this.pending.length > 0 ? window.setTimeout(() => this.fail(), OUTPUT_MS) : 0;
    }

    fail() {
        this.close();
        this.owner.onFailure();
    }

    close() {
        clearTimeout(this.timer);
        const decoder = this.decoder;
        this.decoder = null;
        this.needsKey = true;
        if (decoder && decoder.state !== 'closed') {
            decoder.close();
        }
        for (const picture of this.pending.splice(0)) {
            picture.settle(null);
        }
    }
}

export class H264Decoder {
    /** @param {{onKeyNeeded: () => void, onGiveUp: () => void, onSoftware: () => void}} hooks */
    constructor(hooks) {
        this.hooks = hooks;
        this.contexts = /** @type {Map<string, Context>} */ (new Map());
        this.isSoftware = false;
        this.hasGivenUp = false;
        this.failures = 0;
        this.good = 0;
        this.asked = -Infinity;
        this.timestamp = 0;
    }

    nextTimestamp() {
        this.timestamp += 1000;
        return this.timestamp;
    }

    askForKey() {
        if (performance.now() - this.asked >= ASK_MS) {
            this.asked = performance.now();
            this.hooks.onKeyNeeded();
        }
    }

    onGood() {
        this.good++;
        if (this.good >= GOOD_AFTER) {
            this.failures = 0;
        }
    }

    onFailure() {
        this.good = 0;
        this.failures++;
        if (this.failures >= FAILURES_TO_GIVE_UP && !this.hasGivenUp) {
            this.hasGivenUp = true;
            this.hooks.onGiveUp();
        } else if (this.failures >= FAILURES_TO_SOFTWARE && !this.isSoftware) {
            this.isSoftware = true;
            this.hooks.onSoftware();
        }
        this.asked = -Infinity;
        this.askForKey();
    }

    context(x, y, width, height, flags) {
        const key = `${x},${y},${width},${height}`;
        if (flags & RESET_ALL) {
            this.close();
        } else if (flags & RESET_CONTEXT) {
            this.drop(key);
        }
        let context = this.contexts.get(key);
        if (context) {
            this.contexts.delete(key); // the map's order is the order of use
        } else {
            context = new Context(width, height, this);
            if (this.contexts.size >= MAX_CONTEXTS) {
                this.drop(this.contexts.keys().next().value);
            }
        }
        this.contexts.set(key, context);
        return context;
    }

    drop(key) {
        this.contexts.get(key)?.close();
        this.contexts.delete(key);
    }

    /** noVNC's decoder interface: false when more bytes are needed. */
    decodeRect(x, y, width, height, sock, display) {
        if (sock.rQwait('H.264 header', 8)) {
            return false;
        }
        const length = sock.rQshift32();
        const flags = sock.rQshift32();
        if (sock.rQwait('H.264 picture', length, 8)) {
            return false;
        }
        const context = this.context(x, y, width, height, flags);
        if (length > 0) {
            const picture = context.decode(sock.rQshiftBytes(length, false));
            if (picture) {
                display.videoFrame(x, y, width, height, picture);
            }
        }
        return true;
    }

    close() {
        for (const context of this.contexts.values()) {
            context.close();
        }
        this.contexts.clear();
    }
}
