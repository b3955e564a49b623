// The second connection of a desktop: sound, figures, typed text, wishes. docs/architecture.md has its messages; little endian.

const SOUND_FORMAT = 1;
const SOUND = 2;
const STATS = 3;
const NOTICE = 4;
const HELLO = 1;
const TEXT = 2;
const QUALITY = 3;
const STATS_WANTED = 4;
const VERSION = 1;
const MAX_TEXT_BYTES = 4096;

export const CODEC_OPUS = 1;
export const CODEC_PCM = 2;
export const qualities = {auto: 0, sharp: 1, saving: 2};

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Cuts a text into pieces of at most MAX_TEXT_BYTES, never inside a character. @param {string} text */
export function textPieces(text) {
    const pieces = [];
    let piece = '';
    let bytes = 0;
    for (const character of text) {
        const size = encoder.encode(character).length;
        if (bytes + size > MAX_TEXT_BYTES) {
            pieces.push(piece);
            piece = '';
            bytes = 0;
        }
        piece += character;
        bytes += size;
    }
    return piece ? [...pieces, piece] : pieces;
}

export class Aux {
    /**
     * @param {string[]} protocols
     * @param {{onFormat: (codec: number, channels: number, rate: number) => void, onSound: (ms: number, data: Uint8Array) => void,
     *          onStats: (stats: any) => void, onNotice: (text: string) => void, onOpen: () => void, onClose: () => void}} hooks
     */
    constructor(protocols, hooks) {
        this.hooks = hooks;
        this.socket = new WebSocket(`wss://${location.host}/ws/aux`, protocols);
        this.socket.binaryType = 'arraybuffer';
        this.socket.onopen = () => hooks.onOpen();
        this.socket.onmessage = (event) => event.data instanceof ArrayBuffer && this.take(event.data);
        this.socket.onclose = () => hooks.onClose();
    }

    get isOpen() { return this.socket.readyState === WebSocket.OPEN; }

    /** @param {ArrayBuffer} data */
    take(data) {
        const view = new DataView(data);
        const kind = data.byteLength > 0 ? view.getUint8(0) : 0;
        if (kind === SOUND_FORMAT && data.byteLength >= 7) {
            this.hooks.onFormat(view.getUint8(1), view.getUint8(2), view.getUint32(3, true));
        } else if (kind === SOUND && data.byteLength > 5) {
            this.hooks.onSound(view.getUint32(1, true), new Uint8Array(data, 5));
        } else if (kind === STATS) {
            let stats = null;
            try {
                stats = JSON.parse(decoder.decode(new Uint8Array(data, 1)));
            } catch {
                return;
            }
            this.hooks.onStats(stats);
        } else if (kind === NOTICE) {
            this.hooks.onNotice(decoder.decode(new Uint8Array(data, 1)));
        }
    }

    send(...bytes) {
        if (this.isOpen) {
            this.socket.send(new Uint8Array(bytes));
        }
    }

    hello(soundCodecs) { this.send(HELLO, VERSION, soundCodecs); }

    /** @param {string} text */
    text(text) {
        for (const piece of textPieces(text)) {
            this.send(TEXT, ...encoder.encode(piece));
        }
    }

    quality(name) { this.send(QUALITY, qualities[name]); }

    wantStats(isWanted) { this.send(STATS_WANTED, isWanted ? 1 : 0); }

    close() {
        this.socket.onclose = null;
        this.socket.close();
    }
}
