// Text of the clipboard, both ways: by hand through a panel, by itself where the browser allows it.
import {signal} from '@preact/signals';

const KEY = 'oriel.clipboard';
const MAX_CHARACTERS = 1 << 20;

export class Clipboard {
    /** @param {() => any} rfb @param {HTMLElement} keys while it has the focus, the clipboard may be read */
    constructor(rfb, keys) {
        this.rfb = rfb;
        this.text = signal('');
        this.isAuto = signal(localStorage.getItem(KEY) === 'auto');
        this.said = signal('');
        this.last = '';
        keys.addEventListener('focus', () => this.offer());
        window.addEventListener('focus', () => document.activeElement === keys && this.offer());
    }

    /** The desktop copied something. @param {string} text */
    async onDesktop(text) {
        this.text.value = text;
        this.last = text;
        this.said.value = 'got';
        if (this.isAuto.value && document.hasFocus()) {
            await navigator.clipboard.writeText(text).catch(() => {});
        }
    }

    /** @param {string} text */
    send(text) {
        const cut = text.slice(0, MAX_CHARACTERS);
        this.last = cut;
        this.text.value = cut;
        this.rfb()?.clipboardPasteFrom(cut);
        this.said.value = 'sent';
    }

    async offer() {
        if (!this.isAuto.value || !this.rfb()) {
            return;
        }
        const text = await navigator.clipboard.readText().catch(() => '');
        if (text && text !== this.last) {
            this.send(text);
        }
    }

    /** In a click: the browser may ask. @param {boolean} isAuto */
    async setAuto(isAuto) {
        this.said.value = '';
        if (isAuto) {
            try {
                await navigator.clipboard.readText();
            } catch {
                this.said.value = 'refused';
                isAuto = false;
            }
        }
        this.isAuto.value = isAuto;
        localStorage.setItem(KEY, isAuto ? 'auto' : 'hand');
    }

    async copy() {
        try {
            await navigator.clipboard.writeText(this.text.value);
            this.said.value = 'copied';
        } catch {
            this.said.value = 'refused';
        }
    }
}
