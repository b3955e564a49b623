// News from the broker, by server-sent events: what kinds of things have changed, and the load. A stream that breaks, or says nothing
// for long (a laptop that slept), is opened again; then everything shown is asked for anew.
import {signal} from '@preact/signals';
import {useEffect, useRef} from 'preact/hooks';
import {get} from '../api.js';

/** 'connecting', 'on', 'lost', or 'back': on again after it was lost, for some seconds. */
export const connection = signal('connecting');
/** The last numbers of the overview. */
export const load = signal(/** @type {any} */ (null));

const FIRST_MS = 1000;
const LONGEST_MS = 15000;
const SILENT_MS = 40000;
const BACK_MS = 8000;

let source = /** @type {EventSource|null} */ (null);
let delay = FIRST_MS;
let heard = 0;
let retryTimer = 0;
let backTimer = 0;
let watchTimer = 0;
let ended = /** @type {(code: string) => void} */ (() => {});
/** @type {Set<(kinds: string[]|null) => void>} null: anything may have changed */
const listeners = new Set();

const tell = (kinds) => listeners.forEach((listener) => listener(kinds));

function onOpen() {
    heard = Date.now();
    delay = FIRST_MS;
    if (connection.value === 'lost') {
        connection.value = 'back';
        clearTimeout(backTimer);
        backTimer = window.setTimeout(() => {
            connection.value = connection.value === 'back' ? 'on' : connection.value;
        }, BACK_MS);
        tell(null);
    } else if (connection.value === 'connecting') {
        connection.value = 'on';
        tell(null); // what changed before this stream was open
    }
}

/** Whether the login is over, only a request can tell: an event source does not say why it failed. */
function onError(mine) {
    if (source !== mine) {
        return;
    }
    mine.close();
    source = null;
    connection.value = 'lost';
    get('/v1/status').catch(() => {});
    clearTimeout(retryTimer);
    retryTimer = window.setTimeout(open, delay + Math.random() * 500);
    delay = Math.min(delay * 2, LONGEST_MS);
}

function open() {
    clearTimeout(retryTimer);
    source?.close();
    const mine = new EventSource('/api/v1/events');
    source = mine;
    heard = Date.now();
    mine.addEventListener('open', onOpen);
    mine.addEventListener('changed', (event) => {
        heard = Date.now();
        tell(JSON.parse(event.data).kinds);
    });
    mine.addEventListener('load', (event) => {
        heard = Date.now();
        load.value = JSON.parse(event.data);
    });
    mine.addEventListener('ended', (event) => {
        stopLive();
        ended(JSON.parse(event.data).code);
    });
    mine.addEventListener('error', () => onError(mine));
}

function watch() {
    if (source && Date.now() - heard > SILENT_MS) {
        onError(source);
    }
}

export function retryNow() {
    if (connection.value === 'lost') {
        delay = FIRST_MS;
        open();
    }
}

/** @param {(code: string) => void} onEnded the login is over */
export function startLive(onEnded) {
    ended = onEnded;
    delay = FIRST_MS;
    connection.value = 'connecting';
    window.addEventListener('online', retryNow);
    watchTimer = window.setInterval(watch, 5000);
    open();
}

export function stopLive() {
    window.removeEventListener('online', retryNow);
    [retryTimer, backTimer].forEach((timer) => clearTimeout(timer));
    clearInterval(watchTimer);
    source?.close();
    source = null;
    load.value = null;
    connection.value = 'connecting';
}

/** Calls act when something of these kinds may have changed, at most once in every_ms. @param {string[]} kinds */
export function useChanges(kinds, act, everyMs = 1000) {
    const latest = useRef(act);
    const pause = useRef(everyMs);
    latest.current = act;
    pause.current = everyMs;
    useEffect(() => {
        let timer = 0;
        let last = Date.now();
        const listener = (changed) => {
            if (timer === 0 && (changed === null || kinds.some((kind) => changed.includes(kind)))) {
                timer = window.setTimeout(() => {
                    timer = 0;
                    last = Date.now();
                    latest.current();
                }, Math.max(0, last + pause.current - Date.now()));
            }
        };
        listeners.add(listener);
        return () => {
            listeners.delete(listener);
            clearTimeout(timer);
        };
    }, [kinds.join()]);
}
