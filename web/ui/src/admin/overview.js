import {html} from 'htm/preact';
import {PageHead} from './detail.js';
import {a} from './strings.js';

export function Overview() {
    return html`<${PageHead} title=${a.pages.overview} />`;
}
