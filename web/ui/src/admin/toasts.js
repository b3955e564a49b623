// Short news of what was done. A failure stays until it is closed; the rest goes by itself unless somebody points at it.
import {signal} from '@preact/signals';
import {html} from 'htm/preact';
import {useEffect, useRef} from 'preact/hooks';
import {t} from '../strings.js';
import {a} from './strings.js';

const toasts = signal(/** @type {{id: number, kind: string, text: string, code: string}[]} */ ([]));
const STAY_MS = 8000;
const MOST = 4;
let last = 0;

const drop = (id) => {
    toasts.value = toasts.value.filter((one) => one.id !== id);
};

/** @param {string} text @param {'ok'|'info'|'warn'|'danger'} kind */
export function toast(text, kind = 'ok', code = '') {
    toasts.value = [...toasts.value, {id: ++last, kind, text, code}].slice(-MOST);
}

/** @param {import('../api.js').ApiError} fault */
export const toastFault = (fault) => toast(fault.message, 'danger', t.code(fault.code, fault.audit));

/** Whether what asks has been closed: a failure is then told by a toast. */
export function useGone() {
    const isGone = useRef(false);
    useEffect(() => () => {
        isGone.current = true;
    }, []);
    return isGone;
}

function Toast({one}) {
    useEffect(() => {
        if (one.kind === 'danger') {
            return undefined;
        }
        const timer = setTimeout(() => drop(one.id), STAY_MS);
        return () => clearTimeout(timer);
    }, []);
    return html`<li class=${`notice ${one.kind}`}>
        <span>${one.text}</span>
        ${one.code && html`<span class="code">${one.code}</span>`}
        <button type="button" class="close" aria-label=${a.toast.close} onClick=${() => drop(one.id)}>×</button>
    </li>`;
}

export function Toasts() {
    return html`<section class="toasts" aria-label=${a.toast.label}>
        <ul aria-live="polite" aria-relevant="additions">${toasts.value.map((one) => html`<${Toast} key=${one.id} one=${one} />`)}</ul>
    </section>`;
}
