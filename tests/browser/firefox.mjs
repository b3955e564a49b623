// One journey in stock Firefox by WebDriver BiDi: node firefox.mjs BROWSER PROFILE. Log in, open the desktop that plays a film, colours right.
import {spawn} from 'node:child_process';
import {mkdir} from 'node:fs/promises';
import WebSocket from 'ws';
import {control} from './control.js';

const [browser, profile] = process.argv.slice(2);
const url = process.env.ORIEL_URL;

class BiDi {
    constructor(socket) {
        this.socket = socket;
        this.waiting = new Map();
        this.next = 1;
        socket.on('message', (data) => this.onMessage(JSON.parse(data)));
    }

    onMessage(message) {
        const {resolve, reject} = this.waiting.get(message.id) ?? {};
        this.waiting.delete(message.id);
        if (message.type === 'error') {
            reject?.(new Error(`${message.error}: ${message.message}`));
        } else {
            resolve?.(message.result);
        }
    }

    send(method, params = {}) {
        const id = this.next++;
        this.socket.send(JSON.stringify({id, method, params}));
        return new Promise((resolve, reject) => this.waiting.set(id, {resolve, reject}));
    }
}

/** Starts the browser; the address comes on its standard error. */
async function start() {
    await mkdir(profile, {recursive: true});
    const child = spawn(browser, ['--headless', '--no-remote', '--profile', profile, '--remote-debugging-port', '0', 'about:blank'],
        {stdio: ['ignore', 'ignore', 'pipe']});
    process.on('exit', () => child.kill('SIGKILL'));
    const address = await new Promise((resolve, reject) => {
        let text = '';
        child.stderr.on('data', (data) => {
            text += data;
            const found = /WebDriver BiDi listening on (ws:\S+)/.exec(text);
            if (found) {
                resolve(found[1]);
            }
        });
        child.on('exit', () => reject(new Error(`the browser ended: ${text}`)));
    });
    const socket = new WebSocket(`${address}/session`);
    await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject));
    return {child, bidi: new BiDi(socket)};
}

async function waitFor(what, check, seconds = 90) {
    let seen;
    for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise((resolve) => setTimeout(resolve, 200))) {
        seen = await check();
        if (seen) {
            return seen;
        }
    }
    throw new Error(`still not: ${what}`);
}

const {child, bidi} = await start();
await bidi.send('session.new', {capabilities: {alwaysMatch: {acceptInsecureCerts: true}}});
const {contexts: [{context}]} = await bidi.send('browsingContext.getTree');
const evaluate = async (expression) => {
    const {result, exceptionDetails} = await bidi.send('script.evaluate', {expression: `Promise.resolve(${expression}).then(JSON.stringify)`,
        target: {context}, awaitPromise: true});
    if (exceptionDetails) {
        throw new Error(exceptionDetails.text);
    }
    return result.value === undefined ? undefined : JSON.parse(result.value);
};
const type = (text) => bidi.send('input.performActions', {context, actions: [{type: 'key', id: 'keyboard',
    actions: [...text].flatMap((value) => [{type: 'keyDown', value}, {type: 'keyUp', value}])}]});

await bidi.send('browsingContext.navigate', {context, url: `${url}/`, wait: 'complete'});
await waitFor('the login form', () => evaluate('document.activeElement?.name === "user"'));
await type('alice\uE004');
await type(`${process.env.ORIEL_PASSWORD}\uE007`);
await waitFor('my desktops', () => evaluate('document.querySelector("h1")?.textContent === "My desktops"'));
await bidi.send('browsingContext.navigate', {context, url: `${url}/desktop/film`, wait: 'complete'});
const stamps = async () => Array.from((await control('events')).matchAll(/colour=(\w{6})/g), (found) => found[1]);
const canvas = 'document.querySelector("canvas")';
await waitFor('the desktop', () => evaluate(`${canvas}?.width > 300 && document.querySelector(".overlay") === null`));
await waitFor('the keyboard', () => evaluate('document.activeElement?.className === "keys"'));
let shown = '';
process.on('exit', () => console.log(`firefox shows ${shown}`));
for (let i = 0; i < 3; i++) {
    const before = (await stamps()).length;
    await type('a');
    await waitFor('the key', async () => (await stamps()).length > before);
    await waitFor('the colour of the key', async () => {
        const wanted = (await stamps()).at(-1);
        const is = await evaluate(`[...${canvas}.getContext("2d").getImageData(16, 16, 1, 1).data]`);
        shown = `${wanted} as ${is}`;
        return wanted && Math.max(...[0, 2, 4].map((at, n) => Math.abs(parseInt(wanted.slice(at, at + 2), 16) - is[n]))) <= 6;
    });
}
const codec = await waitFor('the figures', () => evaluate('document.querySelector(".tools")?.textContent.includes(" fps") && "painted"'));
console.log(`firefox: ${codec}`);
await bidi.send('browser.close').catch(() => {});
child.kill();
console.log('1 passed, 0 failed');
process.exit(0);
