// A small RFB server and aux peer inside the driver, for what a real desktop can't be made to do on demand: broken pictures, closes with
// each reason, silence. Raw pixels; notes what the page sends.
const CLIENT_LENGTH = {0: 20, 3: 10, 4: 8, 5: 6, 150: 10};

/** noVNC looks at a socket's own and its prototype's properties only; the driver's socket inherits them from further up. */
function showInherited() {
    const leaf = window.WebSocket.prototype;
    for (let from = Object.getPrototypeOf(leaf); from && from !== EventTarget.prototype; from = Object.getPrototypeOf(from)) {
        for (const [name, property] of Object.entries(Object.getOwnPropertyDescriptors(from))) {
            if (!(name in Object.getOwnPropertyDescriptors(leaf))) {
                Object.defineProperty(leaf, name, property);
            }
        }
    }
}

export class FakeRfb {
    constructor(width = 320, height = 200) {
        this.width = width;
        this.height = height;
        this.connections = 0;
        this.refuse = null;
        this.keys = [];
        this.encodings = [];
        this.wholeRequests = 0;
        this.sizes = [];
        this.cuts = [];
        this.auxSeen = [];
        this.hasStats = true;
        this.statsSent = 0;
        this.statsTimer = null;
    }

    /** @param {import('@playwright/test').Page} page */
    async serve(page) {
        await page.routeWebSocket(/\/ws\/desktop$/, (ws) => this.accept(ws));
        await page.routeWebSocket(/\/ws\/aux$/, (ws) => this.acceptAux(ws));
        await page.addInitScript(showInherited);
    }

    stop() {
        clearInterval(this.statsTimer);
    }

    acceptAux(ws) {
        this.aux = ws;
        ws.onMessage((data) => {
            this.auxSeen.push([...data]);
            if (data[0] === 4 && data[1] === 1) {
                clearInterval(this.statsTimer);
                this.statsTimer = setInterval(() => {
                    if (this.hasStats) {
                        this.sendStats();
                        this.statsSent++;
                    }
                }, 300);
            }
        });
        ws.onClose(() => clearInterval(this.statsTimer));
    }

    /** What is written on the picture. @param {string} text */
    sendNotice(text) { this.aux.send(Buffer.concat([Buffer.from([4]), Buffer.from(text)])); }

    sendStats() {
        const stats = {fps: 30, rtt_ms: 12, kbit_s: 2400, codec: 'h264', width: this.width, height: this.height, clipboard: true, sound: true};
        this.aux.send(Buffer.concat([Buffer.from([3]), Buffer.from(JSON.stringify(stats))]));
    }

    accept(ws) {
        this.connections++;
        if (this.refuse) {
            ws.close({code: 4000, reason: this.refuse});
            return;
        }
        this.ws = ws;
        this.stage = 0;
        this.input = Buffer.alloc(0);
        ws.onMessage((data) => {
            this.input = Buffer.concat([this.input, Buffer.from(data)]);
            while (this.take());
        });
        ws.send(Buffer.from('RFB 003.008\n'));
    }

    end(reason) {
        this.ws.close({code: 4000, reason});
    }

    shift(length) {
        const bytes = this.input.subarray(0, length);
        this.input = this.input.subarray(length);
        return bytes;
    }

    take() {
        const need = [12, 1, 1][this.stage];
        if (need !== undefined) {
            if (this.input.length < need) {
                return false;
            }
            this.shift(need);
            [() => this.ws.send(Buffer.from([1, 1])), () => this.ws.send(Buffer.alloc(4)), () => this.init()][this.stage]();
            this.stage++;
            return true;
        }
        return this.takeMessage();
    }

    init() {
        const init = Buffer.alloc(24);
        init.writeUInt16BE(this.width, 0);
        init.writeUInt16BE(this.height, 2);
        Buffer.from([32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0]).copy(init, 4);
        init.writeUInt32BE(4, 20);
        this.ws.send(Buffer.concat([init, Buffer.from('fake')]));
        this.ws.send(Buffer.from([150]));
    }

    takeMessage() {
        if (this.input.length === 0) {
            return false;
        }
        const type = this.input[0];
        let length = CLIENT_LENGTH[type];
        if (type === 2) {
            length = this.input.length < 4 ? 4 : 4 + 4 * this.input.readUInt16BE(2);
        } else if (type === 6) {
            length = this.input.length < 8 ? 8 : 8 + Math.abs(this.input.readInt32BE(4));
        } else if (type === 248) {
            length = this.input.length < 9 ? 9 : 9 + this.input[8];
        } else if (type === 251) {
            length = this.input.length < 8 ? 8 : 8 + 16 * this.input[6];
        } else if (type === 255) {
            length = 12;
        }
        if (length === undefined) {
            throw new Error(`the page sent a message of type ${type}`);
        }
        if (this.input.length < length) {
            return false;
        }
        this.onMessage(type, Buffer.from(this.shift(length)));
        return true;
    }

    onMessage(type, message) {
        if (type === 2) {
            this.encodings = Array.from({length: message.readUInt16BE(2)}, (_, i) => message.readInt32BE(4 + 4 * i));
            this.rects(this.extensionRect(-258), this.sizeRect(0));
        } else if (type === 3 && message[1] === 0) {
            this.wholeRequests++;
            this.paint();
        } else if (type === 4) {
            this.keys.push({down: message[1] === 1, keysym: message.readUInt32BE(4)});
        } else if (type === 255) {
            this.keys.push({down: message.readUInt16BE(2) === 1, keysym: message.readUInt32BE(4), code: message.readUInt32BE(8)});
        } else if (type === 6 && message.readInt32BE(4) >= 0) {
            this.cuts.push(message.subarray(8).toString('latin1'));
        } else if (type === 251) {
            this.width = message.readUInt16BE(2);
            this.height = message.readUInt16BE(4);
            this.sizes.push([this.width, this.height]);
            this.rects(this.sizeRect(1));
            this.paint();
        }
    }

    head(x, y, width, height, encoding) {
        const rect = Buffer.alloc(12);
        [x, y, width, height].forEach((value, i) => rect.writeUInt16BE(value, 2 * i));
        rect.writeInt32BE(encoding, 8);
        return rect;
    }

    extensionRect(encoding) {
        return this.head(0, 0, 0, 0, encoding);
    }

    sizeRect(reason) {
        const screen = Buffer.alloc(20);
        screen[0] = 1;
        screen.writeUInt16BE(this.width, 12);
        screen.writeUInt16BE(this.height, 14);
        return Buffer.concat([this.head(reason, 0, this.width, this.height, -308), screen]);
    }

    rects(...rects) {
        this.ws.send(Buffer.concat([Buffer.from([0, 0, rects.length >> 8, rects.length & 255]), ...rects]));
    }

    /** Four quarters: red, green, blue, grey. */
    paint() {
        const data = Buffer.alloc(this.width * this.height * 4);
        for (let y = 0; y < this.height; y++) {
            for (let x = 0; x < this.width; x++) {
                const colour = [[255, 0, 0], [0, 255, 0], [0, 0, 255], [128, 128, 128]][(y * 2 >= this.height ? 2 : 0) + (x * 2 >= this.width ? 1 : 0)];
                data.set(colour, (y * this.width + x) * 4);
            }
        }
        this.rects(Buffer.concat([this.head(0, 0, this.width, this.height, 0), data]));
    }

    h264(data, flags = 0) {
        const head = Buffer.alloc(8);
        head.writeUInt32BE(data.length, 0);
        head.writeUInt32BE(flags, 4);
        this.rects(Buffer.concat([this.head(0, 0, this.width, this.height, 50), head, data]));
    }

    cut(text) {
        const bytes = Buffer.from(text, 'latin1');
        const head = Buffer.alloc(8);
        head[0] = 3;
        head.writeUInt32BE(bytes.length, 4);
        this.ws.send(Buffer.concat([head, bytes]));
    }
}
