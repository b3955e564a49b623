// What stands over the desktop while there is no live picture: never a frozen one.
import {html} from 'htm/preact';
import {useEffect, useRef} from 'preact/hooks';
import {useCountdown} from '../parts.js';
import {t} from '../strings.js';

const d = t.desktop;

function Ended({state, session}) {
    const button = useRef(/** @type {HTMLElement|null} */ (null));
    useEffect(() => button.current?.focus(), []);
    const isSignedOut = state.code === 'signed_out' || state.code === 'access.revoked';
    const leave = session.watch && html`<a class="button primary" href=${`/admin#/sessions`} ref=${button}>${d.watch.leave}</a>`;
    return html`<div class="overlay"><div class="overlay-box" role="alert">
        <h2>${d.ended}</h2>
        <p>${state.text}</p>
        ${state.code && html`<p class="small muted mono">${t.code(state.code, state.audit)}</p>`}
        <div class="row">
            ${leave || (isSignedOut ? html`<a class="button primary" href="/" ref=${button}>${d.signIn}</a>`
                : html`<button type="button" class="button primary" ref=${button} onClick=${() => session.again()}>${d.again}</button>
                    <a class="button" href="/">${d.leave}</a>`)}
        </div>
    </div></div>`;
}

function Waiting({state, session}) {
    const seconds = useCountdown(state.retryAt);
    return html`<div class="overlay"><div class="overlay-box">
        <div role="status" class="stack"><h2>${state.text || d.phases.lost}</h2></div>
        <p><span class="spinner" aria-hidden="true"></span> ${d.phases.retry(state.attempt, seconds)}</p>
        ${state.code && html`<p class="small muted mono">${t.code(state.code, state.audit)}</p>`}
        <div class="row"><button type="button" class="button primary" onClick=${() => session.retryNow()}>${d.now}</button>
            <a class="button" href="/">${d.leave}</a></div>
    </div></div>`;
}

export function Overlay({session}) {
    const state = session.state.value;
    if (state.phase === 'live') {
        // It is on the picture, too: this is for who does not see it.
        return html`<p class="visually-hidden notice" role="status">${session.notice.value}</p>
            ${state.isSilent && html`<p class="silent" role="status">${d.phases.silent}</p>`}`;
    }
    if (state.phase === 'ended') {
        return html`<${Ended} state=${state} session=${session} />`;
    }
    if (state.phase === 'waiting') {
        return html`<${Waiting} state=${state} session=${session} />`;
    }
    return html`<div class="overlay"><div class="overlay-box"><p role="status"><span class="spinner" aria-hidden="true"></span>
        ${state.phase === 'asking' ? state.text : d.phases[state.phase]}</p>${state.attempt > 0 && html`<p class="small muted">${d.phases.retry(state.attempt, 0)}</p>`}</div></div>`;
}
