import {html} from 'htm/preact';

const paths = {
    back: 'M15 5l-7 7 7 7',
    fullscreen: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
    windowed: 'M9 4v5H4M20 9h-5V4M15 20v-5h5M4 15h5v5',
    fit: 'M3 5h18v14H3zM8 12h8M8 12l2-2M8 12l2 2M16 12l-2-2M16 12l-2 2',
    keys: 'M3 7h18v11H3zM7 11h.01M11 11h.01M15 11h.01M8 15h8',
    clipboard: 'M8 5H6v15h12V5h-2M9 3h6v4H9zM9 12h6M9 16h4',
    quality: 'M3 5h18v14H3zM3 15l5-5 5 5 3-3 5 5',
    sound: 'M4 10v4h4l5 4V6l-5 4zM16 9a4 4 0 010 6M19 6a8 8 0 010 12',
    mute: 'M4 10v4h4l5 4V6l-5 4zM16 10l4 4M20 10l-4 4',
    meter: 'M4 18v-4M10 18v-8M16 18V6M22 18V3',
    disconnect: 'M12 3v9M6.5 6.5a8 8 0 1011 0',
};

export function Icon({name}) {
    return html`<svg viewBox="0 0 24 24" aria-hidden="true"><path d=${paths[name]} /></svg>`;
}
