// Parts of every page: its head, panels, facts, states as a word and a colour.
import {html} from 'htm/preact';
import {useId} from 'preact/hooks';
import {a} from './strings.js';
import {href} from './route.js';

/** A page's heading; on the page of one object the way back. actions: buttons. */
export function PageHead({title, page = '', lead = '', children = null}) {
    return html`<div class="page-head">
        ${page && html`<nav aria-label=${a.back}><a href=${href(page)}>← ${a.pages[page]}</a></nav>`}
        <div class="row between"><h1 tabindex="-1">${title}</h1><div class="row">${children}</div></div>
        ${lead && html`<p class="muted">${lead}</p>`}
    </div>`;
}

export function Panel({title, children, actions = null, isWide = false}) {
    const id = useId();
    return html`<section class=${`panel ${isWide ? 'wide' : ''}`} aria-labelledby=${id}>
        <div class="row between"><h2 id=${id}>${title}</h2>${actions && html`<div class="row">${actions}</div>`}</div>
        ${children}
    </section>`;
}

/** @param {{list: [string, any][]}} props what has no value is left out */
export function Facts({list}) {
    return html`<dl class="facts">${list.filter(([, value]) => value !== '' && value !== null && value !== undefined && value !== false)
        .map(([name, value]) => html`<dt>${name}</dt><dd>${value}</dd>`)}</dl>`;
}

/** @param {{kind: 'ok'|'info'|'warn'|'problem'|'idle', children?: any}} props */
export function State({kind, children}) {
    return html`<span class=${`state ${kind}`}><span class="dot" aria-hidden="true"></span>${children}</span>`;
}

/** A share of something that can be full. @param {{label: string, share: number, words: string}} props share: of 100 */
export function Gauge({label, share, words}) {
    return html`<div class="gauge"><span class="small">${label}</span>
        <meter min="0" max="100" high="85" value=${share} aria-label=${label}>${words}</meter><span class="small mono">${words}</span></div>`;
}

/** A number with a name, that leads somewhere. */
export function Tile({label, value, hint = '', to, kind = ''}) {
    return html`<a class=${`tile ${kind}`} href=${to}><span class="small muted">${label}</span><strong>${value}</strong>
        <span class="small muted">${hint || '\u00a0'}</span></a>`;
}
