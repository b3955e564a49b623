import {html} from 'htm/preact';
import {useEffect, useState} from 'preact/hooks';
import {desktopPath, getPicture, pathOf, post, seatOf} from '../api.js';
import {Dialog, Fault, Notice, when} from '../parts.js';
import {t} from '../strings.js';
import {desktops, isConnected, retryNow} from './live.js';
import {RdpDialog} from './rdp.js';

const THUMBNAIL_MS = 10000;
const FIRST_THUMBNAIL_MS = 2000;

/** @param {{pool: string, slot: number}} desktop */
const nameOf = (desktop) => t.desktops.name(desktop.pool, desktop.slot);

/** The person's place in the queue, and when to expect a desktop. */
function Place({desktop}) {
    return html`<p class="small place" role="status">${t.desktops.place(desktop.position, desktop.waiting)}
        ${desktop.eta_s > 0 && html` ${t.desktops.eta(desktop.eta_s)}`}</p>`;
}

/** What a person must know first, as a word and a colour. */
function stateOf(desktop) {
    if (desktop.problem_text) {
        return ['problem', t.desktops.states.problem];
    }
    if (desktop.maintenance && desktop.state === 'none') {
        return ['maintenance', t.desktops.states.maintenance];
    }
    const power = desktop.state === 'none' && desktop.kind === 'floating' ? '' : t.desktops.powers[desktop.power];
    const word = t.desktops.states[desktop.state] ?? desktop.state;
    return [desktop.state, power ? `${word}, ${power}` : word];
}

/** Asking makes the session send a newer one: so it is asked for also while there is none. */
function Thumbnail({desktop}) {
    const [picture, setPicture] = useState('');
    const isAsked = desktop.thumbnails && (desktop.has_thumbnail || desktop.state === 'active');
    const isThere = isAsked && picture !== '';
    useEffect(() => {
        if (!isAsked) {
            return undefined;
        }
        let isOver = false;
        const load = async () => {
            const blob = document.visibilityState === 'visible' ? await getPicture(`${desktopPath(seatOf(desktop))}/thumbnail`) : null;
            if (blob && !isOver) {
                setPicture(URL.createObjectURL(blob));
            }
        };
        load();
        const timer = setInterval(load, isThere ? THUMBNAIL_MS : FIRST_THUMBNAIL_MS);
        return () => {
            isOver = true;
            clearInterval(timer);
        };
    }, [isAsked, isThere, desktop.has_thumbnail, desktop.session]);
    useEffect(() => () => URL.revokeObjectURL(picture), [picture]);
    return html`<div class="thumbnail">
        ${isThere ? html`<img src=${picture} alt=${t.desktops.thumbnail(nameOf(desktop))} />`
            : html`<div class="empty"><svg viewBox="0 0 48 36" aria-hidden="true"><path d="M4 4h40v24H4zM18 34h12M24 28v6" /></svg>
                <span>${desktop.thumbnails ? t.desktops.noThumbnail : t.desktops.offThumbnail}</span></div>`}
    </div>`;
}

function Confirm({action, desktop, onClose, onDone}) {
    const [error, setError] = useState(null);
    const [busy, setBusy] = useState(false);
    const ask = t.desktops.ask[action];
    const keeps = action === 'restart' ? t.desktops.restartKeeps : t.desktops.logoffKeeps;
    const act = async () => {
        setBusy(true);
        try {
            await post(`${desktopPath(seatOf(desktop))}/${action}`);
            onDone(t.desktops.done[action](nameOf(desktop)));
        } catch (fault) {
            setBusy(false);
            setError(fault);
        }
    };
    return html`<${Dialog} title=${ask.title(nameOf(desktop))} onClose=${onClose}>
        <div class="stack">
            <p>${action === 'logoff' && !desktop.files_kept ? t.desktops.loses : keeps}</p>
            ${error && html`<${Fault} error=${error} />`}
            <div class="row end">
                <button type="button" class="button" autofocus onClick=${onClose}>${t.cancel}</button>
                <button type="button" class="button danger" disabled=${busy} onClick=${act}>${ask.yes}</button>
            </div>
        </div>
    <//>`;
}

/** another: where the person could open one more of this pool; empty: nowhere, or another card says so. */
function Card({desktop, another, me, onSay, onDialog}) {
    const [error, setError] = useState(null);
    const [kind, word] = stateOf(desktop);
    const exists = desktop.state === 'active' || desktop.state === 'disconnected';
    const canStart = desktop.files_kept && desktop.kind === 'dedicated' && ['stopped', 'failed', 'suspended'].includes(desktop.power);
    const canOpen = !me.must_enrol && !(desktop.maintenance && desktop.state === 'none');
    const id = `card-${seatOf(desktop)}`;
    /** @param {'start'|'unwatch'} what */
    const act = async (what) => {
        setError(null);
        try {
            await post(`${desktopPath(seatOf(desktop))}/${what}`);
            onSay(t.desktops.done[what](nameOf(desktop)));
        } catch (fault) {
            setError(fault);
        }
    };
    return html`<li class="card" aria-labelledby=${id}>
        <${Thumbnail} desktop=${desktop} />
        <div class="card-body">
            <div>
                <h2 id=${id}>${nameOf(desktop)}</h2>
                <p class="small muted">${t.desktops.kinds[desktop.kind] ?? desktop.kind}</p>
                ${!desktop.files_kept && html`<p id=${`${id}-files`} class="small">${t.desktops.deletes}</p>`}
            </div>
            <p class=${`state ${kind}`}><span class="dot" aria-hidden="true"></span>${word}</p>
            ${desktop.problem_text && html`<p class="small">${desktop.problem_text}</p>`}
            ${exists && desktop.started_ms > 0 && html`<p class="small muted">${t.desktops.since(when(desktop.started_ms))}</p>`}
            ${desktop.position > 0 && html`<${Place} desktop=${desktop} />`}
            ${!exists && !(desktop.position > 0) && desktop.waiting > 0 && html`<p class="small muted">${t.desktops.waiting(desktop.waiting)}</p>`}
            ${desktop.watched_text && html`<${Notice} kind="warn"><div class="row"><span>${desktop.watched_text}</span>
                <button type="button" class="button" aria-label=${`${t.desktops.unwatch}: ${nameOf(desktop)}`} onClick=${() => act('unwatch')}>${t.desktops.unwatch}</button></div><//>`}
            ${error && html`<${Fault} error=${error} />`}
            <div class="actions">
                <a class="button primary" href=${canOpen ? `/desktop/${pathOf(seatOf(desktop))}` : null}
                    aria-disabled=${canOpen ? null : 'true'} aria-label=${`${t.desktops.open}: ${nameOf(desktop)}`}
                    aria-describedby=${desktop.files_kept ? null : `${id}-files`}>${t.desktops.open}</a>
                <div class="row">
                    ${another && html`<a class="button plain" href=${`/desktop/${pathOf(another)}`}
                        aria-label=${`${t.desktops.another}: ${desktop.pool}`}>${t.desktops.another}</a>`}
                    <button type="button" class="button plain" onClick=${() => onDialog({action: 'rdp', desktop})}>${t.desktops.rdp}</button>
                    ${canStart && html`<button type="button" class="button plain" onClick=${() => act('start')}>${t.desktops.start}</button>`}
                    ${exists && desktop.kind !== 'static' && html`
                        <button type="button" class="button plain" onClick=${() => onDialog({action: 'restart', desktop})}>${t.desktops.restart}</button>
                        <button type="button" class="button plain" onClick=${() => onDialog({action: 'logoff', desktop})}>${t.desktops.logoff}</button>`}
                </div>
            </div>
        </div>
    </li>`;
}

export function Desktops({me}) {
    const [dialog, setDialog] = useState(/** @type {{action: string, desktop: any}|null} */ (null));
    const [said, say] = useState('');
    const list = desktops.value;
    const close = () => setDialog(null);
    return html`
        <h1 tabindex="-1">${t.desktops.title}</h1>
        ${!isConnected.value && html`<${Notice} kind="warn"><div class="row"><span>${t.desktops.offline}</span>
            <button type="button" class="button" onClick=${retryNow}>${t.desktops.retryNow}</button></div><//>`}
        ${me.must_enrol && html`<${Notice} kind="warn"><span>${t.account.mustEnrol}</span>
            <span><a href="#account">${t.account.enrol}</a></span><//>`}
        <p class=${said ? 'said' : 'visually-hidden'} role="status">${said}</p>
        ${list === null && html`<p class="muted" aria-live="polite">${t.loading}</p>`}
        ${list?.length === 0 && html`<div class="nothing"><h2>${t.desktops.none}</h2><p class="muted">${t.desktops.noneHint}</p></div>`}
        ${list && list.length > 0 && html`<ul class="cards">
            ${list.map((desktop, i) => html`<${Card} key=${seatOf(desktop)} desktop=${desktop} me=${me} onSay=${say} onDialog=${setDialog}
                another=${desktop.next_slot > 0 && list[i - 1]?.pool !== desktop.pool ? seatOf({pool: desktop.pool, slot: desktop.next_slot}) : ''} />`)}
        </ul>`}
        ${dialog?.action === 'rdp' && html`<${RdpDialog} desktop=${dialog.desktop} onClose=${close} />`}
        ${dialog && dialog.action !== 'rdp' && html`<${Confirm} ...${dialog} onClose=${close} onDone=${(text) => {
            close();
            say(text);
        }} />`}`;
}
