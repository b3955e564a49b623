// My desktops as the server says them, live: server-sent events, again and again when they break.
import {signal} from '@preact/signals';
import {get} from '../api.js';

export const desktops = signal(/** @type {any[]|null} */ (null));
export const isConnected = signal(true);

const FIRST_MS = 1000;
const LONGEST_MS = 15000;

let source = /** @type {EventSource|null} */ (null);
let timer = 0;
let delay = FIRST_MS;
let ended = /** @type {(code: string) => void} */ (() => {});

function take(data) {
    desktops.value = data.desktops;
    isConnected.value = true;
}

function retry() {
    source?.close();
    source = null;
    clearTimeout(timer);
    timer = window.setTimeout(open, delay + Math.random() * 500);
    delay = Math.min(delay * 2, LONGEST_MS);
}

async function open() {
    clearTimeout(timer);
    try {
        take(await get('/v1/me/desktops'));
    } catch (fault) {
        if (fault.status !== 401) {
            isConnected.value = false;
            retry();
        }
        return;
    }
    const mine = new EventSource('/api/v1/me/events');
    source = mine;
    mine.addEventListener('desktops', (event) => {
        delay = FIRST_MS;
        take(JSON.parse(event.data));
    });
    mine.addEventListener('ended', (event) => {
        stopLive();
        ended(JSON.parse(event.data).code);
    });
    mine.addEventListener('error', () => source === mine && retry());
}

/** @param {(code: string) => void} onEnded the login is over */
export function startLive(onEnded) {
    ended = onEnded;
    delay = FIRST_MS;
    window.addEventListener('online', retryNow);
    open();
}

export function retryNow() {
    if (!isConnected.value) {
        delay = FIRST_MS;
        open();
    }
}

export function stopLive() {
    window.removeEventListener('online', retryNow);
    clearTimeout(timer);
    source?.close();
    source = null;
    desktops.value = null;
    isConnected.value = true;
}
