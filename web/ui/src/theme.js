// Light or dark: as the system says, or as the person chose on this computer.
import {signal} from '@preact/signals';

const KEY = 'oriel.theme';
export const themes = ['system', 'light', 'dark'];
export const theme = signal(document.documentElement.dataset.theme ?? 'system');

/** @param {string} name */
export function setTheme(name) {
    theme.value = name;
    if (name === 'system') {
        delete document.documentElement.dataset.theme;
        localStorage.removeItem(KEY);
    } else {
        document.documentElement.dataset.theme = name;
        localStorage.setItem(KEY, name);
    }
}
