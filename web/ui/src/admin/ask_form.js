// A form in a dialog, opened by a button.
import {html} from 'htm/preact';
import {useState} from 'preact/hooks';
import {Dialog} from '../parts.js';
import {Form} from './form.js';
import {toast} from './toasts.js';

/**
 * children(wrong): the fields. act(values): what is done; its text is said afterwards.
 * @param {{label: string, title?: string, submit: string, act: (values: Record<string, any>) => Promise<string|void>, children: any, isPrimary?: boolean}} props
 */
export function FormButton({label, title = label, submit, act, children, isPrimary = false}) {
    const [isOpen, setOpen] = useState(false);
    const close = () => setOpen(false);
    const done = async (values) => {
        const said = await act(values);
        close();
        if (said) {
            toast(said);
        }
    };
    return html`<button type="button" class=${`button ${isPrimary ? 'primary' : ''}`} onClick=${() => setOpen(true)}>${label}</button>
        ${isOpen && html`<${Dialog} title=${title} onClose=${close}>
            <${Form} act=${done} label=${submit} onCancel=${close}>${children}<//>
        <//>`}`;
}
