// Asks before something is done that people would notice, and says who they are.
import {signal} from '@preact/signals';
import {html} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {Dialog, Fault, Field, Notice} from '../parts.js';
import {t} from '../strings.js';
import {a} from './strings.js';
import {toast, toastFault, useGone} from './toasts.js';

/**
 * @typedef {object} Question
 * @property {string} title
 * @property {string} [text] what happens
 * @property {() => Promise<string[]>} [affected] who or what is affected, asked when the dialog opens
 * @property {string} [typeName] a name that must be typed
 * @property {string} label of the button that does it
 * @property {boolean} [isDangerous]
 * @property {any} [children] more fields
 * @property {() => Promise<any>} act
 * @property {string|((answer: any) => string)} [done] said when it was done
 */
const question = signal(/** @type {Question|null} */ (null));

/** @param {Question} what */
export const ask = (what) => {
    question.value = what;
};

function Affected({list, error, onRetry}) {
    if (error) {
        return html`<div class="stack"><${Fault} error=${error} /><div class="row"><button type="button" class="button" onClick=${onRetry}>${a.again}</button></div></div>`;
    }
    if (list === null) {
        return html`<p class="muted" role="status">${a.confirm.looking}</p>`;
    }
    return list.length === 0 ? html`<p class="muted" role="status">${a.confirm.nobody}</p>`
        : html`<${Notice} kind="warn" role="status"><strong>${a.confirm.affected(list.length)}</strong>
            <ul class="affected">${list.slice(0, 20).map((one) => html`<li>${one}</li>`)}
            ${list.length > 20 && html`<li>${a.confirm.more(list.length - 20)}</li>`}</ul><//>`;
}

function Confirm({what, onClose}) {
    const [affected, setAffected] = useState(/** @type {string[]|null} */ (what.affected ? null : []));
    const [unknown, setUnknown] = useState(null);
    const [error, setError] = useState(null);
    const [busy, setBusy] = useState(false);
    const [typed, setTyped] = useState('');
    const lookUp = () => {
        setUnknown(null);
        what.affected?.().then(setAffected, setUnknown);
    };
    useEffect(lookUp, []);
    const isGone = useGone();
    const isReady = affected !== null && (!what.typeName || typed === what.typeName);
    const act = async (event) => {
        event.preventDefault();
        if (!isReady || busy) {
            return;
        }
        setBusy(true);
        setError(null);
        try {
            const answer = await what.act();
            onClose();
            toast((typeof what.done === 'function' ? what.done(answer) : what.done) ?? a.done);
        } catch (fault) {
            if (isGone.current) {
                toastFault(fault);
                return;
            }
            setBusy(false);
            setError(fault);
        }
    };
    return html`<${Dialog} title=${what.title} onClose=${onClose}>
        <form class="stack" onSubmit=${act}>
            ${what.text && html`<p>${what.text}</p>`}
            ${what.affected && html`<${Affected} list=${affected} error=${unknown} onRetry=${lookUp} />`}
            ${what.children}
            ${what.typeName && html`<${Field} label=${a.confirm.type(what.typeName)} value=${typed} autocomplete="off" autocapitalize="none" spellcheck=${false}
                onInput=${(event) => setTyped(event.currentTarget.value)} />`}
            ${error && html`<${Fault} error=${error} />`}
            <div class="row end">
                <button type="button" class="button" autofocus=${!what.children} onClick=${onClose}>${t.cancel}</button>
                <button class=${`button ${what.isDangerous ? 'danger' : 'primary'}`} aria-disabled=${isReady && !busy ? null : 'true'}>${what.label}</button>
            </div>
        </form>
    <//>`;
}

/** Where questions appear; once in the page. */
export function Questions() {
    const what = question.value;
    return what && html`<${Confirm} key=${what.title} what=${what} onClose=${() => {
        question.value = question.value === what ? null : question.value;
    }} />`;
}
