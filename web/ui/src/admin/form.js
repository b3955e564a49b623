// Fields of forms beside parts.js's Field, and a form that shows what the server says of its fields.
import {html} from 'htm/preact';
import {useId, useState} from 'preact/hooks';
import {Fault} from '../parts.js';
import {t} from '../strings.js';
import {toastFault, useGone} from './toasts.js';

const below = (id, hint, wrong) => html`<span id=${`${id}-hint`} class=${wrong ? 'wrong' : 'hint'} hidden=${!wrong && !hint}>${wrong || hint}</span>`;

/** @param {{label: string, options: [string, string][], [key: string]: any}} props options: value and words */
export function SelectField({label, options, value, hint = '', wrong = '', ...select}) {
    const id = useId();
    return html`<div class="field">
        <label for=${id}>${label}</label>
        <select id=${id} aria-invalid=${wrong ? 'true' : null} aria-describedby=${`${id}-hint`} ...${select}>
            ${options.map(([name, words]) => html`<option key=${name} value=${name} selected=${name === value}>${words}</option>`)}
        </select>
        ${below(id, hint, wrong)}
    </div>`;
}

export function TextField({label, defaultValue = '', hint = '', wrong = '', rows = 4, ...area}) {
    const id = useId();
    return html`<div class="field">
        <label for=${id}>${label}</label>
        <textarea id=${id} rows=${rows} aria-invalid=${wrong ? 'true' : null} aria-describedby=${`${id}-hint`} defaultValue=${defaultValue} ...${area}></textarea>
        ${below(id, hint, wrong)}
    </div>`;
}

export function CheckField({label, hint = '', wrong = '', ...input}) {
    const id = useId();
    return html`<div class="field check">
        <input type="checkbox" id=${id} aria-describedby=${`${id}-hint`} ...${input} />
        <label for=${id}>${label}</label>
        ${below(id, hint, wrong)}
    </div>`;
}

/**
 * A form whose act() gets its values; what the server finds wrong stands at its field, the first of which gets the focus.
 * children(wrong): the fields, wrong by name.
 */
export function Form({act, label, children, onCancel = null, isDangerous = false}) {
    const [error, setError] = useState(/** @type {any} */ (null));
    const [busy, setBusy] = useState(false);
    const isGone = useGone();
    const submit = async (event) => {
        event.preventDefault();
        if (busy) {
            return;
        }
        const form = event.currentTarget;
        setBusy(true);
        setError(null);
        try {
            await act(Object.fromEntries(new FormData(form)), form);
        } catch (fault) {
            if (isGone.current) {
                toastFault(fault);
                return;
            }
            setError(fault);
            form.elements[Object.keys(fault.fields ?? {})[0]]?.focus();
        }
        setBusy(false);
    };
    return html`<form class="stack" onSubmit=${submit} novalidate aria-busy=${busy}>
        ${children(error?.fields ?? {})}
        ${error && html`<${Fault} error=${error} />`}
        <div class="row end">
            ${onCancel && html`<button type="button" class="button" onClick=${onCancel}>${t.cancel}</button>`}
            <button class=${`button ${isDangerous ? 'danger' : 'primary'}`} aria-disabled=${busy ? 'true' : null}>${label}</button>
        </div>
    </form>`;
}
