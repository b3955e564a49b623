// Pieces that several views share: fields, notices, dialogs, copying.
import {html} from 'htm/preact';
import {useEffect, useId, useRef, useState} from 'preact/hooks';
import {t} from './strings.js';

/** An input with its label, hint and what is wrong with it. */
export function Field({label, hint = '', wrong = '', inputRef = null, ...input}) {
    const id = useId();
    return html`<div class="field">
        <label for=${id}>${label}</label>
        <input id=${id} ref=${inputRef} aria-invalid=${wrong ? 'true' : null} aria-describedby=${`${id}-hint`} ...${input} />
        <span id=${`${id}-hint`} class=${wrong ? 'wrong' : 'hint'} hidden=${!wrong && !hint}>${wrong || hint}</span>
    </div>`;
}

export function Notice({kind, children, role = kind === 'danger' ? 'alert' : 'status'}) {
    return html`<div class=${`notice ${kind}`} role=${role}>${children}</div>`;
}

/** @param {{error: import('./api.js').ApiError}} props */
export function Fault({error}) {
    return html`<${Notice} kind="danger"><span>${error.message}</span><span class="code">${t.code(error.code, error.audit)}</span><//>`;
}

/** A modal dialog; the browser gives the focus back to what had it. */
export function Dialog({title, onClose, children, ...more}) {
    const ref = useRef(/** @type {HTMLDialogElement|null} */ (null));
    const id = useId();
    useEffect(() => {
        const before = /** @type {HTMLElement|null} */ (document.activeElement);
        const dialog = ref.current;
        dialog?.showModal();
        return () => { // unless somebody has gone on to something else already
            if (before?.isConnected && (document.activeElement === document.body || dialog?.contains(document.activeElement))) {
                before.focus();
            }
        };
    }, []);
    return html`<dialog ref=${ref} aria-labelledby=${id} onClose=${onClose} ...${more}>
        <h2 id=${id}>${title}</h2>
        ${children}
    </dialog>`;
}

/** Copies a text and says whether it worked. */
export function CopyButton({text, label}) {
    const [said, say] = useState('');
    const copy = async () => {
        try {
            await navigator.clipboard.writeText(text);
            say(t.rdp.copied);
        } catch {
            say(t.rdp.notCopied);
        }
    };
    return html`<button type="button" class="button" onClick=${copy} aria-label=${label}>${t.rdp.copy}</button>
        <span class="small muted" role="status">${said}</span>`;
}

/** Whole seconds until a moment, counting down. @param {number} untilMs */
export function useCountdown(untilMs) {
    const left = () => Math.max(0, Math.ceil((untilMs - Date.now()) / 1000));
    const [seconds, set] = useState(left());
    useEffect(() => {
        set(left());
        const timer = setInterval(() => set(left()), 500);
        return () => clearInterval(timer);
    }, [untilMs]);
    return seconds;
}

/** @param {number} ms since 1970 */
export function when(ms) {
    const sameDay = new Date(ms).toDateString() === new Date().toDateString();
    return new Intl.DateTimeFormat(undefined, sameDay ? {timeStyle: 'short'} : {dateStyle: 'medium', timeStyle: 'short'}).format(ms);
}
