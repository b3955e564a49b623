// A person at the desktop page, for tests/bench: bench_client.js URL WIDTHxHEIGHT SECONDS KEYS RESTS. Prints what
// tests/bench/bench_watch.h says; a frame is a drawing on the page's canvas, a key is seen when its pixel can be read
// there, and of a rest only the last picture is told. The API is answered here; ORIEL_TICKET and ORIEL_PASSWORD are what opens the desktop.
import {chromium} from '@playwright/test';
import config from './playwright.config.js';

const WARM_UP_MS = 2000;
const MOVE_MS = 600;
const REST_MS = 4000;
const CALIBRATIONS = 30;
const [url, size, seconds, keys, rests] = process.argv.slice(2);
const [width, height] = size.split('x').map(Number);

/** In the page, before its own scripts. Canvases that are not on the page are noVNC's back buffer. */
function watch() {
    const bench = {frames: 0, drawn: 0, bytes: 0, onFrame: null, canvas: null};
    Object.defineProperty(window, 'bench', {value: bench});
    const draw = CanvasRenderingContext2D.prototype.drawImage;
    CanvasRenderingContext2D.prototype.drawImage = function (...args) {
        draw.apply(this, args);
        if (this.canvas.isConnected) {
            bench.frames++;
            bench.canvas = this.canvas;
            bench.drawn = performance.now();
            bench.onFrame?.();
        }
    };
    // noVNC looks at its socket's prototype: no class of our own.
    window.WebSocket = new Proxy(WebSocket, {
        construct(Socket, args) {
            const socket = new Socket(...args);
            socket.addEventListener('message', ({data}) => {
                bench.bytes += data.byteLength ?? data.length;
            });
            return socket;
        },
    });
    const colours = [0xff0000, 0x00ff00, 0x0000ff, 0xffff00, 0xff00ff, 0x00ffff]; // bench_watch.c
    const corner = () => {
        const [r, g, b] = bench.canvas.getContext('2d').getImageData(8, 8, 1, 1).data;
        return (r > 127 ? 0xff0000 : 0) | (g > 127 ? 0xff00 : 0) | (b > 127 ? 0xff : 0);
    };
    const press = (key, code, keyCode) => ['keydown', 'keyup'].forEach((type) => document.querySelector('textarea.keys').dispatchEvent(
        new KeyboardEvent(type, {key, code, keyCode, bubbles: true, cancelable: true})));
    bench.pause = () => press('F12', 'F12', 123);
    // orl_scene_sum(), in halves of 32 bits.
    bench.sum = () => {
        const {data} = bench.canvas.getContext('2d').getImageData(0, 0, bench.canvas.width, bench.canvas.height);
        let [high, low] = [0xcbf29ce4, 0x84222325];
        for (let i = 0; i < data.length; i += 4) {
            low = (low ^ (data[i] << 16 | data[i + 1] << 8 | data[i + 2])) >>> 0;
            const product = low * 0x1b3;
            high = (Math.imul(high, 0x1b3) + Math.floor(product / 2 ** 32) + (low << 8)) >>> 0;
            low = product >>> 0;
        }
        return high.toString(16).padStart(8, '0') + low.toString(16).padStart(8, '0');
    };
    const wait = (ms) => new Promise((resolve) => { setTimeout(resolve, ms); });
    bench.key = async (number) => {
        await wait(60 + Math.random() * 30);
        const wanted = colours[number % colours.length];
        const seen = new Promise((resolve) => {
            const look = () => corner() === wanted && resolve(performance.now());
            bench.onFrame = look;
            setTimeout(() => resolve(0), 5000);
        });
        const sent = performance.now();
        press('a', 'KeyA', 65);
        const at = await seen;
        bench.onFrame = null;
        return {sent, seen: at};
    };
}

const say = (line) => process.stdout.write(`${line}\n`);
const monotonicUs = () => Number(process.hrtime.bigint() / 1000n);

async function answerApi(route) {
    const {pathname} = new URL(route.request().url());
    const answers = {'/api/v1/reasons': {reasons: {}}};
    const ticket = {ticket: process.env.ORIEL_TICKET, password: process.env.ORIEL_PASSWORD, expires_ms: Date.now() + 300000};
    await route.fulfill({json: pathname.endsWith('/open') ? ticket : answers[pathname] ?? {}});
}

/** The page's clock in the desktop's: microseconds to add to its microseconds. */
async function calibrate(page) {
    let best = {took: Infinity, offset: 0};
    for (let i = 0; i < CALIBRATIONS; i++) {
        const before = monotonicUs();
        const now = await page.evaluate(() => performance.now());
        const after = monotonicUs();
        best = after - before < best.took ? {took: after - before, offset: (before + after) / 2 - now * 1000} : best;
    }
    return best.offset;
}

async function openDesktop(page) {
    await page.goto(`${url}/desktop/bench`);
    await page.waitForFunction(() => window.bench.frames > 0);
    const bar = await page.locator('.bar').evaluate((element) => element.getBoundingClientRect().height);
    await page.setViewportSize({width, height: height + Math.ceil(bar)});
    await page.waitForFunction(([w, h]) => window.bench.canvas.width === w && window.bench.canvas.height === h, [width, height]);
    say('up');
    await page.waitForTimeout(WARM_UP_MS);
}

async function tell(page, what) {
    const {frames, bytes} = await page.evaluate(() => ({frames: window.bench.frames, bytes: window.bench.bytes}));
    say(`${what} frames=${frames} bytes=${bytes}`);
}

async function rest(page, offset) {
    for (let number = 0; number < Number(rests); number++) {
        await page.waitForTimeout(MOVE_MS);
        await page.evaluate(() => window.bench.pause());
        await page.waitForTimeout(REST_MS);
        const {drawn, sum} = await page.evaluate(() => ({drawn: window.bench.drawn, sum: window.bench.sum()}));
        say(`state rest=${number} us=${Math.round(drawn * 1000 + offset)} sum=${sum} psnr=0`);
        await page.evaluate(() => window.bench.pause());
    }
}

async function pressKeys(page, offset) {
    for (let number = 0; number < Number(keys); number++) {
        const {sent, seen} = await page.evaluate((n) => window.bench.key(n), number);
        say(`key sent_us=${Math.round(sent * 1000 + offset)} seen_us=${seen ? Math.round(seen * 1000 + offset) : 0}`);
    }
}

const browser = await chromium.launch(config.use.launchOptions);
try {
    const context = await browser.newContext({ignoreHTTPSErrors: true, viewport: {width, height}});
    await context.addCookies([{name: '__Host-oriel', value: 'B'.repeat(43), url, secure: true, httpOnly: true, sameSite: 'Strict'}]);
    const page = await context.newPage();
    page.on('pageerror', (error) => process.stderr.write(`${error}\n`));
    page.on('console', (message) => process.stderr.write(`${message.type()}: ${message.text()}\n`));
    await page.route('**/api/**', answerApi);
    await page.addInitScript(watch);
    await openDesktop(page);
    await tell(page, 'begin');
    await page.waitForTimeout(Number(seconds) * 1000);
    await tell(page, 'end');
    const offset = await calibrate(page);
    await pressKeys(page, offset);
    await rest(page, offset);
    say('done');
} finally {
    await browser.close();
}
